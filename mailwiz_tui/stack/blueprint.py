"""The blueprint of one server, as plain values.

A blueprint is made by ``compile.py`` from a plan and facts without connecting to anything, so it can be
printed, compared with a server, tested as a golden file, and rehearsed. Its items are types that the agent
shares (``agent/protocol/blueprint.py``), which carries them out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from mailwiz_tui.agent.protocol.blueprint import (
    Absent,
    AgentBlueprint,
    Ask,
    Command,
    Directory,
    File,
    Item,
    Leftovers,
    Packages,
    Ready,
    SecretSpec,
    Step,
    Unit,
    User,
    Wait,
)
from mailwiz_tui.agent.protocol.codec import Json, to_json

__all__ = [
    "Absent",
    "Ask",
    "Blueprint",
    "Command",
    "Directory",
    "File",
    "Item",
    "Leftovers",
    "Packages",
    "Port",
    "PortTls",
    "Probe",
    "Program",
    "Ready",
    "Scope",
    "SecretSpec",
    "Step",
    "Unit",
    "User",
    "Wait",
]


class Scope(StrEnum):
    """Who may reach a port: everybody, the plan's other servers, or only the server itself."""

    PUBLIC = "public"
    PEERS = "peers"
    LOCAL = "local"


class PortTls(StrEnum):
    """How a port speaks TLS."""

    IMPLICIT = "implicit"
    STARTTLS = "starttls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Program:
    """A program that may listen on a port of the stack, by its name in ss(8).

    ``package`` is its mail software, of the stack or replaced by a component: only if that is installed may the
    program be there; another check asks who configured it.
    """

    name: str
    package: str = ""


@dataclass(frozen=True, slots=True)
class Port:
    """A port that the stack listens on; the firewall and the verification are derived from these.

    ``ask`` is the test whether its service answers, before the step that starts it ends. ``holders`` are the
    programs that may listen there before an installation; ``compile.py`` takes them from the port's component.
    ``volume``: it listens only on the server that has the volume that moves.
    """

    number: int
    service: str
    scope: Scope
    tls: PortTls = PortTls.NONE
    protocol: str = "tcp"
    ask: Ask = Ask.TCP
    holders: tuple[Program, ...] = field(default=(), repr=False)
    volume: bool = field(default=False, repr=False)


@dataclass(frozen=True, slots=True)
class Probe:
    """A check that the agent makes on the server: run ``argv``, expect exit 0 and ``expect`` (regex) in its output.

    ``refuse`` is a regular expression that must not occur. ``proves`` and ``advice`` are for the operator.
    ``volume`` is the mount point of a volume that moves, for a check of what runs only where it is.
    """

    id: str
    proves: str
    argv: tuple[str, ...]
    expect: str = ""
    refuse: str = ""
    advice: str = ""
    exit_code: int = 0
    volume: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Blueprint:
    """All of one server: packages, steps, ports, checks.

    ``keys`` are created on the server by *prepare*, before this blueprint is compiled again with their public
    halves. ``preflight`` must pass before any change. ``findings`` are sentences for the operator about what the
    facts rule out (for example: the resolver strips DNSSEC, so outbound DANE is off).
    """

    server_id: str
    steps: tuple[Step, ...]
    secrets: tuple[SecretSpec, ...] = ()
    ports: tuple[Port, ...] = ()
    probes: tuple[Probe, ...] = ()
    preflight: tuple[Probe, ...] = ()
    findings: tuple[str, ...] = ()
    meta: dict[str, str] = field(default_factory=dict)

    def items(self) -> Iterator[tuple[Step, Item]]:
        """Every item with the step it belongs to, in the order of execution."""
        for step in self.steps:
            for item in step.items:
                yield step, item

    def files(self) -> dict[str, File]:
        """The managed files by path."""
        return {item.path: item for _, item in self.items() if isinstance(item, File)}

    def packages(self) -> tuple[str, ...]:
        """The packages, sorted, each once."""
        return tuple(sorted({n for _, item in self.items() if isinstance(item, Packages) for n in item.names}))

    def units(self) -> tuple[Unit, ...]:
        """The managed units, in order."""
        return tuple(item for _, item in self.items() if isinstance(item, Unit))

    def ready(self) -> tuple[Ready, ...]:
        """The services whose answer is awaited, in order."""
        return tuple(item for _, item in self.items() if isinstance(item, Ready))

    @property
    def volume(self) -> str:
        """The mount point of the volume that moves; empty if no data of this server does."""
        return next((step.volume for step in self.steps if step.volume), "")

    def without_volume(self) -> Blueprint:
        """What is expected of a server while the volume is on another one: its daemons are stopped."""
        steps = tuple(
            replace(step, items=tuple(item for item in step.items if not _follows(step, item)), volume="")
            for step in self.steps
        )
        return replace(
            self,
            steps=steps,
            ports=tuple(port for port in self.ports if not port.volume),
            probes=tuple(probe for probe in self.probes if not probe.volume),
        )

    def for_agent(self) -> AgentBlueprint:
        """The blueprint for the server's agent."""
        return AgentBlueprint(self.server_id, self.steps, self.secrets)

    def to_json(self) -> Json:
        """The blueprint as JSON-compatible values; each item carries its ``kind``."""
        return to_json(self)


def _follows(step: Step, item: Item) -> bool:
    """Whether an item works only where the volume is."""
    if isinstance(item, Ready):
        return bool(step.volume or item.volume)
    return isinstance(item, Unit) and bool(step.volume)

"""Which programs may listen at each port before an installation: those of the component that owns the port."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import File, Port, Program
from mailwiz_tui.stack.component import Component, Contribution

NAME_LENGTH = 15
"""Bytes of a name that the kernel keeps (proc(5), /proc/PID/comm)."""


def with_holders(contribution: Contribution, component: Component) -> Contribution:
    """A component's contribution, with its programs beside its ports: Debian's, and those that it ships itself."""
    holders = (*component.programs, *map(Program, _shipped(contribution)))
    return replace(contribution, ports=tuple(replace(port, holders=holders) for port in contribution.ports))


def all_ports(contributions: Iterable[Contribution]) -> tuple[Port, ...]:
    """The ports of all contributions, in order, each once, with every program that may hold it."""
    found: dict[Port, dict[Program, None]] = {}
    for contribution in contributions:
        for port in contribution.ports:
            found.setdefault(replace(port, holders=()), {}).update(dict.fromkeys(port.holders))
    ports = (replace(port, holders=tuple(holders)) for port, holders in found.items())
    return tuple(sorted(ports, key=lambda port: (port.number, port.protocol, port.service)))


def _shipped(contribution: Contribution) -> list[str]:
    """The names under which the kernel shows the programs among a contribution's files (``programs.launcher``)."""
    files = (item for step in contribution.steps for item in step.items if isinstance(item, File))
    return [
        file.path.rpartition("/")[2][:NAME_LENGTH]
        for file in files
        if file.path.rpartition("/")[0] == layout.LIB_DIR and file.mode & 0o111
    ]

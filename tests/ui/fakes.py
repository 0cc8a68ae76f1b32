"""An engine, a verifier and a prober that follow a script, typed like the real ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from mailwiz_tui.deploy.batches import Order
from mailwiz_tui.deploy.diff import Change, ServerDiff
from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.deploy.events import Event, LogLine, ServerChanged, ServerPhase, StepChanged, StepPhase, Subscriber
from mailwiz_tui.deploy.network import PairReport
from mailwiz_tui.deploy.outcome import ServerOutcome
from mailwiz_tui.deploy.prompts import Prompts
from mailwiz_tui.fleet.facts import Address, Disk, DkimPublicKey, Facts, FactsFile, ServerRecord, TlsPublic
from mailwiz_tui.fleet.server import Inventory, Server
from mailwiz_tui.manage.first_secrets import FirstSecrets
from mailwiz_tui.manage.handover import Handover
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.ui.session.backends import Backends, OnResult
from mailwiz_tui.verify.health import Health
from mailwiz_tui.verify.obstacle import Concern, Obstacle
from mailwiz_tui.verify.result import CheckResult, CheckState
from mailwiz_tui.verify.sample import Sample
from mailwiz_tui.verify.watch import DnsDrift, Watcher
from tests.doubles import EngineDouble

PASSWORD = "Canary-7f3Qm2x9KpLw"
ONE_SERVER = Plan.model_validate(
    {
        "servers": [{"id": "mx1", "roles": ["all-in-one"]}],
        "domain": {"primary_domain": "example.com", "hostname": "mail.example.com"},
    }
)
KEY = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA" + "k7Zq" * 85 + "wIDAQAB"


def debian_facts(ip: str = "192.0.2.21") -> Facts:
    """A bare Debian 13 server."""
    return Facts(
        os_id="debian",
        os_version="13",
        codename="trixie",
        os_name="Debian GNU/Linux 13 (trixie)",
        architecture="amd64",
        addresses=(Address(ip=ip, interface="eth0", is_global=True),),
        public_ipv4=ip,
        memory_total=2 * 1024**3,
        disks=(Disk(mount="/", total=20 * 1024**3, free=18 * 1024**3),),
        privilege="root",
    )


def known_server(ip: str = "192.0.2.21", selector: str = "2026a") -> ServerRecord:
    """What is known of a server once keys were made on it."""
    return ServerRecord(
        facts=debian_facts(ip),
        dkim=(DkimPublicKey(selector=selector, bits=2048, public_key=KEY),),
        tls=TlsPublic(subject_names=("mail.example.com",), certificate_sha256="ab" * 32, spki_sha256="cd" * 32),
    )


def ended(
    server_id: str,
    state: ServerPhase,
    changed: bool = True,
    failed_step: str = "",
    reason: str = "",
    advice: str = "",
    skipped: tuple[str, ...] = (),
) -> ServerOutcome:
    """How it ended on one server, which was changed by default."""
    return ServerOutcome(server_id, state, changed, failed_step, reason, advice, skipped=skipped)


def file_diff(server_id: str, path: str, *lines: str) -> ServerDiff:
    """What an installation would change: one file."""
    return ServerDiff(server_id, (Change("step", "Configure", "file", path, "write", lines),))


class FakeClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass(slots=True)
class Script:
    """What the fake does: events to send, then wait for ``go`` where the script is held."""

    events: list[Event] = field(default_factory=list)
    outcomes: dict[str, ServerOutcome] = field(default_factory=dict)
    accounts: dict[str, SecretStr] = field(default_factory=dict)
    administrators: dict[str, SecretStr] = field(default_factory=dict)
    backup_keys: dict[str, SecretStr] = field(default_factory=dict)
    checks: list[CheckResult] = field(default_factory=list)
    hold: asyncio.Event | None = None
    error: Exception | None = None
    known: FactsFile = field(default_factory=FactsFile)
    diffs: dict[str, ServerDiff] = field(default_factory=dict)
    acknowledged: int = 0
    pairs: list[PairReport] = field(default_factory=list)
    closed: int = 0
    applied: int = 0
    asked: list[tuple[tuple[str, ...], dict[str, tuple[str, ...]]]] = field(default_factory=list)
    second: list[Event] = field(default_factory=list)
    late: dict[str, ServerOutcome] = field(default_factory=dict)
    stopped: int = 0
    removed_servers: list[str] = field(default_factory=list)
    samples: dict[str, Sample | Exception] = field(default_factory=dict)
    results: list[CheckResult] = field(default_factory=list)
    watcher: Watcher | None = None
    drift: DnsDrift = field(default_factory=lambda: DnsDrift(fine=14))
    looks: int = 0
    adopted: tuple[str, ...] = ()


class FakeEngine(EngineDouble):
    """Plays a script to its subscribers."""

    def __init__(self, script: Script, plan: Plan = ONE_SERVER, inventory: Inventory | None = None) -> None:
        super().__init__(plan, inventory, script.known)
        self.script = script
        self.subscribers: list[Subscriber] = []

    def subscribe(self, callback: Subscriber) -> Callable[[], None]:
        self.subscribers.append(callback)
        return lambda: self.subscribers.remove(callback)

    def emit(self, event: Event) -> None:
        for subscriber in tuple(self.subscribers):
            subscriber(event)

    async def probe(self, server: Server) -> Facts:
        return debian_facts(server.host)

    async def survey(self) -> list[PairReport]:
        if self.script.hold is not None:
            await self.script.hold.wait()
        if self.script.error is not None:
            raise self.script.error
        return self.script.pairs

    async def prepare(self) -> FactsFile:
        return self.script.known

    async def diff(self) -> Mapping[str, ServerDiff]:
        return self.script.diffs

    async def apply(
        self,
        only: Collection[str] = (),
        skip: Mapping[str, Collection[str]] | None = None,
        order: Order | None = None,
    ) -> Mapping[str, ServerOutcome]:
        self.script.applied += 1
        self.script.asked.append((tuple(only), {i: tuple(sorted(steps)) for i, steps in (skip or {}).items()}))
        if only and self.script.late:
            return self._again(only)
        for event in self.script.events:
            self.emit(event)
        if self.script.hold is not None:
            await self.script.hold.wait()
        if self.script.error is not None:
            raise self.script.error
        outcomes = {i: outcome for i, outcome in self.script.outcomes.items() if not only or i in only}
        for server_id, outcome in outcomes.items():
            self.emit(ServerChanged(server_id, outcome.state, outcome.reason, outcome.advice))
        return outcomes

    def _again(self, only: Collection[str]) -> Mapping[str, ServerOutcome]:
        for event in self.script.second:
            self.emit(event)
        outcomes = {i: self.script.late[i] for i in only}
        for server_id, outcome in outcomes.items():
            self.emit(ServerChanged(server_id, outcome.state, outcome.reason, outcome.advice))
        return outcomes

    async def attach(self) -> Mapping[str, ServerOutcome]:
        return await self.apply()

    def tell_removed_servers(self) -> list[str]:
        return self.script.removed_servers

    async def stop_after_step(self) -> list[str]:
        self.script.stopped += 1
        return list(self.script.outcomes)

    async def close(self) -> None:
        self.script.closed += 1


class FakeFirstSecrets(FirstSecrets):
    """Hands over what the script holds."""

    def __init__(self, script: Script) -> None:
        self.script = script

    async def collect(self) -> Handover:
        return Handover(self.script.accounts, self.script.administrators, self.script.backup_keys)

    async def acknowledge(self) -> None:
        self.script.acknowledged += 1


def health(sample: Sample, results: Sequence[CheckResult] = (), server_id: str = "mx1") -> Health:
    """The health of a server that shall listen on the ports of mail."""
    ports = (("tcp", 25), ("tcp", 465), ("tcp", 587), ("tcp", 993))
    return Health(server_id, sample.at, sample, tuple(results), ports, clustered=sample.cluster is not None)


class FakeWatcher(Watcher):
    """Gives the script's samples; what has none is never told."""

    def __init__(self, script: Script) -> None:
        self.script = script

    async def look(self, server_id: str) -> Health:
        self.script.looks += 1
        sample = self.script.samples.get(server_id)
        if isinstance(sample, Exception):
            raise sample
        if sample is None:
            await asyncio.Event().wait()
            raise AssertionError
        return health(sample, self.script.results, server_id)

    async def check(self, server_id: str) -> bool:
        return True

    async def drift(self) -> DnsDrift:
        return self.script.drift


def backends(script: Script) -> Backends:
    """Backends that play a script."""

    def engine(
        plan: Plan, inventory: Inventory, *, prompts: Prompts, facts_path: Path, adopt: Collection[str]
    ) -> EngineApi:
        script.adopted = tuple(sorted(adopt))
        return FakeEngine(script, plan, inventory)

    async def verify(engine: EngineApi, *, on_result: OnResult) -> list[CheckResult]:
        for check in script.checks:
            on_result(check)
        return script.checks

    async def probe(server: Server, prompts: Prompts) -> Facts:
        if script.error is not None:
            raise script.error
        return debian_facts(server.host)

    return Backends(
        engine,
        verify,
        probe,
        watcher=lambda engine, resolver: script.watcher or FakeWatcher(script),
        first_secrets=lambda engine: FakeFirstSecrets(script),
    )


OPTIONAL = ("Firewall",)


def steps_of(server_id: str, total: int, done: int) -> list[Event]:
    """Events of an installation with ``done`` steps behind it and the next one running."""
    titles = ("Packages", "Resolver", "Certificates", "Database", "Postfix", "Dovecot", "Rspamd", "Firewall")
    events: list[Event] = [ServerChanged(server_id, ServerPhase.CONNECTING, f"connecting to {server_id}")]
    events.append(ServerChanged(server_id, ServerPhase.INSTALLING))
    for index in range(1, total + 1):
        title = titles[(index - 1) % len(titles)]
        optional = title in OPTIONAL
        events.append(
            StepChanged(server_id, title.lower(), title, index, total, StepPhase.PENDING, optional=optional)
        )
    for index in range(1, done + 2):
        title = titles[(index - 1) % len(titles)]
        step_id = title.lower()
        events.append(StepChanged(server_id, step_id, title, index, total, StepPhase.RUNNING))
        events.append(LogLine(server_id, step_id, f"Setting up {step_id} (1.{index}) ..."))
        if index <= done:
            events.append(StepChanged(server_id, step_id, title, index, total, StepPhase.CHANGED))
    return events


PASSED = CheckResult("smtp.banner", "mx1", CheckState.PASSED, "Port 25 answers with the mail host's name.")
FAILED = CheckResult(
    "smtp.open-relay",
    "mx1",
    CheckState.FAILED,
    "Strangers cannot send mail to strangers through the server.",
    "expected 550 or 554, got 250",
    "look at smtpd_relay_restrictions in main.cf",
)
UNPUBLISHED = CheckResult(
    "dns.mx",
    "mx1",
    CheckState.WARNING,
    "Other servers find the mail servers of the domains (MX).",
    "not published yet: example.com MX",
    "Publish example.com MX 10 mail.example.com.",
    obstacles=(Obstacle(Concern.INCOMING, "Mail from outside cannot arrive", "MX of example.com"),),
)
NO_SPF = CheckResult(
    "dns.spf",
    "mx1",
    CheckState.WARNING,
    "Receivers find which servers send for the domains (SPF).",
    "not published yet: example.com TXT",
    "Publish example.com TXT v=spf1 mx -all",
    obstacles=(
        Obstacle(Concern.OUTGOING, "Receivers will reject mail or mark it as spam", "SPF of example.com"),
        Obstacle(Concern.RECOMMENDED, "Recommended", "SPF of mail.example.com"),
    ),
)
DELIVERED = CheckResult(
    "mail-in.delivery",
    "mx1",
    CheckState.PASSED,
    "A message from outside is delivered to a mailbox and read over IMAP.",
)
NOT_RUN = CheckResult(
    "mail.out", "mx1", CheckState.NOT_RUN, "Mail leaves to other servers.", "port 25 outwards is closed here"
)

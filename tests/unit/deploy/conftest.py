"""An SSH server in this process whose only host is a rehearsed machine; the real agent runs there."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from mailwiz_tui.deploy import follower
from mailwiz_tui.deploy.engine import Engine
from mailwiz_tui.deploy.events import Event
from mailwiz_tui.deploy.history import History
from mailwiz_tui.deploy.prompts import RefusingPrompts
from mailwiz_tui.fleet.facts import Facts, FactsFile
from mailwiz_tui.fleet.server import Inventory, Server
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.stack.blueprint import Blueprint
from tests.unit.agent.rehearsal import Rehearsal


class Gate(asyncssh.SSHServer):
    """Lets everybody in who may connect at all."""

    def __init__(self, host: RehearsedHost) -> None:
        self._host = host

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._host.connections.append(conn)

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return self._host.lets_in


class RehearsedHost:
    """The server: ``cut`` ends all connections as a broken line would."""

    def __init__(self, machine: Rehearsal, folder: Path, asked_root: Path | None = None) -> None:
        """``asked_root`` is the root that engines ask for where it is another machine's."""
        self.machine = machine
        self.asked_root = asked_root or machine.root
        self.lets_in = True
        self.connections: list[asyncssh.SSHServerConnection] = []
        self.commands: list[str] = []
        self._children: list[asyncio.subprocess.Process] = []
        self._folder = folder
        self._host_key = asyncssh.generate_private_key("ssh-ed25519")
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self.port = 0
        key = asyncssh.generate_private_key("ssh-ed25519")
        key.write_private_key(str(folder / "identity"))
        (folder / "identity").chmod(0o600)

    async def listen(self) -> None:
        self._acceptor = await asyncssh.listen(
            "127.0.0.1", self.port, server_factory=lambda: Gate(self), server_host_keys=[self._host_key],
            process_factory=self._process, encoding=None,
        )  # fmt: skip
        self.port = self._acceptor.get_port()
        public = self._host_key.export_public_key().decode().strip()
        (self._folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {public}\n")

    def cut(self) -> None:
        for connection in self.connections:
            connection.abort()
        self.connections.clear()

    async def close(self) -> None:
        self.cut()
        assert self._acceptor
        self._acceptor.close()
        await self._acceptor.wait_closed()
        for child in self._children:
            assert child.stdin
            child.stdin.close()
            await child.wait()

    def server(self, server_id: str = "mx1") -> Server:
        return Server(
            id=server_id, host="127.0.0.1", port=self.port, user="root",
            identity_file=self._folder / "identity", known_hosts=self._folder / "known_hosts",
        )  # fmt: skip

    async def _process(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        self.commands.append(process.command or "")
        command = (process.command or "true").replace(str(self.asked_root), str(self.machine.root))
        child = await asyncio.create_subprocess_exec(
            "sh", "-c", command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE, env={**os.environ},
        )  # fmt: skip
        self._children.append(child)
        await process.redirect(stdin=child.stdin, stdout=child.stdout, stderr=child.stderr, send_eof=False)
        status = await child.wait()
        with contextlib.suppress(OSError, asyncssh.Error):
            await process.stdout.drain()
            process.exit(status)


@pytest.fixture
def machine(tmp_path: Path) -> Rehearsal:
    return Rehearsal(tmp_path / "root")


@pytest.fixture
async def host(machine: Rehearsal, tmp_path: Path) -> AsyncIterator[RehearsedHost]:
    made = RehearsedHost(machine, tmp_path)
    await made.listen()
    yield made
    await made.close()


@pytest.fixture
async def second(machine: Rehearsal, tmp_path: Path) -> AsyncIterator[RehearsedHost]:
    """Another machine, for the engine of the first."""
    folder = tmp_path / "second"
    folder.mkdir()
    made = RehearsedHost(Rehearsal(folder / "machine"), folder, asked_root=machine.root)
    await made.listen()
    yield made
    await made.close()


class Rehearsing(Engine):
    """An engine that also keeps the events."""

    events: list[Event]


NewEngine = Callable[..., Rehearsing]


@pytest.fixture
async def new_engine(
    host: RehearsedHost, machine: Rehearsal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[NewEngine]:
    """Makes engines for the rehearsed host that carry out a given blueprint."""
    monkeypatch.setattr(follower, "_FIRST_WAIT", 0.05)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("mailwiz_tui.deploy.preflight.DISK", 0)
    made: list[Rehearsing] = []

    def new(
        blueprint: Blueprint | Callable[[str, FactsFile], Blueprint],
        *,
        servers: tuple[Server, ...] = (),
        **options: Any,
    ) -> Rehearsing:
        inventory = Inventory(servers=servers or (host.server(),))
        plan = Plan.model_validate(
            {
                "servers": [{"id": s.id, "roles": ["all-in-one"]} for s in inventory.servers],
                "domain": {"primary_domain": "example.com", "hostname": "mail.example.com"},
                "security": {"tls": {"provider": "selfsigned"}},
            }
        )

        def compile_blueprint(plan: Plan, server_id: str, known: FactsFile) -> Blueprint:
            return blueprint(server_id, known) if callable(blueprint) else blueprint

        engine = Rehearsing(
            plan, inventory, prompts=RefusingPrompts(), root=str(machine.root), compile_blueprint=compile_blueprint,
            history=History(tmp_path / "durations.json"), facts_path=tmp_path / "plan.facts.json",
            **dict[str, Any]({"gate_seconds": 5.0, "give_up_after": 20.0, **options}),
        )  # fmt: skip
        engine.events = []
        engine.subscribe(engine.events.append)
        made.append(engine)
        return engine

    monkeypatch.setattr("mailwiz_tui.deploy.work.preflight.refusals", _only_foreign(monkeypatch))
    yield new
    for engine in made:
        await engine.close()


def _only_foreign(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[object]]:
    """The machine the tests run on is no Debian server with systemd; what concerns it is left out."""
    from mailwiz_tui.deploy import preflight

    original = preflight.refusals

    def refusals(facts: Facts, blueprint: Blueprint | None, *, adopt: bool = False) -> list[object]:
        as_server = facts.model_copy(update={"privilege": "root", "systemd": "running", "architecture": "amd64"})
        return [r for r in original(as_server, blueprint, adopt=adopt) if "taken by" not in r.reason]

    return refusals

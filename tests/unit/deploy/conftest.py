"""An SSH server in this process whose only host is a rehearsed machine; the real agent runs there."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

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

_PATH = f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"
"""The Python that runs the tests is the server's; another one may be a script that starts slowly."""
_OPENSSL = """#!/bin/sh
case "$*" in
*rsa_keygen_bits:2048) cat {key} ;;
*) exec {openssl} "$@" ;;
esac
"""


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
            stderr=asyncio.subprocess.PIPE, env={**os.environ, "PATH": _PATH},
        )  # fmt: skip
        self._children.append(child)
        await process.redirect(stdin=child.stdin, stdout=child.stdout, stderr=child.stderr, send_eof=False)
        status = await child.wait()
        with contextlib.suppress(OSError, asyncssh.Error):
            await process.stdout.drain()
            process.exit(status)


@pytest.fixture(scope="session")
def rsa_keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A key for each of two machines; to make one takes longer than the rest of an installation."""
    folder = tmp_path_factory.mktemp("rsa")
    first, second = folder / "first.pem", folder / "second.pem"
    for path in (first, second):
        key = rsa.generate_private_key(65537, 2048)
        path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return first, second


@pytest.fixture
def machine(tmp_path: Path, rsa_keys: tuple[Path, Path]) -> Rehearsal:
    return _with_key(Rehearsal(tmp_path / "root"), rsa_keys[0])


@pytest.fixture
async def host(machine: Rehearsal, tmp_path: Path) -> AsyncIterator[RehearsedHost]:
    made = RehearsedHost(machine, tmp_path)
    await made.listen()
    yield made
    await made.close()


@pytest.fixture
async def second(machine: Rehearsal, tmp_path: Path, rsa_keys: tuple[Path, Path]) -> AsyncIterator[RehearsedHost]:
    """Another machine, for the engine of the first."""
    folder = tmp_path / "second"
    folder.mkdir()
    other = _with_key(Rehearsal(folder / "machine"), rsa_keys[1])
    made = RehearsedHost(other, folder, asked_root=machine.root)
    await made.listen()
    yield made
    await made.close()


def _with_key(machine: Rehearsal, key: Path) -> Rehearsal:
    """The machine with an openssl that gives this key where it is to make an RSA key."""
    openssl = machine.touch("usr/bin/openssl", _OPENSSL.format(key=key, openssl=shutil.which("openssl")))
    openssl.chmod(0o755)
    return machine


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
            **dict[str, Any]({"gate_seconds": 5.0, "give_up_after": 20.0, "settle_seconds": 0.0, **options}),
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

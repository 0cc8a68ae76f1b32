"""SSH servers inside the test process: real protocol, real keys, commands run by a real shell."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from pydantic import SecretStr

from mailwiz_tui.deploy.prompts import HostKey
from mailwiz_tui.fleet.server import Server


@dataclass
class Operator:
    """Prompts with the answers set beforehand; records every question."""

    accept: bool = False
    passwords: list[str | None] = field(default_factory=list)
    passphrases: list[str | None] = field(default_factory=list)
    sudo_passwords: list[str | None] = field(default_factory=list)
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    slow: float = 0.0

    async def confirm_host_key(self, server_id: str, address: str, keys: tuple[HostKey, ...]) -> bool:
        self.asked.append(("host-key", address, keys))
        return self.accept

    async def password(self, server_id: str, user: str, attempt: int) -> SecretStr | None:
        self.asked.append(("password", user, attempt))
        await asyncio.sleep(self.slow)
        return _next(self.passwords)

    async def passphrase(self, server_id: str, key_file: str, attempt: int) -> SecretStr | None:
        self.asked.append(("passphrase", key_file, attempt))
        return _next(self.passphrases)

    async def sudo_password(self, server_id: str, user: str, attempt: int) -> SecretStr | None:
        self.asked.append(("sudo", user, attempt))
        return _next(self.sudo_passwords)

    async def given_secret(self, server_id: str, title: str) -> SecretStr | None:
        return None


def _next(answers: list[str | None]) -> SecretStr | None:
    answer = answers.pop(0) if answers else None
    return None if answer is None else SecretStr(answer)


class Gatekeeper(asyncssh.SSHServer):
    """The server's side of authentication."""

    def __init__(self, host: Host) -> None:
        self.host = host

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.host.connections.append(conn)

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        self.host.offered.append(key.get_fingerprint())
        return any(key == k for k in self.host.authorized)

    def password_auth_supported(self) -> bool:
        return self.host.password is not None

    def validate_password(self, username: str, password: str) -> bool:
        return password == self.host.password

    def connection_requested(self, *args: object) -> bool:
        if not self.host.forwards:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "open failed")
        return True


@dataclass
class Host:
    """A running server. ``environment`` is what its commands see."""

    folder: Path
    host_keys: list[Any]
    authorized: list[asyncssh.SSHKey] = field(default_factory=list)
    password: str | None = None
    forwards: bool = True
    environment: dict[str, str] = field(default_factory=dict)
    shell_noise: bytes = b""
    command: str | None = None
    trace: bool = False
    port: int = 0
    connections: list[asyncssh.SSHServerConnection] = field(default_factory=list)
    offered: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    children: list[int] = field(default_factory=list)
    _acceptor: asyncssh.SSHAcceptor | None = None

    async def start(self, port: int = 0) -> None:
        self._acceptor = await asyncssh.listen(
            "127.0.0.1",
            port,
            server_factory=lambda: Gatekeeper(self),
            server_host_keys=self.host_keys,
            process_factory=self._process,
            encoding=None,
        )
        self.port = self._acceptor.get_port()

    async def stop(self) -> None:
        assert self._acceptor
        self._acceptor.close()
        for connection in self.connections:
            connection.abort()
        await self._acceptor.wait_closed()
        for group in self.children:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)

    async def _process(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        self.commands.append(process.command or "")
        process.stdout.write(self.shell_noise)
        child = await asyncio.create_subprocess_exec(
            "sh",
            "-xc" if self.trace else "-c",
            self.command or process.command or "true",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **self.environment},
            start_new_session=True,
        )
        self.children.append(child.pid)
        await process.redirect(stdin=child.stdin, stdout=child.stdout, stderr=child.stderr, send_eof=False)
        status = await child.wait()
        with contextlib.suppress(OSError, asyncssh.Error):
            await process.stdout.drain()
            await process.stderr.drain()
        process.exit(status)


Keys = dict[str, asyncssh.SSHKey]
MakeHost = Callable[..., Any]
ServerOf = Callable[..., Server]


@pytest.fixture(scope="session")
def keys() -> Keys:
    """Keys made once for all tests."""
    return {
        "host": asyncssh.generate_private_key("ssh-ed25519"),
        "host-ecdsa": asyncssh.generate_private_key("ecdsa-sha2-nistp256"),
        "other-host": asyncssh.generate_private_key("ssh-ed25519"),
        "user": asyncssh.generate_private_key("ssh-ed25519", comment="user"),
        "stranger": asyncssh.generate_private_key("ssh-ed25519", comment="stranger"),
    }


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own: no key, agent or configuration of this machine takes part."""
    folder = tmp_path / "home"
    (folder / ".ssh").mkdir(parents=True, mode=0o700)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    return folder


@pytest.fixture
async def make_host(tmp_path: Path, keys: Keys) -> AsyncIterator[MakeHost]:
    """Starts servers; they end with the test."""
    hosts: list[Host] = []

    async def make(**changes: Any) -> Host:
        changes.setdefault("host_keys", [keys["host"], keys["host-ecdsa"]])
        changes.setdefault("authorized", [keys["user"].convert_to_public()])
        host = Host(tmp_path, **changes)
        await host.start()
        hosts.append(host)
        return host

    yield make
    for host in hosts:
        await host.stop()


@pytest.fixture
def operator() -> Operator:
    """Nobody has answered anything yet: every question is declined until the test sets an answer."""
    return Operator()


@pytest.fixture
def identity(tmp_path: Path, keys: Keys) -> Path:
    """The user's private key as a file without a passphrase."""
    file = tmp_path / "id_user"
    keys["user"].write_private_key(str(file))
    file.chmod(0o600)
    return file


@pytest.fixture
def server_of(tmp_path: Path, identity: Path) -> ServerOf:
    """The inventory's entry for a running host, whose keys are known unless said otherwise."""

    def make(running: Host, *, known: bool = True, **changes: Any) -> Server:
        file = tmp_path / "known_hosts"
        if known:
            line = running.host_keys[0].export_public_key().decode().split()
            with file.open("a") as stream:
                stream.write(f"[127.0.0.1]:{running.port} {line[0]} {line[1]}\n")
        values = {
            "id": "mx1",
            "host": "127.0.0.1",
            "port": running.port,
            "user": "root",
            "identity_file": identity,
            "known_hosts": file,
        } | changes
        return Server(**values)

    return make

"""A live connection to one server, on which commands are opened as channels."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import asyncssh
from pydantic import SecretStr

from mailwiz_tui.deploy.prompts import Prompts
from mailwiz_tui.deploy.ssh.channel import Channel
from mailwiz_tui.deploy.ssh.errors import ConnectionLost, SshError, SshErrorKind, printable
from mailwiz_tui.deploy.ssh.login import Answers
from mailwiz_tui.deploy.ssh.sudo import Launch, start
from mailwiz_tui.fleet.server import Server

CHANNELS = 6
"""Channels open at once; sshd allows ten sessions on a connection (MaxSessions)."""
OPEN_SECONDS = 20
REFUSED_DELAYS = (0.05, 0.1, 0.2, 0.4, 0.8)


@dataclass(frozen=True, slots=True)
class Completed:
    """The result of a command that ended."""

    exit_status: int
    stdout: bytes
    stderr: str


class Connection:
    """One authenticated SSH connection; close it with ``close`` or use it as an async context manager."""

    def __init__(
        self,
        ssh: asyncssh.SSHClientConnection,
        server: Server,
        user: str,
        where: str,
        prompts: Prompts,
        answers: Answers,
    ) -> None:
        self._ssh = ssh
        self._prompts = prompts
        self._answers = answers
        self._slots = asyncio.Semaphore(CHANNELS)
        self.on_close: Callable[[], Awaitable[None]] | None = None
        self.server = server
        self.user = user
        self.where = where

    @property
    def alive(self) -> bool:
        """Whether the connection is alive, as far as is known."""
        return not self._ssh.is_closed()

    @property
    def transport(self) -> asyncssh.SSHClientConnection:
        """asyncssh's own connection, for tunnels of this package only."""
        return self._ssh

    async def open(self, argv: str) -> Channel:
        """Starts a command line in the user's login shell. Raises SshError, ConnectionLost.

        Waits while six channels are open on this connection.
        """
        await self._slots.acquire()
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                process = await self._create_process(argv)
        except BaseException as error:
            self._slots.release()
            if isinstance(error, TimeoutError):
                self._ssh.abort()
                what = f"the server did not open an SSH channel within {OPEN_SECONDS} s"
                raise ConnectionLost(self.where, what) from None
            if isinstance(error, asyncssh.ChannelOpenError) and self.alive:
                raise SshError(
                    f"the server did not open a session: {printable(error.reason)}",
                    self.where,
                    "look at MaxSessions in its sshd_config",
                    kind=SshErrorKind.SHELL,
                ) from None
            if isinstance(error, OSError | asyncssh.Error):
                raise ConnectionLost(self.where) from None
            raise
        return Channel(process, self.where, self._slots.release)

    async def _create_process(self, argv: str) -> asyncssh.SSHClientProcess[bytes]:
        """Opens a session; a refusal is retried for a moment.

        sshd frees a session's place (MaxSessions) a little after both sides have closed its channel. A refused
        session has started nothing.
        """
        for delay in REFUSED_DELAYS:
            try:
                return await self._ssh.create_process(argv, encoding=None)
            except asyncssh.ChannelOpenError:
                if not self.alive:
                    raise
            await asyncio.sleep(delay)
        return await self._ssh.create_process(argv, encoding=None)

    async def open_privileged(self, command: str) -> Channel:
        """Starts a one-line shell command as root, with sudo where the user is not root.

        The channel's output begins with the command's own first byte, whatever login shells printed before.
        sudo's password is asked of the operator once, kept in memory, and written only to our own prompt.
        """
        launch = Launch(command, with_sudo=self.user != "root")
        if self.user == "root":
            channel = await self.open(launch.argv)
            await start(channel, launch, self.where, self._ask_sudo, None)
            return channel
        answers = self._answers
        async with answers.sudo_lock:
            channel = await self.open(launch.argv)
            try:
                taken = await start(channel, launch, self.where, self._ask_sudo, answers.sudo_password)
            except SshError as error:
                if error.kind is SshErrorKind.SUDO:
                    answers.sudo_password = None
                raise
            answers.sudo_password = taken or answers.sudo_password
        return channel

    async def run(self, argv: str, data: bytes = b"", *, limit: int = 1 << 20) -> Completed:
        """Runs a short command to its end with ``data`` on standard input. Raises ConnectionLost.

        More than ``limit`` bytes of output is an SshError.
        """
        channel = await self.open(argv)
        try:
            if data:
                channel.write(data)
            channel.write_eof()
            output = bytearray()
            while part := await channel.read():
                output += part
                if len(output) > limit:
                    raise SshError(f"a command printed more than {limit} bytes", self.where)
            return Completed(await channel.wait(), bytes(output), channel.stderr)
        finally:
            await channel.close()

    async def close(self) -> None:
        """Ends the connection."""
        self._ssh.close()
        with contextlib.suppress(TimeoutError, OSError, asyncssh.Error):
            async with asyncio.timeout(5):
                await self._ssh.wait_closed()
        if self.on_close is not None:
            await self.on_close()

    async def __aenter__(self) -> Connection:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    async def _ask_sudo(self, attempt: int) -> SecretStr | None:
        return await self._prompts.sudo_password(self.server.id, self.user, attempt)

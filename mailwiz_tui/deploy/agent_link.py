"""The controller's side of the agent: starts it on a server over one channel and exchanges frames with it."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import shlex
from collections.abc import AsyncIterator, Callable
from functools import cache
from importlib import resources
from typing import Protocol, TypeVar

from mailwiz_tui.agent.protocol import archive, frames
from mailwiz_tui.agent.protocol.codec import WireError
from mailwiz_tui.agent.protocol.frames import Answer, Call, Cancel, Failure, Item
from mailwiz_tui.agent.protocol.request import Request, Stream
from mailwiz_tui.deploy.sanitize import clean_line, clean_text
from mailwiz_tui.plan.errors import OperatorError

A = TypeVar("A")
_Reply = Answer | Item | Failure
_NOISE_LIMIT = 1 << 20
_BOOTSTRAP = b"mailwiz-bootstrap: "
_EXITS = {
    81: "look at the server's package sources and network, then try again",
    82: "the server must run systemd",
    83: "connect as root or as a user who may use sudo",
    84: "only Debian 12 and 13 are supported",
    87: "try again: it completes what was started; `journalctl -b -n 50` on the server shows more",
    88: "free disk space on the server, then try again",
    85: "python3 on the server is older than 3.11; repair the system's own python3",
}


class AgentError(OperatorError):
    """An error of the agent; clean text."""


class Link(Protocol):
    """What can be asked of a running agent; ``AgentLink`` is the real one."""

    async def ask(self, request: Request[A]) -> A:
        """One request and its answer."""

    def follow(self, request: Stream[A]) -> AsyncIterator[A]:
        """One request and its items, until the agent ends the stream or the caller stops reading."""


class AgentChannel(Protocol):
    """What is needed of an SSH channel."""

    @property
    def exit_status(self) -> int | None: ...
    @property
    def stderr(self) -> str: ...
    def write(self, data: bytes) -> None: ...
    async def drain(self) -> None: ...
    async def read(self, n: int = ...) -> bytes: ...
    async def close(self) -> None: ...


class AgentConnection(Protocol):
    """What is needed of an SSH connection; ``open_privileged`` starts a one-line command as root."""

    async def open_privileged(self, command: str) -> AgentChannel: ...
    async def close(self) -> None: ...


@cache
def agent_archive() -> bytes:
    """The agent as a zip archive."""
    with resources.as_file(resources.files("mailwiz_tui.agent")) as folder:
        return archive.build(str(folder))


@cache
def start_command(root: str = "/") -> str:
    """The constant command line that starts the agent; it installs python3 first if it is missing."""
    boot = resources.files("mailwiz_tui.agent") / "boot"
    start = (boot / "start.py.in").read_text(encoding="ascii")
    script = (boot / "bootstrap.sh").read_text(encoding="ascii").replace("@START@", shlex.quote(start))
    packed = base64.b64encode(script.encode()).decode()
    return f'sh -c "$(echo {packed} | base64 -d)" mailwiz-agent {shlex.quote(root)}'


class AgentLink:
    """A running agent. Requests may overlap; each stream is read as it comes.

    Raises ``AgentError`` for what the agent refuses or fails to do, and ``ConnectionLost`` of the channel: then the
    outcome is unknown.
    """

    def __init__(self, channel: AgentChannel, connection: AgentConnection | None = None) -> None:
        self._channel = channel
        self.connection = connection
        self._buffer = b""
        self._number = 0
        self._waiting: dict[int, asyncio.Queue[_Reply | BaseException]] = {}
        self._reader: asyncio.Task[None] | None = None
        self._end: BaseException | None = None

    @classmethod
    async def open(
        cls, connection: AgentConnection, *, root: str = "/", on_progress: Callable[[str], None] | None = None
    ) -> AgentLink:
        """Starts the agent on a connection; ``on_progress`` receives the output of installing python3."""
        channel: AgentChannel = await connection.open_privileged(start_command(root))
        link = cls(channel, connection)
        try:
            code = agent_archive()
            channel.write(b"%d\n" % len(code) + code)
            await channel.drain()
            await link._until_ready(on_progress)
        except BaseException:
            await channel.close()
            raise
        link._reader = asyncio.create_task(link._read_frames())
        return link

    @property
    def alive(self) -> bool:
        """Whether requests can still be made."""
        return self._end is None and self._reader is not None

    async def ask(self, request: Request[A]) -> A:
        """One request and its answer."""
        number, queue = await self._send(request.operation, request)
        try:
            reply = await self._next(queue)
            return request.answer(reply.answer if isinstance(reply, Answer) else None)
        except WireError as error:
            raise _senseless(request.operation, error) from None
        finally:
            self._waiting.pop(number, None)

    async def follow(self, request: Stream[A]) -> AsyncIterator[A]:
        """One request and its items, until the agent ends the stream or the caller stops reading."""
        async for item in self._items(request.operation, request):
            try:
                found = request.item(item)
            except WireError as error:
                raise _senseless(request.operation, error) from None
            yield found

    async def _items(self, op: str, arguments: object) -> AsyncIterator[object]:
        number, queue = await self._send(op, arguments)
        ended = False
        try:
            while True:
                reply = await self._next(queue)
                if not isinstance(reply, Item):
                    ended = True
                    return
                yield reply.item
        finally:
            self._waiting.pop(number, None)
            if not ended and self.alive:
                with contextlib.suppress(Exception):
                    self._channel.write(frames.encode(Cancel(number)))

    async def close(self) -> None:
        """Ends the agent and its channel; the connection stays."""
        self._end = self._end or AgentError("the connection was closed")
        if self._reader:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await self._reader
        await self._channel.close()

    async def _send(self, op: str, arguments: object) -> tuple[int, asyncio.Queue[_Reply | BaseException]]:
        if self._end is not None:
            raise self._end
        self._number += 1
        queue: asyncio.Queue[_Reply | BaseException] = asyncio.Queue()
        self._waiting[self._number] = queue
        self._channel.write(frames.encode(Call(self._number, op, arguments)))
        await self._channel.drain()
        return self._number, queue

    async def _next(self, queue: asyncio.Queue[_Reply | BaseException]) -> Answer | Item:
        reply = await queue.get()
        if isinstance(reply, BaseException):
            raise reply
        if isinstance(reply, Failure):
            fault = reply.fault
            raise AgentError(clean_text(fault.what), clean_text(fault.where), clean_text(fault.advice))
        return reply

    async def _until_ready(self, on_progress: Callable[[str], None] | None) -> None:
        seen, fault = 0, ""
        while seen < _NOISE_LIMIT:
            line = await self._read_line()
            if line is None:
                status = self._channel.exit_status
                said = fault or clean_text(self._channel.stderr[-400:]) or f"it ended with {status}"
                raise AgentError(f"the agent does not start: {said}", "agent", _EXITS.get(status or 0, ""))
            if line + b"\n" == frames.READY:
                return
            seen += len(line)
            if line.startswith(_BOOTSTRAP + b"fault "):
                fault = clean_line(line[len(_BOOTSTRAP) + 6 :].decode("utf-8", "replace"), 400)
            elif line.startswith(_BOOTSTRAP) and on_progress:
                on_progress(clean_line(line[len(_BOOTSTRAP) :].decode("utf-8", "replace"), 200))
        raise AgentError("the server prints too much before the agent starts", "agent",
                         "remove the output from its login scripts")  # fmt: skip

    async def _read_line(self) -> bytes | None:
        while b"\n" not in self._buffer:
            data = await self._channel.read(65536)
            if not data:
                return None
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    async def _read_exactly(self, count: int) -> bytes:
        parts, left = [self._buffer[:count]], count - len(self._buffer[:count])
        self._buffer = self._buffer[count:]
        while left > 0:
            data = await self._channel.read(left)
            if not data:
                raise AgentError("the agent ended", "agent", clean_text(self._channel.stderr[-400:]))
            parts.append(data)
            left -= len(data)
        return b"".join(parts)

    async def _read_frames(self) -> None:
        try:
            while True:
                size = frames.length(await self._read_exactly(4))
                message = frames.decode(await self._read_exactly(size))
                if not isinstance(message, (Call, Cancel)) and (queue := self._waiting.get(message.number)):
                    queue.put_nowait(message)
        except asyncio.CancelledError:
            self._fail(AgentError("the connection was closed"))
            raise
        except ValueError as error:
            self._fail(AgentError(f"the server sent an invalid answer: {clean_text(error)}", "agent"))
        except BaseException as error:
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        self._end = self._end or error
        for queue in self._waiting.values():
            queue.put_nowait(self._end)


def _senseless(operation: str, error: WireError) -> AgentError:
    """An answer that is not what the request's type says."""
    advice = "try again; if it stays, the agent on the server or this program is damaged: install it anew"
    return AgentError(f"the server's answer cannot be read: {clean_text(error)}", operation, advice)

"""One command on a server, with binary streams; a lost connection is an exception, never an exit status."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import asyncssh

from mailwiz_tui.deploy.ssh.errors import ConnectionLost, printable

STDERR_TAIL = 16 * 1024


class Channel:
    """A running command: ``write`` and ``drain`` its standard input, ``read`` its standard output.

    Standard error is collected all the time (so that it never blocks the command); its last 16 KiB are in
    ``stderr``. Streams are bytes. ``on_close`` is called once when the channel has ended.
    """

    def __init__(self, process: asyncssh.SSHClientProcess[bytes], where: str, on_close: Callable[[], None]) -> None:
        self._process = process
        self._where = where
        self._pushed_back = b""
        self._stderr = bytearray()
        self._stderr_total = 0
        self._stderr_grew = asyncio.Event()
        self._closed_here = False
        self._collector = asyncio.create_task(self._collect_stderr())
        self._watcher = asyncio.create_task(self._watch(on_close))

    @property
    def stderr(self) -> str:
        """The end of what the command wrote to standard error, raw; sanitize before showing."""
        return self._stderr.decode("utf-8", "replace")

    @property
    def exit_status(self) -> int | None:
        """The exit status, minus the signal's number if a signal ended it, None while running or unknown."""
        return self._process.returncode

    def write(self, data: bytes) -> None:
        """Queues data for standard input; raises ConnectionLost if there is no connection any more."""
        if self._closed_here or self._watcher.done():
            raise ConnectionLost(self._where)
        try:
            self._process.stdin.write(data)
        except (OSError, asyncssh.Error) as error:
            raise self._lost(error) from None

    def write_eof(self) -> None:
        """Ends standard input."""
        with contextlib.suppress(OSError, asyncssh.Error):
            self._process.stdin.write_eof()

    async def drain(self) -> None:
        """Waits until the server has taken enough of what was written."""
        try:
            await self._process.stdin.drain()
        except (OSError, asyncssh.Error) as error:
            raise self._lost(error) from None

    async def read(self, n: int = 65536) -> bytes:
        """Up to ``n`` bytes; empty at the end of a command's output. Raises ConnectionLost."""
        if self._pushed_back:
            data, self._pushed_back = self._pushed_back[:n], self._pushed_back[n:]
            return data
        try:
            data = await self._process.stdout.read(n)
        except (OSError, asyncssh.Error) as error:
            raise self._lost(error) from None
        if not data:
            await self._end_of_output()
        return data

    async def wait(self) -> int:
        """The exit status once the command has ended. Raises ConnectionLost if it cannot be known."""
        await self._process.wait_closed()
        await asyncio.wait([self._collector])
        status = self._process.returncode
        if status is None:
            raise ConnectionLost(self._where)
        return status

    async def close(self) -> None:
        """Ends the channel; what runs on the server gets its standard input closed."""
        self._closed_here = True
        self._process.close()
        with contextlib.suppress(TimeoutError, OSError, asyncssh.Error):
            async with asyncio.timeout(5):
                await self._process.wait_closed()
        self._collector.cancel()
        await asyncio.wait([self._collector])

    def push_back(self, data: bytes) -> None:
        """Puts bytes back; the next ``read`` returns them first."""
        self._pushed_back = data + self._pushed_back

    @property
    def stderr_total(self) -> int:
        """How many bytes have come on standard error so far."""
        return self._stderr_total

    def stderr_since(self, offset: int) -> str:
        """What came on standard error after ``offset`` bytes, as far as it is still in the tail."""
        start = max(0, len(self._stderr) - (self._stderr_total - offset))
        return self._stderr[start:].decode("utf-8", "replace")

    def forget_stderr(self) -> None:
        """Drops what came on standard error so far: it belongs to the login, not to the command."""
        self._stderr.clear()

    async def stderr_change(self) -> None:
        """Returns when standard error has grown or ended since the last call."""
        await self._stderr_grew.wait()
        self._stderr_grew.clear()

    def _lost(self, error: Exception) -> ConnectionLost:
        reason = printable(str(error))
        return ConnectionLost(
            self._where, f"the connection was lost: {reason}" if reason else "the connection was lost"
        )

    async def _end_of_output(self) -> None:
        """Distinguishes the end of a command from the end of the connection, which has no exit status."""
        if self._closed_here:
            return
        try:
            async with asyncio.timeout(1):
                await self._process.wait_closed()
        except TimeoutError:
            return
        if self._process.returncode is None:
            raise ConnectionLost(self._where)

    async def _collect_stderr(self) -> None:
        try:
            while data := await self._process.stderr.read(65536):
                self._stderr += data
                self._stderr_total += len(data)
                del self._stderr[:-STDERR_TAIL]
                self._stderr_grew.set()
        except (OSError, asyncssh.Error):
            pass
        finally:
            self._stderr_grew.set()

    async def _watch(self, on_close: Callable[[], None]) -> None:
        try:
            await self._process.wait_closed()
        finally:
            on_close()

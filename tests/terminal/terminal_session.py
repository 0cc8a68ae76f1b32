"""Runs a program on a pseudo-terminal of its own and reads what a terminal would show (pyte)."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence

import pyte
import pytest


class TerminalSession:
    """A child process on a pty; ``screen`` decodes its output as a VT-compatible terminal does."""

    def __init__(
        self, command: Sequence[str], environ: Mapping[str, str], size: tuple[int, int] = (80, 24)
    ) -> None:
        columns, rows = size
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = bytearray()
        self.on_output: Callable[[bytes], None] = lambda data: None
        self.status: int | None = None
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            os.environ.clear()
            os.environ.update(environ)
            os.execvp(command[0], list(command))
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def text(self) -> str:
        """What the terminal shows."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def pump(self, seconds: float) -> None:
        """Take in output for a while, or until the child ends."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            ready, _, _ = select.select([self.master], [], [], min(left, 0.05))
            if not ready:
                continue
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            if not data:
                return
            self.raw += data
            self.on_output(data)
            self._stream.feed(data)

    def until(self, text: str, seconds: float = 20.0) -> None:
        """Wait until the terminal shows a text."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if text in self.text():
                return
            self.pump(0.05)
        pytest.fail(f"never shown: {text}\n{self.text()}")

    def press(self, data: str) -> None:
        """Send keys as bytes."""
        os.write(self.master, data.encode())

    def resize(self, columns: int, rows: int) -> None:
        """Change the terminal's size."""
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)
        os.kill(self.pid, signal.SIGWINCH)

    def signal(self, number: int) -> None:
        """Send a signal to the child."""
        os.kill(self.pid, number)

    def wait(self, seconds: float = 10.0) -> int:
        """The child's exit status as a shell counts it; fails if it does not end."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.pump(0.05)
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                self.pump(0.05)
                self.status = os.waitstatus_to_exitcode(status)
                return self.status if self.status >= 0 else 128 - self.status
        pytest.fail(f"did not end\n{self.text()}")

    def close(self) -> None:
        """Make sure that the child is gone."""
        if self.status is None:
            try:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
            except (ProcessLookupError, ChildProcessError):
                pass
        os.close(self.master)

    def settle(self, quiet: float = 0.2, seconds: float = 10.0) -> None:
        """Take in output until none comes for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            before = len(self.raw)
            self.pump(quiet)
            if len(self.raw) == before:
                return

    def press_and_settle(self, data: str) -> None:
        """Send keys and take in what follows from them."""
        before = len(self.raw)
        self.press(data)
        end = time.monotonic() + 3
        while len(self.raw) == before and time.monotonic() < end:
            self.pump(0.05)
        self.settle()

    def styled_cells(self) -> set[tuple[int, int, bool, bool, bool]]:
        """The cells that stand out without colour: bold, underlined or reversed."""
        found = set()
        for y in range(self.screen.lines):
            for x in range(self.screen.columns):
                cell = self.screen.buffer[y][x]
                if cell.bold or cell.underscore or cell.reverse:
                    found.add((x, y, cell.bold, cell.underscore, cell.reverse))
        return found

    def invisible_cells(self) -> int:
        """Cells with a glyph that is as dark as what is behind it, on a terminal that is black."""
        count = 0
        for y in range(self.screen.lines):
            for x in range(self.screen.columns):
                cell = self.screen.buffer[y][x]
                fore = "white" if cell.fg == "default" else cell.fg
                back = "black" if cell.bg == "default" else cell.bg
                count += bool(cell.data.strip()) and fore == back
        return count

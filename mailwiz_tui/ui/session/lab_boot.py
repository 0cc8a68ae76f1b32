"""Boots lab hosts in a separate process, which continues in the background and can be stopped."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path

from mailwiz_tui.plan.program_folders import state_home
from mailwiz_tui.ui.terminal.symbols import elapsed_text

LAB_HOSTS = 3
PATIENCE_SECONDS = 5.0
"""Seconds that a stopped boot has to end before it is killed."""
KEPT_LINES = 4


class BootState(StrEnum):
    """The state of a boot."""

    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"
    READY = "ready"


def lab_command(*words: str) -> Sequence[str]:
    """The command line of the lab."""
    return (sys.executable, "-m", "mailwiz_tui", "lab", *words)


def lab_missing() -> list[str]:
    """What is missing on this machine for a lab."""
    from mailwiz_tui.lab.lab import Lab

    return list(Lab().missing())


def lab_is_there() -> bool:
    """Whether lab hosts exist already; then stopping a boot must not remove them."""
    from mailwiz_tui.lab.lab import Lab

    return bool(Lab().hosts())


def lab_inventory() -> Path:
    """The inventory of the lab's hosts."""
    from mailwiz_tui.lab.lab import Lab

    return Lab().paths.inventory


class LabBoot:
    """One boot. ``changed`` is called when it ended; its output goes to a file, so that it needs no reader."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.state = BootState.RUNNING
        self.error = ""
        self._changed = changed
        self._began = time.monotonic()
        self._ended: float | None = None
        self._log = state_home() / "lab-up.log"
        self._process: asyncio.subprocess.Process | None = None
        self._was_there = False
        self._task = asyncio.create_task(self._run(), name="lab up")

    @property
    def running(self) -> bool:
        """Whether the boot is in progress."""
        return self.state in (BootState.RUNNING, BootState.STOPPING)

    @property
    def said(self) -> str:
        """The last line of its output."""
        return next(reversed(self._lines()), "starting")

    @property
    def line(self) -> str:
        """Its progress in one line: ``0:12  booting mx1 mx2 mx3``."""
        passed = elapsed_text((self._ended or time.monotonic()) - self._began)
        return f"{passed}  {'stopping' if self.state is BootState.STOPPING else self.said}"

    def stop(self) -> None:
        """Stop the boot and remove its hosts, unless lab hosts existed before."""
        if self.state is BootState.RUNNING:
            self.state = BootState.STOPPING
            self._signal(signal.SIGTERM)

    async def _run(self) -> None:
        try:
            self._was_there = await asyncio.to_thread(lab_is_there)
            code = await self._carry_out(lab_command("up", str(LAB_HOSTS)))
            if self.state is BootState.STOPPING:
                if not self._was_there:
                    await self._carry_out(lab_command("down"))
                self.state = BootState.STOPPED
            elif code:
                self.error = "\n".join(self._lines()[-KEPT_LINES:]) or f"the lab ended with code {code}"
                self.state = BootState.FAILED
            else:
                self.state = BootState.READY
        except (OSError, RuntimeError, ValueError) as error:
            self.error, self.state = str(error), BootState.FAILED
        self._ended = time.monotonic()
        self._changed()

    async def _carry_out(self, command: Sequence[str]) -> int:
        self._log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        if self.state is BootState.STOPPING and "up" in command:
            self._signal(signal.SIGTERM)
        ending = asyncio.create_task(self._process.wait())
        while not ending.done():
            await asyncio.wait({ending}, timeout=PATIENCE_SECONDS)
            if not ending.done() and self.state is BootState.STOPPING and "up" in command:
                self._signal(signal.SIGKILL)
        return ending.result()

    def _signal(self, number: int) -> None:
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    def _lines(self) -> list[str]:
        try:
            text = self._log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
        return [line.strip() for line in text.replace("\r", "\n").splitlines() if line.strip()]

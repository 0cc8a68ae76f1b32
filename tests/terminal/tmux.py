"""Drives a program in a real tmux by keys, as an operator would, and reads its screen."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

SETTLE = 0.05


class Tmux:
    """One tmux server of its own with one window; ``close`` ends it."""

    def __init__(self, folder: Path, width: int = 80, height: int = 24) -> None:
        self.socket = folder / "tmux"
        self.width = width
        self.height = height
        self.captures: list[str] = []

    @staticmethod
    def available() -> bool:
        """Whether tmux is installed."""
        return shutil.which("tmux") is not None

    def start(self, command: Sequence[str], environ: Mapping[str, str]) -> None:
        """Run a command in the window; its exit status stays readable."""
        settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in environ.items())
        line = f"{settings} {shlex.join(command)}; status=$?; echo; echo exit-status=$status; exec sh"
        self._tmux(
            "-f", "/dev/null", "new-session", "-d", "-x", str(self.width), "-y", str(self.height), "sh", "-c", line
        )

    def keys(self, *names: str) -> None:
        """Press keys by tmux's names (``Enter``, ``F8``, ``C-q``)."""
        for name in names:
            self._tmux("send-keys", name)
            time.sleep(SETTLE)

    def type(self, text: str) -> None:
        """Type text."""
        self._tmux("send-keys", "-l", text)
        time.sleep(SETTLE)

    def resize(self, width: int, height: int) -> None:
        """Change the window's size."""
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def screen(self) -> str:
        """What the window shows."""
        return self._tmux("capture-pane", "-p")

    def until(self, text: str, seconds: float = 20.0) -> str:
        """Wait until the window shows a text; fails with the screen."""
        return self.until_any((text,), seconds)

    def until_any(self, texts: Sequence[str], seconds: float = 20.0) -> str:
        """Wait until the window shows one of several texts; returns the screen."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            shown = self.screen()
            if any(text in shown for text in texts):
                return shown
            time.sleep(SETTLE)
        pytest.fail(f"never shown: {' | '.join(texts)}\n{self.screen()}")

    def until_times(self, text: str, times: int, seconds: float = 20.0) -> str:
        """Wait until the window shows a text so many times; returns the screen."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            shown = self.screen()
            if shown.count(text) == times:
                return shown
            time.sleep(SETTLE)
        pytest.fail(f"never shown {times} times: {text}\n{self.screen()}")

    def until_gone(self, texts: Sequence[str], seconds: float = 20.0) -> str:
        """Wait until the window shows none of several texts; returns the screen."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            shown = self.screen()
            if not any(text in shown for text in texts):
                return shown
            time.sleep(SETTLE)
        pytest.fail(f"still shown: {' | '.join(texts)}\n{self.screen()}")

    def capture(self, name: str, folder: Path | None = None) -> str:
        """Keep a screen; written to ``folder`` if one is given."""
        shown = self.screen()
        self.captures.append(shown)
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.txt").write_text(shown, encoding="utf-8")
        return shown

    def close(self) -> None:
        """End this tmux server and what runs in it."""
        subprocess.run(["tmux", "-S", str(self.socket), "kill-server"], check=False, capture_output=True)

    def _tmux(self, *arguments: str) -> str:
        clean = {k: v for k, v in os.environ.items() if k not in ("TMUX", "TMUX_PANE")}
        done = subprocess.run(
            ["tmux", "-S", str(self.socket), *arguments], check=True, capture_output=True, text=True, env=clean
        )
        return done.stdout

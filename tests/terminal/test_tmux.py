"""An installation by keys in a real tmux, with a scripted engine: sizes, hostile output, kill -9 and return."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.terminal.rehearsed import NOISE
from tests.terminal.tmux import Tmux
from tests.ui.fakes import PASSWORD

pytestmark = [
    pytest.mark.terminal,
    pytest.mark.skipif(not Tmux.available(), reason="tmux is not installed"),
]


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    """A tmux of 80 columns and 24 rows."""
    window = Tmux(tmp_path)
    yield window
    window.close()


def start(tmux: Tmux, environ: dict[str, str], plan: Path) -> None:
    """Start the application with the scripted engine on a finished plan, and install."""
    tmux.start([sys.executable, "-m", "tests.terminal.rehearsed", str(plan)], {**environ, "TERM": "tmux-256color"})
    tmux.until("Continue with plan.toml")
    tmux.keys("Enter")
    tmux.until("1/8")
    tmux.keys("F4")
    tmux.until("ready to install")
    tmux.keys("F8")
    tmux.until("Install on mx1?")
    tmux.keys("Right", "Enter")
    tmux.until("log of mx1")


def kill(plan: Path) -> None:
    """End the program at once, as a lost machine would; it is found by the plan in its command line."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[:1] == [sys.executable.encode()] and str(plan).encode() in words:
                os.kill(int(entry.name), signal.SIGKILL)


def test_a_whole_installation_by_keys(tmux: Tmux, environ: dict[str, str], tmp_path: Path) -> None:
    start(tmux, environ, tmp_path / "plan.toml")
    for width, height in ((120, 40), (40, 8), (200, 50), (80, 24)):
        tmux.resize(width, height)
        tmux.until("too small" if height < 20 else "log of mx1")
    assert NOISE not in tmux.screen()
    shown = subprocess.run(
        ["tmux", "-S", str(tmux.socket), "display-message", "-p", "#{pane_title}|#{pane_in_mode}|#{alternate_on}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert "owned" not in shown
    assert shown.strip().endswith("|0|1")
    buffers = subprocess.run(["tmux", "-S", str(tmux.socket), "list-buffers"], capture_output=True, text=True)
    assert buffers.stdout == ""
    (tmp_path / "go").touch()
    tmux.until("shows the results")
    tmux.keys("Enter")
    tmux.until(PASSWORD)
    tmux.keys("Right", "Enter")
    tmux.until_gone([PASSWORD])


def test_kill_minus_nine_and_return(tmux: Tmux, environ: dict[str, str], tmp_path: Path) -> None:
    plan = tmp_path / "plan.toml"
    start(tmux, environ, plan)
    kill(plan)
    tmux.until("exit-status=137")
    tmux.close()
    time.sleep(0.1)
    (tmp_path / "second").mkdir()
    again = Tmux(tmp_path / "second")
    try:
        start(again, environ, plan)
        (tmp_path / "go").touch()
        again.until("shows the results")
    finally:
        again.close()

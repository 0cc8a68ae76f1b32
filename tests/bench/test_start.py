"""How soon the program is there: the first screen against a bare Textual one, ``--help`` against bare Python.

Run with ``pytest -m bench -s tests/bench/test_start.py``. Both sides of a ratio take turns in the same run, on one
core: with more, the elapsed time would tell how many happened to be free.
"""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import pytest

pytestmark = [pytest.mark.bench, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 9
BARE = """
from textual.app import App
from textual.containers import Vertical
from textual.widgets import OptionList, Static

class Bare(App):
    def compose(self):
        with Vertical():
            yield Static("a bare application", markup=False)
            yield OptionList("Begin", "Add", "Use", "Rehearse", markup=False)
            yield Static("keys", markup=False)

Bare().run(mouse=False)
"""


def environ(folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        "COLUMNS": "80",
        "LINES": "24",
    }


def seconds_to_paint(command: list[str], wanted: bytes, settings: dict[str, str]) -> tuple[float, float]:
    """Wall and processor time from the start of the process until the terminal has received ``wanted``."""
    begun = time.perf_counter()
    pid, master = pty.fork()
    if pid == 0:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        os.execvpe(command[0], command, settings)
    seen = bytearray()
    try:
        while wanted not in seen:
            ready, _, _ = select.select([master], [], [], 20)
            assert ready, f"nothing was painted: {bytes(seen)[-500:]!r}"
            seen += os.read(master, 65536)
        wall = time.perf_counter() - begun
    finally:
        os.kill(pid, signal.SIGKILL)
        usage = os.wait4(pid, 0)[2]
        os.close(master)
    return wall, usage.ru_utime + usage.ru_stime


def seconds_to_end(command: list[str], settings: dict[str, str]) -> float:
    begun = time.perf_counter()
    subprocess.run(command, env=settings, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def test_first_screen_against_a_bare_textual_application(tmp_path: Path) -> None:
    settings = environ(tmp_path)
    ours, bare = [], []
    for _ in range(ROUNDS):
        bare.append(seconds_to_paint([sys.executable, "-c", BARE], b"Rehearse", settings))
        ours.append(seconds_to_paint([sys.executable, "-m", "mailwiz_tui"], b"Rehearse", settings))
    print()
    for name, at in (("elapsed", 0), ("processor", 1)):
        mine, theirs = median(r[at] for r in ours), median(r[at] for r in bare)
        print(f"first screen, {name} time: bare Textual {theirs * 1000:.0f} ms, ours {mine * 1000:.0f} ms")
        print(f"ratio ours / bare: {mine / theirs:.2f} (aim: at most 1.3)")


def test_help_against_bare_python(tmp_path: Path) -> None:
    settings = environ(tmp_path)
    ours, bare = [], []
    for _ in range(ROUNDS):
        bare.append(seconds_to_end([sys.executable, "-c", "pass"], settings))
        ours.append(seconds_to_end([sys.executable, "-m", "mailwiz_tui", "--help"], settings))
    more = median(ours) - median(bare)
    print(f"\n--help: bare Python {median(bare) * 1000:.0f} ms, ours {median(ours) * 1000:.0f} ms")
    print(f"more: {more * 1000:.0f} ms (aim: at most 150); ratio {median(ours) / median(bare):.2f}")

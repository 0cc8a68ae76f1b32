"""Folders of their own for programs that run on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.terminal.terminal_session import TerminalSession

ROOT = Path(__file__).resolve().parents[2]
Launch = Callable[..., TerminalSession]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """The least a program needs, with folders below the test's own; a size exported once must not bind it."""
    (tmp_path / "home").mkdir(exist_ok=True)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "home"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "PYTHONPATH": str(ROOT),
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "COLUMNS": "80",
        "LINES": "24",
        "TZ": "UTC",
    }


@pytest.fixture
def launch(environ: dict[str, str]) -> Iterator[Launch]:
    """Starts the program on a pty; whatever is left of it is ended afterwards."""
    sessions: list[TerminalSession] = []

    def start(
        *arguments: str,
        size: tuple[int, int] = (80, 24),
        program: str = "",
        module: bool = False,
        **settings: str,
    ) -> TerminalSession:
        begin = ["-m"] if module else ["-c", program] if program else ["-m", "mailwiz_tui"]
        session = TerminalSession([sys.executable, *begin, *arguments], {**environ, **settings}, size)
        sessions.append(session)
        return session

    yield start
    for session in sessions:
        session.close()

"""Every screen on a real pseudo-terminal of each kind, with an installation in the midst of it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.terminal.conftest import Launch
from tests.terminal.rehearsed import NOISE
from tests.terminal.terminal_session import TerminalSession
from tests.ui.fakes import PASSWORD

F4, F8, TAB, ENTER, RIGHT = "\x1bOS", "\x1b[19~", "\t", "\r", "\x1b[C"

pytestmark = pytest.mark.terminal

LEAVE_ALTERNATE_SCREEN = b"\x1b[?1049l"
KINDS = (
    {"NO_COLOR": "1"},
    {"TERM": "linux"},
    {"TERM": "xterm"},
    {"TERM": "screen"},
    {"COLORTERM": "truecolor"},
)
CONSOLE_GLYPHS = set("│─┌┐└┘├┤┬┴┼▀▄█▌▐░▒▓·×–—…“”‘’äöüé§°")
Look = Callable[[TerminalSession, str], None]


def start(launch: Launch, folder: Path, **settings: str) -> TerminalSession:
    """Start the application with the scripted engine on a finished plan."""
    session = launch("tests.terminal.rehearsed", str(folder / "plan.toml"), module=True, **settings)
    session.until("Continue with plan.toml")
    return session


def install(session: TerminalSession) -> None:
    """From the start to an installation that waits in its midst."""
    session.press(ENTER)
    session.until("1/8")
    session.press(F4)
    session.until("ready to install")
    session.press(F8)
    session.until("Install on mx1?")
    session.press(RIGHT)
    session.pump(0.2)
    session.press(ENTER)
    session.until("installing")


def walk(session: TerminalSession, folder: Path, look: Look) -> None:
    """Show every main screen and some dialogs; ``look`` is called on each once it is painted."""
    look(session, "start")
    session.press(ENTER)
    for number in range(1, 9):
        session.until(f"{number}/8")
        session.settle()
        look(session, f"step {number}")
        session.press(F8)
    session.until("ready to install")
    session.settle()
    look(session, "review")
    session.press(F8)
    session.until("Install on mx1?")
    session.settle()
    look(session, "question")
    session.press(RIGHT)
    session.pump(0.2)
    session.press(ENTER)
    session.until("installing")
    session.settle()
    look(session, "dashboard")
    (folder / "go").touch()
    session.until("shows the results")
    session.settle()
    look(session, "dashboard, done")
    session.press(ENTER)
    session.until("postmaster@")
    session.settle()
    look(session, "credentials")


@pytest.mark.parametrize("settings", KINDS, ids=str)
def test_no_glyph_is_invisible_on_any_screen(launch: Launch, tmp_path: Path, settings: dict[str, str]) -> None:
    session = start(launch, tmp_path, **settings)
    seen: list[str] = []

    def look(shown: TerminalSession, name: str) -> None:
        seen.append(name)
        assert shown.invisible_cells() == 0, f"{name}\n{shown.text()}"
        if settings.get("TERM") == "linux":
            beyond = {c for c in shown.text() if ord(c) > 0x7E} - CONSOLE_GLYPHS
            assert not beyond, f"{name}: {beyond}\n{shown.text()}"

    walk(session, tmp_path, look)
    assert len(seen) == 14


def test_the_focus_is_seen_without_any_colour(launch: Launch, tmp_path: Path) -> None:
    session = start(launch, tmp_path, NO_COLOR="1")

    def look(shown: TerminalSession, name: str) -> None:
        if not name.startswith("step"):
            return
        before = shown.styled_cells()
        assert before, f"{name}: nothing stands out"
        shown.press_and_settle(TAB)
        assert shown.styled_cells() != before, f"{name}: the focus moved and nothing changed\n{shown.text()}"

    walk(session, tmp_path, look)


def test_nothing_but_the_screens_reaches_the_terminal(launch: Launch, tmp_path: Path) -> None:
    session = start(launch, tmp_path)
    install(session)
    session.settle()
    raw = bytes(session.raw)
    assert NOISE.encode() not in raw
    logged = (tmp_path / "state" / "mailwiz-tui" / "debug.log").read_text(encoding="utf-8")
    for way in ("fd 1", "fd 2", "logged", "warned", "child"):
        assert f"{NOISE} {way}" in logged
    for harm in (b"\x1b]52", b"owned", b"\x1bP+q", "\u202e".encode(), b"\xc2\x9b"):
        if harm == b"owned":
            assert b"\x1b]0;owned" not in raw
        else:
            assert harm not in raw, harm
    assert LEAVE_ALTERNATE_SCREEN not in raw
    assert "[red]not red[/red] [/etc/postfix]" in session.text() or "xxxx" in session.text()


def test_resizing_in_the_middle_of_an_installation(launch: Launch, tmp_path: Path) -> None:
    session = start(launch, tmp_path)
    install(session)
    for size in ((120, 40), (200, 60), (40, 10), (5, 2), (1, 1), (300, 5), (2, 80), (80, 24)):
        session.resize(*size)
        session.pump(0.35)
    session.until("installing")
    session.until("log of mx1")
    (tmp_path / "go").touch()
    session.until("shows the results")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_installation_and_a_clean_terminal(launch: Launch, tmp_path: Path, number: int) -> None:
    session = start(launch, tmp_path)
    install(session)
    session.signal(number)
    assert session.wait() == 128 + number
    assert LEAVE_ALTERNATE_SCREEN in session.raw
    assert (tmp_path / "closed").exists()
    after = session.raw[session.raw.rindex(LEAVE_ALTERNATE_SCREEN) :]
    assert b"Traceback" not in after


def test_a_terminal_that_vanishes_ends_the_program(launch: Launch, tmp_path: Path) -> None:
    session = start(launch, tmp_path)
    install(session)
    os.close(session.master)
    end = time.monotonic() + 10
    done = 0
    while not done and time.monotonic() < end:
        done, _ = os.waitpid(session.pid, os.WNOHANG)
        time.sleep(0.02)
    session.master = os.open(os.devnull, os.O_RDONLY)
    assert done == session.pid
    session.status = 0
    assert (tmp_path / "closed").exists()


def test_the_mouse_is_reported_only_when_asked_for(launch: Launch) -> None:
    session = launch("--mouse")
    session.until("Begin")
    assert b"\x1b[?1000h" in session.raw


def test_an_arrow_key_cut_in_two_by_a_slow_link_is_no_escape(launch: Launch) -> None:
    session = launch(SSH_CONNECTION="192.0.2.1 50000 192.0.2.2 22")
    session.until("none yet")
    session.settle()
    session.press("\x1b")
    session.pump(0.13)
    session.press("[B")
    session.settle()
    rows = session.text().splitlines()
    row = next(y for y, text in enumerate(rows) if "Add a server by hand" in text)
    column = rows[row].index("Add a server")
    session.pump(0.3)
    assert session.screen.buffer[row][column].bold, session.text()


def test_the_screen_of_passwords_is_gone_from_the_terminal_afterwards(launch: Launch, tmp_path: Path) -> None:
    session = start(launch, tmp_path)
    install(session)
    (tmp_path / "go").touch()
    session.until("shows the results")
    session.press(ENTER)
    session.until(PASSWORD)
    session.press("\x11")
    session.until("forgets them when it")
    session.settle()
    session.press_and_settle(RIGHT)
    session.press_and_settle(RIGHT)
    session.press(ENTER)
    assert session.wait() == 0
    after = session.raw[session.raw.rindex(LEAVE_ALTERNATE_SCREEN) :]
    assert PASSWORD.encode() not in after
    kept = [p for p in tmp_path.rglob("*") if p.is_file() and PASSWORD.encode() in p.read_bytes()]
    assert not kept

"""The program on a real pseudo-terminal: it starts, takes keys, and leaves the terminal as it found it."""

from __future__ import annotations

import signal
import tomllib
from pathlib import Path

import pytest

from tests.terminal.conftest import Launch

F7 = "\x1b[18~"
F8 = "\x1b[19~"

pytestmark = pytest.mark.terminal

CTRL_Q = "\x11"
LEAVE_ALTERNATE_SCREEN = b"\x1b[?1049l"
SHOW_CURSOR = b"\x1b[?25h"
MOUSE_ON = b"\x1b[?1000h"
CANARY = "Canary7f3Qm2x9KpLw"

CRASHING = f"""
import sys
from mailwiz_tui.ui.wizard.step_screen import StepScreen
def broken(self):
    password = "{CANARY}"
    raise RuntimeError("bad " + password)
StepScreen.refresh_form = broken
from mailwiz_tui.ui.app.run import run_app
sys.exit(run_app(None, None))
"""


def test_starts_and_quits_leaving_the_terminal_clean(launch: Launch) -> None:
    session = launch()
    session.until("Begin")
    session.press(CTRL_Q)
    assert session.wait() == 0
    assert LEAVE_ALTERNATE_SCREEN in session.raw
    assert session.raw.rindex(SHOW_CURSOR) > session.raw.rindex(b"Begin")
    assert MOUSE_ON not in session.raw


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_restores_the_terminal(launch: Launch, number: int) -> None:
    session = launch()
    session.until("Begin")
    session.press("\r")
    session.until("1/8")
    session.signal(number)
    assert session.wait() == 128 + number
    assert LEAVE_ALTERNATE_SCREEN in session.raw
    assert SHOW_CURSOR in session.raw[session.raw.rindex(LEAVE_ALTERNATE_SCREEN) - 200 :]


def test_a_draft_survives_kill_minus_nine(launch: Launch, tmp_path: Path) -> None:
    session = launch()
    session.until("Begin")
    session.press("\r")
    session.until("1/8")
    session.press(F8)
    session.until("2/8")
    session.press(F8)
    session.until("3/8")
    session.press("example.org")
    session.until("Primary domain        example.org")
    draft = tmp_path / "data" / "mailwiz-tui" / "drafts" / "plan.toml"
    session.pump(0.5)
    session.signal(signal.SIGKILL)
    assert session.wait() == 137
    assert tomllib.loads(draft.read_text())["domain"]["primary_domain"] == "example.org"
    again = launch()
    again.until("Continue with plan.toml")
    again.press("\r")
    again.until("1/8")
    again.press(F8 + F8)
    again.until("Primary domain        example.org")


def test_keys_that_pile_up_while_the_machine_stands_still_land_where_they_were_meant(launch: Launch) -> None:
    """A whole dialog typed, and two steps gone on, while the program gets no processor time."""
    session = launch()
    session.until("Begin")
    session.signal(signal.SIGSTOP)
    session.press("a192.0.2.44\rbox\r\x15admin\r\x152222\r\r\rn" + F8 + " " + F8 + "example.org\r")
    session.signal(signal.SIGCONT)
    session.until("3/8")
    session.until("Primary domain        example.org")
    session.press(F7)
    session.until("2/8")
    session.until("(*) box")
    session.until("admin@192.0.2.44:2222")


def test_a_plan_named_on_the_command_line_is_opened(launch: Launch, tmp_path: Path) -> None:
    plan = tmp_path / "customer.toml"
    plan.write_text('version = 1\n[domain]\nprimary_domain = "customer.example"\n')
    session = launch(str(plan))
    session.until("Continue with customer.toml")


def test_a_plan_that_cannot_be_read_is_one_clear_line(launch: Launch, tmp_path: Path) -> None:
    plan = tmp_path / "broken.toml"
    plan.write_text("version = [")
    session = launch(str(plan))
    assert session.wait() == 2
    assert "broken.toml" in session.text().replace("\n", "")
    assert "Traceback" not in session.text()


def test_without_colours_the_cursor_of_a_list_is_still_seen(launch: Launch) -> None:
    session = launch(NO_COLOR="1")
    session.until("Begin")
    session.pump(0.3)
    rows = session.text().splitlines()
    chosen = next(y for y, row in enumerate(rows) if "Begin" in row)
    other = next(y for y, row in enumerate(rows) if "Add a server" in row)
    column = rows[chosen].index("Begin")
    assert session.screen.buffer[chosen][column].underscore
    assert not session.screen.buffer[other][column].underscore


@pytest.mark.parametrize("settings", [{"NO_COLOR": "1"}, {"TERM": "linux"}, {"TERM": "xterm"}], ids=str)
def test_few_or_no_colours_leave_nothing_invisible(launch: Launch, settings: dict[str, str]) -> None:
    session = launch(**settings)
    session.until("Begin")
    assert session.invisible_cells() == 0
    session.press("\r")
    session.until("1/8")
    session.press(F8)
    session.until("2/8")
    session.press(F8)
    session.until("3/8")
    session.pump(0.5)
    assert session.invisible_cells() == 0
    if settings.get("TERM") == "linux":
        assert "(*)" not in session.text() or "✓" not in session.text()
        assert not any(ord(c) > 0x2500 for c in session.text())


def test_resizing_in_the_middle_does_no_harm(launch: Launch) -> None:
    session = launch()
    session.until("Begin")
    for size in ((120, 40), (40, 10), (1, 1), (80, 24)):
        session.resize(*size)
        session.pump(0.4)
    session.until("Begin")
    session.press(CTRL_Q)
    assert session.wait() == 0


def test_a_crash_is_one_line_without_values_and_a_clean_terminal(launch: Launch, tmp_path: Path) -> None:
    session = launch(program=CRASHING)
    session.until("Begin")
    session.press("\r")
    assert session.wait() == 1
    assert LEAVE_ALTERNATE_SCREEN in session.raw
    shown = session.raw[session.raw.rindex(LEAVE_ALTERNATE_SCREEN) :].decode()
    assert "stopped by an internal error (RuntimeError)" in shown
    assert "Traceback" not in shown
    assert CANARY.encode() not in session.raw
    reports = list((tmp_path / "state" / "mailwiz-tui").glob("crash-*.log"))
    assert len(reports) == 1
    assert "in broken" in reports[0].read_text()
    assert CANARY not in reports[0].read_text()
    assert reports[0].stat().st_mode & 0o777 == 0o600


def test_without_a_terminal_it_points_to_the_commands(launch: Launch) -> None:
    session = launch(TERM="dumb")
    assert session.wait() == 2
    assert "apply PLAN" in " ".join(session.text().split()).replace("app ly", "apply")


def test_nothing_is_sent_while_nothing_happens(launch: Launch) -> None:
    session = launch()
    session.until("Begin")
    session.press("\r")
    session.until("1/8")
    session.press(F8 + F8)
    session.until("3/8")
    session.pump(1.0)
    before = len(session.raw)
    session.pump(3.0)
    assert len(session.raw) - before < 1500

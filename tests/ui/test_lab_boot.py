"""The lab's boot from the start screen: in sight, in the background with a way back, and stopped."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from mailwiz_tui.ui.app.application import MailwizApp
from mailwiz_tui.ui.app.start import StartScreen
from mailwiz_tui.ui.dialogs.lab_dialog import LabDialog
from mailwiz_tui.ui.session import lab_boot
from mailwiz_tui.ui.session.lab_boot import BootState
from tests.ui.grid import grid, screen_text, until
from tests.ui.make import MakeApp


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A lab whose boot lasts until this file is there; ``down`` leaves a trace.

    The boot of a test that failed ends with the test.
    """
    go, inventory = tmp_path / "go", tmp_path / "lab.toml"
    inventory.write_text('[[servers]]\nid = "mx1"\nhost = "198.51.100.11"\n')

    def command(*words: str) -> Sequence[str]:
        if words[0] == "down":
            return ("touch", str(tmp_path / "down"))
        wait = f"echo $$ > {tmp_path}/pid; echo booting mx1 mx2; while [ ! -e {go} ]; do sleep 0.02; done"
        return ("sh", "-c", f"{wait}; [ ! -s {go} ] || {{ cat {go}; exit 1; }}")

    monkeypatch.setattr(lab_boot, "lab_command", command)
    monkeypatch.setattr(lab_boot, "lab_missing", list)
    monkeypatch.setattr(lab_boot, "lab_is_there", lambda: False)
    monkeypatch.setattr(lab_boot, "lab_inventory", lambda: inventory)
    monkeypatch.setattr(lab_boot, "PATIENCE_SECONDS", 0.3)
    yield go
    go.touch()


def pid_in(folder: Path) -> int:
    """The process that boots."""
    return int((folder / "pid").read_text())


def end(go: Path, error: str = "") -> None:
    """Let the boot end: well, or with an error."""
    go.write_text(error)


async def boot(pilot: Pilot[Any], app: MailwizApp) -> None:
    """Open the dialog and boot."""
    await until(pilot, lambda: isinstance(app.screen, StartScreen) and app.focused is not None, "start")
    await pilot.press("l")
    await until(pilot, lambda: app.focused is not None and app.focused.id == "answer-ok", "ready to boot")
    await pilot.press("enter")
    await until(pilot, lambda: "booting mx1 mx2" in screen_text(app), "what it does")
    button = app.screen.query_one("#answer-ok")
    await until(pilot, lambda: not button.has_class("-active"), "the button that was pressed takes Enter again")


async def test_the_lab_says_what_is_missing(make_app: MakeApp, go: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_boot, "lab_missing", lambda: ["root: run mailwiz-tui with sudo, or as root"])
    app = make_app(None)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, StartScreen) and app.focused is not None, "start")
        await pilot.press("l")
        await until(pilot, lambda: "run mailwiz-tui with sudo" in screen_text(app), "what is missing")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, StartScreen), "back")


async def test_the_boot_stays_in_sight_and_its_hosts_are_used(make_app: MakeApp, go: Path) -> None:
    app = make_app(None)
    async with app.run_test(size=(80, 24)) as pilot:
        await boot(pilot, app)
        assert isinstance(app.screen, LabDialog)
        await until(pilot, lambda: "In the background    Stop the boot" in grid(app), "both answers, whole")
        end(go)
        await until(pilot, lambda: "1 server from" in screen_text(app), "the lab's inventory")
        assert isinstance(app.screen, StartScreen)


@pytest.mark.parametrize("key", ["escape", "enter"])
async def test_a_boot_in_the_background_has_a_line_and_a_way_back(make_app: MakeApp, go: Path, key: str) -> None:
    app = make_app(None)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await boot(pilot, app)
        await pilot.press(key)
        await until(pilot, lambda: "Lab hosts: 00:0" in screen_text(app), "the line on the start screen")
        assert isinstance(app.screen, StartScreen)
        await pilot.press("l")
        await until(pilot, lambda: isinstance(app.screen, LabDialog) and "Stop the boot" in grid(app), "way back")
        await pilot.press("escape")
        app.show_step("architecture")
        await until(pilot, lambda: "1. Arch" in screen_text(app) and "Lab hosts: " in screen_text(app), "there too")
        end(go)
        await until(pilot, lambda: "The lab hosts are up" in screen_text(app), "told")
        await until(pilot, lambda: "Lab hosts: " not in screen_text(app), "the line is gone")
        assert [s.id for s in app.session.inventory.servers] == ["mx1"]


async def test_a_boot_is_stopped_with_everything_it_made(make_app: MakeApp, go: Path, tmp_path: Path) -> None:
    app = make_app(None)
    async with app.run_test(size=(80, 24)) as pilot:
        await boot(pilot, app)
        pid = pid_in(tmp_path)
        await pilot.press("right", "enter")
        await until(pilot, lambda: "The hosts of this boot were removed" in screen_text(app), "stopped")
        assert app.session.lab is not None
        assert app.session.lab.state is BootState.STOPPED
        assert "down" in os.listdir(tmp_path)
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


async def test_a_boot_that_fails_says_why_and_can_be_tried_again(make_app: MakeApp, go: Path) -> None:
    app = make_app(None)
    async with app.run_test(size=(80, 24)) as pilot:
        await boot(pilot, app)
        end(go, "mailwiz-tui: mx1 did not boot\n")
        await until(pilot, lambda: "mx1 did not boot" in screen_text(app), "why")
        await until(pilot, lambda: "Boot the hosts" in screen_text(app), "again")


async def test_leaving_while_it_boots_asks(make_app: MakeApp, go: Path) -> None:
    app = make_app(None)
    async with app.run_test(size=(80, 24)) as pilot:
        await boot(pilot, app)
        await pilot.press("escape", "ctrl+q")
        await until(pilot, lambda: "Lab hosts are booting" in screen_text(app), "the question")
        await pilot.press("right", "right", "enter")
        await until(pilot, lambda: app.session.lab is not None and not app.session.lab.running, "stopped")
        assert app.is_running

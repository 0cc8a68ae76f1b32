"""Reads what a screen shows as text, and compares it with golden files."""

from __future__ import annotations

import asyncio
import difflib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot
from textual.widget import Widget

from tests.ui.idle import wait_for_idle

GOLDEN = Path(__file__).parent / "golden"
SIZES = ((80, 24), (120, 40))
"""Columns and rows of the terminals that screens are looked at in."""
size_ids = pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")


def grid(app: App[Any]) -> str:
    """The visible grid of the topmost screen, row by row, without trailing blanks."""
    strips = app.screen._compositor.render_strips()
    rows = ["".join(segment.text for segment in strip).rstrip() for strip in strips]
    return "\n".join(rows).rstrip() + "\n"


def screen_text(app: App[Any]) -> str:
    """All that is shown, a dialog with the screen beneath it, as one searchable line."""
    return re.sub(r"\s+", " ", grid(app))


async def until(pilot: Pilot[Any], predicate: Callable[[], bool], what: str, tries: int = 2000) -> None:
    """Wait for a predicate; fails with ``what`` and the screen if it does not come true."""
    for _ in range(tries):
        if predicate():
            return
        await _moment(pilot)
    pytest.fail(f"never came true: {what}\n{grid(pilot.app)}")


async def focus(pilot: Pilot[Any], widget: Widget) -> None:
    """Give a widget the focus before the next key; ``Widget.focus`` alone only asks for it, later."""
    widget.screen.set_focus(widget)
    await until(pilot, lambda: pilot.app.focused is widget, f"the focus on {widget}")


async def released(pilot: Pilot[Any], app: App[Any]) -> None:
    """Wait until the focused button takes Enter again; Textual ignores it for 0.2 s after it was pressed."""
    await until(
        pilot, lambda: app.focused is not None and not app.focused.has_class("-active"), "the button's release"
    )


async def check_golden(pilot: Pilot[Any], name: str, *, update: bool, tries: int = 2000) -> None:
    """Wait until the screen is ``golden/NAME.txt`` to the letter; ``--update-golden`` writes what it settles on."""
    path = GOLDEN / f"{name}.txt"
    if update:
        GOLDEN.mkdir(exist_ok=True)
        path.write_text(await _settled(pilot), encoding="utf-8")
        return
    assert path.exists(), f"no golden screen {path.name}; run pytest with --update-golden and look at it"
    wanted = path.read_text(encoding="utf-8")
    for _ in range(tries):
        if grid(pilot.app) == wanted:
            return
        await _moment(pilot)
    shown = grid(pilot.app)
    changes = difflib.unified_diff(wanted.splitlines(), shown.splitlines(), path.name, "shown", lineterm="")
    assert shown == wanted, "\n".join(changes)


async def _moment(pilot: Pilot[Any]) -> None:
    """Let the application do what there is to do, or sleep if that was nothing."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    await wait_for_idle(0, 0.02)
    if loop.time() - began < 0.001:
        await asyncio.sleep(0.01)
    if pilot.app._exception is not None:
        raise pilot.app._exception


async def _settled(pilot: Pilot[Any]) -> str:
    """What the screen shows once nothing moves any more for a third of a second."""
    shown, same = grid(pilot.app), 0
    while same < 10:
        await pilot.pause(0.03)
        now = grid(pilot.app)
        shown, same = now, same + 1 if now == shown else 0
    return shown

"""The terminal's window title, which shows the stage of an installation while another window is used."""

from __future__ import annotations

import os
from typing import Any
from weakref import WeakSet

from textual.app import App

from mailwiz_tui.ui.terminal.text import safe_line

_SAVE, _RESTORE = "\x1b[22;2t", "\x1b[23;2t"
_KEPT: WeakSet[App[Any]] = WeakSet()
"""The applications whose terminal has saved the original title."""
_WITHOUT_TITLE = ("linux", "dumb", "vt")


def set_title(app: App[Any], title: str) -> None:
    """Set the title (xterm's OSC 2); the first call saves the original. Does nothing on consoles without titles."""
    driver = app._driver
    if driver is None or driver.is_headless or os.environ.get("TERM", "").startswith(_WITHOUT_TITLE):
        return
    begin = "" if app in _KEPT else _SAVE
    _KEPT.add(app)
    driver.write(f"{begin}\x1b]2;{safe_line(title)}\x07")


def restore_title(app: App[Any]) -> None:
    """Restore the original title."""
    if app in _KEPT and app._driver is not None:
        app._driver.write(_RESTORE)

"""The type of the fixture that makes applications."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from mailwiz_tui.ui.app.application import MailwizApp


class MakeApp(Protocol):
    """Makes the application on a plan file, with the fake engine."""

    def __call__(self, path: Path | None, inventory: Path | None = None) -> MailwizApp: ...

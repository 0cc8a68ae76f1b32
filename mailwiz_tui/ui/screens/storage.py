"""Step 6: where mailboxes are kept."""

from __future__ import annotations

from mailwiz_tui.ui.screens.step_screen import StepScreen


class StorageScreen(StepScreen):
    """Drawn from its step's fields alone."""

    step_id = "storage"

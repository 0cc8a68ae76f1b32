"""Step 1: how many servers share the work."""

from __future__ import annotations

from mailwiz_tui.ui.screens.step_screen import StepScreen


class ArchitectureScreen(StepScreen):
    """Drawn from its step's fields alone."""

    step_id = "architecture"

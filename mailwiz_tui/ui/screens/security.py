"""Step 4: encryption and sender authentication."""

from __future__ import annotations

from mailwiz_tui.ui.screens.step_screen import StepScreen


class SecurityScreen(StepScreen):
    """Drawn from its step's fields alone."""

    step_id = "security"

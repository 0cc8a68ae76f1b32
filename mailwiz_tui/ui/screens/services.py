"""Step 5: what is installed beside Postfix and Dovecot."""

from __future__ import annotations

from mailwiz_tui.ui.screens.step_screen import StepScreen


class ServicesScreen(StepScreen):
    """Drawn from its step's fields alone."""

    step_id = "services"

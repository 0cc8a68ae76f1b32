"""Step 8: what the installation needs to know of the network; then the review."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from mailwiz_tui.ui.widgets.no_markup import NoMarkup
from mailwiz_tui.ui.wizard.step_screen import StepScreen

WHAT_FOLLOWS = (
    "What follows: the review lists what is missing and what will be done on each server. From there the "
    "installation is started; it runs on the servers themselves, so a lost connection or a closed terminal "
    "does no harm. Afterwards every service is proved from outside, with a test mail in and out."
)


class InstallScreen(StepScreen):
    """The last answers before the review."""

    step_id = "install"

    def extras(self) -> Iterable[Widget]:
        yield NoMarkup(WHAT_FOLLOWS, classes="what-follows")

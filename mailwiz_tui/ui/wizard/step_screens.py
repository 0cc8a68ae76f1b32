"""The screen of each of the eight steps."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from mailwiz_tui.ui.session.session import Session
from mailwiz_tui.ui.widgets.no_markup import NoMarkup
from mailwiz_tui.ui.wizard.dns import DnsScreen
from mailwiz_tui.ui.wizard.domains import DomainsScreen
from mailwiz_tui.ui.wizard.roles import RolesScreen
from mailwiz_tui.ui.wizard.step_screen import StepScreen

WHAT_FOLLOWS = (
    "Next: the review lists what is missing and what will be installed on each server. You start the "
    "installation there. It runs on the servers themselves, so a lost connection or a closed terminal "
    "does not stop it. Afterwards every service is tested from outside, with a test message in and out."
)


class InstallScreen(StepScreen):
    """Step 8, the last one before the review."""

    step_id = "install"

    def extras(self) -> Iterable[Widget]:
        yield NoMarkup(WHAT_FOLLOWS, classes="what-follows")


OWN_SCREENS: dict[str, type[StepScreen]] = {
    screen.step_id: screen for screen in (RolesScreen, DomainsScreen, DnsScreen, InstallScreen)
}
"""The steps with more than fields; all others use ``StepScreen``."""


def make(step_id: str, session: Session, focus: str = "") -> StepScreen:
    """The screen of a step, built from the draft; ``focus`` is the path of a field to go to."""
    own = OWN_SCREENS.get(step_id)
    return own(session, focus) if own else StepScreen(session, focus, step_id)

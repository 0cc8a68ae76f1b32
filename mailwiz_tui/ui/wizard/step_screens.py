"""The screen of each of the eight steps."""

from __future__ import annotations

from mailwiz_tui.ui.session.session import Session
from mailwiz_tui.ui.wizard.dns import DnsScreen
from mailwiz_tui.ui.wizard.domains import DomainsScreen
from mailwiz_tui.ui.wizard.install import InstallScreen
from mailwiz_tui.ui.wizard.roles import RolesScreen
from mailwiz_tui.ui.wizard.step_screen import StepScreen

OWN_SCREENS: dict[str, type[StepScreen]] = {
    screen.step_id: screen for screen in (RolesScreen, DomainsScreen, DnsScreen, InstallScreen)
}
"""The steps that show more than their fields; all others are drawn from these alone."""


def make(step_id: str, session: Session, focus: str = "") -> StepScreen:
    """The screen of a step, drawn from the draft; ``focus`` is the path of a field to go to."""
    own = OWN_SCREENS.get(step_id)
    return own(session, focus) if own else StepScreen(session, focus, step_id)

"""The eight step screens by their ids."""

from __future__ import annotations

from mailwiz_tui.ui.screens.architecture import ArchitectureScreen
from mailwiz_tui.ui.screens.dns import DnsScreen
from mailwiz_tui.ui.screens.domains import DomainsScreen
from mailwiz_tui.ui.screens.install import InstallScreen
from mailwiz_tui.ui.screens.roles import RolesScreen
from mailwiz_tui.ui.screens.security import SecurityScreen
from mailwiz_tui.ui.screens.services import ServicesScreen
from mailwiz_tui.ui.screens.step_screen import StepScreen
from mailwiz_tui.ui.screens.storage import StorageScreen
from mailwiz_tui.ui.session import Session

SCREENS: dict[str, type[StepScreen]] = {
    screen.step_id: screen
    for screen in (
        ArchitectureScreen,
        RolesScreen,
        DomainsScreen,
        SecurityScreen,
        ServicesScreen,
        StorageScreen,
        DnsScreen,
        InstallScreen,
    )
}


def make(step_id: str, session: Session, focus: str = "") -> StepScreen:
    """The screen of a step, drawn from the draft; ``focus`` is the path of a field to go to."""
    return SCREENS[step_id](session, focus)

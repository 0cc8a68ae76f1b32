"""The interface of the application for its screens, which avoids an import circle."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from textual.screen import Screen

if TYPE_CHECKING:
    from mailwiz_tui.ui.dialogs.prompts import DialogPrompts
    from mailwiz_tui.ui.installation.installation import Stage


class WizardApp(Protocol):
    """The part of ``ui.app.application.MailwizApp`` that screens use."""

    plain: bool
    """Whether symbols must be ASCII."""

    @property
    def opening(self) -> bool:
        """Whether a screen is being opened; keys wait for it."""

    @property
    def prompts(self) -> DialogPrompts:
        """Asks the operator for host keys, passwords and passphrases."""

    def show(self, screen: Screen[None]) -> None:
        """Replace the current main screen."""

    def show_start(self) -> None:
        """Show the start screen."""

    def show_step(self, step_id: str, focus: str = "") -> None:
        """Show a step; ``focus`` is the path of a field to go to."""

    def show_path(self, path: str) -> None:
        """Show the step and field of a finding's path."""

    def show_review(self) -> None:
        """Show the review: what is missing and what will be installed."""

    def show_dashboard(self) -> None:
        """Show the installation."""

    def show_results(self) -> None:
        """Show the first passwords, or the results of the checks."""

    def why_no_monitor(self) -> str:
        """Why the plan's servers cannot be monitored, or empty."""

    def show_monitor(self) -> None:
        """Show the monitor."""

    def show_accounts(self, back: Callable[[], Screen[None]]) -> None:
        """Show the accounts; ``back`` makes the screen to return to."""

    def stage_changed(self, stage: Stage) -> None:
        """An installation entered another stage."""

    def after_saving(self, then: Callable[[], None]) -> None:
        """Close the plan and call ``then``, once it is saved or the operator discards the changes."""

    def give_held_keys(self) -> None:
        """Process the keys that were typed while a screen was being opened."""

"""The application as its screens know it, so that they need not import what imports all of them."""

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
        """Whether a screen is on its way; keys wait for it."""

    @property
    def prompts(self) -> DialogPrompts:
        """Asks the operator what connections want to know."""

    def show(self, screen: Screen[None]) -> None:
        """Show a main screen in place of the present one."""

    def show_start(self) -> None:
        """Show what one can begin with."""

    def show_step(self, step_id: str, focus: str = "") -> None:
        """Show a step; ``focus`` is the path of a field to go to."""

    def show_path(self, path: str) -> None:
        """Show the step and field that a finding is about."""

    def show_review(self) -> None:
        """Show what is missing and what will be done."""

    def show_dashboard(self) -> None:
        """Show the installation."""

    def show_results(self) -> None:
        """Show the first passwords, or what the checks found."""

    def why_no_monitor(self) -> str:
        """Why the plan's servers cannot be watched, or empty."""

    def show_monitor(self) -> None:
        """Show how the running servers are."""

    def show_accounts(self, back: Callable[[], Screen[None]]) -> None:
        """Show the accounts; ``back`` makes the screen that comes after them."""

    def stage_changed(self, stage: Stage) -> None:
        """An installation came to another stage."""

    def after_saving(self, then: Callable[[], None]) -> None:
        """Do something that leaves the plan, once it is saved or the operator wants it all the same."""

    def give_held_keys(self) -> None:
        """Let the keys go on that were typed while a screen was on its way."""

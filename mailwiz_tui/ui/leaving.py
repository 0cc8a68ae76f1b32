"""Leaving the program without losing anything: says what leaving means while an installation is not finished."""

from __future__ import annotations

from abc import abstractmethod

from mailwiz_tui.ui.navigation import Navigation

RUNNING = (
    "An installation is running",
    "It goes on by itself on the servers if you leave. Start mailwiz-tui again with this plan to watch it: "
    "installing attaches to what runs.\n\nIt can also stop when each server has finished its present step; "
    "nothing is left half done, and installing again goes on from there.",
    (("stay", "Stay here"), ("leave", "Leave it running and quit"), ("stop", "Stop after the step")),
)
UNSEEN = (
    "The first passwords have not been shown yet",
    "They are known to nobody but this program, and are forgotten when it ends. If you leave now they are set "
    "anew at the next installation and shown then, as is a backup's recovery key.",
    (("stay", "Stay here"), ("show", "Show them now"), ("leave", "Quit without them")),
)


class SafeLeaving(Navigation):
    """Asks before it quits where something runs or is unseen; stops installations between two steps."""

    @property
    @abstractmethod
    def has_session(self) -> bool:
        """Whether a plan is open, so that there may be something to lose."""

    def action_quit_safely(self) -> None:
        """Leave at once when nothing is lost by it; else say what leaving means, and ask."""
        from mailwiz_tui.ui.screens.dialog import ChoiceDialog

        if isinstance(self.screen, ChoiceDialog):
            return
        installation = self.session.ongoing.installation if self.has_session else None
        if installation is not None and installation.running:
            self.push_screen(ChoiceDialog(*RUNNING), self._quit_answered)
        elif installation is not None and installation.handover:
            self.push_screen(ChoiceDialog(*UNSEEN), self._quit_answered)
        else:
            self.exit(0)

    def _quit_answered(self, answer: str | None) -> None:
        if answer == "leave":
            self.exit(0)
        elif answer == "show":
            self.show_results()
        elif answer == "stop":
            self.run_worker(self._stop_after_step(), group="stop", exit_on_error=False)

    async def _stop_after_step(self) -> None:
        """Ask the servers to stop; the dashboard shows how each comes to rest."""
        from mailwiz_tui.ui.backends import error_sentence

        installation = self.session.ongoing.installation
        if installation is None:
            return
        try:
            asked = await installation.engine.stop_after_step()
        except Exception as error:
            self.notify(error_sentence(error), severity="error", markup=False)
            return
        installation.note = (
            "stopping when the present step is done" if asked else "nothing is running there to stop"
        )
        self.show_dashboard()

    async def action_quit(self) -> None:
        """Textual's own quit takes the same way."""
        self.action_quit_safely()

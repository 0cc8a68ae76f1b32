"""Quitting without losing anything: asks about running work, unseen passwords and unsaved answers, one by one."""

from __future__ import annotations

import shlex
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailwiz_tui.plan.words import listed
from mailwiz_tui.ui.app.navigation import Navigation

if TYPE_CHECKING:
    from mailwiz_tui.ui.session.session import Session

Step = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Question:
    """A question before quitting: ``leave`` goes on to the next one, ``acts`` carry out other answers."""

    title: str
    body: str
    answers: Sequence[tuple[str, str]]
    acts: Mapping[str, Step] = field(default_factory=dict)


RUNNING = "An installation is running"
CHOICES = (("stay", "Stay here"), ("leave", "Leave it running and quit"), ("stop", "Stop after the step"))
UNSEEN = (
    "The first passwords have not been shown yet",
    "Only this program has them, and it forgets them when it ends. If you quit now, the next installation sets "
    "new ones and shows them, together with a backup's recovery key.",
    (("stay", "Stay here"), ("show", "Show them now"), ("leave", "Quit without them")),
)
BOOTING = (
    "Lab hosts are booting",
    "They continue to boot if you quit, and are ready at the next start (l on the start screen).",
    (("stay", "Stay here"), ("leave", "Leave them booting"), ("stop", "Stop the boot")),
)
UNSAVED = "The answers are not saved"


def way_back(session: Session) -> tuple[str, str]:
    """The commands that follow a running installation of a plan, and that finish it from the command line."""
    from mailwiz_tui.fleet.inventory import find_inventory

    beside = find_inventory(session.path, None)
    source = session.inventory.source
    inventory = ["--inventory", str(source)] if source is not None and source != beside else []
    return (
        shlex.join(["mailwiz-tui", "monitor", str(session.path), *inventory]),
        shlex.join(["mailwiz-tui", "apply", str(session.path), *inventory]),
    )


def running_words(session: Session) -> str:
    """What happens to a running installation after quitting, and how to return to it."""
    watch, _ = way_back(session)
    return (
        "It continues on the servers if you quit, except for the firewall: a server reverts the firewall unless "
        f"this program confirms within 60 s that SSH still works. To return: {watch} (then i), or open this "
        "plan and install again: that attaches to the running installation or continues it.\n\nYou can also stop "
        "it after the present step of each server. No step is left half done, and the next installation "
        "continues from there."
    )


class SafeLeaving(Navigation):
    """Asks before it quits if work runs or data would be lost; stops installations between two steps."""

    closing_text = ""
    """Printed after the screens are closed: how to return to an installation that still runs."""

    @property
    @abstractmethod
    def has_session(self) -> bool:
        """Whether a plan is open."""

    def exit(self, result: int | None = None, return_code: int = 0, message: Any = None) -> None:
        """Close the screens, and set the text to print after that."""
        installation = self.session.ongoing.installation if self.has_session else None
        if installation is not None and installation.running:
            busy = listed(run.server_id for run in installation.model.servers.values() if run.busy)
            watch, finish = way_back(self.session)
            self.closing_text = (
                f"mailwiz-tui: the installation continues on {busy or 'the servers'}\n"
                f"  follow it   {watch}\n  finish it   {finish}\n"
                "A server reverts the firewall unless one of these confirms in time that SSH still works.\n"
            )
        super().exit(result, return_code, message)

    def action_quit_safely(self) -> None:
        """Quit at once if nothing is lost; else explain what would be lost, and ask."""
        from mailwiz_tui.ui.dialogs.dialog import ChoiceDialog, ConfirmDialog

        if isinstance(self.screen, (ChoiceDialog, ConfirmDialog)):
            return
        self._ask_next(self._questions() if self.has_session else iter(()), lambda: self.exit(0))

    def after_saving(self, then: Step) -> None:
        """Close the present plan and call ``then``, once its answers are saved or the operator discards them."""
        questions = [self._unsaved(then, "Discard them")] if self.session.draft.unsaved else []
        self._ask_next(iter(questions), then)

    def _ask_next(self, questions: Iterator[Question | Callable[[Step], None]], then: Step) -> None:
        from mailwiz_tui.ui.dialogs.dialog import ChoiceDialog

        question = next(questions, None)
        if question is None:
            then()
            return

        def go_on() -> None:
            self._ask_next(questions, then)

        if not isinstance(question, Question):
            question(go_on)
            return

        def answered(answer: str | None) -> None:
            if answer == "leave":
                go_on()
            elif act := question.acts.get(answer or ""):
                act()

        self.push_screen(ChoiceDialog(question.title, question.body, question.answers), answered)

    def _questions(self) -> Iterator[Question | Callable[[Step], None]]:
        """The questions to ask; each condition is evaluated when its turn comes."""
        from mailwiz_tui.ui.app.main_screen import MainScreen
        from mailwiz_tui.ui.dialogs.account_dialogs import PasswordDialog

        for screen in reversed(self.screen_stack):
            if isinstance(screen, PasswordDialog):
                yield screen.ask
            elif isinstance(screen, MainScreen) and (words := screen.unfinished()):
                yield Question("A change is not finished", words, (("stay", "Stay here"), ("leave", "Quit anyway")))
        installation = self.session.ongoing.installation
        if installation is not None and installation.running:
            yield Question(RUNNING, running_words(self.session), CHOICES, {"stop": self._stop})
        elif installation is not None and installation.handover:
            yield Question(*UNSEEN, {"show": self.show_results})
        if (lab := self.session.lab) is not None and lab.running:
            yield Question(*BOOTING, {"stop": lab.stop})
        if self.session.draft.unsaved:
            yield self._unsaved(lambda: self.exit(0), "Quit unsaved")

    def _unsaved(self, then: Step, without: str) -> Question:
        """The question about answers that could not be saved: why, and what can be done."""
        return Question(
            UNSAVED,
            f"{self.session.save_error}.\n\nThe answers are in memory only and are lost if you quit now. Free disk "
            "space or repair the cause and try again, or save them to another file, which becomes the plan file.",
            (("stay", "Stay here"), ("again", "Try again"), ("elsewhere", "Save elsewhere"), ("leave", without)),
            {"again": lambda: self._try_again(then, without), "elsewhere": lambda: self._save_elsewhere(then)},
        )

    def _try_again(self, then: Step, without: str) -> None:
        if self.session.save_again():
            then()
        else:
            self._ask_next(iter([self._unsaved(then, without)]), then)

    def _save_elsewhere(self, then: Step) -> None:
        from mailwiz_tui.ui.dialogs.dialog import TextDialog

        def take(text: str) -> str:
            path = Path(text).expanduser()
            if path.exists():
                return f"{path} exists already, so nothing was written. Choose another name"
            return "" if self.session.save_elsewhere(path) else f"{self.session.save_error}. Choose another place"

        def saved(name: str | None) -> None:
            if name:
                self.notify(f"The plan was saved to {name}", markup=False, timeout=8)
                then()

        body = "Another file for the plan; the program uses it from now on."
        here = str(Path("~").expanduser() / self.session.path.name)
        self.push_screen(TextDialog("Save the answers elsewhere", body, here, take=take), saved)

    def _stop(self) -> None:
        self.run_worker(self._stop_after_step(), group="stop", exit_on_error=False)

    async def _stop_after_step(self) -> None:
        """Ask the servers to stop after their present step, and show the dashboard."""
        from mailwiz_tui.ui.session.backends import error_sentence

        installation = self.session.ongoing.installation
        if installation is None:
            return
        try:
            asked = await installation.engine.stop_after_step()
        except Exception as error:
            self.notify(error_sentence(error), severity="error", markup=False)
            return
        installation.note = (
            "stopping after the present step" if asked else "no installation is running on the servers"
        )
        self.show_dashboard()

    async def action_quit(self) -> None:
        """Textual's own quit action does the same."""
        self.action_quit_safely()

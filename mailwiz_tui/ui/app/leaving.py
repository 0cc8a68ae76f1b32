"""Leaving the program without losing anything: asks about whatever is unfinished, unseen or unsaved, one by one."""

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
    """What is asked before something is left: ``leave`` goes on to the next question, ``acts`` do other things."""

    title: str
    body: str
    answers: Sequence[tuple[str, str]]
    acts: Mapping[str, Step] = field(default_factory=dict)


RUNNING = "An installation is running"
CHOICES = (("stay", "Stay here"), ("leave", "Leave it running and quit"), ("stop", "Stop after the step"))
UNSEEN = (
    "The first passwords have not been shown yet",
    "They are known to nobody but this program, and are forgotten when it ends. If you leave now they are set "
    "anew at the next installation and shown then, as is a backup's recovery key.",
    (("stay", "Stay here"), ("show", "Show them now"), ("leave", "Quit without them")),
)
BOOTING = (
    "Lab hosts are booting",
    "They go on booting if you leave, and are there at the next start (l on the start screen).",
    (("stay", "Stay here"), ("leave", "Leave them booting"), ("stop", "Stop the boot")),
)
UNSAVED = "The answers are not saved"


def way_back(session: Session) -> tuple[str, str]:
    """The commands that watch what runs on a plan's servers, and that finish it from the command line."""
    from mailwiz_tui.fleet.inventory import find_inventory

    beside = find_inventory(session.path, None)
    source = session.inventory.source
    inventory = ["--inventory", str(source)] if source is not None and source != beside else []
    return (
        shlex.join(["mailwiz-tui", "monitor", str(session.path), *inventory]),
        shlex.join(["mailwiz-tui", "apply", str(session.path), *inventory]),
    )


def running_words(session: Session) -> str:
    """What leaving means while an installation runs, and how to come back."""
    watch, _ = way_back(session)
    return (
        "It goes on by itself on the servers if you leave, except for the firewall: a server undoes that unless "
        f"this program confirms within 60 s that SSH still works. To come back: {watch} (i shows it), or open this "
        "plan and install: that joins what runs, or does what is left.\n\nIt can also stop when each server has "
        "finished its present step; nothing is left half done, and run apply again: it continues from there."
    )


class SafeLeaving(Navigation):
    """Asks before it quits where something runs, is unseen or unsaved; stops installations between two steps."""

    farewell = ""
    """What the terminal says when the screens are gone: how to come back to what still runs."""

    @property
    @abstractmethod
    def has_session(self) -> bool:
        """Whether a plan is open, so that there may be something to lose."""

    def exit(self, result: int | None = None, return_code: int = 0, message: Any = None) -> None:
        """End the screens, and remember what is to be said then."""
        installation = self.session.ongoing.installation if self.has_session else None
        if installation is not None and installation.running:
            busy = listed(run.server_id for run in installation.model.servers.values() if run.busy)
            watch, finish = way_back(self.session)
            self.farewell = (
                f"mailwiz-tui: the installation goes on by itself on {busy or 'the servers'}\n"
                f"  watch it    {watch}\n  finish it   {finish}\n"
                "A server undoes the firewall unless one of these confirms in time that SSH still works.\n"
            )
        super().exit(result, return_code, message)

    def action_quit_safely(self) -> None:
        """Leave at once when nothing is lost by it; else say what leaving means, and ask."""
        from mailwiz_tui.ui.dialogs.dialog import ChoiceDialog, ConfirmDialog

        if isinstance(self.screen, (ChoiceDialog, ConfirmDialog)):
            return
        self._ask_next(self._questions() if self.has_session else iter(()), lambda: self.exit(0))

    def after_saving(self, then: Step) -> None:
        """Do what forgets the present answers, once they are saved or the operator gives them up."""
        questions = [self._unsaved(then, "Give them up")] if self.session.draft.unsaved else []
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
        """What has to be asked, each looked at when its turn comes."""
        from mailwiz_tui.ui.app.main_screen import MainScreen
        from mailwiz_tui.ui.dialogs.account_dialogs import PasswordDialog

        for screen in reversed(self.screen_stack):
            if isinstance(screen, PasswordDialog):
                yield screen.ask
            elif isinstance(screen, MainScreen) and (words := screen.unfinished()):
                yield Question(
                    "Something is not finished", words, (("stay", "Stay here"), ("leave", "Quit all the same"))
                )
        installation = self.session.ongoing.installation
        if installation is not None and installation.running:
            yield Question(RUNNING, running_words(self.session), CHOICES, {"stop": self._stop})
        elif installation is not None and installation.handover:
            yield Question(*UNSEEN, {"show": self.show_results})
        if (lab := self.session.lab) is not None and lab.running:
            yield Question(*BOOTING, {"stop": lab.stop})
        if self.session.draft.unsaved:
            yield self._unsaved(lambda: self.exit(0), "Leave without")

    def _unsaved(self, then: Step, without: str) -> Question:
        """Answers that could not be saved: why, and what can be done about it."""
        return Question(
            UNSAVED,
            f"{self.session.save_error}.\n\nThey are in memory only, and lost if you leave now. Make room or mend "
            "what is wrong and try again, or save them to another file; the program goes on with that one.",
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
                return f"{path} exists already; nothing was written. Choose another name"
            return "" if self.session.save_elsewhere(path) else f"{self.session.save_error}. Choose another place"

        def saved(name: str | None) -> None:
            if name:
                self.notify(f"The plan is in {name} now", markup=False, timeout=8)
                then()

        body = "Another file for the plan; the program works on it from now on."
        here = str(Path("~").expanduser() / self.session.path.name)
        self.push_screen(TextDialog("Save the answers elsewhere", body, here, take=take), saved)

    def _stop(self) -> None:
        self.run_worker(self._stop_after_step(), group="stop", exit_on_error=False)

    async def _stop_after_step(self) -> None:
        """Ask the servers to stop; the dashboard shows how each comes to rest."""
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
            "stopping when the present step is done" if asked else "nothing is running there to stop"
        )
        self.show_dashboard()

    async def action_quit(self) -> None:
        """Textual's own quit takes the same way."""
        self.action_quit_safely()

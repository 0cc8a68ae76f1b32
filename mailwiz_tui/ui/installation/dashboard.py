"""The dashboard of an installation: a table of servers, their logs, steps and checks.

It draws four times a second, and only what is visible.
"""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Key

from mailwiz_tui.ui.app.actions import bindings_for
from mailwiz_tui.ui.dialogs.dialog import ConfirmDialog
from mailwiz_tui.ui.installation.installation import Installation, Stage
from mailwiz_tui.ui.installation.server_run import ServerRun
from mailwiz_tui.ui.installation.stage_words import stage_words
from mailwiz_tui.ui.logs.log_actions import LogScreen
from mailwiz_tui.ui.session.session import Session
from mailwiz_tui.ui.terminal.symbols import Tone, elapsed_text
from mailwiz_tui.ui.widgets.health import HealthLine
from mailwiz_tui.ui.widgets.key_bar import KeyBar
from mailwiz_tui.ui.widgets.log_tiles import WIDE, LogTiles
from mailwiz_tui.ui.widgets.log_view import LogView
from mailwiz_tui.ui.widgets.no_markup import NoMarkup
from mailwiz_tui.ui.widgets.server_table import ServerTable
from mailwiz_tui.ui.widgets.step_table import StepTable
from mailwiz_tui.ui.widgets.title_bar import TitleBar

DRAW_INTERVAL = 0.25


class DashboardScreen(LogScreen):
    """Shows ``session.ongoing.installation``, which continues when the screen is left."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("run", "log"), *LogScreen.BINDINGS]
    scopes: tuple[str, ...] = ("log", "run")
    heading = "Installation"
    help_text = (
        "The table shows every server: its state, step i of n, the elapsed time, and the time since its last "
        "output. Below are the logs: one at a time, or side by side in a wide window. ↑↓ in the table, "
        "[ and ], or 1 to 9 choose a server; l shows its steps.\n\n"
        "The installation runs on the servers. It continues if you quit or the connection is lost; installing "
        "again attaches to it. A server that fails does not stop the others. r retries it: finished steps are "
        "not repeated.\n\n"
        "The time left is estimated from this machine's earlier installations."
    )

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._stage: Stage | None = None
        self._failed = 0
        self._steps: bool | None = None

    @property
    def run(self) -> Installation:
        """The installation shown."""
        assert self.session.ongoing.installation is not None
        return self.session.ongoing.installation

    @property
    def active_log(self) -> LogView:
        return self.query_one(LogTiles).active(self.chosen)

    @property
    def chosen(self) -> str:
        """The chosen server's id; empty before the first drawing."""
        table = next(iter(self.query(ServerTable)), None)
        return table.selected if table is not None else ""

    def log_file_name(self) -> str:
        return f"{self.chosen}.log"

    def note(self) -> str:
        return self.session.path.name

    def page(self) -> ComposeResult:
        with Vertical(id="run"):
            yield NoMarkup("", id="stage")
            yield ServerTable(self.run.model, plain=self.wizard.plain, id="servers")
            yield HealthLine(plain=self.wizard.plain, id="health")
            with Horizontal(id="run-body"):
                yield StepTable(plain=self.wizard.plain, id="steps")
                yield LogTiles(lambda server_id: self.run.model.server(server_id).log, id="tiles")

    def on_mount(self) -> None:
        self.set_interval(DRAW_INTERVAL, self.tick)
        self.call_after_refresh(self._start)

    def _start(self) -> None:
        self.query_one(ServerTable).focus()
        self.tick()

    def session_changed(self) -> None:
        if self.is_mounted and self.is_current:
            self.tick()

    def on_resize(self) -> None:
        self.call_after_refresh(self.tick)

    def tick(self) -> None:
        """Draw what changed since the last call; nothing while another screen is shown."""
        if not self.is_current or self.session.ongoing.installation is None:
            return
        model = self.run.model
        table = self.query_one(ServerTable)
        if self._stage is not self.run.stage:
            self._enter_stage(table)
        table.draw()
        self._draw_stage()
        self._draw_chosen()
        self.query_one(LogTiles).tick()
        if len(model.failed) > self._failed and self.run.stage is Stage.INSTALLING:
            self.app.bell()
        self._failed = len(model.failed)

    def _enter_stage(self, table: ServerTable) -> None:
        self._stage = self.run.stage
        self.query_one(KeyBar).draw()
        if self._stage is Stage.FAILED and self.run.model.failed:
            table.index = table.server_ids.index(self.run.model.failed[0].server_id)

    def _draw_stage(self) -> None:
        text, tone = stage_words(self.run, width=max(self.size.width - 2, 20), plain=self.wizard.plain)
        if self.run.note:
            first, *rest = text.split("\n")
            text = "\n".join([f"{first}; {self.run.note}", *rest])
        area = self.query_one("#stage", NoMarkup)
        area.show(text)
        for known, name in ((Tone.GOOD, "good"), (Tone.WARN, "warn"), (Tone.BAD, "bad")):
            area.set_class(tone is known, name)
        now = self.run.model.clock()
        longest = max((run.elapsed(now) for run in self.run.model.servers.values()), default=0.0)
        self.query_one(TitleBar).show(note=f"{self.session.path.name}  {elapsed_text(longest)}")

    def _draw_chosen(self) -> None:
        """Draw what depends on the chosen server; logs that stay visible are drawn at the next tick."""
        self._draw_steps()
        table = self.query_one(ServerTable)
        self.query_one(LogTiles).lay_out(table.server_ids, table.selected)
        chosen = self.run.model.servers.get(table.selected)
        self.query_one(HealthLine).show(chosen.checks if chosen else {})

    def _draw_steps(self) -> None:
        wide = self.size.width >= WIDE
        shown = self._steps if self._steps is not None else wide and len(self.run.model.servers) == 1
        shown = shown and not self.has_class("-zoomed")
        self.set_class(shown, "-steps")
        self.set_class(shown and not wide, "-steps-only")
        if shown:
            self.query_one(StepTable).show(self.run.model.servers.get(self.chosen), self.run.model.clock())

    def on_server_table_chosen(self, event: ServerTable.Chosen) -> None:
        if self.is_current and self.session.ongoing.installation is not None:
            self._draw_chosen()

    def on_key(self, event: Key) -> None:
        """The digits 1 to 9 choose a server."""
        if event.character and event.character in "123456789" and not self.active_log.asking:
            number = int(event.character) - 1
            if number < len(self.run.model.servers):
                self.query_one(ServerTable).choose(number)
                event.stop()

    def why_not(self, action_id: str) -> str:
        if action_id.startswith("log."):
            return self.why_not_log(action_id)
        stage, running = self.run.stage, self.session.ongoing.busy
        several = len(self.run.model.servers) > 1
        reasons = {
            "run.retry": self._why_no_retry(),
            "run.skip": self._why_no_skip(),
            "run.results": "" if stage is Stage.DONE else "the installation is not finished",
            "run.leave": "the installation is running; Ctrl+Q quits and leaves it running" if running else "",
            "run.accounts": "the installation is running" if running else "",
            "run.next_server": "" if several else "there is only one server",
            "run.previous_server": "" if several else "there is only one server",
            "run.server": "" if several else "there is only one server",
        }
        return reasons.get(action_id, "")

    def _why_no_retry(self) -> str:
        if not self.session.ongoing.busy:
            return "" if self.run.stage is Stage.FAILED else "nothing failed"
        if self.run.stage is not Stage.INSTALLING or self.run.watched_only or not self.run.model.failed:
            return "the installation is running"
        return "" if self._failed_server() else f"{self.chosen} did not fail; choose the server that did (↑↓)"

    def _why_no_skip(self) -> str:
        if self._why_no_retry() or self._failed_server() is None:
            return "no step failed" if not self.run.model.failed else self._why_no_retry()
        if self.run.watched_only:
            return "this installation is only followed; start one from here to skip a step"
        run = self.run.model.server(self.chosen)
        if run.stuck_at is None:
            return "it failed before its first step, so there is no step to skip"
        if not run.stuck_at.optional:
            return f"later steps depend on “{run.stuck_at.title}”; repair the cause, then press r to retry"
        return ""

    def _failed_server(self) -> ServerRun | None:
        run = self.run.model.servers.get(self.chosen)
        return run if run is not None and run in self.run.model.failed else None

    def action_next_server(self) -> None:
        if not self.refused("run.next_server"):
            self.query_one(ServerTable).action_move(1)

    def action_previous_server(self) -> None:
        if not self.refused("run.previous_server"):
            self.query_one(ServerTable).action_move(-1)

    def action_choose_server(self) -> None:
        """From the palette: focus the table, where a digit chooses."""
        if not self.refused("run.server"):
            self.query_one(ServerTable).focus()
            self.tell("Press the number of a server")

    def action_step_list(self) -> None:
        """Show or hide the steps of the chosen server."""
        self._steps = not self.has_class("-steps")
        self.tick()

    def zoomed(self) -> None:
        self.query_one(LogTiles).alone = self.has_class("-zoomed")
        if not self.has_class("-zoomed"):
            self.query_one(ServerTable).focus()
        self.call_after_refresh(self.tick)

    def action_retry(self) -> None:
        if not self.refused("run.retry"):
            if self.run.watched_only and not self.run.own:
                self.run.start_watching()
            else:
                self.run.retry(self.chosen)

    def action_skip(self) -> None:
        """Ask whether to skip the failed step, if it is optional."""
        stuck = self.run.model.server(self.chosen).stuck_at
        if self.refused("run.skip") or stuck is None:
            return
        server_id, step_id = self.chosen, stuck.step_id

        def answered(yes: bool | None) -> None:
            if yes and not self.refused("run.skip"):
                self.run.retry(server_id, skip=step_id)

        self.app.push_screen(
            ConfirmDialog(
                f"Continue without “{stuck.title}”?",
                f"The later steps on {server_id} do not depend on it, so they can be installed. The checks report "
                "what is missing without it, and the next installation tries it again.",
                yes="Skip it",
                no="Not now",
            ),
            answered,
        )

    def action_results(self) -> None:
        if self.run.stage in (Stage.INSTALLING, Stage.VERIFYING):
            self.run.note = self.run.note or "the results are shown when it is done"
            self.tick()
            return
        if self.refused("run.results"):
            return
        if self.run.watched_only:
            self.wizard.show_monitor()
        else:
            self.wizard.show_results()

    def action_leave(self) -> None:
        if not self.refused("run.leave"):
            self.wizard.show_review()

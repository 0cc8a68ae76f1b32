"""The installation: a table of servers and the log of one of them (of several, where there is room).

It looks at the run four times a second and draws only what is in sight.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from mailwiz_tui.install.events import ServerPhase
from mailwiz_tui.ui.actions import bindings_for
from mailwiz_tui.ui.installation import Installation, Stage
from mailwiz_tui.ui.paths import write_private
from mailwiz_tui.ui.screens.dialog import TextDialog
from mailwiz_tui.ui.screens.main_screen import MainScreen
from mailwiz_tui.ui.session import Session
from mailwiz_tui.ui.symbols import Tone, elapsed_text
from mailwiz_tui.ui.widgets.health import HealthLine
from mailwiz_tui.ui.widgets.key_bar import KeyBar
from mailwiz_tui.ui.widgets.log_panel import LogPanel
from mailwiz_tui.ui.widgets.no_markup import NoMarkup
from mailwiz_tui.ui.widgets.server_table import ServerTable
from mailwiz_tui.ui.widgets.title_bar import TitleBar
from mailwiz_tui.verify.result import CheckState

DRAW_INTERVAL = 0.25


class DashboardScreen(MainScreen):
    """Watches ``session.installation``; leaving the screen changes nothing about it."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("run")]
    scopes: tuple[str, ...] = ("run",)
    heading = "Installation"
    help_text = (
        "The table shows every server: its state, step i of n, the time since it began, and how long ago it last "
        "said something. Below is the log of the chosen one; ↑↓ in the table, or [ and ], choose another.\n\n"
        "The installation runs on the servers. Closing this program, or losing the connection, does not stop "
        "it; installing again attaches to what runs. A server that fails does not stop the others, and can be "
        "retried: finished steps change nothing a second time."
    )

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._drawn = -1
        self._shown = ""
        self._stage: Stage | None = None
        self._count = 0

    @property
    def run(self) -> Installation:
        """The installation watched."""
        assert self.session.installation is not None
        return self.session.installation

    def note(self) -> str:
        return self.session.path.name

    def page(self) -> ComposeResult:
        with Vertical(id="run"):
            yield NoMarkup("", id="stage")
            yield ServerTable(self.run.model, plain=self.wizard.plain, id="servers")
            yield HealthLine(plain=self.wizard.plain, id="health")
            yield NoMarkup("", id="log-title")
            yield LogPanel(id="log")

    def on_mount(self) -> None:
        self.set_interval(DRAW_INTERVAL, self.tick)
        self.call_after_refresh(self._start)

    def _start(self) -> None:
        self.query_one(ServerTable).focus()
        self._show_server(self.query_one(ServerTable).selected)
        self.tick()

    def session_changed(self) -> None:
        if self.is_mounted and self.is_current:
            self.tick()

    def tick(self) -> None:
        """Draw what changed since the last time."""
        model = self.run.model
        table = self.query_one(ServerTable)
        if not self._shown and table.selected:
            self._show_server(table.selected)
        table.refresh(layout=len(model.servers) != self._count)
        self._count = len(model.servers)
        self._draw_stage()
        self.query_one(LogPanel).pull()
        self._draw_log_title()
        self.query_one(HealthLine).show(model.servers[self._shown].checks if self._shown in model.servers else {})
        if self._stage is not self.run.stage:
            self._stage = self.run.stage
            self.query_one(KeyBar).draw()
            if self._stage is Stage.FAILED and model.failed:
                self._show_server(model.failed[0].server_id)
                table.index = table.server_ids.index(model.failed[0].server_id)

    def _draw_stage(self) -> None:
        text, tone = self._stage_sentence()
        area = self.query_one("#stage", NoMarkup)
        area.show(text)
        for known, name in ((Tone.GOOD, "good"), (Tone.WARN, "warn"), (Tone.BAD, "bad")):
            area.set_class(tone is known, name)
        self.query_one(TitleBar).show(note=f"{self.session.path.name}  {self._elapsed()}")

    def _elapsed(self) -> str:
        now = self.run.model.clock()
        longest = max((run.elapsed(now) for run in self.run.model.servers.values()), default=0.0)
        return elapsed_text(longest)

    def _stage_sentence(self) -> tuple[str, Tone]:
        run, plain = self.run, self.wizard.plain
        good, bad, busy = ("*", "x", ">") if plain else ("✓", "✗", "▸")
        match run.stage:
            case Stage.IDLE | Stage.INSTALLING:
                selected = run.model.servers.get(self._shown)
                quiet = run.model.quiet_notice(selected) if selected else ""
                return f"{busy} installing. {quiet}".strip(), Tone.WARN if quiet else Tone.BUSY
            case Stage.VERIFYING:
                return f"{busy} installed; proving that everything works…", Tone.BUSY
            case Stage.FAILED:
                if run.error:
                    return f"{bad} failed: {run.error}", Tone.BAD
                first = run.model.failed[0]
                where = f" in “{first.failed_step}”" if first.failed_step else ""
                advice = f" – {first.advice}" if first.advice else ""
                lost = first.phase is ServerPhase.LOST
                what = "connection lost; what happens there is unknown" if lost else "failed"
                return f"{bad} {first.server_id}: {what}{where}: {first.detail}{advice}; r retries", Tone.BAD
            case Stage.DONE:
                if run.verify_error:
                    return f"{bad} installed, but the checks could not be made: {run.verify_error}", Tone.BAD
                if run.verified:
                    changed = any(outcome.changed for outcome in run.outcomes.values())
                    what = "installed" if changed else "no changes were needed"
                    passed = sum(1 for r in run.results if r.state is CheckState.PASSED)
                    rest = len(run.results) - passed
                    checks = f"{passed} checks passed" + (f", {rest} with a remark" if rest else "")
                    return f"{good} {what}; {checks}. Enter shows the results", Tone.GOOD
                return f"{bad} installed, but some checks failed. Enter shows which and what to do", Tone.BAD
        return "", Tone.IDLE

    def _draw_log_title(self) -> None:
        panel = self.query_one(LogPanel)
        self.query_one("#log-title", NoMarkup).show(f"── log of {self._shown} ── {panel.status()}")

    def _show_server(self, server_id: str) -> None:
        if server_id:
            self._shown = server_id
            self.query_one(LogPanel).show(self.run.model.server(server_id).log)
            self._draw_log_title()

    def on_server_table_chosen(self, event: ServerTable.Chosen) -> None:
        self._show_server(event.server_id)

    def why_not(self, action_id: str) -> str:
        stage = self.run.stage
        if action_id == "run.retry" and self.session.running:
            return "the installation is running"
        if action_id == "run.retry" and stage is not Stage.FAILED:
            return "nothing failed"
        if action_id == "run.results" and stage is not Stage.DONE:
            return "the results come when the installation is done"
        if action_id == "run.leave" and self.session.running:
            return "the installation is running; Ctrl+Q leaves it running"
        if action_id in ("run.next_server", "run.previous_server") and len(self.run.model.servers) < 2:
            return "there is only one server"
        return ""

    def action_next_server(self) -> None:
        if not self.refused("run.next_server"):
            self.query_one(ServerTable).action_move(1)

    def action_previous_server(self) -> None:
        if not self.refused("run.previous_server"):
            self.query_one(ServerTable).action_move(-1)

    def action_follow(self) -> None:
        self.query_one(LogPanel).follow()
        self._draw_log_title()

    def action_pause(self) -> None:
        panel = self.query_one(LogPanel)
        if panel.paused:
            panel.follow()
        else:
            panel.paused = True
        self._draw_log_title()

    def action_wrap(self) -> None:
        self.query_one(LogPanel).toggle_wrap()

    def action_zoom(self) -> None:
        """The log alone, or with the table again; the stage stays in sight."""
        self.toggle_class("-zoomed")
        (self.query_one(LogPanel) if self.has_class("-zoomed") else self.query_one(ServerTable)).focus()

    def action_find(self) -> None:
        def given(text: str | None) -> None:
            if text and not self.query_one(LogPanel).find(text):
                self.tell(f"“{text}” is not in this log")

        self.app.push_screen(TextDialog("Find in the log", "", ok="Find"), given)

    def action_find_next(self) -> None:
        panel = self.query_one(LogPanel)
        if panel.pattern is None:
            self.tell("Nothing was searched for yet; / begins")
        else:
            panel.find_next()

    def action_save_log(self) -> None:
        def named(name: str | None) -> None:
            if not name:
                return
            lines = self.run.model.server(self._shown).log.lines
            path = Path(name).expanduser()
            try:
                write_private(path, "\n".join(lines) + "\n")
            except OSError as error:
                self.tell(f"{path} could not be written: {error.strerror}", problem=True)
                return
            self.tell(f"{len(lines)} lines written to {path}")

        self.app.push_screen(TextDialog("Save the log", "", str(Path.cwd() / f"{self._shown}.log")), named)

    def action_retry(self) -> None:
        if not self.refused("run.retry"):
            self.run.start()

    def action_results(self) -> None:
        if not self.refused("run.results"):
            self.wizard.show_results()

    def action_leave(self) -> None:
        if not self.refused("run.leave"):
            self.wizard.show_review()

"""The table of servers in an installation: state, step i of n, elapsed time, age of the last output."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.message import Message
from textual.widget import Widget

from mailwiz_tui.deploy.events import ServerPhase
from mailwiz_tui.ui.installation.run_model import QUIET_AFTER, RunModel
from mailwiz_tui.ui.installation.server_run import ServerRun
from mailwiz_tui.ui.terminal.symbols import SERVER_MARKS, Tone, age_text, elapsed_text
from mailwiz_tui.ui.terminal.text import fit
from mailwiz_tui.ui.widgets.step_strip import tone_style
from mailwiz_tui.ui.widgets.visible_rows import name_width, server_heading, visible
from mailwiz_tui.verify.result import CheckState

HEADINGS = ("Server", "State", "Step", "Elapsed", "Output", "Doing")
WIDTHS = (15, 7, 9, 10)
LEAST_NAME, MOST_NAME, MOST_NAME_WIDE = 8, 16, 26
WIDE = 100


class ServerTable(Widget, can_focus=True):
    """One row for each server; Up and Down choose the server whose log is shown."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
    ]

    class Chosen(Message):
        """Another server was chosen."""

        def __init__(self, server_id: str) -> None:
            super().__init__()
            self.server_id = server_id

    def __init__(self, model: RunModel, *, plain: bool, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.model = model
        self.plain = plain
        self.index = 0
        self._drawn: list[Text] = []

    @property
    def server_ids(self) -> list[str]:
        """The servers in the order of the plan."""
        return list(self.model.servers)

    @property
    def selected(self) -> str:
        """The chosen server's id, or empty."""
        ids = self.server_ids
        return ids[min(self.index, len(ids) - 1)] if ids else ""

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        return 1 + max(1, len(self._shown()))

    def render(self) -> Text:
        self._drawn = self._rows()
        return Text("\n", no_wrap=True).join(self._drawn)

    def draw(self) -> None:
        """Draw only the rows that changed, for slow links."""
        rows = self._rows()
        if len(rows) != len(self._drawn):
            self.refresh(layout=True)
            return
        pairs = zip(rows, self._drawn, strict=True)
        changed = [changed_cells(new, old, y, self.size.width) for y, (new, old) in enumerate(pairs) if new != old]
        if changed:
            self.refresh(*changed)

    def _shown(self) -> range:
        return visible(len(self.model.servers), self.index, self.app.size.height)

    def _rows(self) -> list[Text]:
        shown, runs = self._shown(), list(self.model.servers.values())
        heading = server_heading(shown, len(runs))
        most = MOST_NAME if self.size.width < WIDE else MOST_NAME_WIDE
        name = name_width([heading, *(self._numbered(run, i) for i, run in enumerate(runs))], LEAST_NAME, most)
        room = max(10, self.size.width - name - sum(WIDTHS) - 2)
        cells = [set_cell_size(h, w) for h, w in zip((heading, *HEADINGS[1:]), (name, *WIDTHS, room), strict=True)]
        rows = [Text("  " + "".join(cells), style="bold", no_wrap=True)]
        return rows + [self._row(runs[number], number, name=name, room=room) for number in shown]

    def _numbered(self, run: ServerRun, number: int) -> str:
        return f"{number + 1} {run.server_id}" if len(self.model.servers) > 1 else run.server_id

    def _row(self, run: ServerRun, number: int, *, name: int, room: int) -> Text:
        chosen = number == self.index
        now = self.model.clock()
        mark = SERVER_MARKS[run.phase]
        step = f"{run.step_index}/{run.step_total}" if run.step_total else "–"
        heard = age_text(run.silence(now)) if run.busy and run.last_output is not None else "–"
        pointer = (">" if self.plain else "▸") if chosen else " "
        row = Text(no_wrap=True)
        style = ("bold reverse" if self.has_focus else "bold") if chosen else ""
        row.append(f"{pointer} {fit(self._numbered(run, number), name - 1)} ", style=style)
        colour = tone_style(self.app.theme_variables, mark.tone) if mark.tone is not Tone.IDLE else ""
        row.append(set_cell_size(mark.text(plain=self.plain), WIDTHS[0]), style=colour)
        row.append(set_cell_size(step, WIDTHS[1]))
        before = run.started is None and run.phase is not ServerPhase.WAITING
        row.append(set_cell_size("–" if before else elapsed_text(run.elapsed(now)), WIDTHS[2]))
        quiet = run.silence(now) >= QUIET_AFTER
        row.append(
            set_cell_size(heard, WIDTHS[3]),
            style=tone_style(self.app.theme_variables, Tone.WARN) if quiet else "",
        )
        doing = self._doing(run, now)
        row.append(fit(doing, room))
        return row

    def _doing(self, run: ServerRun, now: float) -> str:
        counts = run.check_counts()
        if run.checks:
            said = f"{counts[CheckState.PASSED]} passed"
            said += f", {counts[CheckState.FAILED]} failed" if counts[CheckState.FAILED] else ""
            said += f", {counts[CheckState.WARNING]} warned" if counts[CheckState.WARNING] else ""
            return said
        if run.busy:
            return run.waiting(now) or run.progress or run.step_title or run.detail
        return run.failed_step or run.detail

    def choose(self, index: int) -> None:
        """Choose a server by its position in the table."""
        self.index = index
        self.draw()
        self.post_message(self.Chosen(self.selected))

    def action_move(self, by: int) -> None:
        if count := len(self.model.servers):
            self.choose((self.index + by) % count)


def changed_cells(new: Text, old: Text, y: int, width: int) -> Region:
    """The part of a row between the first and the last changed cell; the whole row if styles changed."""
    before, after = old.plain, new.plain
    if (
        (new.style, new.spans) != (old.style, old.spans)
        or len(before) != len(after)
        or cell_len(before) != len(before)
    ):
        return Region(0, y, width, 1)
    differing = [x for x, (was, now) in enumerate(zip(before, after, strict=True)) if was != now]
    return Region(differing[0], y, differing[-1] + 1 - differing[0], 1)

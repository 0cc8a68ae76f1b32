"""The monitor's table of servers: the state of each, and its most important numbers."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import set_cell_size
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from mailwiz_tui.plan.words import span_text
from mailwiz_tui.ui.monitoring.monitoring import Monitoring, ServerWatch
from mailwiz_tui.ui.terminal.symbols import Mark, Tone, size_text
from mailwiz_tui.ui.terminal.text import fit
from mailwiz_tui.ui.widgets.step_strip import tone_style
from mailwiz_tui.ui.widgets.visible_rows import name_width, server_heading, visible
from mailwiz_tui.verify.alerts import Severity

HEADINGS = ("Server", "State", "Services", "Queue", "Disk free", "Memory", "Cert.", "Bans")
WIDTHS = (14, 9, 12, 10, 9, 6, 4)
CLOSE_WIDTHS = (14, 9, 10, 9, 9, 6, 4)
"""For narrow windows with long names."""
LEAST_NAME, MOST_NAME = 12, 30
LEAST_ROWS = 5
MARKS = {
    "checking": Mark("◌", "~", "checking", Tone.BUSY),
    "ok": Mark("✓", "*", "OK", Tone.GOOD),
    "warning": Mark("!", "!", "warning", Tone.WARN),
    "failure": Mark("✗", "x", "failure", Tone.BAD),
    "lost": Mark("?", "?", "unreachable", Tone.BAD),
    "installing": Mark("▸", ">", "installing", Tone.BUSY),
}


def state_of(watch: ServerWatch) -> Mark:
    """The state of a server as symbol and word."""
    if watch.error:
        return MARKS["lost"]
    if watch.health is None:
        return MARKS["checking"]
    if watch.health.installing:
        return MARKS["installing"]
    return {Severity.FAILURE: MARKS["failure"], Severity.WARNING: MARKS["warning"]}.get(
        watch.severity or Severity.NOTE, MARKS["ok"]
    )


class WatchTable(Widget, can_focus=True):
    """One row for each server; Up and Down choose the one shown below. Draw with ``refresh()``."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
    ]

    class Chosen(Message):
        """Another server was chosen."""

    def __init__(self, monitoring: Monitoring, *, plain: bool, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.monitoring = monitoring
        self.plain = plain
        self.index = 0

    @property
    def selected(self) -> str:
        """The chosen server's id."""
        return list(self.monitoring.servers)[self.index]

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        return 1 + max(1, len(self._shown()))

    def _shown(self) -> range:
        return visible(len(self.monitoring.servers), self.index, self.app.size.height, LEAST_ROWS)

    def render(self) -> Text:
        watches, shown = list(self.monitoring.servers.values()), self._shown()
        heading = server_heading(shown, len(watches))
        names = [f"{i + 1} {w.server_id}" if len(watches) > 1 else w.server_id for i, w in enumerate(watches)]
        wanted = name_width([heading, *names], LEAST_NAME, MOST_NAME)
        widths = WIDTHS if wanted + sum(WIDTHS) + 2 <= self.size.width else CLOSE_WIDTHS
        width = min(wanted, max(LEAST_NAME, self.size.width - 2 - sum(widths)))
        width = max(width, len(heading) + 1)
        heads = zip((heading, *HEADINGS[1:]), (width, *widths), strict=True)
        text = Text(no_wrap=True)
        text.append(
            "  " + "".join(_head(h, w) for h, w in heads),
            style="bold",
        )
        for number in shown:
            text.append("\n")
            text.append_text(self._row(number, watches[number], names[number], (width, *widths)))
        return text

    def _row(self, number: int, watch: ServerWatch, name: str, widths: tuple[int, ...]) -> Text:
        chosen = number == self.index
        pointer = (">" if self.plain else "▸") if chosen else " "
        row = Text(no_wrap=True)
        style = ("bold reverse" if self.has_focus else "bold") if chosen else ""
        row.append(f"{pointer} {fit(name, widths[0] - 1)} ", style=style)
        mark = state_of(watch)
        row.append(
            set_cell_size(mark.text(plain=self.plain), widths[1]),
            style=tone_style(self.app.theme_variables, mark.tone),
        )
        for value, room in zip(_numbers(watch), widths[2:], strict=True):
            row.append(set_cell_size(value, room))
        return row

    def choose(self, index: int) -> None:
        """Choose a server by its position in the table."""
        self.index = index
        self.refresh()
        self.post_message(self.Chosen())

    def action_move(self, by: int) -> None:
        self.choose((self.index + by) % len(self.monitoring.servers))


def _head(words: str, width: int) -> str:
    """A column's head, or only its first word if the head does not fit."""
    return fit(words if len(words) < width else words.partition(" ")[0], width)


def _numbers(watch: ServerWatch) -> list[str]:
    sample = watch.sample
    if sample is None:
        return ["–"] * 6
    units = sample.units or ()
    queue = "?" if sample.queue is None else str(sample.queue.count)
    if sample.queue and sample.queue.count:
        queue += f", {span_text(sample.queue_age)}"
    days = sample.certificate_days
    fullest = sample.fullest
    return [
        f"{sum(u.runs for u in units)}/{len(units)}" if sample.units is not None else "?",
        queue,
        size_text(fullest.free) if fullest else "?",
        size_text(sample.memory.available) if sample.memory else "?",
        "?" if days is None else f"{days:.0f} d",
        "?" if sample.banned is None else str(sample.banned),
    ]

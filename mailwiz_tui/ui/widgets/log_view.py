"""A log with its title and the row to find and filter with: what dashboard and monitor show per server."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.cells import cell_len, set_cell_size
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget

from mailwiz_tui.ui.logs.log_buffer import LineFilter, LogBuffer, TextFilter
from mailwiz_tui.ui.widgets.log_panel import LogPanel
from mailwiz_tui.ui.widgets.log_prompt import LogPrompt
from mailwiz_tui.ui.widgets.no_markup import NoMarkup

MakeFilter = Callable[[str], LineFilter]


class LogView(Vertical):
    """One server's log. ``tick()`` draws what is new; ``make_filter`` turns what is typed after & into a filter."""

    def __init__(self, make_filter: MakeFilter = TextFilter) -> None:
        super().__init__()
        self.caption = ""
        self.active = True
        self.make_filter = make_filter
        self.empty_words = "nothing yet"
        self._before: Widget | None = None
        self._waiting: LogBuffer | None = None
        self._ready = False

    def on_mount(self) -> None:
        self._ready = True
        if self._waiting is not None:
            self.show(self.caption, self._waiting)

    def compose(self) -> ComposeResult:
        yield NoMarkup("", classes="log-title")
        yield LogPanel()
        yield LogPrompt()

    @property
    def panel(self) -> LogPanel:
        """The lines."""
        return self.query_one(LogPanel)

    @property
    def asking(self) -> bool:
        """Whether something is being typed."""
        return self.query_one(LogPrompt).display

    def show(self, caption: str, buffer: LogBuffer) -> None:
        """Show another log, from its end."""
        self.caption = caption
        if not self._ready:
            self._waiting = buffer
            return
        self._waiting = None
        self.panel.show(buffer)
        self.draw_title()

    def tick(self) -> None:
        """Take over new lines and say how the log stands."""
        if self._ready:
            self.panel.pull()
            self.draw_title()

    def draw_title(self) -> None:
        """Name and state in one row."""
        status = self.panel.status() if self.panel.buffer.total else self.empty_words
        text = f"── {self.caption} ── {status}"
        width = self.size.width or self.app.size.width
        title = self.query_one(".log-title", NoMarkup)
        fitting = text if cell_len(text) <= width else set_cell_size(text, max(1, width - 1)) + "…"
        title.show(fitting, layout=False)
        title.set_class(self.active, "-active")

    def activate(self, *, active: bool) -> None:
        """Say whether keys act on this log."""
        if active != self.active:
            self.active = active
            if self._ready:
                self.draw_title()

    def ask(self, kind: str) -> None:
        """Ask what to find, or what lines to show."""
        panel = self.panel
        self._before = self.app.focused
        prompt = self.query_one(LogPrompt)
        if kind == "find":
            prompt.ask(kind, "Find (Enter goes to it; n N other hits)", "")
        else:
            value = panel.filter.text if panel.filter else ""
            prompt.ask(kind, "Only lines with (! hides; empty shows all)", value)

    def on_log_prompt_given(self, event: LogPrompt.Given) -> None:
        event.stop()
        self._give_focus_back()
        if event.kind == "filter":
            self.panel.set_filter(self.make_filter(event.text) if event.text else None)
        elif event.text and not self.panel.find(event.text):
            self.app.notify(f"“{event.text}” is not in this log", markup=False, timeout=4)
        self.draw_title()

    def on_log_prompt_cancelled(self, event: LogPrompt.Cancelled) -> None:
        event.stop()
        self._give_focus_back()

    def mark(self) -> None:
        """Draw a line with the time, to see later what came after it."""
        now = time.time()
        self.panel.buffer.append(f"── mark {time.strftime('%H:%M:%S', time.localtime(now))} {'─' * 20}", now)
        self.tick()

    def _give_focus_back(self) -> None:
        if self._before is not None and self._before.is_attached:
            self._before.focus()

"""A server's log with its title and the prompt for search and filter, for dashboard and monitor."""

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
    """One server's log. ``tick()`` draws new lines; ``make_filter`` makes a filter of the text typed after &."""

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
        """The panel with the lines."""
        return self.query_one(LogPanel)

    @property
    def asking(self) -> bool:
        """Whether the prompt is open."""
        return self.query_one(LogPrompt).display

    def show(self, caption: str, buffer: LogBuffer) -> None:
        """Show another log, at its end."""
        self.caption = caption
        if not self._ready:
            self._waiting = buffer
            return
        self._waiting = None
        self.panel.show(buffer)
        self.draw_title()

    def tick(self) -> None:
        """Read new lines and update the title."""
        if self._ready:
            self.panel.pull()
            self.draw_title()

    def draw_title(self) -> None:
        """Draw caption and state in one row."""
        status = self.panel.status() if self.panel.buffer.total else self.empty_words
        text = f"── {self.caption} ── {status}"
        width = self.size.width or self.app.size.width
        title = self.query_one(".log-title", NoMarkup)
        fitting = text if cell_len(text) <= width else set_cell_size(text, max(1, width - 1)) + "…"
        title.show(fitting, layout=False)
        title.set_class(self.active, "-active")

    def activate(self, *, active: bool) -> None:
        """Set whether the keys act on this log."""
        if active != self.active:
            self.active = active
            if self._ready:
                self.draw_title()

    def ask(self, kind: str) -> None:
        """Ask for a search text or a filter."""
        panel = self.panel
        self._before = self.app.focused
        prompt = self.query_one(LogPrompt)
        if kind == "find":
            prompt.ask(kind, "Find (Enter: last match; n N: other matches)", "")
        else:
            value = panel.filter.text if panel.filter else ""
            prompt.ask(kind, "Show lines with (!text hides; empty: all)", value)

    def on_log_prompt_given(self, event: LogPrompt.Given) -> None:
        event.stop()
        self._restore_focus()
        if event.kind == "filter":
            self.panel.set_filter(self.make_filter(event.text) if event.text else None)
        elif event.text and not self.panel.find(event.text):
            self.app.notify(f"“{event.text}” is not in this log", markup=False, timeout=4)
        self.draw_title()

    def on_log_prompt_cancelled(self, event: LogPrompt.Cancelled) -> None:
        event.stop()
        self._restore_focus()

    def mark(self) -> None:
        """Insert a line with the time, to find later what came after it."""
        now = time.time()
        self.panel.buffer.append(f"── mark {time.strftime('%H:%M:%S', time.localtime(now))} {'─' * 20}", now)
        self.tick()

    def _restore_focus(self) -> None:
        if self._before is not None and self._before.is_attached:
            self._before.focus()

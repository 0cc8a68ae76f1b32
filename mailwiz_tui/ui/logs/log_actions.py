"""The actions on logs, for every screen that shows one."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType

from mailwiz_tui.plan.files import replace_file
from mailwiz_tui.plan.words import counted
from mailwiz_tui.ui.app.main_screen import MainScreen
from mailwiz_tui.ui.dialogs.dialog import save_dialog
from mailwiz_tui.ui.widgets.log_view import LogView


class LogScreen(MainScreen):
    """A screen with logs; the keys act on ``active_log``."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "pause", show=False)]

    @property
    def active_log(self) -> LogView:
        """The log that the keys act on."""
        return self.query_one(LogView)

    def log_file_name(self) -> str:
        """The name of a file for the active log."""
        return "server.log"

    def why_not_log(self, action_id: str) -> str:
        """Why an action on a log is not possible now, or empty."""
        if action_id in ("log.find_next", "log.find_previous") and self.active_log.panel.pattern is None:
            return "there is no search yet; press / to begin one"
        return ""

    def action_follow(self) -> None:
        """Go to the end and follow new lines."""
        self.active_log.panel.follow()
        self.active_log.draw_title()

    def action_pause(self) -> None:
        """Pause, or follow again."""
        panel = self.active_log.panel
        if panel.paused:
            panel.follow()
        else:
            panel.paused = True
        self.active_log.draw_title()

    def action_find(self) -> None:
        """Ask for the text to find."""
        self.active_log.ask("find")

    def action_filter(self) -> None:
        """Ask for the filter."""
        self.active_log.ask("filter")

    def action_find_next(self) -> None:
        """Go to the previous match."""
        self._find(newer=False)

    def action_find_previous(self) -> None:
        """Go to the next match."""
        self._find(newer=True)

    def _find(self, *, newer: bool) -> None:
        if not self.refused("log.find_next") and not self.active_log.panel.find_next(newer=newer):
            self.tell("No shown line matches")
        self.active_log.draw_title()

    def action_next_error(self) -> None:
        """Go to the previous error."""
        if not self.active_log.panel.next_error():
            self.tell("No line of this log reports an error")
        self.active_log.draw_title()

    def action_wrap(self) -> None:
        """Switch wrapping of long lines on or off."""
        self.active_log.panel.toggle_wrap()

    def action_times(self) -> None:
        """Switch the time of each line on or off."""
        self.active_log.panel.toggle_stamps()

    def action_mark(self) -> None:
        """Insert a mark into the log."""
        self.active_log.mark()

    def action_zoom(self) -> None:
        """Show only the log, or all parts of the screen again."""
        self.toggle_class("-zoomed")
        if self.has_class("-zoomed"):
            self.active_log.panel.focus()
        self.zoomed()

    def zoomed(self) -> None:
        """Called when zooming was switched on or off."""

    def action_copy(self) -> None:
        """Send the visible lines to the terminal's clipboard."""
        lines = self.active_log.panel.visible_lines()
        self.app.copy_to_clipboard("\n".join(lines))
        self.tell(
            f"{counted(len(lines), 'visible line')} sent to the terminal's clipboard; "
            "s writes the whole log to a file"
        )

    def action_save_log(self) -> None:
        """Write the whole log to a file."""
        buffer = self.active_log.panel.buffer
        path = Path.cwd() / self.log_file_name()
        text, count = buffer.text(), len(buffer.lines)

        def named(name: str | None) -> None:
            if name:
                self.tell(f"{counted(count, 'line')} written to {name}")

        self.app.push_screen(
            save_dialog("Save the log", "", path, lambda place: replace_file(place, text.encode())), named
        )

"""What can be done with a log, for every screen that shows one."""

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
    """A screen with logs; ``active_log`` is the one that keys act on."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "pause", show=False)]

    @property
    def active_log(self) -> LogView:
        """The log that keys act on."""
        return self.query_one(LogView)

    def log_file_name(self) -> str:
        """What a file with the active log is called."""
        return "server.log"

    def why_not_log(self, action_id: str) -> str:
        """Why an action on a log cannot be taken now, or empty."""
        if action_id in ("log.find_next", "log.find_previous") and self.active_log.panel.pattern is None:
            return "nothing was searched for yet; / begins"
        return ""

    def action_follow(self) -> None:
        """Go to the end and stay there."""
        self.active_log.panel.follow()
        self.active_log.draw_title()

    def action_pause(self) -> None:
        """Hold still, or go on."""
        panel = self.active_log.panel
        if panel.paused:
            panel.follow()
        else:
            panel.paused = True
        self.active_log.draw_title()

    def action_find(self) -> None:
        """Ask what to find."""
        self.active_log.ask("find")

    def action_filter(self) -> None:
        """Ask which lines to show."""
        self.active_log.ask("filter")

    def action_find_next(self) -> None:
        """The hit before."""
        self._find(newer=False)

    def action_find_previous(self) -> None:
        """The hit after."""
        self._find(newer=True)

    def _find(self, *, newer: bool) -> None:
        if not self.refused("log.find_next") and not self.active_log.panel.find_next(newer=newer):
            self.tell("There is no hit in the lines that are shown")
        self.active_log.draw_title()

    def action_next_error(self) -> None:
        """The error before."""
        if not self.active_log.panel.next_error():
            self.tell("No line of this log tells of an error")
        self.active_log.draw_title()

    def action_wrap(self) -> None:
        """Wrap long lines or not."""
        self.active_log.panel.toggle_wrap()

    def action_times(self) -> None:
        """Show the time of each line or not."""
        self.active_log.panel.toggle_stamps()

    def action_mark(self) -> None:
        """Draw a line into the log."""
        self.active_log.mark()

    def action_zoom(self) -> None:
        """The log alone, or with everything again."""
        self.toggle_class("-zoomed")
        if self.has_class("-zoomed"):
            self.active_log.panel.focus()
        self.zoomed()

    def zoomed(self) -> None:
        """Zooming was switched on or off."""

    def action_copy(self) -> None:
        """Send the lines in sight to the terminal's clipboard."""
        lines = self.active_log.panel.lines_in_sight()
        self.app.copy_to_clipboard("\n".join(lines))
        self.tell(
            f"{counted(len(lines), 'line')} in sight sent to the terminal's clipboard; "
            "s writes the whole log to a file"
        )

    def action_save_log(self) -> None:
        """Write the whole log to a file of the operator's choice."""
        buffer = self.active_log.panel.buffer
        path = Path.cwd() / self.log_file_name()
        text, count = buffer.text(), len(buffer.lines)

        def named(name: str | None) -> None:
            if name:
                self.tell(f"{counted(count, 'line')} written to {name}")

        self.app.push_screen(
            save_dialog("Save the log", "", path, lambda place: replace_file(place, text.encode())), named
        )

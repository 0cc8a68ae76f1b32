"""The start screen's list while the plan, the inventory and the libraries behind the screens are being loaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import Screen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from mailwiz_tui.ui.app.actions import bindings_for
from mailwiz_tui.ui.app.main_screen import MainScreen
from mailwiz_tui.ui.session.paths import Recent, recent_besides
from mailwiz_tui.ui.widgets.no_markup import NoMarkup


def start_rows(path: Path, recent: Sequence[Recent], *, servers: bool) -> list[tuple[str, str]]:
    """The ways to begin, the most likely first: a key and its label."""
    draft = path.exists()
    rows = [("continue", f"Continue with {path.name}")] if draft else []
    if draft and path.with_suffix(".facts.json").exists():
        rows.append(("monitor", f"Watch the running servers of {path.name}"))
    rows.append(("new", "Begin a new plan" if draft else "Begin"))
    rows.append(("add", "Add a server by hand"))
    if not servers or not draft:
        rows.append(("ssh", "Use the hosts of ~/.ssh/config"))
    rows.append(("lab", "Rehearse on disposable lab hosts on this machine"))
    return rows + [(f"recent-{i}", f"Open {r.plan}") for i, r in enumerate(recent)]


class OpeningScreen(MainScreen):
    """The start screen without a session. It accepts keys at once; a choice is carried out after loading."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("start")]
    scopes: tuple[str, ...] = ("start",)
    heading = "Start"
    help_text = "The plan and the inventory are being loaded."

    def __init__(self, path: Path, choose: Callable[[str], None]) -> None:
        Screen.__init__(self)
        self._path = path
        self._choose = choose

    def note(self) -> str:
        return self._path.name

    def save_problem(self) -> str:
        return ""

    def page(self) -> ComposeResult:
        with Vertical(id="start"):
            yield NoMarkup("A complete mail server, in eight steps", classes="heading")
            new = "" if self._path.exists() else "new, in "
            yield NoMarkup(f"Plan      {new}{self._path}", id="start-draft")
            yield NoMarkup("Servers   …", id="start-inventory")
            recent = recent_besides(self._path)
            rows = start_rows(self._path, recent, servers=self._path.exists())
            yield OptionList(
                *(Option(label, id=key) for key, label in rows), id="start-list", markup=False, compact=True
            )

    def on_mount(self) -> None:
        self.query_one(OptionList).focus()

    @property
    def highlighted(self) -> str:
        """The id of the highlighted row."""
        option = self.query_one(OptionList).highlighted_option
        return option.id or "" if option is not None else ""

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._choose(event.option.id or "")

    def action_continue_draft(self) -> None:
        self._choose("continue")

    def action_new_draft(self) -> None:
        self._choose("new")

    def action_add_server(self) -> None:
        self._choose("add")

    def action_ssh_config(self) -> None:
        self._choose("ssh")

    def action_lab(self) -> None:
        self._choose("lab")

    def action_monitor(self) -> None:
        self._choose("monitor")

    def action_accounts(self) -> None:
        self._choose("accounts")

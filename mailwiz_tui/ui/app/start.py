"""The start screen: continue a draft, begin a new plan, choose where servers come from."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from mailwiz_tui.fleet.server import Server
from mailwiz_tui.plan.findings import PlanError
from mailwiz_tui.plan.steps import STEPS
from mailwiz_tui.plan.words import counted
from mailwiz_tui.ui.app.actions import bindings_for
from mailwiz_tui.ui.app.main_screen import MainScreen
from mailwiz_tui.ui.app.opening import start_rows
from mailwiz_tui.ui.dialogs.lab_dialog import LabDialog
from mailwiz_tui.ui.dialogs.server_dialog import ServerDialog
from mailwiz_tui.ui.session.paths import Recent, default_draft_path, recent_besides, remember
from mailwiz_tui.ui.session.session import Session
from mailwiz_tui.ui.widgets.no_markup import NoMarkup


class StartScreen(MainScreen):
    """The ways to begin, as one list; Enter takes the first, which is the most likely."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("start")]
    scopes: tuple[str, ...] = ("start",)
    heading = "Start"
    help_text = (
        "mailwiz-tui installs a complete mail system on Debian servers: Postfix, Dovecot, Rspamd, "
        "TLS, firewall and every DNS record.\n\n"
        "You answer the questions of eight steps. Each answer has a sensible default and is saved at once. "
        "No server is changed before you confirm the installation at the end of the review.\n\n"
        "Servers come from an inventory file (inventory.toml beside the plan) or from ~/.ssh/config, or you "
        "add them by hand. The lab boots disposable Debian hosts on this machine for rehearsals."
    )

    def __init__(self, session: Session, highlighted: str = "", chosen: str = "") -> None:
        """Start on the ``highlighted`` row; ``chosen`` is the row picked while the session was loading, if any."""
        super().__init__(session)
        self._highlighted = highlighted
        self._chosen = chosen

    def page(self) -> ComposeResult:
        with Vertical(id="start"):
            yield NoMarkup("A complete mail server, in eight steps", classes="heading")
            yield NoMarkup("", id="start-draft")
            yield NoMarkup("", id="start-inventory")
            yield OptionList(id="start-list", markup=False, compact=True)

    def on_mount(self) -> None:
        self.draw()
        options = self.query_one(OptionList)
        keys = [option.id for option in options.options]
        if self._highlighted in keys:
            options.highlighted = keys.index(self._highlighted)
        options.focus()
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        if self._chosen:
            self.choose(self._chosen)
        if not self.wizard.opening:
            self.wizard.give_held_keys()

    def session_changed(self) -> None:
        self.draw()

    @property
    def has_draft(self) -> bool:
        """Whether the draft has an answer."""
        return self.session.path.exists()

    def draw(self) -> None:
        """Draw the plan's path, the number of servers, and the list."""
        session = self.session
        self.query_one("#start-draft", NoMarkup).show(
            f"Plan      {session.path}" if self.has_draft else f"Plan      new, in {session.path}"
        )
        self.query_one("#start-inventory", NoMarkup).show(f"Servers   {self._inventory_sentence()}")
        recent = recent_besides(session.path)
        rows = start_rows(session.path, recent, servers=bool(session.inventory.servers))
        options = self.query_one(OptionList)
        at = options.highlighted or 0
        options.clear_options()
        options.add_options([Option(label, id=key) for key, label in rows])
        options.highlighted = min(at, len(rows) - 1)

    def _inventory_sentence(self) -> str:
        if self.session.inventory_findings:
            return "; ".join(f.line for f in self.session.inventory_findings)
        inventory = self.session.inventory
        if not inventory.servers:
            return "none yet: add one by hand, use ~/.ssh/config, or rehearse on lab hosts"
        return f"{counted(len(inventory.servers), 'server')} from {inventory.source}"

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.choose(event.option.id or "")

    def choose(self, key: str) -> None:
        """Carry out a row of the list."""
        if key.startswith("recent-"):
            self._open(int(key.removeprefix("recent-")))
            return
        {
            "continue": self.action_continue_draft,
            "new": self.action_new_draft,
            "add": self.action_add_server,
            "ssh": self.action_ssh_config,
            "lab": self.action_lab,
            "monitor": self.action_monitor,
            "accounts": self.action_accounts,
        }[key]()

    def _open(self, index: int) -> None:
        recent = recent_besides(self.session.path)[index]
        self.wizard.after_saving(partial(self._open_recent, recent))

    def _open_recent(self, recent: Recent) -> None:
        previous = self.session.path
        try:
            self.session.explicit_inventory = recent.inventory
            self.session.open(recent.plan)
        except PlanError as error:
            self.session.open(previous)
            self.tell("; ".join(f.line for f in error.findings), problem=True)
            return
        self.wizard.show_step(STEPS[0].id)

    def why_not(self, action_id: str) -> str:
        if action_id == "start.continue" and not self.has_draft:
            return "there is no draft yet; press n to begin one"
        if action_id in ("start.monitor", "start.accounts"):
            return self.wizard.why_no_monitor()
        return ""

    def action_continue_draft(self) -> None:
        if self.refused("start.continue"):
            return
        self.wizard.show_step(STEPS[0].id)

    def action_monitor(self) -> None:
        """Watch the running servers of the plan."""
        if not self.refused("start.monitor"):
            self.wizard.show_monitor()

    def action_new_draft(self) -> None:
        """Rename the old draft to a name with the date, and begin an empty one with the same servers."""
        self.wizard.after_saving(self._begin_new)

    def _begin_new(self) -> None:
        old = self.session.path
        if old.exists():
            inventory, path = self.session.inventory.source, default_draft_path()
            if path.exists():
                kept = _rename_old_draft(path)
                old = kept if old == path else old
            remember(old, inventory)
            self.session.open(path)
            if inventory is not None and not self.session.inventory.servers:
                self.session.use_inventory(inventory.absolute())
        self.wizard.show_step(STEPS[0].id)

    def action_add_server(self) -> None:
        def added(server: Server | None) -> None:
            if server is not None:
                self.session.add_server(server)
                self.draw()
                self.tell(f"{server.id} was added to {self.session.inventory.source}")

        self.app.push_screen(ServerDialog({s.id for s in self.session.inventory.servers}), added)

    def action_ssh_config(self) -> None:
        path = Path("~/.ssh/config").expanduser()
        if not path.is_file():
            self.tell("~/.ssh/config does not exist on this machine", problem=True)
            return
        self.session.use_inventory(path)
        self.draw()

    def action_lab(self) -> None:
        """Boot lab hosts, or show the boot in progress."""
        self.app.push_screen(LabDialog(self.session))


def _rename_old_draft(path: Path) -> Path:
    """Rename a draft and the files beside it to a name with the time; returns the new path."""
    name = f"{path.stem}-{time.strftime('%Y%m%d-%H%M%S')}"
    for suffix in (".toml", ".facts.json", ".steps.json"):
        old = path.with_suffix(suffix)
        if old.exists():
            old.replace(path.with_name(name + suffix))
    return path.with_name(f"{name}.toml")

"""Adds a server by hand: how to reach it, nothing more."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from pathlib import Path

from pydantic import ValidationError
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Button

from mailwiz_tui.fleet.server import Server
from mailwiz_tui.ui.screens.dialog import Dialog
from mailwiz_tui.ui.widgets.entry import Entry
from mailwiz_tui.ui.widgets.no_markup import NoMarkup

FIELDS = (
    ("host", "Address or name", "", "e.g. 192.0.2.21"),
    ("id", "Short name", "", "e.g. mx1; empty: from the name"),
    ("user", "User", "root", "root, or a user with sudo"),
    ("port", "SSH port", "22", ""),
    ("identity_file", "Private key", "", "empty: SSH agent and ~/.ssh"),
    ("proxy_jump", "Jump host", "", "empty: connect directly"),
)
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


class ServerDialog(Dialog["Server | None"]):
    """Returns the server, or None."""

    harmless = None

    def __init__(self, taken: AbstractSet[str]) -> None:
        super().__init__("Add a server", "")
        self.taken = taken

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield NoMarkup(self.heading, id="dialog-title")
            with VerticalScroll(id="dialog-body", can_focus=False):
                for name, label, value, placeholder in FIELDS:
                    with Horizontal(classes="form-row"):
                        yield NoMarkup(label, classes="label")
                        yield Entry(value, placeholder=placeholder, id=f"server-{name}")
                yield NoMarkup("", id="dialog-error")
            with Horizontal(id="buttons"):
                yield Button("Cancel", id="answer-close", compact=True)
                yield Button("Add", id="answer-ok", compact=True)

    def submit_answer(self) -> str:
        return "ok"

    def answered(self, answer: str) -> None:
        if answer != "ok":
            self.dismiss(None)
            return
        values = {name: self.query_one(f"#server-{name}", Entry).value.strip() for name, *_ in FIELDS}
        values["id"] = values["id"] or _short(values["host"])
        trouble = self._trouble(values)
        if trouble:
            name, sentence = trouble
            self.query_one("#dialog-error", NoMarkup).show(sentence)
            self.query_one(f"#server-{name}", Entry).focus()
            return
        try:
            server = Server(
                id=values["id"],
                host=values["host"],
                user=values["user"] or "root",
                port=int(values["port"] or 22),
                identity_file=Path(values["identity_file"]).expanduser() if values["identity_file"] else None,
                proxy_jump=values["proxy_jump"],
            )
        except ValidationError as error:
            self.query_one("#dialog-error", NoMarkup).show(error.errors()[0]["msg"])
            return
        self.dismiss(server)

    def _trouble(self, values: dict[str, str]) -> tuple[str, str] | None:
        if not values["host"] or any(c.isspace() for c in values["host"]):
            return "host", "An address or a host name is needed, for example 192.0.2.21"
        if not ID.fullmatch(values["id"]):
            return "id", "The short name may hold letters, digits, dots, hyphens and underscores"
        if values["id"] in self.taken:
            return "id", f"There is a server {values['id']} already; choose another short name"
        port = values["port"] or "22"
        if not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
            return "port", "The port is a number from 1 to 65535"
        key = values["identity_file"]
        if key and not Path(key).expanduser().is_file():
            return "identity_file", f"There is no file {key}"
        return None


def _short(host: str) -> str:
    """A short name for a host: its first label, or the whole address with hyphens."""
    name = host if re.fullmatch(r"[0-9.:a-fA-F]+", host) else host.split(".")[0]
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")

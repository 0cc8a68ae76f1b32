"""Adds a server by hand: how to reach it, nothing more."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from pathlib import Path

from pydantic import ValidationError

from mailwiz_tui.fleet.server import Server
from mailwiz_tui.ui.dialogs.form_dialog import FormDialog, Row

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
ROWS = (
    Row("host", "Address or name", "", "e.g. 192.0.2.21", "where SSH reaches the server"),
    Row("id", "Short name", "", "e.g. mx1; empty: from the name", "what the plan and the screens call it"),
    Row("user", "User", "root", "root, or a user with sudo", "root, or a user who may use sudo"),
    Row("port", "SSH port", "22", "", "the port that sshd listens on"),
    Row(
        "identity_file", "Private key", "", "empty: SSH agent and ~/.ssh", "a file; empty: the SSH agent and ~/.ssh"
    ),
    Row("proxy_jump", "Jump host", "", "empty: connect directly", "a host to connect through, as ssh -J has it"),
)


class ServerDialog(FormDialog["Server | None"]):
    """Returns the server, or None."""

    harmless = None
    prefix = "server"
    rows = ROWS
    help_text = "The server is written into the inventory; nothing is connected to before you ask for it (F5)."

    def __init__(self, taken: AbstractSet[str]) -> None:
        super().__init__("Add a server")
        self.taken = taken

    def _values(self) -> dict[str, str]:
        values = {row.name: self.text(row.name) for row in self.rows}
        return {**values, "id": values["id"] or _short(values["host"])}

    def _server(self) -> Server:
        values = self._values()
        return Server(
            id=values["id"],
            host=values["host"],
            user=values["user"] or "root",
            port=int(values["port"] or 22),
            identity_file=Path(values["identity_file"]).expanduser() if values["identity_file"] else None,
            proxy_jump=values["proxy_jump"],
        )

    def made(self) -> Server:
        return self._server()

    def faults(self) -> dict[str, str]:
        values = self._values()
        found = {}
        if not values["host"] or any(c.isspace() for c in values["host"]):
            found["host"] = "An address or a host name is needed, for example 192.0.2.21"
        if values["id"] in self.taken:
            found["id"] = f"There is a server {values['id']} already; choose another short name"
        elif not ID.fullmatch(values["id"]) and (self.text("id") or "host" not in found):
            found["id"] = "The short name may hold letters, digits, dots, hyphens and underscores"
        port = values["port"] or "22"
        if not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
            found["port"] = "The port is a number from 1 to 65535"
        key = values["identity_file"]
        if key and not Path(key).expanduser().is_file():
            found["identity_file"] = f"There is no file {key}"
        return found or self._refused_by_model()

    def _refused_by_model(self) -> dict[str, str]:
        try:
            self._server()
        except ValidationError as error:
            names = {row.name for row in self.rows}
            return {
                str((*e["loc"], "")[0]) if (*e["loc"], "")[0] in names else "host": e["msg"] for e in error.errors()
            }
        return {}


def _short(host: str) -> str:
    """A short name for a host: its first label, or the whole address with hyphens."""
    name = host if re.fullmatch(r"[0-9.:a-fA-F]+", host) else host.split(".")[0]
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")

"""Adds a server by hand: how to connect to it."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from pathlib import Path

from pydantic import ValidationError

from mailwiz_tui.fleet.server import Server
from mailwiz_tui.ui.dialogs.form_dialog import FormDialog, Row

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
ROWS = (
    Row("host", "Address or name", "", "e.g. 192.0.2.21", "the IP address or host name to connect to with SSH"),
    Row("id", "Short name", "", "e.g. mx1; empty: from the name", "the server's id in the plan and on the screens"),
    Row("user", "User", "root", "root, or a user with sudo", "root, or a user with sudo"),
    Row("port", "SSH port", "22", "", "the port of sshd"),
    Row("identity_file", "Private key", "", "empty: SSH agent and ~/.ssh", "a file; empty: SSH agent and ~/.ssh"),
    Row("proxy_jump", "Jump host", "", "empty: connect directly", "a host to connect through, as with ssh -J"),
)


class ServerDialog(FormDialog["Server | None"]):
    """Asks for a server; returns it, or None."""

    harmless = None
    prefix = "server"
    rows = ROWS
    help_text = "The server is added to the inventory. The program connects to it only when you press F5 in step 2."

    def __init__(self, existing: AbstractSet[str]) -> None:
        super().__init__("Add a server")
        self.existing = existing

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
            found["host"] = "Enter an IP address or a host name, for example 192.0.2.21"
        if values["id"] in self.existing:
            found["id"] = f"A server {values['id']} exists already; choose another short name"
        elif not ID.fullmatch(values["id"]) and (self.text("id") or "host" not in found):
            found["id"] = "The short name may hold letters, digits, dots, hyphens and underscores"
        port = values["port"] or "22"
        if not (port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
            found["port"] = "The port must be a number from 1 to 65535"
        key = values["identity_file"]
        if key and not Path(key).expanduser().is_file():
            found["identity_file"] = f"The file {key} does not exist"
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

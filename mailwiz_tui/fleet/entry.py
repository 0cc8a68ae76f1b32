"""One server of an inventory file: checks each value and collects all faults, for all formats."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from mailwiz_tui.fleet.jumps import parse_jumps
from mailwiz_tui.fleet.server import Server
from mailwiz_tui.plan import dnsnames, hosts
from mailwiz_tui.plan.explain import printable, quoted
from mailwiz_tui.plan.findings import Finding, PlanError

KEYS = (
    "id",
    "host",
    "user",
    "port",
    "identity_file",
    "proxy_jump",
    "public_ipv4",
    "public_ipv6",
    "known_hosts",
    "tags",
    "openssh_alias",
)
_ALIAS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@\\-]{0,255}\$?")


class InventoryError(PlanError):
    """An inventory that cannot be used, with all findings, not only the first."""


class Faults:
    """Collects findings under a prefix: ``servers.0`` in TOML, ``hosts.ini:12`` in line-oriented files."""

    def __init__(self) -> None:
        self.found: list[Finding] = []

    def add(self, path: str, message: str, advice: str = "") -> None:
        """Adds a fault."""
        self.found.append(Finding(printable(path), printable(message, 400), advice=printable(advice)))

    def check(self) -> None:
        """Raises InventoryError if there are findings."""
        if self.found:
            raise InventoryError(self.found)


def server_from(
    values: Mapping[str, object], where: Callable[[str], str], folder: Path, faults: Faults
) -> Server | None:
    """The server with these values, or None if any is invalid.

    ``where`` names the place of a key for findings; paths are relative to ``folder``.
    """
    reader = _Reader(values, where, folder, faults)
    before = len(faults.found)
    port = values.get("port", 22)
    if isinstance(port, bool) or not isinstance(port, int):
        faults.add(where("port"), f"must be a whole number, without quotes, not {quoted(port)}")
    elif not 1 <= port <= 65535:
        faults.add(where("port"), f"{port} is not a port", "ports are numbers from 1 to 65535; SSH has 22")
    tags = values.get("tags", [])
    if not isinstance(tags, list | tuple) or not all(isinstance(tag, str) for tag in tags):
        faults.add(where("tags"), f"must be a list of texts, not {quoted(tags)}", 'write tags = ["paris"]')
    fields = {
        "id": reader.text("id", dnsnames.server_id, needed='id = "mx1"'),
        "host": reader.text("host", host_to_connect, needed='host = "192.0.2.21"'),
        "user": reader.text("user", _user) or "root",
        "identity_file": reader.path("identity_file"),
        "known_hosts": reader.path("known_hosts"),
        "proxy_jump": reader.text("proxy_jump", _jumps),
        "public_ipv4": reader.text("public_ipv4", lambda text: _address(text, 4)),
        "public_ipv6": reader.text("public_ipv6", lambda text: _address(text, 6)),
        "openssh_alias": reader.text("openssh_alias", _alias),
    }
    if len(faults.found) > before:
        return None
    return Server.model_validate(fields | {"port": port, "tags": tags})


def host_to_connect(text: str) -> str:
    """A host name, an IP address or an OpenSSH alias; raises ValueError saying what was written instead."""
    if "@" in text:
        raise ValueError(f"{quoted(text)} has a user; write host and user as separate keys")
    if _ALIAS.fullmatch(text) and not text.replace(".", "").isdigit():
        return text
    name, colon, port = text.rpartition(":")
    if colon and port.isdigit() and (":" not in name or name.endswith("]")):
        raise ValueError(f"{quoted(text)} has a port; write host and port as separate keys")
    return hosts.host(text)


def duplicates(places: list[tuple[str, str]], faults: Faults) -> None:
    """Finds duplicate ids; ``places`` has each id with its place in the file."""
    first: dict[str, str] = {}
    for server_id, place in places:
        if server_id in first:
            faults.add(place, f"{quoted(server_id)} is also the id of another server ({first[server_id]})")
        first.setdefault(server_id, place)


class _Reader:
    def __init__(
        self, values: Mapping[str, object], where: Callable[[str], str], folder: Path, faults: Faults
    ) -> None:
        self._values = values
        self._where = where
        self._folder = folder
        self._faults = faults

    def text(self, key: str, check: Callable[[str], str], *, needed: str = "") -> str:
        """A checked text; empty if it is missing or invalid."""
        value = self._values.get(key)
        if value is None or value == "":
            if needed:
                self._faults.add(self._where(key), "is missing", f"add: {needed}")
            return ""
        if not isinstance(value, str):
            self._faults.add(self._where(key), f"must be text in quotes, not {quoted(value)}")
            return ""
        try:
            return check(value)
        except ValueError as error:
            self._faults.add(self._where(key), str(error))
            return ""

    def path(self, key: str) -> Path | None:
        """An absolute path: ``~`` expanded, relative to the inventory's folder."""
        text = self.text(key, _path)
        if not text:
            return None
        try:
            return (self._folder / Path(text).expanduser()).absolute()
        except RuntimeError:
            self._faults.add(self._where(key), f"{quoted(text)}: there is no such user")
            return None


def _path(text: str) -> str:
    if any(not c.isprintable() for c in text):
        raise ValueError(f"{quoted(text)} is not a path: it has control characters")
    if text.startswith("-----BEGIN"):
        raise ValueError("is a key, not the path of a key file; write the path, and no key into an inventory")
    return text


def _user(text: str) -> str:
    if not _USER.fullmatch(text):
        raise ValueError(f"{quoted(text)} is not a user name")
    return text


def _alias(text: str) -> str:
    if text.startswith("-") or any(c.isspace() or not c.isprintable() for c in text):
        raise ValueError(f"{quoted(text)} is not a Host of ~/.ssh/config")
    return text


def _jumps(text: str) -> str:
    parse_jumps(text)
    return text


def _address(text: str, version: int) -> str:
    address = ipaddress.ip_address(hosts.ip_address(text))
    if address.version != version:
        raise ValueError(f"{address} is an IPv{address.version} address; write it as public_ipv{address.version}")
    return str(address)

"""The inventory in TOML: read with all faults, and servers added without changes of the rest."""

from __future__ import annotations

import ipaddress
import re
import tomllib
from functools import partial
from pathlib import Path
from typing import Any

from mailwiz_tui.fleet.entry import KEYS, Faults, InventoryError, duplicates, server_from
from mailwiz_tui.fleet.server import Inventory, Server
from mailwiz_tui.plan.explain import printable, quoted
from mailwiz_tui.plan.findings import Finding
from mailwiz_tui.plan.schema import closest

HEADER = "# Servers that mailwiz-tui can reach over SSH. Add your own, or edit these; the program only appends.\n"
_HOME = re.compile(r"^\s*\[\[\s*servers\s*\]\]", re.MULTILINE)


def read_toml(text: str, path: Path) -> Inventory:
    """The inventory of a TOML text; ``path`` is its file. Raises InventoryError with all faults."""
    faults = Faults()
    raw = parse_toml(text, path, faults)
    faults.check()
    for key in raw:
        if key not in ("servers", "resolver"):
            near = closest(key, ["servers", "resolver"])
            faults.add(f"inventory.{key}", "is not a key of an inventory", f"did you mean {near}?" if near else "")
    entries = raw.get("servers", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        faults.add(
            "inventory.servers", f"must be a list of tables, not {quoted(entries)}", "write each as [[servers]]"
        )
        entries = []
    servers: list[Server] = []
    for index, entry in enumerate(entries):
        _unknown_keys(entry, index, faults)
        server = server_from(entry, partial(_place, index), path.parent, faults)
        if server is not None:
            servers.append(server)
    ids = [(e["id"], _place(i, "id")) for i, e in enumerate(entries) if isinstance(e.get("id"), str)]
    duplicates(ids, faults)
    resolver = _resolver(raw.get("resolver", ""), faults)
    faults.check()
    return Inventory(source=path, servers=tuple(servers), resolver=resolver)


def _resolver(given: object, faults: Faults) -> str:
    """An address, with a port other than 53; empty if it is missing or invalid."""
    text = given.strip() if isinstance(given, str) else ""
    host, _, port = text.partition("]:") if text.startswith("[") else text.partition(":")
    if text.count(":") > 1 and not text.startswith("["):
        host, port = text, ""
    try:
        if text:
            ipaddress.ip_address(host.strip("[]"))
        if (given and not text) or (port and not 0 < int(port) < 65536):
            raise ValueError
    except ValueError:
        advice = 'write an IP address, for another port ADDRESS:PORT: resolver = "192.0.2.53"'
        faults.add("inventory.resolver", f"{quoted(given)} is not the address of a resolver", advice)
        return ""
    return text


def _place(index: int, key: str) -> str:
    return f"inventory.servers.{index}.{key}"


def parse_toml(text: str, path: Path, faults: Faults) -> dict[str, Any]:
    """The raw tables of a TOML text; a syntax error becomes a finding with line and column."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        faults.add(str(path), "is nested too deeply to be an inventory")
    except ValueError as error:
        faults.add(str(path), f"is not TOML: {error}", "text needs quotes, lists brackets; see the line named")
    return {}


def with_server(text: str, path: Path, server: Server) -> str:
    """The text with the server appended or, if its id exists already, replaced in place.

    Comments and the rest stay unchanged. Raises InventoryError if the text has faults.
    """
    inventory = read_toml(text, path)
    block = _block(server, path.parent.absolute())
    if inventory.servers and len(_HOME.findall(text)) != len(inventory.servers):
        message = "lists its servers in brackets; a server cannot be added to that"
        raise InventoryError([Finding(printable(str(path)), message, advice="write each as [[servers]]")])
    ids = [s.id for s in inventory.servers]
    if server.id in ids:
        start, end = _span(text, ids.index(server.id))
        changed = text[:start] + block + text[end:]
    else:
        body = text if text.strip() else HEADER
        changed = body.rstrip("\n") + "\n\n" + block
    read_toml(changed, path)
    return changed


def _unknown_keys(entry: dict[str, Any], index: int, faults: Faults) -> None:
    for key in entry:
        if key not in KEYS:
            near = closest(key, list(KEYS))
            advice = f"did you mean {near}?" if near else f"a server has {', '.join(KEYS)}"
            faults.add(f"inventory.servers.{index}.{printable(key, 60)}", "is not a key of a server", advice)


def _span(text: str, index: int) -> tuple[int, int]:
    """Begin and end of the index-th ``[[servers]]`` table, without the comments before the next one."""
    starts = [match.start() for match in _HOME.finditer(text)]
    start = starts[index]
    end = starts[index + 1] if index + 1 < len(starts) else len(text)
    body = text[start:end]
    lines = body.splitlines(keepends=True)
    while len(lines) > 1 and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        lines.pop()
    return start, start + len("".join(lines))


def _block(server: Server, folder: Path) -> str:
    values: dict[str, Any] = {"id": server.id, "host": server.host, "user": server.user}
    if server.port != 22:
        values["port"] = server.port
    for key in ("identity_file", "known_hosts"):
        path = getattr(server, key)
        if path is not None:
            values[key] = str(path.relative_to(folder) if path.is_relative_to(folder) else path)
    for key in ("proxy_jump", "public_ipv4", "public_ipv6", "openssh_alias"):
        if getattr(server, key):
            values[key] = getattr(server, key)
    if server.tags:
        values["tags"] = list(server.tags)
    import tomlkit

    return "[[servers]]\n" + tomlkit.dumps(values)

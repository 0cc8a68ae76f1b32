"""Inventories of servers: reads all formats, and adds servers to TOML."""

from __future__ import annotations

import re
from pathlib import Path

from mailwiz_tui.fleet.ansible import read_ansible_ini, read_ansible_yaml
from mailwiz_tui.fleet.entry import InventoryError
from mailwiz_tui.fleet.openssh import has_hosts, read_openssh
from mailwiz_tui.fleet.server import Inventory, Server
from mailwiz_tui.fleet.ssh_client import user_config
from mailwiz_tui.fleet.toml_inventory import HEADER, read_toml, with_server
from mailwiz_tui.plan.explain import printable
from mailwiz_tui.plan.files import FileError, read_text, write_private
from mailwiz_tui.plan.findings import Finding

__all__ = ["InventoryError", "find_inventory", "load_inventory", "save_server"]

_TOML = re.compile(r"^\s*\[\[\s*servers\s*\]\]|^\s*servers\s*=", re.MULTILINE)
_OPENSSH = re.compile(r"^\s*(?:host|match|include)(?:\s+|\s*=\s*)\S", re.MULTILINE | re.IGNORECASE)
_YAML = re.compile(r"\A(?:\s*#.*\n|\s*\n)*(?:---|\{|[\w\"'.-]+\s*:\s*(?:#.*)?$)", re.MULTILINE)


def load_inventory(path: Path) -> Inventory:
    """The servers of an inventory: TOML, OpenSSH client configuration, Ansible INI or YAML.

    The format follows from the file's name, else from its content. Raises InventoryError with all findings.
    """
    if path.is_dir():
        advice = "name the file inside it that lists the hosts"
        raise InventoryError([Finding(printable(str(path)), "is a directory, not an inventory", advice=advice)])
    try:
        text = read_text(path)
    except FileError as fault:
        advice = fault.advice if path.exists() else "name one with --inventory, or add a server in the program"
        raise InventoryError([Finding(printable(str(path)), fault.message, advice=advice)]) from None
    return parse_inventory(text.replace("\r\n", "\n"), path)


def parse_inventory(text: str, path: Path) -> Inventory:
    """The servers of an inventory's text; ``path`` is its file, whose name hints at the format."""
    kind = format_of(text, path)
    if kind == "toml":
        return read_toml(text, path)
    if kind == "openssh":
        return read_openssh(text, path)
    if kind == "yaml":
        return read_ansible_yaml(text, path)
    return read_ansible_ini(text, path)


def format_of(text: str, path: Path) -> str:
    """``toml``, ``openssh``, ``yaml`` or ``ini``."""
    suffix, name = path.suffix.lower(), path.name.lower()
    if suffix == ".toml":
        return "toml"
    if suffix in (".yml", ".yaml", ".json"):
        return "yaml"
    if suffix == ".ini":
        return "ini"
    if path.absolute() == user_config().absolute() or name in ("ssh_config", "sshconfig"):
        return "openssh"
    if _TOML.search(text):
        return "toml"
    if _OPENSSH.search(text):
        return "openssh"
    if _YAML.match(text):
        return "yaml"
    return "ini"


def find_inventory(plan_path: Path, explicit: Path | None = None) -> Path | None:
    """The inventory of a plan: the one named, else ``inventory.toml`` beside it, else ``~/.ssh/config``.

    The last only if it has hosts. None if there is no inventory.
    """
    if explicit is not None:
        return explicit
    beside = plan_path.parent / "inventory.toml"
    if beside.exists():
        return beside
    own = user_config()
    return own if has_hosts(own) else None


def save_server(path: Path, server: Server) -> None:
    """Adds a server to a TOML inventory (created if missing), or replaces the one with its id; the rest is kept.

    Raises InventoryError if the file has faults, another format, or cannot be written.
    """
    try:
        text = read_text(path) if path.exists() else HEADER
        if format_of(text, path) != "toml" and text.strip():
            message = "is not TOML; servers can be added to TOML inventories only"
            raise InventoryError([Finding(printable(str(path)), message, advice="name a new file ending in .toml")])
        changed = with_server(text, path, server)
        if changed != text:
            write_private(path, changed.encode())
    except FileError as fault:
        raise InventoryError([Finding(printable(str(path)), fault.message, advice=fault.advice)]) from None

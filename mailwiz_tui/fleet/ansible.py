"""An Ansible inventory (static INI or YAML) as servers: the SSH settings that Ansible would use for each host.

Read are ``ansible_host``, ``ansible_port``, ``ansible_user``, ``ansible_ssh_private_key_file``, the jump host in
``ansible_ssh_common_args`` and ``ansible_ssh_extra_args``, and ``public_ipv4``/``public_ipv6`` if given.
A host with values that only Ansible can evaluate (templates, vault) is skipped with a warning.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mailwiz_tui.fleet.ansible_files import Unavailable, variables
from mailwiz_tui.fleet.ansible_groups import Groups
from mailwiz_tui.fleet.ansible_ini import read_ini
from mailwiz_tui.fleet.ansible_yaml import read_yaml
from mailwiz_tui.fleet.entry import Faults, server_from
from mailwiz_tui.fleet.server import Inventory, Server
from mailwiz_tui.plan.explain import printable, quoted
from mailwiz_tui.plan.findings import Finding, Severity

_NAMES: dict[str, tuple[str, ...]] = {
    "host": ("ansible_host", "ansible_ssh_host"),
    "port": ("ansible_port", "ansible_ssh_port"),
    "user": ("ansible_user", "ansible_ssh_user"),
    "identity_file": ("ansible_ssh_private_key_file", "ansible_private_key_file"),
    "public_ipv4": ("public_ipv4",),
    "public_ipv6": ("public_ipv6",),
}
_ARGUMENTS = ("ansible_ssh_common_args", "ansible_ssh_extra_args")
_THROUGH = re.compile(r"^ssh\b(?P<options>.*)\s(?:-W\s*\[?%h\]?:%p)(?P<more>.*)$")


def read_ansible_ini(text: str, path: Path) -> Inventory:
    """The inventory of an INI text. Raises InventoryError with every fault."""
    faults = Faults()
    return _inventory(read_ini(text, path.name, faults), path, faults)


def read_ansible_yaml(text: str, path: Path) -> Inventory:
    """The inventory of a YAML (or JSON) text. Raises InventoryError with every fault."""
    faults = Faults()
    return _inventory(read_yaml(text, path.name, faults), path, faults)


def _inventory(groups: Groups, path: Path, faults: Faults) -> Inventory:
    folder = path.parent
    order, members = groups.order(), groups.members()
    of_files = {name: variables(folder, "group_vars", name, faults) for name in order if _plain(name)}
    warnings: list[Finding] = []
    servers: list[Server] = []
    for host, place in groups.places.items():
        merged: dict[str, Any] = {}
        mine = [name for name in order if name in members[host]]
        for name in mine:
            merged |= groups.groups[name].variables if name in groups.groups else {}
        for name in mine:
            merged |= of_files.get(name, {})
        merged |= groups.variables[host]
        merged |= variables(folder, "host_vars", host, faults) if _plain(host) else {}
        server = _server(host, place, merged, folder, faults, warnings)
        if server is not None:
            servers.append(server)
    faults.check()
    return Inventory(source=path, servers=tuple(servers), warnings=tuple(warnings))


def _plain(name: str) -> bool:
    """Whether a name may be part of a path."""
    return name not in (".", "..") and not any(c in name for c in "/\0") and 0 < len(name) < 200


def _server(
    host: str, place: str, values: Mapping[str, Any], folder: Path, faults: Faults, warnings: list[Finding]
) -> Server | None:
    def leave_out(why: str) -> None:
        warnings.append(Finding(printable(place), f"{printable(host, 60)} is skipped: {why}", Severity.WARNING))

    connection = values.get("ansible_connection", "ssh")
    if connection not in ("ssh", "smart", "paramiko", "paramiko_ssh"):
        leave_out(f"ansible_connection is {quoted(connection)}, not ssh")
        return None
    found: dict[str, object] = {"id": host, "host": host}
    for key, names in _NAMES.items():
        name = next((n for n in names if values.get(n) not in (None, "")), None)
        if name is None:
            continue
        value = values[name]
        if why := _unavailable(value):
            leave_out(f"{name} {why}")
            return None
        found[key] = str(value) if key != "port" and isinstance(value, int) else value
    port = found.get("port")
    if isinstance(port, str) and port.isascii() and port.isdigit() and len(port) < 10:
        found["port"] = int(port)
    try:
        jump = _jump_of(values)
    except ValueError as error:
        leave_out(str(error))
        return None
    if jump:
        found["proxy_jump"] = jump
    return server_from(found, lambda key: f"{place} {_NAMES.get(key, (key,))[0]}", folder, faults)


def _unavailable(value: object) -> str:
    if isinstance(value, Unavailable):
        return value.why
    if isinstance(value, str) and ("{{" in value or "{%" in value):
        return "is a template that only Ansible can fill in"
    return ""


def _jump_of(values: Mapping[str, Any]) -> str:
    """The jump hosts in ssh's arguments, in the form of ProxyJump; empty if there are none.

    Raises ValueError for arguments that cannot be parsed: a connection without them might reach another host.
    """
    for name in _ARGUMENTS:
        value = values.get(name)
        if value in (None, ""):
            continue
        if why := _unavailable(value):
            raise ValueError(f"{name} {why}")
        try:
            words = shlex.split(str(value))
        except ValueError:
            raise ValueError(f"the quotes in {name} do not match") from None
        options = iter(words)
        for word in options:
            if word.startswith("-J"):
                return word[2:] or next(options, "")
            if not word.startswith("-o"):
                continue
            key, _, setting = re.sub(r"[=\s]+", "=", word[2:] or next(options, ""), count=1).partition("=")
            if key.lower() == "proxyjump":
                return setting.strip("= ")
            if key.lower() == "proxycommand" and setting.strip("= ").lower() != "none":
                return _through(setting.strip("= "), name)
    return ""


def _through(command: str, name: str) -> str:
    """The jump host of ``ssh -W %h:%p [-p PORT] [USER@]HOST``, the older form of ProxyJump."""
    match = _THROUGH.match(command)
    words = shlex.split(f"{match.group('options')} {match.group('more')}", posix=True) if match else []
    target, port, user = "", "", ""
    options = iter(words)
    for word in options:
        if word == "-p":
            port = next(options, "")
        elif word == "-l":
            user = next(options, "") + "@"
        elif word in ("-i", "-o", "-F"):
            next(options, "")
        elif not word.startswith("-"):
            target = word
    if not target:
        raise ValueError(f"the ProxyCommand in {name} is not a jump through ssh -W; write ProxyJump instead")
    return f"{user}{target}" + (f":{port}" if port else "")

"""The files of a lab for its operator: an inventory of its hosts, and their host keys."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from . import keys, machine
from .keys import LabPaths
from .state import CONTAINER


@dataclass(frozen=True)
class LabHost:
    """A host of the lab for ``lab ls``."""

    id: str
    ipv4: str
    ipv6: str
    suite: str
    pid: int | None
    """Process 1 of the host, by its pid on the machine; None while it is not running."""
    fqdn: str
    root: Path
    """The host's files, readable from the machine while it runs; a kernel host's as before its first boot."""
    kind: str = CONTAINER


def write_inventory(paths: LabPaths, hosts: Iterable[LabHost], resolver: str) -> None:
    """Write ``inventory.toml`` in the program's own format; ``resolver`` is the lab's DNS server."""
    parts = [
        "# Written by `mailwiz-tui lab`; `mailwiz-tui lab down` removes it.\n"
        "# Every host also has the user admin, with the same key, and sudo by the password: lab\n"
        f"\nresolver = {_text(resolver)}\n"
    ]
    for host in hosts:
        parts.append(
            "\n[[servers]]\n"
            f"id = {_text(host.id)}\n"
            f"host = {_text(host.ipv4)}\n"
            'user = "root"\n'
            "port = 22\n"
            f"identity_file = {_text(str(paths.identity_file))}\n"
            f"public_ipv4 = {_text(host.ipv4)}\n"
            f"public_ipv6 = {_text(host.ipv6)}\n"
            'known_hosts = "known_hosts"\n'
            f'tags = ["lab", {_text(host.suite)}]\n'
        )
    machine.write(paths.inventory, "".join(parts))


def write_known_hosts(paths: LabPaths, hosts: Iterable[LabHost]) -> None:
    """Write the host keys that the lab put on its hosts, so that none is unknown."""
    text = ""
    for host in hosts:
        public = [path.read_text() for path in sorted((host.root / "etc/ssh").glob("ssh_host_*_key.pub"))]
        text += keys.known_hosts_lines((host.ipv4, host.ipv6, host.fqdn, host.id), public)
    machine.write(paths.known_hosts, text)


def _text(value: str) -> str:
    """Quote a TOML basic string, whose escapes are those of JSON."""
    return json.dumps(value)

"""The listening sockets, read from /proc/net (proc(5)), and their programs."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Collection

from ..core.host import Host
from ..protocol.facts import Listener

_TABLES = (("tcp", socket.AF_INET, "0A"), ("tcp6", socket.AF_INET6, "0A"),
           ("udp", socket.AF_INET, "07"), ("udp6", socket.AF_INET6, "07"))  # fmt: skip


def find(host: Host, started: Collection[str] = ()) -> tuple[Listener, ...]:
    """The listeners, by port; ``process`` is empty where it is not ours to see.

    ``ours`` says whether the process belongs to one of the units ``started``.
    """
    sockets: dict[str, tuple[str, str, int]] = {}
    for table, family, listening in _TABLES:
        with contextlib.suppress(OSError), open(f"/proc/net/{table}", encoding="ascii") as handle:
            for line in handle.readlines()[1:]:
                words = line.split()
                if words[3] == listening:
                    address, port = _address(words[1], family)
                    sockets[words[9]] = (table[:3], address, port)
    owners = _owners(set(sockets))
    found = [
        Listener(protocol, address, port, name, unit in started)
        for inode, (protocol, address, port) in sockets.items()
        for name, unit in (owners.get(inode, ("", "")),)
    ]
    return tuple(sorted(found, key=lambda entry: (entry.port, entry.protocol, entry.address)))


def _address(text: str, family: int) -> tuple[str, int]:
    raw, _, port = text.partition(":")
    words = struct.unpack(f"!{len(raw) // 8}I", bytes.fromhex(raw))
    packed = b"".join(struct.pack("=I", word) for word in words)
    return socket.inet_ntop(family, packed), int(port, 16)


def _owners(inodes: set[str]) -> dict[str, tuple[str, str]]:
    """The name and the unit of the process behind each socket; systemd's own sockets are told last."""
    found: dict[str, tuple[str, str]] = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            for entry in os.listdir(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):
                    target = os.readlink(f"/proc/{pid}/fd/{entry}")
                    if target.startswith("socket:[") and target[8:-1] in inodes:
                        name = _name(pid)
                        if found.get(target[8:-1], ("systemd", ""))[0] == "systemd":
                            found[target[8:-1]] = (name, _unit(pid))
    return found


def _name(pid: str) -> str:
    with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as handle:
        return handle.read().strip()


def _unit(pid: str) -> str:
    """The service a process belongs to, by its control group (cgroups(7)); empty where there is none."""
    with open(f"/proc/{pid}/cgroup", encoding="utf-8", errors="replace") as handle:
        return unit_of(handle.read())


def unit_of(groups: str) -> str:
    """The service named in ``/proc/PID/cgroup``: the last part of a path that is one."""
    for line in groups.splitlines():
        for part in reversed(line.rpartition(":")[2].split("/")):
            if part.endswith(".service"):
                return part
    return ""

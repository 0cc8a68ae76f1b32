"""Which sockets something listens on, read from /proc/net (proc(5)), and which program it is."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from typing import Any

from .host import Host

_TABLES = (("tcp", socket.AF_INET, "0A"), ("tcp6", socket.AF_INET6, "0A"),
           ("udp", socket.AF_INET, "07"), ("udp6", socket.AF_INET6, "07"))  # fmt: skip


def find(host: Host) -> list[dict[str, Any]]:
    """The listeners, by port; ``process`` is empty where it is not ours to see."""
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
        {"protocol": protocol, "address": address, "port": port, "process": owners.get(inode, "")}
        for inode, (protocol, address, port) in sockets.items()
    ]
    return sorted(found, key=lambda entry: (entry["port"], entry["protocol"], entry["address"]))


def _address(text: str, family: int) -> tuple[str, int]:
    raw, _, port = text.partition(":")
    words = struct.unpack(f"!{len(raw) // 8}I", bytes.fromhex(raw))
    packed = b"".join(struct.pack("=I", word) for word in words)
    return socket.inet_ntop(family, packed), int(port, 16)


def _owners(inodes: set[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            for entry in os.listdir(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):
                    target = os.readlink(f"/proc/{pid}/fd/{entry}")
                    if target.startswith("socket:[") and target[8:-1] in inodes:
                        name = _name(pid)
                        if found.get(target[8:-1], "systemd") == "systemd":
                            found[target[8:-1]] = name
    return found


def _name(pid: str) -> str:
    with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as handle:
        return handle.read().strip()

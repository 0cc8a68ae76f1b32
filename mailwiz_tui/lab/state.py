"""The state of a lab: its slot, its addresses, its hosts."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path

from . import machine
from .addresses import AddressPlan
from .machine import LabError

CONTAINER = "container"
"""The kind of a host that shares the machine's kernel."""
KERNEL = "kernel"
"""The kind of a host that has a kernel of its own, and a second disk."""
MEMORY_MB = 1024
DISK_MB = 2048
_NAME = re.compile(r"[a-z][a-z0-9-]{0,19}")


@dataclass(frozen=True)
class HostSpec:
    """A planned host: its name, its addresses, its Debian release, what boots it."""

    id: str
    number: int
    suite: str
    kind: str = CONTAINER
    memory_mb: int = MEMORY_MB
    """Memory of a host with a kernel of its own."""
    disk_mb: int = DISK_MB
    """Size of its second disk."""


@dataclass
class State:
    """The state of one lab, in ``/var/lib/mailwiz-lab/NAME/state.json``."""

    plan: AddressPlan
    hosts: list[HostSpec] = field(default_factory=list)

    def host(self, host_id: str) -> HostSpec:
        """Return a host by its id; the error lists the existing ones."""
        for spec in self.hosts:
            if spec.id == host_id:
                return spec
        known = ", ".join(spec.id for spec in self.hosts) or "none"
        raise LabError(f"this lab has no host {host_id!r}; it has: {known}")


def check_name(name: str) -> str:
    """Return a lab's name if it is valid for a folder and a namespace."""
    if not _NAME.fullmatch(name):
        raise LabError(
            f"{name!r} cannot be a lab's name; use small letters, digits and hyphens, a letter first (20 at most)"
        )
    return name


def folder(name: str) -> Path:
    return machine.STATE / name


def load(name: str) -> State | None:
    """Read a lab's state; None if there is no such lab."""
    value = machine.read_json(folder(name) / "state.json")
    if not value:
        return None
    try:
        plan = AddressPlan(value["slot"], IPv4Network(value["ipv4"]), IPv6Network(value["ipv6"]))
        return State(plan, [HostSpec(**entry) for entry in value["hosts"]])
    except (KeyError, TypeError, ValueError) as error:
        path = folder(name) / "state.json"
        raise LabError(f"{path} is damaged ({error}); remove it: mailwiz-tui lab down --name {name}") from error


def save(name: str, state: State) -> None:
    """Write a lab's state."""
    value = {
        "slot": state.plan.slot,
        "ipv4": str(state.plan.ipv4),
        "ipv6": str(state.plan.ipv6),
        "hosts": [vars(spec) for spec in state.hosts],
    }
    machine.write(folder(name) / "state.json", json.dumps(value, indent=2) + "\n")


def slots(but: str = "") -> dict[str, int]:
    """Return the slot of every other lab on this machine."""
    found = {}
    for path in machine.STATE.glob("*/state.json"):
        slot = machine.read_json(path).get("slot")
        if path.parent.name != but and isinstance(slot, int):
            found[path.parent.name] = slot
    return found

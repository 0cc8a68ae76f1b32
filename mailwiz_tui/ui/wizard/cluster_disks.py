"""The disks for a cluster's mail that the servers' facts suggest."""

from __future__ import annotations

from mailwiz_tui.fleet.facts import EmptyDisk
from mailwiz_tui.plan.model import Role
from mailwiz_tui.ui.session.session import Session
from mailwiz_tui.ui.terminal.symbols import size_text

SHOWN = 2
PATH = "cluster.device"


def common_disks(session: Session) -> list[EmptyDisk]:
    """The block devices that are empty on each server that holds mail, the largest first, with the smaller size.

    Empty while the facts of one of them are not known.
    """
    holders = [str(raw.get("id", "")) for raw in session.servers() if raw.get("roles") == [Role.ALL_IN_ONE.value]]
    told = [facts.empty_disks or () if (facts := session.known.facts(i)) else () for i in holders]
    sizes = [{disk.name: disk.size for disk in disks} for disks in told]
    names = set.intersection(*map(set, sizes)) if sizes else set()
    found = [EmptyDisk(name=name, size=min(known[name] for known in sizes)) for name in names]
    return sorted(found, key=lambda disk: (-disk.size, disk.name))


def disks_in_words(session: Session) -> str:
    """The suggestion as the help row of the field; empty if there is none."""
    found = common_disks(session)
    if not found:
        return ""
    some = ", ".join(f"{disk.name} ({size_text(disk.size)})" for disk in found[:SHOWN])
    return f"Empty on both servers: {some}. Leave empty for a file."

"""Block devices on which nothing is: where a volume can be made (lsblk(8))."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ..core.host import Host
from ..protocol.facts import EmptyDisk

_SMALLEST = 1 << 30
"""Boot loaders have partitions without a file system of a few MB (BIOS boot partition, extended partition)."""
_KINDS = {"disk", "part", "lvm"}
_IN_MEMORY_OR_OF_OTHERS = ("drbd", "fd", "nbd", "ram", "zram")


def find(host: Host) -> tuple[EmptyDisk, ...] | None:
    """Disks, partitions and LVM volumes without file system, partitions and mount; None where lsblk cannot tell."""
    done = host.run(
        ["lsblk", "--json", "--bytes", "--output", "NAME,PATH,SIZE,TYPE,FSTYPE,MOUNTPOINTS,RO"], timeout=5
    )
    try:
        told = json.loads(done.output) if done.ok else None
    except ValueError:
        return None
    if not isinstance(told, dict) or not isinstance(told.get("blockdevices"), list):
        return None
    return tuple(sorted(set(_empty(told["blockdevices"])), key=lambda disk: disk.name))


def _empty(devices: list[object]) -> Iterator[EmptyDisk]:
    for device in devices:
        if not isinstance(device, dict):
            continue
        if below := device.get("children"):
            yield from _empty(below)
        elif _unused(device):
            yield EmptyDisk(str(device.get("path", "")), int(device["size"]))


def _unused(device: dict[str, object]) -> bool:
    size, mounts = device.get("size"), device.get("mountpoints")
    return (
        device.get("type") in _KINDS
        and not str(device.get("name", "")).startswith(_IN_MEMORY_OR_OF_OTHERS)
        and not device.get("fstype")
        and not device.get("ro")
        and not (isinstance(mounts, list) and any(mounts))
        and isinstance(size, int)
        and size >= _SMALLEST
    )

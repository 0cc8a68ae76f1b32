"""Empty disks: what lsblk tells of disks, partitions and LVM volumes, and what is left out."""

from __future__ import annotations

import json
from typing import Any

from mailwiz_tui.agent.core.host import Done
from mailwiz_tui.agent.facts import empty_disks
from mailwiz_tui.agent.protocol.facts import EmptyDisk
from tests.unit.agent.rehearsal import Rehearsal

GB = 1 << 30


def device(name: str, size: int = 20 * GB, kind: str = "disk", **more: Any) -> dict[str, Any]:
    plain = {"name": name, "path": f"/dev/{name}", "size": size, "type": kind, "fstype": None, "ro": False}
    return {**plain, "mountpoints": [None], **more}


def found(machine: Rehearsal, *devices: dict[str, Any]) -> tuple[EmptyDisk, ...] | None:
    machine.touch("lsblk.json", json.dumps({"blockdevices": devices}))
    program = machine.path("/usr/bin/lsblk")
    program.write_text('#!/bin/sh\ncat "$MAILWIZ_ROOT/lsblk.json"\n')
    program.chmod(0o755)
    return empty_disks.find(machine.host)


def test_a_disk_a_partition_and_a_volume_on_which_nothing_is(machine: Rehearsal) -> None:
    root = device("vda1", kind="part", fstype="ext4", mountpoints=["/"])
    free = device("vda2", kind="part")
    boot = device("vda14", 3 << 20, kind="part")
    volume = device("mail", kind="lvm", path="/dev/mapper/vg-mail")
    used = device("logs", kind="lvm", fstype="xfs", mountpoints=[None])
    physical = device("vdc", fstype="LVM2_member", children=[volume, used])
    names = [
        d.name for d in found(machine, device("vda", children=[root, free, boot]), device("vdb"), physical) or ()
    ]
    assert names == ["/dev/mapper/vg-mail", "/dev/vda2", "/dev/vdb"]


def test_what_is_used_or_no_disk_is_left_out(machine: Rehearsal) -> None:
    swap = device("vdb", fstype="swap", mountpoints=["[SWAP]"])
    others = [device("sr0", kind="rom"), device("loop0", kind="loop"), device("zram0"), device("drbd0")]
    bound = device("vdc", mountpoints=["/srv", None])
    assert found(machine, swap, *others, bound, device("vdd", ro=True), device("vde", 0)) == ()


def test_a_disk_with_two_paths_is_told_once(machine: Rehearsal) -> None:
    shared = device("mpatha", kind="lvm", path="/dev/mapper/mpatha")
    twice = [device("sda", children=[shared]), device("sdb", children=[shared])]
    assert found(machine, *twice) == (EmptyDisk("/dev/mapper/mpatha", 20 * GB),)


def test_a_server_that_cannot_tell_is_not_one_without_disks(machine: Rehearsal, monkeypatch: Any) -> None:
    for said in (Done(1, b"lsblk: unknown column"), Done(0, b"no JSON"), Done(0, b"{}")):
        monkeypatch.setattr(type(machine.host), "run", lambda *_, said=said, **__: said)
        assert empty_disks.find(machine.host) is None

"""A cluster against the facts of the servers that hold mail: the device, and the network of the virtual address."""

from __future__ import annotations

from typing import Any

import pytest

from mailwiz_tui.fleet.facts import Address, EmptyDisk, Facts, FactsFile, ServerRecord
from mailwiz_tui.plan.rules.known_cluster import same_device
from tests.unit.plan.test_rules_servers import CLUSTER

DISK = EmptyDisk(name="/dev/vdb", size=100 << 30)
ON_DISK = {**CLUSTER, "cluster.device": "/dev/vdb"}


def known(*told: dict[str, Any]) -> FactsFile:
    return FactsFile(servers={f"n{n}": ServerRecord(facts=Facts(**facts)) for n, facts in enumerate(told, 1)})


def at(ip: str, prefix: int = 24, interface: str = "eth0") -> dict[str, Any]:
    address = Address(ip=ip, interface=interface, is_global=True, prefix=prefix)
    public = "public_ipv6" if ":" in ip else "public_ipv4"
    return {public: ip, "addresses": (address,)}


def test_a_device_must_be_empty_on_both_servers(lines: Any) -> None:
    assert (
        lines(ON_DISK, known=known({"empty_disks": (DISK,)}, {"empty_disks": (DISK,)}, {"empty_disks": ()})) == []
    )
    other = EmptyDisk(name="/dev/sdb", size=1 << 40)
    (line,) = lines(ON_DISK, known=known({"empty_disks": (DISK,)}, {"empty_disks": (other,)}))
    assert line.startswith("warning cluster.device: /dev/vdb is not an empty disk of n2 (n2 has /dev/sdb;")
    (line,) = lines(ON_DISK, known=known({"empty_disks": ()}, {"empty_disks": (DISK,)}))
    assert "is not an empty disk of n1 (add a disk, or leave it empty to use a file" in line


@pytest.mark.parametrize("told", [{"empty_disks": None}, {"empty_disks": (), "installed_digest": "ab"}])
def test_a_device_is_not_judged_unknown_or_once_it_is_in_use(lines: Any, told: dict[str, Any]) -> None:
    assert lines(ON_DISK, known=known(told, told)) == []


def test_a_link_to_a_device_cannot_be_compared(lines: Any) -> None:
    linked = {**CLUSTER, "cluster.device": "/dev/disk/by-id/virtio-mail"}
    assert lines(linked, known=known({"empty_disks": ()})) == []


def test_a_volume_of_lvm_has_two_names(lines: Any) -> None:
    assert same_device("/dev/vg0/mail-data") == "/dev/mapper/vg0-mail--data"
    assert same_device("/dev/mapper/vg0-mail") == "/dev/mapper/vg0-mail"
    assert same_device("/dev/vdb") == "/dev/vdb"
    volume = {"empty_disks": (EmptyDisk(name="/dev/mapper/vg-mail", size=1 << 40),)}
    assert lines({**CLUSTER, "cluster.device": "/dev/vg/mail"}, known=known(volume, volume)) == []


def test_an_address_moves_only_within_a_network_of_both(lines: Any) -> None:
    both = known(at("203.0.113.1"), at("203.0.113.2"), at("198.51.100.3"))
    assert lines(CLUSTER, known=both) == []
    (line,) = lines(CLUSTER, known=known(at("203.0.113.1"), at("198.51.100.2")))
    assert line.startswith("warning cluster.virtual_ip: n2 has no address in the same network as 203.0.113.10")
    (line,) = lines(CLUSTER, known=known(at("203.0.113.1", 32), at("203.0.113.2", 32)))
    assert line.startswith("warning cluster.virtual_ip: n1 and n2 have no address in the same network")


def test_networks_of_another_version_or_unknown_say_nothing(lines: Any) -> None:
    assert lines(CLUSTER, known=known(at("203.0.113.1", 0), at("2001:db8::2", 64))) == []
    ipv6 = {**CLUSTER, "cluster.virtual_ipv6": "2001:db8:1::10"}
    (line,) = lines(ipv6, known=known(at("2001:db8::1", 64)))
    assert line.startswith("warning cluster.virtual_ipv6: n1 has no address in the same network as 2001:db8:1::10")

"""Hosts with a kernel of their own: what a cluster needs of them, and what the lab does to them."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, permutations

import pytest

from mailwiz_tui.lab import machine, state
from mailwiz_tui.lab.disturbance import OUTSIDE
from mailwiz_tui.lab.lab import Lab, LabError
from tests.lab.conftest import NAME, SUITE
from tests.lab.lab_program import lab_command

pytestmark = [
    pytest.mark.lab,
    pytest.mark.long,
    pytest.mark.timeout(1500),
    pytest.mark.xdist_group("kernel-hosts"),
]

HOSTS = ("mx1", "mx2", "mx3")
MODULES = "drbd softdog wireguard nfs nfsd nf_tables dm-mod loop tun"
RULES = """
table inet t {
    set banned { type ipv6_addr; flags interval; }
    chain input {
        type filter hook input priority filter; policy accept;
        ct state established,related accept
        ip6 saddr @banned reject
        icmpv6 type echo-request limit rate 20/second burst 50 packets accept
        tcp dport { 22, 25 } counter accept
        fib daddr type local counter
        log prefix "x"
    }
}
"""
SECONDS_TO_BOOT = 240


@dataclass(frozen=True)
class Guests:
    """Three hosts with a kernel of their own, and what a test asks of them."""

    lab: Lab

    def said(self, host: str, command: str) -> str:
        return self.lab.run(host, command).stdout.strip()

    def boot_id(self, host: str) -> str:
        """The id of the boot that answers now; empty when none does."""
        try:
            return self.lab.run(host, "cat /proc/sys/kernel/random/boot_id", check=False, timeout=60).stdout.strip()
        except LabError:
            return ""

    def leave(self, host: str, how: str) -> None:
        """Let a host do something that ends the connection."""
        self.lab.run(host, f"(sleep 1; {how}) > /dev/null 2>&1 < /dev/null &", timeout=30)

    def boots_again(self, host: str, how: str) -> float:
        """How many seconds after something the host has booted anew, by itself."""
        before, start = self.boot_id(host), time.monotonic()
        assert before
        self.leave(host, how)
        assert machine.wait_until(lambda: self.boot_id(host) not in ("", before), SECONDS_TO_BOOT, 1), how
        return time.monotonic() - start

    def reaches(self, one: str, other: str) -> list[str]:
        """The protocols in which one host reaches another."""
        host = self.lab.host(other)
        tries = (f"timeout 3 bash -c ': < /dev/tcp/{at}/22' && echo {at}" for at in (host.ipv4, host.ipv6))
        return self.lab.run(one, "; ".join(tries), check=False).stdout.split()

    def serves(self, host: str) -> list[str]:
        """The addresses of a host that this machine reaches."""
        there = self.lab.host(host)
        found = []
        for address in (there.ipv4, there.ipv6):
            words = ["timeout", "5", "bash", "-c", f": < /dev/tcp/{address}/22"]
            if subprocess.run(words, capture_output=True, check=False).returncode == 0:
                found.append(address)
        return found

    def both(self, host: str) -> list[str]:
        there = self.lab.host(host)
        return [there.ipv4, there.ipv6]


@pytest.fixture(scope="module")
def guests() -> Iterator[Guests]:
    """Three bare hosts in a lab of their own; gone without a trace at the end."""
    lab = Lab(f"{NAME}k")
    if lab.missing(kernel=True):
        pytest.fail("no lab here: " + "; ".join(lab.missing(kernel=True)))
    lab.up(3, suite=SUITE, kernel=True)
    yield Guests(lab)
    lab.down()
    assert not state.folder(lab.name).exists()
    assert machine.mounts(state.folder(lab.name)) == []
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert f"/{lab.name}/" not in running


def test_hosts_are_the_usual_ones_with_an_empty_second_disk(guests: Guests) -> None:
    listed = lab_command("ls", "--name", guests.lab.name).stdout
    for host in guests.lab.hosts():
        assert f"{SUITE:9} kernel    running" in next(line for line in listed.splitlines() if host.id in line)
        told = guests.said(host.id, "hostname -f; . /etc/os-release; echo $VERSION_CODENAME; id -un")
        assert told.split() == [host.fqdn, SUITE, "root"]
        assert guests.said(host.id, "lsblk -dnbo NAME,SIZE /dev/ubdb").split() == ["ubdb", str(2 << 30)]
        assert guests.said(host.id, "cmp -n 67108864 /dev/ubdb /dev/zero && echo empty") == "empty"
        assert abs(float(guests.said(host.id, "date +%s")) - time.time()) < 10
        assert guests.serves(host.id) == guests.both(host.id)


def test_kernel_has_what_a_cluster_loads(guests: Guests) -> None:
    guests.said("mx1", f"modprobe -a {MODULES}")
    assert guests.said("mx1", "cat /sys/class/watchdog/watchdog0/identity") == "Software Watchdog"
    assert guests.said("mx1", "cat /sys/module/drbd/version").startswith("8.4")


def test_packages_come_and_the_firewall_and_wireguard_work(guests: Guests) -> None:
    for host in ("mx1", "mx2"):
        guests.lab.run(
            host,
            "apt-get update -qq && DEBIAN_FRONTEND=noninteractive"
            " apt-get install -y -qq --no-install-recommends nftables wireguard-tools",
            timeout=400,
        )
    guests.lab.run("mx1", "nft -f -", stdin=RULES)
    keys = {host: guests.said(host, "wg genkey | tee /root/key | wg pubkey") for host in ("mx1", "mx2")}
    for number, (host, peer) in enumerate((("mx1", "mx2"), ("mx2", "mx1")), 1):
        at = guests.lab.host(peer).ipv4
        guests.lab.run(
            host,
            f"set -e; ip link add wg0 type wireguard; ip address add 10.9.0.{number}/24 dev wg0\n"
            f"wg set wg0 listen-port 51820 private-key /root/key peer {keys[peer]}"
            f" endpoint {at}:51820 allowed-ips 10.9.0.0/24\nip link set wg0 up",
        )
    assert guests.lab.run("mx1", "timeout 10 bash -c ': < /dev/tcp/10.9.0.2/22'").returncode == 0


@pytest.mark.parametrize("link", list(combinations(HOSTS, 2)))
def test_link_between_two_hosts_is_cut_for_no_other(guests: Guests, link: tuple[str, str]) -> None:
    one, other = link
    guests.lab.sever(other, one)
    for here, there in permutations(HOSTS, 2):
        assert guests.reaches(here, there) == ([] if {here, there} == set(link) else guests.both(there))
    assert guests.serves(one) == guests.both(one)
    guests.lab.mend(one, other)
    assert guests.reaches(one, other) == guests.both(other)


def test_host_is_cut_from_its_peers_and_still_serves_or_the_reverse(guests: Guests) -> None:
    guests.lab.sever("mx1")
    assert [guests.reaches("mx1", peer) for peer in ("mx2", "mx3")] == [[], []]
    assert guests.reaches("mx2", "mx3") == guests.both("mx3")
    assert guests.serves("mx1") == guests.both("mx1")
    guests.lab.mend("mx1")
    guests.lab.sever("mx1", OUTSIDE)
    assert guests.serves("mx1") == []
    assert guests.serves("mx2") == guests.both("mx2")
    assert guests.reaches("mx2", "mx1") == guests.both("mx1")
    guests.lab.mend()
    assert guests.serves("mx1") == guests.both("mx1")


def test_frozen_host_answers_nothing_until_it_is_thawed(guests: Guests) -> None:
    before = guests.boot_id("mx2")
    guests.lab.freeze("mx2")
    with pytest.raises(LabError, match="did not end within 5 s"):
        guests.lab.run("mx2", "true", timeout=5)
    guests.lab.thaw("mx2")
    assert guests.boot_id("mx2") == before


def test_second_disk_fails_and_heals(guests: Guests) -> None:
    read = "dd if=/dev/ubdb of=/dev/null bs=4k count=1 iflag=direct 2>&1"
    guests.lab.fail_disk("mx3")
    assert "Input/output error" in guests.lab.run("mx3", read, check=False).stdout
    guests.lab.run("mx3", "touch /root/file && sync /root/file")
    guests.lab.heal_disk("mx3")
    assert "4096 bytes" in guests.said("mx3", read)


@pytest.mark.parametrize("how", ["reboot", "echo b > /proc/sysrq-trigger", "echo c > /proc/sysrq-trigger"])
def test_host_boots_again_after_a_reset_or_a_panic(guests: Guests, how: str) -> None:
    guests.boots_again("mx2", how)
    assert guests.serves("mx2") == guests.both("mx2")


def test_watchdog_that_is_not_fed_resets_the_host(guests: Guests) -> None:
    guests.lab.run("mx1", "rmmod softdog; modprobe softdog soft_margin=10")
    assert guests.boots_again("mx1", "exec 3> /dev/watchdog; kill -9 $$") > 10


def test_host_that_is_off_stays_off_until_it_is_booted(guests: Guests) -> None:
    guests.lab.run("mx3", "echo kept > /root/mine; echo kept > /dev/ubdb; sync")
    guests.leave("mx3", "poweroff")
    assert machine.wait_until(lambda: guests.lab.host("mx3").pid is None, 120, 0.5)
    time.sleep(5)
    assert guests.lab.host("mx3").pid is None
    guests.lab.up(3, suite=SUITE, kernel=True)
    assert guests.said("mx3", "cat /root/mine; head -n 1 /dev/ubdb").split() == ["kept", "kept"]
    guests.lab.cut("mx3")
    assert guests.lab.host("mx3").pid is None
    guests.lab.boot("mx3")
    assert guests.said("mx3", "systemctl is-system-running") == "running"


def test_reset_host_has_an_empty_disk_again(guests: Guests) -> None:
    guests.lab.run("mx3", "echo x > /root/mine; echo x > /dev/ubdb; sync")
    guests.lab.reset("mx3")
    assert guests.lab.run("mx3", "cat /root/mine", check=False).returncode == 1
    assert guests.said("mx3", "head -c 2 /dev/ubdb | od -An -tx1").split() == ["00", "00"]

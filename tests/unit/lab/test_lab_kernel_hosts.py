"""Hosts with a kernel of their own, as far as it shows without one: state, launcher, rules, errors."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from mailwiz_tui.lab import command, disturbance, guest_kernel, kernel_host, machine, state
from mailwiz_tui.lab.addresses import allocate
from mailwiz_tui.lab.kernel_host import KernelHost
from mailwiz_tui.lab.keys import LabPaths
from mailwiz_tui.lab.lab import Lab
from mailwiz_tui.lab.machine import LabError
from mailwiz_tui.lab.site import Site
from mailwiz_tui.lab.state import HostSpec, State

PORTS = {"mx1": "vb-mwl0-mx1", "mx2": "vb-mwl0-mx2"}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A lab of a container and a host with a kernel, of which nothing runs."""
    for name in ("CACHE", "STATE", "RUN"):
        monkeypatch.setattr(machine, name, tmp_path / name.lower())
    hosts = [HostSpec("mx1", 1, "trixie"), HostSpec("mx2", 2, "trixie", state.KERNEL)]
    return Site("mine", State(allocate([], []), hosts), LabPaths(tmp_path / "keys"))


def test_arguments_have_the_documented_defaults() -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    plain, kernel = parser.parse_args(["up"]), parser.parse_args(["up", "--kernel", "--disk", "4096"])
    assert (plain.kernel, kernel.kernel, kernel.memory, kernel.disk) == (False, True, 1024, 4096)


def test_state_of_before_there_were_kinds_is_one_of_containers(site: Site) -> None:
    old = {"id": "mx1", "number": 1, "suite": "bookworm"}
    text = json.dumps({"slot": 0, "ipv4": "198.51.100.0/26", "ipv6": "2001:db8:ca00::/48", "hosts": [old]})
    machine.write(state.folder("mine") / "state.json", text)
    memory = state.load("mine")
    assert memory is not None
    assert memory.hosts == [HostSpec("mx1", 1, "bookworm", state.CONTAINER)]


def test_state_remembers_kind_and_sizes(site: Site) -> None:
    site.grow(2, HostSpec("", 0, "trixie", state.KERNEL, 2048, 4096))
    memory = state.load("mine")
    assert memory is not None
    assert memory.hosts[-1] == HostSpec("mx3", 3, "trixie", state.KERNEL, 2048, 4096)
    assert len(memory.hosts) == 3


def test_only_a_lab_of_kernels_needs_the_programs_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda program: None if program == "mke2fs" else f"/bin/{program}")
    assert "e2fsprogs" not in machine.missing_packages()
    assert "e2fsprogs" in machine.missing_packages(kernel=True)


@pytest.mark.parametrize(("memory", "disk"), [(100, 2048), (1024, 0)])
def test_impossible_sizes_are_refused_before_anything_happens(memory: int, disk: int) -> None:
    with pytest.raises(LabError, match="at least"):
        Lab("nobodys").up(1, kernel=True, memory_mb=memory, disk_mb=disk)


def test_launcher_boots_again_after_a_reset_and_a_panic_but_not_after_a_shutdown(tmp_path: Path) -> None:
    guest = tmp_path / "guest"
    guest.write_text(
        '#!/bin/sh\necho boot >> "$0.log"\ncase $(wc -l < "$0.log") in 1) exit 64;; 2) kill -ABRT $$;; esac\n'
    )
    guest.chmod(0o755)
    launcher = kernel_host._LAUNCHER.replace("sleep 1", "")
    done = subprocess.run(
        ["sh", "-c", launcher, "sh", tmp_path / "cgroup", guest], timeout=20, check=False, capture_output=True
    )
    assert done.returncode == 0
    assert (tmp_path / "guest.log").read_text() == "boot\n" * 3
    assert [(tmp_path / f"cgroup/boot{n}/cgroup.kill").read_text() for n in (1, 2, 3)] == ["1\n"] * 3


def test_first_disk_gets_the_hosts_files_and_the_second_is_empty(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = site.box(site.memory.host("mx2"))
    assert isinstance(box, KernelHost)
    box.root.mkdir(parents=True)
    asked: list[list[str]] = []
    monkeypatch.setattr(kernel_host, "run", lambda *words, **_more: asked.append([str(word) for word in words]))
    box.seal()
    assert asked[0][0] == "mke2fs"
    assert asked[0][-4:] == ["-d", str(box.root), str(box.folder / "disk.img"), "8192M"]
    assert "/dev/ubda / ext4" in (box.root / "etc/fstab").read_text()
    assert (box.folder / "disk2.img").stat().st_size == 2 << 30
    assert (box.folder / "disk2.img").stat().st_blocks == 0


def test_lost_kernel_says_how_to_go_on(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="lab reset"):
        guest_kernel.program([tmp_path])


def test_cut_link_is_cut_in_both_directions(site: Site) -> None:
    rules = disturbance.rules(site.memory.plan, [("mx1", "mx2")], PORTS)
    assert 'iifname "vb-mwl0-mx1" oifname "vb-mwl0-mx2" drop' in rules
    assert 'iifname "vb-mwl0-mx2" oifname "vb-mwl0-mx1" drop' in rules
    assert rules.count("drop") == 2


def test_cut_from_outside_spares_peers_and_the_gateway_itself(site: Site) -> None:
    rules = disturbance.rules(site.memory.plan, [("mx2", disturbance.OUTSIDE)], PORTS)
    gateway = site.memory.plan.hosts_gateway
    assert f'iifname "vb-mwl0-mx2" ip daddr != {gateway.ipv4} drop' in rules
    assert f'oifname "vb-mwl0-mx2" ip6 saddr != {{ {gateway.ipv6}, fe80::/10 }} drop' in rules
    assert "vb-mwl0-mx1" not in rules


def test_links_are_remembered_until_they_are_mended(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "run", lambda *_words, **_more: None)
    disturbance.sever(site, "mx2", "")
    disturbance.sever(site, "mx1", disturbance.OUTSIDE)
    assert disturbance.severed("mine") == {("mx1", "mx2"), ("mx1", "outside")}
    disturbance.mend(site, "mx2", "mx1")
    assert disturbance.severed("mine") == {("mx1", "outside")}
    disturbance.mend(site, "", "")
    assert disturbance.severed("mine") == frozenset()


def test_disturbance_that_cannot_be_made_is_refused(site: Site) -> None:
    with pytest.raises(LabError, match="it has: mx1, mx2"):
        disturbance.sever(site, "mx1", "mx3")
    with pytest.raises(LabError, match="no link to itself"):
        disturbance.sever(site, "mx1", "mx1")
    with pytest.raises(LabError, match="no second disk"):
        disturbance.fail_disk(site, "mx1", True)
    with pytest.raises(LabError, match="not running"):
        disturbance.freeze(site, "mx2", True)

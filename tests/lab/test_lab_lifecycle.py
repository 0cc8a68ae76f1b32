"""A lab comes and goes whole: after a kill, after a reboot of the machine, with nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailwiz_tui.lab import kernel, machine, network, state
from mailwiz_tui.lab.lab import Lab
from tests.lab.lab_program import LAB_COMMAND, lab_command

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]


def traces(name: str, slot: int) -> dict[str, list[str]]:
    """List everything on this machine that bears the marks of one lab."""

    def lines(*command: str) -> list[str]:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()

    words = (f"/{name}/", f"mailwiz-lab-{name}", f"mwl{slot}")

    def marks(found: list[str]) -> list[str]:
        return [line for line in found if any(word in line for word in words)]

    return {
        "mounts": marks(Path("/proc/self/mounts").read_text().splitlines()),
        "namespaces": marks(lines("ip", "netns", "list")),
        "links": marks(lines("ip", "-o", "link")),
        "routes": marks(lines("ip", "route") + lines("ip", "-6", "route")),
        "tables": [line for line in lines("nft", "list", "tables") if line.endswith(f"mailwiz_lab_{slot}")],
        "processes": marks(lines("ps", "-eo", "args")),
        "folders": [
            str(path)
            for path in (
                machine.STATE / name,
                machine.RUN / name,
                machine.RUN / f"{name}.lock",
                Lab(name).paths.directory,
            )
            if path.exists()
        ],
        "cgroups": [
            str(path) for top in machine.cgroup_hierarchies() if (path := top / "mailwiz-lab" / name).exists()
        ],
        "nspawn": [str(path) for path in Path("/run/systemd/nspawn").glob(f"*/mwl{slot}-*")],
    }


@pytest.fixture
def passing_lab() -> Iterator[Lab]:
    """A lab of the test's own, which it may kill and take down."""
    lab = Lab(f"ci-{os.getpid()}")
    if lab.missing():
        pytest.fail("no lab here")
    yield lab
    lab.down()


def test_down_leaves_nothing_behind(passing_lab: Lab) -> None:
    name = passing_lab.name
    switches = {path: path.read_text() for path in Path("/proc/sys/net/ipv4/conf").glob("*/forwarding")}
    switches[kernel.INOTIFY] = kernel.INOTIFY.read_text()
    assert lab_command("up", "2", "--name", name).returncode == 0
    memory = state.load(name)
    assert memory is not None
    there = traces(name, memory.plan.slot)
    assert all(found for what, found in there.items() if what != "nspawn"), there
    init = passing_lab.hosts()[0].pid
    done = lab_command("down", "--name", name)
    assert done.returncode == 0, done.stderr
    assert traces(name, memory.plan.slot) == {what: [] for what in there}
    assert init is not None
    assert machine.start_time(init) is None
    assert machine.CACHE.is_dir()
    if not state.slots():
        assert all(path.read_text() == text for path, text in switches.items() if path.exists())
    assert lab_command("down", "--name", name).returncode == 0


def test_up_and_down_work_after_a_killed_up(passing_lab: Lab) -> None:
    name = passing_lab.name
    for after in (0.25, 0.6, 1.2, 2.0):
        killed = subprocess.Popen(
            [sys.executable, "-c", LAB_COMMAND, "up", "2", "--name", name], stdout=subprocess.DEVNULL
        )
        time.sleep(after)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
    done = lab_command("up", "2", "--name", name)
    assert done.returncode == 0, done.stderr
    assert all(
        passing_lab.run(host.id, "systemctl is-system-running").stdout == "running\n"
        for host in passing_lab.hosts()
    )
    assert passing_lab.dns.texts("mx2.lab.test", "A") == [passing_lab.host("mx2").ipv4]
    memory = state.load(name)
    assert memory is not None
    passing_lab.down()
    assert not any(traces(name, memory.plan.slot).values())


def test_up_brings_a_lab_back_after_the_machine_was_rebooted(passing_lab: Lab) -> None:
    passing_lab.up(1)
    name = passing_lab.name
    passing_lab.run("mx1", "touch /etc/mine")
    passing_lab.dns.publish("example.test. MX 10 mail.example.test.")
    memory = state.load(name)
    assert memory is not None
    _as_after_a_reboot(name, memory.plan.slot)
    assert [host.pid for host in passing_lab.hosts()] == [None]
    passing_lab.up(1)
    assert passing_lab.run("mx1", "test -e /etc/mine").returncode == 0
    assert passing_lab.dns.texts("example.test", "MX") == ["10 mail.example.test."]


def test_killed_build_leaves_no_process_no_mount_and_no_half_image(tmp_path: Path) -> None:
    code = f"from mailwiz_tui.lab import base, machine; machine.CACHE = machine.Path({str(tmp_path)!r})\n"
    build = code + "base.base_image('trixie', print)"
    if Lab("nobodys").missing():
        pytest.fail("no lab here")
    builder = subprocess.Popen([sys.executable, "-c", build], stdout=subprocess.DEVNULL)
    assert machine.wait_until(lambda: any(tmp_path.glob("building-*/usr")), 60)
    builder.send_signal(signal.SIGKILL)
    builder.wait()

    def gone() -> bool:
        running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
        return str(tmp_path) not in running

    assert machine.wait_until(gone, 5)
    assert machine.mounts(tmp_path) == []
    assert list(tmp_path.glob("base-*")) == []


def _as_after_a_reboot(name: str, slot: int) -> None:
    """Take away what a reboot takes, and leave a run folder that speaks of the boot before."""
    root = machine.cgroup_root()
    assert root is not None
    (root / "mailwiz-lab" / name / "cgroup.kill").write_text("1")
    assert machine.wait_until(lambda: not traces(name, slot)["processes"], 10)
    machine.unmount(machine.STATE / name)
    machine.run("ip", "link", "del", f"mwl{slot}")
    machine.run("ip", "netns", "del", network.namespace(name))
    network.namespace_path(name).touch()
    machine.run("nft", "delete", "table", "inet", f"mailwiz_lab_{slot}")
    for record in (machine.RUN / name).glob("*.json"):
        record.write_text(json.dumps(machine.read_json(record) | {"boot": "another"}))
    (machine.RUN / name / "network").write_text("another")

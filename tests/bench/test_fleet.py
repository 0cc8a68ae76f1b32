"""Six servers against one, and what a server costs the controller, up to a hundred of them.

Run with ``pytest -m bench -s tests/bench/test_fleet.py``; the first part wants root and boots hosts of the lab.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mailwiz_tui.lab.lab import Lab, LabHost
from tests.lab.fleet import Member, make_fleet

pytestmark = [pytest.mark.bench, pytest.mark.timeout(2400)]

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 10.0
SHAPE = (["mx-inbound"], ["mx-inbound"], ["mx-outbound"], ["mail-storage"], ["mail-storage"], ["antispam"])


def measured(folder: Path, count: int) -> dict[str, float]:
    """What following so many servers takes of a controller in a process of its own."""
    folder.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SSH_AUTH_SOCK": "", "HOME": str(folder)}
    python = [sys.executable, "-m"]
    with subprocess.Popen(
        [*python, "tests.bench.many_servers", str(folder), str(count)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT,
    ) as servers:  # fmt: skip
        assert servers.stdout
        assert servers.stdout.readline() == "ready\n"
        done = subprocess.run(
            [*python, "tests.bench.many_followed", str(folder / "inventory.toml"), str(SECONDS)],
            capture_output=True, text=True, env=environment, cwd=ROOT, timeout=600, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found: dict[str, float] = json.loads(done.stdout)
        return found


def test_what_a_server_costs_the_controller(tmp_path: Path) -> None:
    few, many = measured(tmp_path / "few", 10), measured(tmp_path / "many", 100)
    print()
    for found in (few, many):
        number = found["servers"]
        print(f"{number:.0f} servers that print {found['lines']:.0f} lines/s together:")
        print(f"  {found['cpu']:.1%} of a core, {found['cpu'] / number:.2%} for each (aim: under 3 %)")
        print(f"  {found['bare']:.0f} MiB, and {found['memory'] / number:.2f} MiB for each (aim: under 8)")
        print(f"  longest stall of the loop {found['stall'] * 1000:.0f} ms")
        print(f"  connected in {found['connected']:.1f} s, {found['connecting'] / number:.3f} s of a core for each")
        assert found["heard"] == number, "every server is followed"
    each_line = (many["cpu"] / many["lines"]) / (few["cpu"] / few["lines"])
    print(f"time for each line, with 100 servers against 10: {each_line:.2f} (linear: 1)")
    each_server = (many["memory"] / many["servers"]) / (few["memory"] / few["servers"])
    print(f"memory for each server, with 100 against 10: {each_server:.2f} (linear: 1)")


def test_six_servers_against_one(
    fresh_host: Callable[..., LabHost],
    fresh_domain: Callable[[], str],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    if os.geteuid() != 0:
        pytest.skip("the lab's hosts want root")
    lab: Lab = request.getfixturevalue("lab")
    hosts = [fresh_host().id for _ in SHAPE]
    plans = {"one": ("single", [Member(hosts[0], ("all-in-one",), 1)])}
    six = [
        Member(host, tuple(roles), number) for number, (host, roles) in enumerate(zip(hosts, SHAPE, strict=True), 1)
    ]
    plans["six"] = ("distributed", six)
    took = {}
    for name, (architecture, members) in plans.items():
        for member in members:
            lab.reset(member.host)
        folder = tmp_path / name
        folder.mkdir()
        fleet = make_fleet(lab, folder, fresh_domain(), members, architecture)
        fleet.mailwiz("diff")
        fleet.publish()
        done = fleet.apply("--credentials", str(fleet.credentials))
        assert "installed" in done.out or done.code == 0, done.out + done.err
        took[name] = done.seconds
    print(
        f"\ninstalled and verified: one server {took['one']:.0f} s, six {took['six']:.0f} s; "
        f"ratio {took['six'] / took['one']:.2f} on {os.cpu_count()} cores"
    )

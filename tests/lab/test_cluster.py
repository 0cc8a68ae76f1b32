"""A cluster of three servers: installed, moved by a change, drained, and cut off under counted mail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mailwiz_tui.lab.addresses import MAX_HOSTS
from mailwiz_tui.lab.lab import Lab
from tests.lab.conftest import NAME
from tests.lab.workspace import MAIL, Done, Workspace

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(3000), pytest.mark.xdist_group("cluster")]

PLAN = (
    """
version = 1
architecture = "ha-cluster"

[[servers]]
id = "mx1"
roles = ["all-in-one"]
internal_ip = "10.80.0.1"

[[servers]]
id = "mx2"
roles = ["all-in-one"]
internal_ip = "10.80.0.2"

[[servers]]
id = "mx3"
roles = ["mx-inbound"]
internal_ip = "10.80.0.3"

"""
    + MAIL
    + """
[services]
antispam = "none"

[cluster]
virtual_ip = "{four}"
virtual_ipv6 = "{six}"
witness = "mx3"
device = "{disk}"
"""
)


@dataclass(frozen=True)
class Cluster(Workspace):
    """Two servers that hold mail and one that votes."""

    def command(self, command: str, *options: str) -> list[str]:
        """The program that also installs what the plan's support refuses until this test has seen it work."""
        words = super().command(command, *options)
        return [words[0], "-m", "tests.lab.unproven_program", *words[3:]]

    def apply(self) -> Done:
        return self.mailwiz("apply", "--yes", "--resolver", self.lab.dns.resolver, timeout=2400)

    def active(self) -> str:
        """The server that has the mailboxes now, while all is well."""
        done = self.mailwiz("node status", "--json")
        told = json.loads(done.out)
        assert told["well"], done.out
        (store,) = {server["store"] for server in told["servers"].values()}
        return str(store)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Installed and published, with nothing missing."""
    lab = Lab(f"{NAME}ha"[:12])
    lab.up(3, kernel=True)
    try:
        folder: Path = tmp_path_factory.mktemp("cluster")
        made = Cluster(lab, folder, "mx1", "example.test")
        moving = lab.plan.host(MAX_HOSTS)
        disk = lab.run("mx1", "lsblk -dpno NAME | grep -v loop | sed -n 2p").stdout.strip()
        made.plan.write_text(PLAN.format(domain=made.domain, four=moving.ipv4, six=moving.ipv6, disk=disk))
        first = made.apply()
        assert "installed" in first.out, first.out + first.err
        made.publish()
        yield made
    finally:
        lab.down()


def test_every_check_passes_and_nothing_is_left_to_do(cluster: Cluster) -> None:
    assert cluster.not_passed() == []
    again = cluster.apply()
    assert (again.code, "no changes" in again.out) == (0, True), again.out + again.err
    assert cluster.active() in ("mx1", "mx2")


def test_a_change_is_made_on_each_server_while_the_mailboxes_are_on_the_other(cluster: Cluster) -> None:
    before = cluster.active()
    text = cluster.plan.read_text()
    cluster.plan.write_text(text.replace("[services]", "[limits]\nmessage_size_mb = 60\n\n[services]"))
    done = cluster.apply()
    assert done.code == 0, done.out + done.err
    assert cluster.active() != before
    assert cluster.not_passed() == []


def test_a_server_is_drained_and_comes_back(cluster: Cluster) -> None:
    before = cluster.active()
    done = cluster.mailwiz("node drain", before)
    assert done.code == 0, done.err
    assert cluster.mailwiz("node status").code == 1
    assert cluster.mailwiz("node return", before).code == 0
    assert cluster.active() != before


def test_no_accepted_message_is_lost_when_the_active_server_is_cut_off(cluster: Cluster) -> None:
    done = cluster.mailwiz("drill", "--yes", "--json", timeout=1500)
    report = json.loads(done.out)
    assert (done.code, report["passed"]) == (0, True), done.out + done.err

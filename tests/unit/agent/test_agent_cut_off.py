"""A server that is cut off from its peers: the rules, and the unit that has them loaded for a while."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from mailwiz_tui.agent.cluster import cut_off
from mailwiz_tui.agent.core.fault import AgentFault
from mailwiz_tui.agent.protocol.cluster import CutOff, EndCutOff
from tests.unit.agent.rehearsal import Rehearsal
from tests.unit.fake_link import ask

PEERS = ("10.80.0.1", "192.0.2.21", "2001:db8::21")


@pytest.fixture
def server(machine: Rehearsal) -> Rehearsal:
    """A machine whose systemd-run writes what it was given, an argument a line; rules are loaded at once."""
    programs = {"systemd-run": 'printf "%s\\n" "$@" >"$R/unit"\n', "nft": 'echo "nft $*" >>"$R/calls"\n'}
    for name, script in programs.items():
        program = machine.path(f"/usr/bin/{name}")
        program.write_text(f'#!/bin/sh\nR="$MAILWIZ_ROOT"\n{script}')
        program.chmod(0o755)
    return machine


def test_packets_from_and_to_each_address_of_the_peers_are_dropped() -> None:
    assert cut_off.table(PEERS) == (
        "table inet mailwiz_cut_off { "
        "chain input { type filter hook input priority -400; policy accept; "
        "ip saddr { 10.80.0.1, 192.0.2.21 } drop; ip6 saddr { 2001:db8::21 } drop; }; "
        "chain output { type filter hook output priority -400; policy accept; "
        "ip daddr { 10.80.0.1, 192.0.2.21 } drop; ip6 daddr { 2001:db8::21 } drop; }; }"
    )


def test_nftables_understands_the_rules() -> None:
    nft = shutil.which("nft")
    if not nft:
        pytest.skip("nft is not installed here")
    done = subprocess.run(
        ["unshare", "-rn", nft, "-c", cut_off.table(PEERS)], capture_output=True, text=True, check=False
    )
    if "Operation not permitted" in done.stderr:
        pytest.skip("this machine does not let a test have a network of its own")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_unit_of_its_own_ends_it_even_if_the_agent_is_gone(server: Rehearsal) -> None:
    ask(server.host, CutOff(PEERS, 60))
    unit = server.path("/unit").read_text().splitlines()
    assert "mailwiz-cut-off.service" in unit
    assert "RuntimeMaxSec=65" in unit
    assert "ExecStopPost=-/usr/sbin/nft delete table inet mailwiz_cut_off" in unit
    assert unit[-1].startswith("nft 'table inet mailwiz_cut_off {")
    assert unit[-1].endswith("' && exec sleep 60")
    assert server.calls() == ["nft list table inet mailwiz_cut_off"]


def test_it_is_ended_before_its_time(server: Rehearsal) -> None:
    ask(server.host, EndCutOff())
    assert server.calls() == ["systemctl stop mailwiz-cut-off.service"]


def test_rules_that_are_not_loaded_are_a_fault(machine: Rehearsal, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.path("/usr/bin/systemd-run").write_text("#!/bin/sh\n")
    machine.path("/usr/bin/systemd-run").chmod(0o755)
    monkeypatch.setattr(cut_off, "LOADED_WITHIN", 0.0)
    with pytest.raises(AgentFault, match="not loaded"):
        cut_off.cut_off(machine.host, PEERS, 60)
    assert machine.calls() == ["systemctl stop mailwiz-cut-off.service"]


@pytest.mark.parametrize("peers", [(), ("mx1",), ("10.0.0.1; flush ruleset",)])
def test_only_addresses_are_cut_off(server: Rehearsal, peers: tuple[str, ...]) -> None:
    with pytest.raises(AgentFault):
        cut_off.cut_off(server.host, peers, 60)
    assert not server.path("/unit").exists()


@pytest.mark.parametrize("seconds", [0.0, -1.0, 3600.0, float("nan")])
def test_it_lasts_no_longer_than_ten_minutes(server: Rehearsal, seconds: float) -> None:
    with pytest.raises(AgentFault):
        cut_off.cut_off(server.host, PEERS, seconds)

"""The test of the network before an installation: what pairs of servers tell, and what is made of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from mailwiz_tui.agent.protocol.paths import AnswerUdp, Echo, Knock, KnockUdp, Listening, MeasurePaths
from mailwiz_tui.agent.protocol.probes import ProbeAnswer, RunProbes
from mailwiz_tui.agent.protocol.request import Request
from mailwiz_tui.deploy.network import PairReport, blocked, path_sizes, survey
from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.plan.findings import Severity
from mailwiz_tui.plan.model import Plan
from tests.unit.fake_link import FakeLink

A = TypeVar("A")
NAMES = ("in1", "store1", "spam1")


def plan(private: str = "wireguard") -> Plan:
    roles = (["mx-inbound", "mx-outbound"], ["mail-storage"], ["antispam"])
    servers = [
        {"id": name, "roles": held, "internal_ip": f"10.80.0.{number}"}
        for number, (name, held) in enumerate(zip(NAMES, roles, strict=True), 1)
    ]
    return Plan.model_validate(
        {
            "architecture": "distributed",
            "servers": servers,
            "domain": {"primary_domain": "example.com", "hostname": "mail.example.com"},
            "network": {"private": private},
        }
    )


def known(**skews: float) -> FactsFile:
    records = {
        name: {
            "facts": {"public_ipv4": f"192.0.2.{number}", "clock": 1000.0, "clock_skew": skews.get(name, 0.0)},
            "wireguard": f"key-{name}",
        }
        for number, name in enumerate(NAMES, 1)
    }
    return FactsFile.model_validate({"servers": records})


class Agent(FakeLink):
    """A server that can send to some addresses only."""

    def __init__(self, blocked: Callable[[str], bool] = lambda address: False, handshakes: str = "") -> None:
        super().__init__(
            AnswerUdp.by(lambda request: Listening(request.seconds > 0)),
            MeasurePaths.by(lambda request: tuple(Echo(peer.id, 0.002, 1500) for peer in request.peers)),
            KnockUdp.by(lambda request: tuple(Knock(p.id, not blocked(p.address)) for p in request.places)),
            RunProbes.by(lambda _: (ProbeAnswer("age", 0 if handshakes else 1, handshakes),)),
        )

    @property
    def addresses(self) -> set[str]:
        return {peer.address for asked in self.asked if isinstance(asked, MeasurePaths) for peer in asked.peers}


async def test_every_pair_is_tried_both_ways_and_the_port_is_given_back() -> None:
    agents = {name: Agent() for name in NAMES}
    reports = await survey(plan(), known(), agents)
    assert [(r.first, r.second) for r in reports] == [("in1", "store1"), ("in1", "spam1"), ("store1", "spam1")]
    assert all(r.good and r.open and r.finding is None for r in reports)
    assert reports[0].line == "in1 – store1: 2.0 ms, packets of 1500 bytes, UDP 51820 gets through"
    for agent in agents.values():
        assert agent.asked[-1] == AnswerUdp(51820, 0.0), "the installation needs the port"
    assert agents["in1"].addresses == {"192.0.2.2", "192.0.2.3"}


async def test_one_direction_is_enough_and_none_is_a_fault() -> None:
    agents = {"in1": Agent(lambda a: True), "store1": Agent(lambda a: a == "192.0.2.1"), "spam1": Agent()}
    cut, open_, _ = await survey(plan(), known(), agents)
    assert open_.good
    assert cut.finding is not None
    assert cut.finding.severity is Severity.FAULT
    assert "UDP port 51820 (WireGuard) is blocked between in1 and store1 in both directions" in cut.finding.message


async def test_a_link_that_lives_needs_no_open_port_and_old_handshakes_do_not_count() -> None:
    lives = Agent(lambda a: True, "key-store1 990\nkey-spam1 600\n")
    agents = {"in1": lives, "store1": Agent(lambda a: True), "spam1": Agent(lambda a: True)}
    reports = await survey(plan(), known(), agents)
    assert [r.lives for r in reports] == [True, False, False]
    assert reports[0].finding is None
    assert reports[1].finding is not None


async def test_an_existing_network_is_tried_at_its_own_addresses_without_wireguard() -> None:
    agents = {name: Agent() for name in NAMES}
    reports = await survey(plan("existing"), known(), agents)
    assert agents["in1"].addresses == {"10.80.0.2", "10.80.0.3"}
    assert [type(asked) for asked in agents["in1"].asked] == [MeasurePaths]
    assert all(r.open is None and r.good for r in reports)


async def test_a_server_that_fails_leaves_a_gap_and_the_rest_is_told() -> None:
    class Broken(Agent):
        async def ask(self, request: Request[A]) -> A:
            raise ConnectionError

    reports = await survey(plan(), known(), {"in1": Agent(), "store1": Broken(), "spam1": Agent()})
    assert [r.open for r in reports] == [None, True, None]


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (PairReport("a", "b", None, 0, None), "a and b do not reach each other"),
        (PairReport("a", "b", 0.001, 1500, True, apart=61.0), "the clocks of a and b are 61 s apart"),
        (PairReport("a", "b", 0.001, 1280, True), "only packets of 1280 bytes"),
        (PairReport("a", "b", 0.25, 1500, True), "takes 250 ms"),
    ],
)
def test_what_is_worth_knowing_is_said(report: PairReport, words: str) -> None:
    assert report.finding is not None
    assert words in report.finding.message
    assert report.finding.advice


async def test_clocks_are_compared_with_each_other_not_with_the_operators() -> None:
    reports = await survey(plan(), known(in1=100.0, store1=100.4), {name: Agent() for name in NAMES})
    assert [round(r.apart, 1) for r in reports] == [0.4, 100.0, 100.4]


def cut(first: str, second: str) -> PairReport:
    return PairReport(first, second, 0.001, 1500, False)


def fine(first: str, second: str, *, lives: bool = False, mtu: int = 1500) -> PairReport:
    return PairReport(first, second, 0.001, mtu, True, lives=lives)


def test_who_is_cut_off_from_all_is_to_blame_and_the_others_are_installed() -> None:
    assert set(blocked([cut("a", "x"), cut("b", "x"), cut("c", "x"), fine("a", "b"), fine("b", "c")])) == {"x"}
    assert set(blocked([cut("a", "b"), fine("b", "c"), fine("a", "c")])) == {"a", "b"}
    assert set(blocked([cut("a", "new"), fine("a", "b", lives=True), fine("b", "new")])) == {"new"}
    assert blocked([fine("a", "b"), PairReport("a", "c", 0.001, 1500, False, needed=False)]) == {}


def test_the_worst_path_of_each_server_decides_its_size() -> None:
    reports = [fine("a", "b", mtu=1400), fine("b", "c"), PairReport("a", "d", None, 0, True)]
    assert path_sizes(reports) == {"a": 1400, "b": 1400, "c": 0}

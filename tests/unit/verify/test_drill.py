"""A whole drill against a cluster of fakes: the store moves, a server is cut off and returns, mail is counted."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Callable
from typing import Any, cast

import pytest
from pydantic import SecretStr

from mailwiz_tui.agent.core.fault import AgentFault
from mailwiz_tui.agent.protocol.accounts import CopyState, RefreshCopy
from mailwiz_tui.agent.protocol.cluster import (
    AskCluster,
    ClusterState,
    CutOff,
    EndCutOff,
    GiveStoreAway,
    NodeState,
    ReturnNode,
    VolumeState,
)
from mailwiz_tui.agent.protocol.first_accounts import CloseProbeMailbox, OpenProbeMailbox
from mailwiz_tui.agent.protocol.probes import EndTurn, ProbeAnswer, ProbeCommand, RunProbes, TakeTurn, Turn
from mailwiz_tui.agent.protocol.request import Request
from mailwiz_tui.deploy.agent_link import AgentError, Link
from mailwiz_tui.deploy.work import EngineError
from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.fleet.server import Inventory
from mailwiz_tui.plan.errors import OperatorError
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.stack.blueprint import Blueprint
from mailwiz_tui.verify.drill import count, mailboxes, phases, report, run
from mailwiz_tui.verify.drill.cluster import peer_addresses
from mailwiz_tui.verify.drill.options import DrillOptions
from mailwiz_tui.verify.drill.report import Report
from mailwiz_tui.verify.mailbox import Mailbox
from mailwiz_tui.verify.target import Target
from tests.doubles import EngineDouble
from tests.unit.fake_link import FakeLink
from tests.unit.stack import cases
from tests.unit.verify import fakes
from tests.unit.verify.conftest import PORTS, Serve

OPTIONS = DrillOptions(rate=8, steady=0.3, whole=1.5, delivery=0.5, timeout=3)
COMPLETE = VolumeState("Connected", "UpToDate", "UpToDate")


class Node(FakeLink):
    """One server of the cluster."""

    def __init__(self, name: str, cluster: Cluster) -> None:
        self.name, self.cluster, self.boot = name, cluster, 1
        super().__init__(
            AskCluster.by(lambda _: cluster.state(name)),
            GiveStoreAway.by(lambda _: cluster.give_away(name)),
            ReturnNode.by(lambda _: cluster.bring_back(name)),
            CutOff.by(lambda request: cluster.cut_off(name, request)),
            EndCutOff.by(lambda _: cluster.told.append(f"end {name}")),
            OpenProbeMailbox.by(lambda request: cluster.told.append(f"open {request.address} on {name}")),
            CloseProbeMailbox.by(lambda request: cluster.told.append(f"close {request.address} on {name}")),
            RefreshCopy.by(lambda _: CopyState(fresh=True)),
            TakeTurn.by(lambda _: Turn(busy=False)),
            EndTurn.by(lambda _: None),
            RunProbes.by(lambda request: tuple(self._answer(probe) for probe in request.probes)),
        )

    async def ask(self, request: Request[Any]) -> Any:
        if self.name in self.cluster.away:
            self.cluster.away[self.name] -= 1
            if not self.cluster.away[self.name]:
                del self.cluster.away[self.name]
            raise OperatorError("the connection was lost", self.name)
        try:
            return await super().ask(request)
        except AgentFault as fault:
            raise AgentError(fault.what, fault.where, fault.advice) from None

    def _answer(self, probe: ProbeCommand) -> ProbeAnswer:
        if probe.argv[0] == "mountpoint":
            return ProbeAnswer(probe.id, 0 if self.cluster.store == self.name else 1, "")
        return ProbeAnswer(probe.id, 0, str(self.boot) if probe.argv[0] == "cat" else "")


class Cluster(EngineDouble):
    """Three servers; ``away`` has how many requests a server that was reset does not answer."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan, Inventory(), cases.cluster_facts())
        self.nodes = {name: Node(name, self) for name in ("n1", "n2", "n3")}
        self.store = "n1"
        self.ready = {"n1", "n2"}
        self.away: dict[str, int] = {}
        self.told: list[str] = []
        self.resets = True
        self.fault = ""
        self.complete = True

    def blueprints(self) -> dict[str, Blueprint]:
        return {name: Blueprint(name, (), ports=PORTS) for name in self.nodes}

    async def prepare(self) -> FactsFile:
        return self.known

    async def link(self, server_id: str) -> Link:
        return self.nodes[server_id]

    def state(self, name: str) -> ClusterState:
        nodes = tuple(NodeState(n, n not in self.away, False, n in self.ready) for n in self.nodes)
        volume = COMPLETE if self.complete else dataclasses.replace(COMPLETE, peer_disk="Inconsistent")
        return ClusterState(name, True, nodes, self.store, volume=None if name == "n3" else volume)

    def give_away(self, name: str) -> ClusterState:
        if self.fault:
            raise AgentFault(self.fault, name)
        self.told.append(f"give {name}")
        self.ready.discard(name)
        self.store = "n2" if name == "n1" else "n1"
        return self.state(name)

    def bring_back(self, name: str) -> ClusterState:
        self.told.append(f"return {name}")
        self.ready.add(name)
        return self.state(name)

    def cut_off(self, name: str, request: CutOff) -> None:
        self.told.append(f"cut {name} {' '.join(request.peers)}")
        self.store = "n2" if name == "n1" else "n1"
        if self.resets:
            self.nodes[name].boot += 1
            self.away[name] = 3


MakeCluster = Callable[..., Cluster]


@pytest.fixture
def cluster(serve: Serve, cert: fakes.Certificate, monkeypatch: pytest.MonkeyPatch) -> MakeCluster:
    """A cluster whose servers are all the same fakes; the keywords break SMTP."""

    def make(**broken: Any) -> Cluster:
        store = fakes.Store()
        submission: dict[str, Any] = {"implicit": True, "submission": True, "any_password": True}
        redirect = {
            25: serve(fakes.Smtp(cert.context(), store=store, **broken)),
            465: serve(fakes.Smtp(cert.context(), store=store, **submission), cert.context()),
            993: serve(fakes.Imap(store), cert.context()),
        }

        async def target_for(engine: Any, blueprint: Blueprint, link: Any) -> Target:
            return Target(blueprint.server_id, "127.0.0.1", fakes.HOST, fakes.DOMAIN, cert.pem, PORTS,
                          redirect=redirect)  # fmt: skip

        monkeypatch.setattr(run, "target_for", target_for)
        moving = {"virtual_ip": "127.0.0.1", "witness": "n3", "device": "/dev/vdb"}
        return Cluster(cases.cluster(cluster=moving))

    secret = Mailbox(fakes.PROBE, SecretStr(fakes.PASSWORD))
    monkeypatch.setattr(mailboxes, "probe_mailbox", lambda domain: secret)
    monkeypatch.setattr(
        mailboxes, "store_mailbox", lambda domain, store, label: dataclasses.replace(secret, store=label)
    )
    monkeypatch.setattr(phases, "PAUSE", 0.02)
    monkeypatch.setattr(count, "PAUSE", 0.05)
    return make


async def carry_out(engine: Cluster, options: DrillOptions = OPTIONS) -> tuple[Report, list[str]]:
    """The report and what was said."""
    said: list[str] = []
    return await run.drill(engine, options, said.append), said


async def test_a_drill_moves_the_store_twice_and_counts_every_message(cluster: MakeCluster) -> None:
    engine = cluster()
    found, said = await carry_out(engine)
    assert found.problems == ()
    assert found.passed
    assert found.whole
    assert [(p.name, p.source, p.target) for p in found.phases] == [
        ("steady", "", ""), ("graceful", "n1", "n2"), ("hard", "n2", "n1"),
    ]  # fmt: skip
    clients = ["n1, port 25", "n2, port 25", "n3, port 25", "127.0.0.1, port 465", "127.0.0.1, port 993"]
    assert [client.name for client in found.clients] == clients
    assert {gap.client for phase in found.phases for gap in phase.gaps} == {"any MX, port 25", *clients}
    assert [gap.client for phase in found.phases for gap in phase.gaps if not gap.judged] == ["n2, port 25"]
    assert found.messages.accepted == found.messages.delivered >= 8
    acts = [told for told in engine.told if not told.startswith(("open", "close"))]
    assert [act.split()[:2] for act in acts] == [["give", "n1"], ["return", "n1"], ["cut", "n2"]]
    assert {told for told in engine.told if told.startswith("close")} == {f"close {fakes.PROBE} on n1"}
    assert "n2 is cut off from the other servers; clients still reach it" in said
    assert engine.ready == {"n1", "n2"}


async def test_a_server_is_cut_off_from_the_internal_and_public_addresses_of_its_peers(
    cluster: MakeCluster,
) -> None:
    engine = cluster()
    found = set(peer_addresses(engine, "n2"))
    assert {"10.80.0.1", "10.80.0.3", "192.0.2.21", "2001:db8::21"} <= found
    assert not {"10.80.0.2", "192.0.2.23", "127.0.0.1"} & found


async def test_a_message_that_is_lost_fails_the_drill(cluster: MakeCluster) -> None:
    found, _ = await carry_out(cluster(loses_mail=True))
    assert not found.passed
    lost = len(found.messages.missing)
    assert 0 < lost < found.messages.accepted
    assert found.problems == (f"{lost} accepted messages missing in the mailbox",)


async def test_a_gap_above_the_limit_fails_the_drill(cluster: MakeCluster) -> None:
    found, _ = await carry_out(cluster(), dataclasses.replace(OPTIONS, limit=0.001))
    assert not found.passed
    assert any(problem.startswith("n1, port 25 had no answer for ") for problem in found.problems)
    assert "(hard; limit 0.001 s)" in " ".join(found.problems)
    assert not [p for p in found.problems if p.startswith("n2, port 25") and "(hard;" in p]


async def test_a_server_that_does_not_reset_itself_fails_the_drill(cluster: MakeCluster) -> None:
    engine = cluster()
    engine.resets = False
    found, _ = await carry_out(engine)
    assert found.problems == ("n2 did not reset itself while it was cut off",)


async def test_a_move_that_fails_ends_the_phases_and_not_the_count(cluster: MakeCluster) -> None:
    engine = cluster()
    engine.fault = "no other server can take the store over now"
    found, said = await carry_out(engine)
    assert found.problems == ("n1: no other server can take the store over now",)
    assert [phase.name for phase in found.phases] == ["steady", "graceful"]
    assert found.phases[-1].move_seconds is None
    assert found.messages.accepted == found.messages.delivered > 0
    assert found.whole
    assert said[-1].startswith("waiting until all of ")


async def test_a_cluster_that_stays_incomplete_fails_the_drill(
    cluster: MakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = cluster()
    give_away = engine.give_away

    def breaking(name: str) -> ClusterState:
        engine.complete = False
        return give_away(name)

    monkeypatch.setattr(engine, "give_away", breaking)
    found, _ = await carry_out(engine, dataclasses.replace(OPTIONS, whole=0.3))
    assert not found.whole
    assert "the cluster is not whole: the volume is not complete on both servers, as n1 sees it" in found.problems


async def test_an_interrupted_drill_brings_all_back_and_reports(cluster: MakeCluster) -> None:
    engine = cluster()
    running: list[asyncio.Task[Report]] = []

    def say(line: str) -> None:
        if line.startswith("waiting until n2 is back"):
            running[0].cancel()

    running.append(asyncio.create_task(run.drill(engine, OPTIONS, say)))
    found = await running[0]
    assert found.interrupted
    assert not found.passed
    assert found.problems == ("the drill was interrupted",)
    assert found.whole
    assert found.messages.accepted == found.messages.delivered > 0
    assert f"close {fakes.PROBE} on n1" in engine.told


async def test_a_cluster_that_is_not_well_is_left_alone(cluster: MakeCluster) -> None:
    engine = cluster()
    engine.complete, engine.ready = False, {"n1"}
    with pytest.raises(EngineError) as refused:
        await carry_out(engine)
    assert refused.value.what.startswith("the cluster is not well: n2 must not take the mailboxes over; the volume")
    engine.away = {"n3": 5}
    with pytest.raises(EngineError, match="n3 does not answer: the connection was lost"):
        await carry_out(engine)
    assert engine.told == []


async def test_a_plan_whose_store_stays_is_refused() -> None:
    with pytest.raises(EngineError, match="a drill needs mailboxes that move"):
        await run.active_server(EngineDouble(cases.distributed()))


async def test_the_report_is_told_in_three_ways(cluster: MakeCluster) -> None:
    found, _ = await carry_out(cluster())
    told = cast("dict[str, Any]", json.loads(report.as_json(found)))
    assert (told["version"], told["passed"]) == (1, True)
    assert set(told) == {
        "version", "passed", "hostname", "begun", "rate", "limit", "interrupted", "whole", "problems", "notes",
        "messages", "phases", "clients",
    }  # fmt: skip
    assert set(told["messages"]) == {
        "sent", "accepted", "delivered", "missing", "repeated", "twice", "unconfirmed"
    }  # fmt: skip
    assert set(told["phases"][2]["gaps"][0]) == {
        "client",
        "server",
        "seconds",
        "begun",
        "ended",
        "failures",
        "judged",
    }
    text = report.as_markdown(found)
    assert text.startswith("# Failover drill of mail.example.com\n\n**The drill has passed.** ")
    assert "## The active server is cut off from the others" in text
    assert "The mailboxes moved from n2 to n1 after " in text
    short = list(report.in_short(found))
    assert short[0] == "The drill has passed."
    assert short[-1].startswith("  hard: longest gap ")


def test_what_will_happen_is_said_before(cluster: MakeCluster) -> None:
    said = "\n".join(run.announcement(cluster(), "n1", OPTIONS))
    assert "The mailboxes are on n1 now." in said
    assert "to n2" in said
    assert "RESETS ITSELF" in said
    assert "20 s" in said

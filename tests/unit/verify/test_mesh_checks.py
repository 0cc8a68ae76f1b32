"""Flows between servers as verification judges them, and the search for internal ports that answer outside."""

from __future__ import annotations

import socket

from mailwiz_tui.agent.protocol.paths import Reached, ReachPorts
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.stack.blueprint import Blueprint, Port, Scope
from mailwiz_tui.verify import mesh
from mailwiz_tui.verify.check import perform
from mailwiz_tui.verify.result import CheckState
from mailwiz_tui.verify.target import Target
from tests.unit.fake_link import FakeLink
from tests.unit.stack import cases


def plan() -> Plan:
    roles = (["mx-inbound", "mx-outbound"], ["mail-storage"], ["antispam"])
    servers = [{"id": f"s{n}", "roles": held, "internal_ip": f"10.80.0.{n}"} for n, held in enumerate(roles, 1)]
    return Plan.model_validate(
        {
            "architecture": "distributed",
            "servers": servers,
            "domain": {"primary_domain": "example.com", "hostname": "mail.example.com"},
        }
    )


class Link(FakeLink):
    """A server that reaches everything but some ports."""

    refused = False
    said = "no answer"

    def __init__(self, *closed: int, reaches: bool = True) -> None:
        super().__init__(ReachPorts.by(self._reach))
        self.closed, self.reaches = closed, reaches

    def _reach(self, request: ReachPorts) -> tuple[Reached, ...]:
        self.places = request.places
        shut = (not self.reaches or place.port in self.closed for place in request.places)
        return tuple(
            Reached(place.id, 0.003, self.said if closed else "", closed and self.refused)
            for place, closed in zip(request.places, shut, strict=True)
        )


async def test_each_flow_is_a_result_and_only_links_are_asked_for_their_certificate() -> None:
    link = Link(24)
    results = {r.id: r for r in await mesh.flows(plan(), "s1", link)}
    assert set(results) == {
        "mesh.flow.accounts.s2", "mesh.flow.lmtp.s2", "mesh.flow.imap.s2", "mesh.flow.managesieve.s2",
        "mesh.flow.milter.s3",
    }  # fmt: skip
    failed = [r for r in results.values() if r.state is CheckState.FAILED]
    assert [r.id for r in failed] == ["mesh.flow.lmtp.s2"]
    assert failed[0].detail == "no answer"
    assert "mesh.handshake.s2" in failed[0].advice
    assert results["mesh.flow.milter.s3"].detail == "answered after 3 ms"
    names = {place.port: place.name for place in link.places}
    assert names[11332] == "s3.mailwiz.internal"
    assert names[24] == ""


async def test_what_listens_at_times_may_refuse_but_must_be_reached() -> None:
    link = Link(reaches=False)
    link.refused, link.said = True, "the connection was refused: nothing listens there"
    states = {r.id: r.state for r in await mesh.flows(cases.distributed(), "store2", link)}
    assert states["mesh.flow.sync.store1"] is CheckState.PASSED
    assert states["mesh.flow.accounts.store1"] is CheckState.FAILED
    link.refused, link.said = False, "no answer: a firewall drops it, or the link is down"
    states = {r.id: r.state for r in await mesh.flows(cases.distributed(), "store2", link)}
    assert states["mesh.flow.sync.store1"] is CheckState.FAILED


async def test_a_server_without_flows_asks_nothing() -> None:
    link = Link()
    single = Plan.model_validate(plan().model_dump() | {"architecture": "single"})
    assert await mesh.flows(single, "s1", link) == []
    assert link.asked == []


async def test_an_internal_port_that_answers_outside_is_found_from_here_and_from_another_server() -> None:
    blueprint = Blueprint("s1", (), ports=(Port(143, "imap", Scope.PUBLIC), Port(24, "lmtp", Scope.PEERS)))
    assert 143 not in mesh.internal_ports(plan(), blueprint)
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed, opened = unused.getsockname()[1], listener.getsockname()[1]
        ports = mesh.internal_ports(plan(), blueprint)
        shut = dict.fromkeys(ports, closed)

        async def look(redirect: dict[int, int], *closed_elsewhere: int) -> tuple[CheckState, str]:
            target = Target("s1", "127.0.0.1", "mail.example.com", "example.com", "", redirect=redirect)
            (check,) = mesh.outside(target, blueprint, plan(), Link(*closed_elsewhere))
            result = await perform(check, "s1")
            return result.state, result.detail

        assert (await look(shut, *ports))[0] is CheckState.PASSED
        assert await look({**shut, 24: opened}, *ports) == (
            CheckState.FAILED, "expected no answer from outside, got one on port 24 on 127.0.0.1")  # fmt: skip
        state, detail = await look(shut, *(p for p in ports if p != 3306))
        assert (state, "3306 on 127.0.0.1" in detail) == (CheckState.FAILED, True)

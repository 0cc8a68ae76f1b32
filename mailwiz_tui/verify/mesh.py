"""WireGuard (private link): every flow gets through, and no internal port answers from outside.

Whether the links are up is told by the servers' own probes (``mesh.handshake.PEER``).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from functools import partial

from mailwiz_tui.agent.protocol.paths import Place, Reached, ReachPorts
from mailwiz_tui.deploy.agent_link import Link
from mailwiz_tui.deploy.sanitize import clean_line
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.stack import traffic
from mailwiz_tui.stack.blueprint import Blueprint, Scope
from mailwiz_tui.stack.flows import flows_of, links_of
from mailwiz_tui.topology.servers import server_of
from mailwiz_tui.verify.check import Check, Failed
from mailwiz_tui.verify.result import CheckResult, CheckState
from mailwiz_tui.verify.target import Target

_PATIENCE = 2.0


async def flows(plan: Plan, server_id: str, link: Link) -> list[CheckResult]:
    """One result for each flow that begins at a server, asked in one round trip. Raises the errors of the link."""
    mine = [flow for flow in flows_of(plan) if flow.source_id == server_id and not flow.public]
    inside_tls = {link.service for link in links_of(plan)}
    places = [
        Place(
            str(number),
            server_of(plan, flow.target_id).internal_ip,
            flow.port,
            traffic.internal_name(flow.target_id) if flow.service in inside_tls else "",
        )
        for number, flow in enumerate(mine)
    ]
    if not places:
        return []
    answers = {answer.id: answer for answer in await link.ask(ReachPorts(tuple(places)))}
    return [_judge(flow, answers.get(str(number))) for number, flow in enumerate(mine)]


def outside(target: Target, blueprint: Blueprint, plan: Plan, elsewhere: Link | None) -> list[Check]:
    """No internal port answers on a public address, neither from here nor from another server."""
    ports = internal_ports(plan, blueprint)
    if not ports:
        return []
    return [
        Check(
            "mesh.outside",
            "No internal port answers from outside the private link.",
            partial(_closed, target, ports, elsewhere),
            "Run apply again: the firewall must let in the plan's servers only; ss -lntp says who listens.",
        )
    ]


def internal_ports(plan: Plan, blueprint: Blueprint) -> list[int]:
    """TCP ports for the plan's servers only, which this server does not offer to the world."""
    public = {port.number for port in blueprint.ports if port.scope is Scope.PUBLIC and port.protocol == "tcp"}
    return sorted({flow.port for flow in flows_of(plan) if flow.protocol == "tcp"} - public)


def _judge(flow: traffic.Flow, answer: Reached | None) -> CheckResult:
    proves = (
        f"{flow.source_id} {flow.reason} at {flow.target_id}: port {flow.port} answers inside the private link."
    )
    check_id = f"mesh.flow.{flow.service}.{flow.target_id}"
    if answer is None:
        said = "the agent gave no answer to this check"
        return CheckResult(check_id, flow.source_id, CheckState.NOT_RUN, proves, said, "", flow.source_id)
    fault = clean_line(answer.fault)
    if not fault:
        detail = f"answered after {answer.seconds * 1000:.0f} ms"
        return CheckResult(check_id, flow.source_id, CheckState.PASSED, proves, detail, "", flow.source_id)
    if flow.at_times and answer.refused:
        detail = "the server is reached; a program listens only while a mailbox is being moved"
        return CheckResult(check_id, flow.source_id, CheckState.PASSED, proves, detail, "", flow.source_id)
    advice = (
        f"Look at mesh.handshake.{flow.target_id} first, then at the service {flow.service} on {flow.target_id}."
    )
    return CheckResult(check_id, flow.source_id, CheckState.FAILED, proves, fault, advice, flow.source_id)


async def _closed(target: Target, ports: Sequence[int], elsewhere: Link | None) -> str:
    addresses = [address for address in (target.address, *target.others) if address]
    places = [(address, port) for address in addresses for port in ports]
    here = asyncio.gather(*(asyncio.to_thread(_answers, target, *place) for place in places))
    opened = {place for place, answers in zip(places, await here, strict=True) if answers}
    if elsewhere is not None:
        asked = tuple(Place(f"{address} {port}", address, port) for address, port in places)
        for answer in await elsewhere.ask(ReachPorts(asked)):
            if not answer.fault:
                address, port = answer.id.split(" ")
                opened.add((address, int(port)))
    if opened:
        named = ", ".join(f"{port} on {address}" for address, port in sorted(opened))
        raise Failed(f"expected no answer from outside, got one on port {named}")
    return f"{len(ports)} internal ports are closed on {len(addresses)} public addresses"


def _answers(target: Target, address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, target.redirect.get(port, port)), timeout=_PATIENCE):
            return True
    except OSError:
        return False

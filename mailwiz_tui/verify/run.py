"""Verifies a running installation: all checks on all servers in parallel, each reported as it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

from mailwiz_tui.deploy.agent_link import Link
from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.deploy.store_place import as_placed, store_place
from mailwiz_tui.dns.records import plan_records
from mailwiz_tui.dns.standard import Standard
from mailwiz_tui.plan.errors import OperatorError
from mailwiz_tui.stack.blueprint import Blueprint
from mailwiz_tui.topology.servers import account_store_id
from mailwiz_tui.verify import (  # fmt: skip
    account_domains,
    applications,
    auth,
    ban_guard,
    certificate,
    dns_checks,
    listeners,
    mail_in,
    mail_out,
    mesh,
    outward,
    reach,
    relay,
    server_checks,
    settle,
    smtp,
    smtp_route,
    submission,
    tls,
    web,
)
from mailwiz_tui.verify.check import Check, NotRun, perform_all, plain
from mailwiz_tui.verify.mailbox import Mailbox
from mailwiz_tui.verify.probe_mailboxes import open_mailboxes
from mailwiz_tui.verify.result import CheckResult, CheckState
from mailwiz_tui.verify.smtp_route import SmtpRoute
from mailwiz_tui.verify.target import IMAPS, SMTP, SUBMISSION, SUBMISSIONS, Target
from mailwiz_tui.verify.targets import issuer, left_out, target_for
from mailwiz_tui.verify.turns import turn_of
from mailwiz_tui.verify.verdict import verdict

SIDE_BY_SIDE = 6
"""How many checks use one server at once: below its limit on connections from one address."""


@dataclass
class _Round:
    """One verification under way."""

    engine: EngineApi
    report: Callable[[CheckResult], None]
    links: dict[str, Link]
    results: list[CheckResult]

    def tell(self, result: CheckResult) -> None:
        self.results.append(result)
        self.report(result)

    def fail(self, check: str, server_id: str, proves: str, error: BaseException, vantage: str = "") -> None:
        what, advice = (error.what, error.advice) if isinstance(error, OperatorError) else (plain(error), "")
        state = CheckState.NOT_RUN if isinstance(error, NotRun) else CheckState.FAILED
        self.tell(CheckResult(check, server_id, state, proves, what, advice, vantage or server_id))


async def verify(
    engine: EngineApi,
    *,
    on_result: Callable[[CheckResult], None],
    to: str = "",
    resolver: str | None = None,
) -> list[CheckResult]:
    """Make every check and report each as it ends; the list has that order.

    ``to`` is an address outside that a mail is sent to as well. ``resolver`` is asked where the zones' own
    servers do not answer (default: the inventory's, the first of the plan's, else this machine's).
    Nothing on the servers changes but the probe mailbox, which exists only while this runs.
    """
    plan = engine.plan
    if any(server.id not in engine.known.servers for server in plan.servers):
        await engine.prepare()
    blueprints = engine.blueprints()
    turn = _Round(engine, on_result, {}, [])
    await asyncio.gather(*(_connect(turn, server_id) for server_id in blueprints))
    async with AsyncExitStack() as stack:
        for server_id, link in sorted(turn.links.items()):
            if not await stack.enter_async_context(turn_of(server_id, link, turn.tell)):
                return turn.results
        await _everything(turn, blueprints, to, resolver)
    return turn.results


async def _everything(turn: _Round, blueprints: Mapping[str, Blueprint], to: str, resolver: str | None) -> None:
    """Every check on the servers that were reached, and of their DNS records."""
    engine, plan = turn.engine, turn.engine.plan
    reached = {
        server_id: await as_placed(blueprint, turn.links[server_id])
        for server_id, blueprint in blueprints.items()
        if server_id in turn.links
    }
    await _account_domains(turn)
    records = plan_records(plan, engine.known, engine.inventory)
    first = next(iter(blueprints), "")
    asked = resolver or engine.inventory.resolver or next(iter(plan.network.resolvers), None)
    dkim = {r.name: r.value for r in records if r.standard is Standard.DKIM and not r.pending}
    await asyncio.gather(
        _dns(turn, dns_checks.run(records, first, asked)),
        _servers(turn, reached, dkim if plan.security.dkim.enabled else None, to),
    )


def results_as_json(results: Sequence[CheckResult]) -> str:
    """The results as JSON with stable keys: ``{"version": 1, "passed": true, "results": [...], "verdict": {...}}``.

    The verdict has ``grade``, ``obstacles`` (``concern`` and ``sentence``, the gravest first) and ``works``.
    """
    passed = bool(results) and not any(r.state is CheckState.FAILED for r in results)
    told = [{key: value for key, value in asdict(r).items() if key != "obstacles"} for r in results]
    found = verdict(results)
    obstacles = [{"concern": concern, "sentence": sentence} for concern, sentence in found.obstacles]
    judged = {"grade": found.grade, "obstacles": obstacles, "works": found.works}
    return json.dumps({"version": 1, "passed": passed, "results": told, "verdict": judged}, indent=2)


async def _connect(turn: _Round, server_id: str) -> None:
    try:
        turn.links[server_id] = await turn.engine.link(server_id)
    except Exception as error:
        turn.fail("server.ssh", server_id, "The server is reached over SSH.", error, "operator")


async def _account_domains(turn: _Round) -> None:
    """Compare the plan's domains with those of the accounts; the records to look for follow from it."""
    plan = turn.engine.plan
    try:
        place = await store_place(turn.engine)
    except OperatorError as error:
        turn.fail("cluster.store", account_store_id(plan), "The store is on one of its servers.", error)
        return
    if (link := turn.links.get(place)) is None:
        return
    try:
        domains = await account_domains.ask(link)
    except Exception as error:
        turn.fail(account_domains.CHECK, place, account_domains.PROVES, error)
        return
    turn.engine.learn_account_domains(domains)
    turn.tell(account_domains.judge(plan, place, domains))


async def _dns(turn: _Round, work: Any) -> None:
    for result in await work:
        turn.tell(result)


async def _servers(
    turn: _Round, blueprints: Mapping[str, Blueprint], dkim: Mapping[str, str] | None, to: str
) -> None:
    await asyncio.gather(*(_settle(turn, blueprint) for blueprint in blueprints.values()))
    targets = {
        server_id: await target_for(turn.engine, blueprint, turn.links[server_id])
        for server_id, blueprint in blueprints.items()
    }
    for result in outward.results(turn.engine.plan, turn.engine.known, targets):
        turn.tell(result)
    async with AsyncExitStack() as stack:
        for server_id, target in targets.items():
            await stack.enter_async_context(ban_guard.exempt(target, turn.links[server_id]))
        mailboxes = await open_mailboxes(turn, turn.engine, turn.links, stack)
        reader = next((target for target in targets.values() if target.offers(IMAPS)), None)
        task = _Task(mailboxes, reader, dkim, to)
        await asyncio.gather(*(_server(turn, b, targets[s], task) for s, b in blueprints.items()))


async def _settle(turn: _Round, blueprint: Blueprint) -> None:
    with suppress(Exception):
        await settle.settle(blueprint, turn.links[blueprint.server_id])


@dataclass(frozen=True, slots=True)
class _Task:
    """The checks that every server gets; ``reader`` is where mail is read."""

    mailboxes: list[Mailbox]
    reader: Target | None
    dkim: Mapping[str, str] | None
    to: str


def _for_store(checks: list[Check], mailbox: Mailbox, *, first: bool) -> list[Check]:
    """Checks with a mailbox on one of several stores, with its name in their ids."""
    if not mailbox.store:
        return checks
    named = f" (a mailbox on {mailbox.store})"
    return [
        replace(
            check,
            id=check.id if first else f"{check.id}.{mailbox.store}",
            proves=check.proves.removesuffix(".") + f"{named}.",
        )
        for check in checks
    ]


async def _server(turn: _Round, blueprint: Blueprint, target: Target, task: _Task) -> None:
    link = turn.links[blueprint.server_id]
    found: list[Check] = [*listeners.checks(blueprint, link), *tls.checks(target), *reach.checks(target)]
    found += mesh.outside(target, blueprint, turn.engine.plan, _another(turn, blueprint.server_id))
    mailbox = next(iter(task.mailboxes), None)
    plan, known, behind = turn.engine.plan, turn.engine.known, await issuer(link, target)
    absent = await left_out(blueprint, link)
    found += certificate.checks(target, plan, known, absent)
    found += web.checks(target, plan, known, behind, absent)
    found += applications.checks(target, plan, known, behind, mailbox)
    sends = target.offers(SUBMISSIONS) or target.offers(SUBMISSION)
    for box in task.mailboxes:
        own = auth.checks(target, box)
        if sends:
            own += mail_out.checks(target, box, task.dkim, task.reader)
        found += _for_store(own, box, first=box is mailbox)
    if mailbox and sends:
        if task.to:
            found.append(mail_out.outside_check(target, mailbox, link, task.to))
        found += submission.checks(target, mailbox)
    limit = asyncio.Semaphore(SIDE_BY_SIDE)
    await asyncio.gather(
        _probes(turn, blueprint, link),
        perform_all(found, blueprint.server_id, turn.tell, limit=limit),
        _port_25(turn, target, task, limit),
    )


async def _probes(turn: _Round, blueprint: Blueprint, link: Link) -> None:
    try:
        results = await server_checks.skipped_steps(blueprint, link)
        results += await server_checks.answering(blueprint, link)
        results += await server_checks.run(blueprint, link)
        results += await mesh.flows(turn.engine.plan, blueprint.server_id, link)
    except Exception as error:
        turn.fail("server.probes", blueprint.server_id, "The agent on the server answers.", error)
        return
    for result in results:
        turn.tell(result)


def _another(turn: _Round, server_id: str) -> Link | None:
    """Another server of the plan that answers, to connect to this one from there."""
    return next((link for other, link in turn.links.items() if other != server_id), None)


async def _port_25(turn: _Round, target: Target, task: _Task, limit: asyncio.Semaphore) -> None:
    if not target.offers(SMTP):
        return
    try:
        way: SmtpRoute = await smtp_route.find(target, turn.links)
    except Exception as error:
        turn.fail("smtp.reached", target.server_id, "Port 25 can be reached.", error, "operator")
        return
    mailbox = next(iter(task.mailboxes), None)
    found: list[Check] = []
    for box in task.mailboxes if task.reader else []:
        delivered = mail_in.checks(target, way, box, _other_way(turn, target, way), task.reader)
        found += _for_store(delivered, box, first=box is mailbox)
    found += smtp.checks(target, way, mailbox.address if mailbox else "")
    found += relay.checks([(d.name, d.relay_host) for d in turn.engine.plan.relay_domains()], way)
    await perform_all(found, target.server_id, turn.tell, limit=limit)


def _other_way(turn: _Round, target: Target, way: SmtpRoute) -> SmtpRoute | None:
    """Another place to deliver from: another server of the plan, else the server itself."""
    places = sorted(turn.links, key=lambda server_id: server_id == target.server_id)
    place = next((server_id for server_id in places if server_id != way.vantage), "")
    return smtp_route.remote(target, turn.links[place], place, "") if place else None

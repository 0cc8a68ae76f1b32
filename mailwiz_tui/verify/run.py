"""Proves a running installation: all checks on all servers, side by side, each reported as it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, Protocol

from mailwiz_tui.dns.records import plan_records
from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.fleet.server import Inventory
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.plan.published import server_name
from mailwiz_tui.stack import keys
from mailwiz_tui.stack.blueprint import Blueprint
from mailwiz_tui.stack.traffic import account_store, server_of
from mailwiz_tui.verify import (
    applications,
    auth,
    ban_guard,
    courier,
    dns_checks,
    listeners,
    mail_in,
    mail_out,
    mesh,
    reach,
    relay,
    server_checks,
    settle,
    smtp,
    submission,
    tls,
    web,
)  # fmt: skip
from mailwiz_tui.verify.check import Check, NotRun, perform_all, plain
from mailwiz_tui.verify.courier import Courier, Link
from mailwiz_tui.verify.mailbox import Mailbox
from mailwiz_tui.verify.probe_mailboxes import open_mailboxes
from mailwiz_tui.verify.result import CheckResult, CheckState
from mailwiz_tui.verify.target import IMAPS, SMTP, SUBMISSION, SUBMISSIONS, Target

SIDE_BY_SIDE = 6
"""How many checks talk to one server at once: few enough for its limits on connections from one address."""


class Engine(Protocol):
    """What verification needs of ``install.engine.Engine``."""

    plan: Plan
    inventory: Inventory
    known: FactsFile

    def blueprints(self) -> dict[str, Blueprint]:
        """What each server shall be."""

    async def prepare(self) -> FactsFile:
        """Ask the servers for facts and public keys."""

    async def link(self, server_id: str) -> Any:
        """The connection to a server's agent."""


@dataclass
class _Round:
    """One verification under way."""

    engine: Engine
    report: Callable[[CheckResult], None]
    links: dict[str, Link]
    results: list[CheckResult]

    def tell(self, result: CheckResult) -> None:
        self.results.append(result)
        self.report(result)

    def fail(self, check: str, server_id: str, proves: str, error: BaseException, vantage: str = "") -> None:
        what = getattr(error, "what", "") or plain(error)
        advice = getattr(error, "advice", "")
        state = CheckState.NOT_RUN if isinstance(error, NotRun) else CheckState.FAILED
        self.tell(CheckResult(check, server_id, state, proves, what, advice, vantage or server_id))


async def verify(
    engine: Engine,
    *,
    on_result: Callable[[CheckResult], None],
    to: str = "",
    resolver: str | None = None,
) -> list[CheckResult]:
    """Make every check and report each as it ends; the list holds them in that order.

    ``to`` is an address outside that a mail is sent to as well. ``resolver`` is asked where the zones' own
    servers do not answer (default: the inventory's, the first of the plan's, else this machine's).
    Nothing on the servers is changed but the probe mailbox, which is open only for this.
    """
    plan = engine.plan
    if any(server.id not in engine.known.servers for server in plan.servers):
        await engine.prepare()
    blueprints = engine.blueprints()
    turn = _Round(engine, on_result, {}, [])
    await asyncio.gather(*(_connect(turn, server_id) for server_id in blueprints))
    reached = {server_id: b for server_id, b in blueprints.items() if server_id in turn.links}
    records = plan_records(plan, engine.known, engine.inventory)
    first = next(iter(blueprints), "")
    asked = resolver or engine.inventory.resolver or next(iter(plan.network.resolvers), None)
    dkim = {r.name: r.value for r in records if "._domainkey." in r.name and not r.pending}
    await asyncio.gather(
        _dns(turn, dns_checks.run(records, first, asked)),
        _servers(turn, reached, dkim if plan.security.dkim.enabled else None, to),
    )
    return turn.results


def results_as_json(results: Sequence[CheckResult]) -> str:
    """The results as JSON with stable keys: ``{"version": 1, "passed": true, "results": [...]}``."""
    passed = bool(results) and not any(r.state is CheckState.FAILED for r in results)
    return json.dumps({"version": 1, "passed": passed, "results": [asdict(r) for r in results]}, indent=2)


async def _connect(turn: _Round, server_id: str) -> None:
    try:
        turn.links[server_id] = await turn.engine.link(server_id)
    except Exception as error:
        turn.fail("server.ssh", server_id, "The server is reached over SSH.", error, "operator")


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
    """What the checks of all servers share; ``reader`` is where mail is read."""

    mailboxes: list[Mailbox]
    reader: Target | None
    dkim: Mapping[str, str] | None
    to: str


def _for_store(checks: list[Check], mailbox: Mailbox, *, first: bool) -> list[Check]:
    """Checks with a mailbox on one of several stores, told apart by it."""
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
    plan, known, issuer = turn.engine.plan, turn.engine.known, await _issuer(link, target)
    found += web.checks(target, plan, known, issuer, await _left_out(blueprint, link))
    found += applications.checks(target, plan, known, issuer, mailbox)
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
        results += await server_checks.run(blueprint, link)
        results += await mesh.flows(turn.engine.plan, blueprint.server_id, link)
    except Exception as error:
        turn.fail("server.probes", blueprint.server_id, "The server answers questions about itself.", error)
        return
    for result in results:
        turn.tell(result)


def _another(turn: _Round, server_id: str) -> Link | None:
    """A further server of the plan that answers, to look at this one from there."""
    return next((link for other, link in turn.links.items() if other != server_id), None)


async def _port_25(turn: _Round, target: Target, task: _Task, limit: asyncio.Semaphore) -> None:
    if not target.offers(SMTP):
        return
    try:
        way: Courier = await courier.find(target, turn.links)
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


def _other_way(turn: _Round, target: Target, way: Courier) -> Courier | None:
    """Another place to deliver from: a further server of the plan, else the server itself."""
    places = sorted(turn.links, key=lambda server_id: server_id == target.server_id)
    place = next((server_id for server_id in places if server_id != way.vantage), "")
    return courier.remote(target, turn.links[place], place, "") if place else None


async def target_for(engine: Engine, blueprint: Blueprint, link: Link) -> Target:
    """The server as the world reaches it, with the certificate it has now, told over SSH."""
    server = engine.inventory.get(blueprint.server_id)
    facts = engine.known.facts(blueprint.server_id)
    given = (server.public_ipv4, server.public_ipv6) if server else ("", "")
    told = (facts.public_ipv4, facts.public_ipv6) if facts else ("", "")
    addresses = [one or other for one, other in zip(given, told, strict=True) if one or other]
    return Target(
        server_id=blueprint.server_id,
        address=next(iter(addresses), server.host if server else ""),
        others=tuple(addresses[1:]),
        hostname=server_name(engine.plan, server_of(engine.plan, blueprint.server_id)),
        domain=engine.plan.domain.primary_domain,
        further_domains=tuple(engine.plan.mailbox_domains()[1:]),
        pem=await _certificate(engine, blueprint.server_id, link),
        ports=blueprint.ports,
        spam_filter=blueprint.meta.get("spam_filter", "") != "none",
        virus_scanner=engine.plan.services.antivirus,
        catches_all=partial(_catches_all, engine, link),
    )


async def _catches_all(engine: Engine, link: Link) -> bool:
    """Whether the accounts hold a catch-all for the primary domain."""
    place = account_store(engine.plan)
    if place is not None:
        link = await engine.link(place.id)
    aliases = (await link.request("accounts_list"))["aliases"]
    wanted = f"@{engine.plan.domain.primary_domain}"
    return any(alias["address"] == wanted and alias["active"] for alias in aliases)


async def _left_out(blueprint: Blueprint, link: Link) -> dict[str, str]:
    """The names that do not lead to the server, which its public certificate is therefore not for, and why."""
    if keys.ISSUE_CERTIFICATE not in blueprint.files():
        return {}
    (answer,) = await link.request("probes", probes=[{"id": "names", "argv": [keys.ISSUE_CERTIFICATE, "--names"]}])
    told = (line.partition(": ") for line in str(answer["output"]).splitlines())
    return {name: reason for name, _, reason in told if reason and not reason.startswith("leads here")}


async def _issuer(link: Link, target: Target) -> str:
    """The certificate that stands behind the server's own in its file, PEM; the own one where it is alone."""
    show = f"sed '1,/END CERTIFICATE/d' {keys.TLS_CHAIN} | openssl x509"
    (answer,) = await link.request("probes", probes=[{"id": "issuer", "argv": ["sh", "-c", show]}])
    if answer["exit"] == 0 and "BEGIN CERTIFICATE" in str(answer["output"]):
        return str(answer["output"]) + "\n"
    return target.pem


async def _certificate(engine: Engine, server_id: str, link: Link) -> str:
    """The server's own certificate in PEM, as it lies there now; else what prepare brought back."""
    probe = {"id": "certificate", "argv": ["openssl", "x509", "-in", keys.TLS_CHAIN]}
    (answer,) = await link.request("probes", probes=[probe])
    if answer["exit"] == 0 and "BEGIN CERTIFICATE" in str(answer["output"]):
        return str(answer["output"]) + "\n"
    record = engine.known.servers.get(server_id)
    return record.tls.pem if record and record.tls else ""

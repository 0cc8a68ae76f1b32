"""The servers as the world reaches them, with what only they can tell: certificates, names, accounts."""

from __future__ import annotations

from functools import partial

from mailwiz_tui.agent.protocol.accounts import ListAccounts
from mailwiz_tui.agent.protocol.probes import ProbeCommand, RunProbes
from mailwiz_tui.deploy.agent_link import Link
from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.deploy.store_place import store_place
from mailwiz_tui.plan.published import server_name
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Blueprint
from mailwiz_tui.topology.servers import server_of
from mailwiz_tui.verify.target import Target


async def target_for(engine: EngineApi, blueprint: Blueprint, link: Link) -> Target:
    """The server as the world reaches it, with its present certificate as read over SSH."""
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


async def _catches_all(engine: EngineApi, link: Link) -> bool:
    """Whether the accounts hold a catch-all for the primary domain."""
    if place := await store_place(engine):
        link = await engine.link(place)
    aliases = (await link.ask(ListAccounts())).aliases
    wanted = f"@{engine.plan.domain.primary_domain}"
    return any(alias.address == wanted and alias.active for alias in aliases)


async def left_out(blueprint: Blueprint, link: Link) -> dict[str, str]:
    """The names that do not resolve to the server and so are not in its certificate, each with the reason."""
    if layout.ISSUE_CERTIFICATE not in blueprint.files():
        return {}
    probe = ProbeCommand("names", (layout.ISSUE_CERTIFICATE, "--names"))
    (answer,) = await link.ask(RunProbes((probe,)))
    told = (line.partition(": ") for line in answer.output.splitlines())
    return {name: reason for name, _, reason in told if reason and not reason.startswith("leads here")}


async def issuer(link: Link, target: Target) -> str:
    """The certificate after the server's own in its file (the issuer), PEM; the server's own if it is alone."""
    show = f"sed '1,/END CERTIFICATE/d' {layout.TLS_CHAIN} | openssl x509"
    (answer,) = await link.ask(RunProbes((ProbeCommand("issuer", ("sh", "-c", show)),)))
    if answer.exit == 0 and "BEGIN CERTIFICATE" in answer.output:
        return answer.output + "\n"
    return target.pem


async def _certificate(engine: EngineApi, server_id: str, link: Link) -> str:
    """The server's own certificate in PEM, read now; else the one that prepare stored."""
    probe = ProbeCommand("certificate", ("openssl", "x509", "-in", layout.TLS_CHAIN))
    (answer,) = await link.ask(RunProbes((probe,)))
    if answer.exit == 0 and "BEGIN CERTIFICATE" in answer.output:
        return answer.output + "\n"
    record = engine.known.servers.get(server_id)
    return record.tls.pem if record and record.tls else ""

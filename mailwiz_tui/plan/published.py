"""What a plan publishes about its servers in its domains: their own names, and the MTA-STS policy.

These follow from the plan alone, so the DNS records and the web server agree.
"""

from __future__ import annotations

from collections.abc import Iterable

from mailwiz_tui.plan.model import AdminPanel, Architecture, Plan, PlanServer, Role, Webmail

MTA_STS_MAX_AGE = 604800
"""Seconds for which a sender caches the policy: one week."""


def server_name(plan: Plan, server: PlanServer) -> str:
    """The name in a server's greeting: the mail hostname, or with several servers its id in the primary domain."""
    if len(plan.servers) <= 1:
        return plan.domain.hostname
    return f"{host_label(server.id)}.{plan.domain.primary_domain}"


def host_label(server_id: str) -> str:
    """A server's id as one label of a host name (RFC 1123)."""
    return "".join(c if c.isalnum() else "-" for c in server_id.lower()).strip("-")


def public_names(plan: Plan, server: PlanServer) -> tuple[str, ...]:
    """The public names of a server, its own first; its certificate must have them all."""
    fronts = {front.id for front in plan.servers_with(Role.MX_OUTBOUND) or plan.servers[:1]}
    names = (server_name(plan, server), *((plan.domain.hostname,) if server.id in fronts else ()))
    return tuple(dict.fromkeys(names))


def departed(plan: Plan, known: Iterable[str]) -> tuple[str, ...]:
    """The servers, of those known by their ids, that are not in the plan any more."""
    there = {server.id for server in plan.servers}
    return tuple(server_id for server_id in known if server_id not in there)


def before_departure(plan: Plan, gone: Iterable[str]) -> Plan:
    """The plan with removed servers, each with all roles that have DNS records."""
    roles = [Role.MX_INBOUND, Role.MX_OUTBOUND]
    servers = [*plan.servers, *(PlanServer(id=server_id, roles=roles) for server_id in gone)]
    return plan.model_copy(update={"architecture": Architecture.DISTRIBUTED, "servers": servers})


def mx_names(plan: Plan) -> list[str]:
    """The names of the hosts that receive mail from other servers, each once."""
    inbound = plan.servers_with(Role.MX_INBOUND) or plan.servers[:1]
    return list(dict.fromkeys(server_name(plan, server) for server in inbound))


def mta_sts_policy(plan: Plan) -> str:
    """The policy file a sender fetches from ``https://mta-sts.DOMAIN/.well-known/mta-sts.txt`` (RFC 8461, 3.2)."""
    lines = [
        "version: STSv1",
        "mode: enforce",
        *(f"mx: {name}" for name in mx_names(plan)),
        f"max_age: {MTA_STS_MAX_AGE}",
    ]
    return "".join(f"{line}\r\n" for line in lines)


WEBMAIL_PATH = "/webmail/"
PANEL_PATH = "/admin/"


def web_addresses(plan: Plan) -> dict[str, str]:
    """The web applications, by title.

    Both are folders of the site at the mail hostname: that name has addresses and is in every kind of certificate
    already, so neither needs its own DNS record or name.
    """
    found = {}
    if plan.services.webmail is not Webmail.NONE:
        found["Webmail"] = f"https://{plan.domain.hostname}{WEBMAIL_PATH}"
    if plan.services.admin_panel is not AdminPanel.NONE:
        found["Admin panel"] = f"https://{plan.domain.hostname}{PANEL_PATH}"
    return found

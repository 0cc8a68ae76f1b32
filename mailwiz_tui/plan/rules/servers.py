"""Servers and roles: complete for the architecture, without contradictions, and connected to each other."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterator, Sequence

from mailwiz_tui.plan.findings import Finding, Severity
from mailwiz_tui.plan.model import Antispam, Architecture, Plan, PlanServer, Role
from mailwiz_tui.plan.published import host_label, server_name
from mailwiz_tui.plan.schema import closest
from mailwiz_tui.plan.words import counted

_WORK = {
    Role.MX_INBOUND: "receives mail from other hosts",
    Role.MX_OUTBOUND: "accepts mail from users and sends it to other hosts",
    Role.MAIL_STORAGE: "stores the mailboxes",
    Role.ANTISPAM: "filters spam",
}


def check(plan: Plan, inventory_ids: Sequence[str] | None) -> Iterator[Finding]:
    """Findings about ``architecture`` and ``servers``."""
    yield from _ids(plan, inventory_ids)
    yield from _each(plan)
    yield from _count(plan)
    yield from _coverage(plan)
    yield from _internal_addresses(plan)


def _ids(plan: Plan, inventory_ids: Sequence[str] | None) -> Iterator[Finding]:
    first: dict[str, int] = {}
    labels: dict[str, str] = {}
    for index, server in enumerate(plan.servers):
        path = f"servers.{index}.id"
        if server.id in first:
            yield Finding(
                path, f"{server.id} is already server {first[server.id] + 1} of this plan", advice=("list it once")
            )
            continue
        first[server.id] = index
        if other := labels.get(host_label(server.id)):
            message = f"{server.id} and {other} would have the same name: {host_label(server.id)}"
            yield Finding(path, message, advice="give one of them another id in the inventory")
        labels.setdefault(host_label(server.id), server.id)
        if inventory_ids is not None and server.id not in inventory_ids:
            near = closest(server.id, inventory_ids)
            some = ", ".join(list(inventory_ids)[:8])
            advice = (
                f"did you mean {near}?"
                if near
                else (f"the inventory has {some}" if some else ("the inventory has no servers"))
            )
            yield Finding(path, f"{server.id} is not in the inventory", advice=advice)


def _each(plan: Plan) -> Iterator[Finding]:
    for index, server in enumerate(plan.servers):
        path = f"servers.{index}.roles"
        twice = [role.value for role, times in Counter(server.roles).items() if times > 1]
        if twice:
            yield Finding(path, f"{', '.join(twice)} is listed twice")
        if not server.roles and plan.architecture is not Architecture.HA_CLUSTER:
            need = "all-in-one" if plan.architecture is not Architecture.DISTRIBUTED else "at least one role"
            yield Finding(path, f"{server.id} has no role", advice=f"give it {need}, or remove it from the plan")
        elif Role.ALL_IN_ONE in server.roles and len(set(server.roles)) > 1:
            others = ", ".join(role.value for role in dict.fromkeys(server.roles) if role is not Role.ALL_IN_ONE)
            yield Finding(
                path,
                f"all-in-one already includes every role, so {others} is redundant",
                advice="keep all-in-one only, or the single roles only",
            )


def _count(plan: Plan) -> Iterator[Finding]:
    number = len(plan.servers)
    if plan.architecture is Architecture.SINGLE and number != 1:
        if number == 0:
            yield Finding(
                "servers",
                "no server is chosen; the architecture single needs one",
                advice="choose a server from the inventory and give it the role all-in-one",
            )
        else:
            yield Finding(
                "servers",
                f"{counted(number, 'server')} are chosen; the architecture single has exactly one",
                advice="keep one, or choose distributed or ha-cluster",
            )
    elif plan.architecture is not Architecture.SINGLE and number < 2:
        chosen = "no server is" if number == 0 else "only one server is"
        yield Finding(
            "servers",
            f"{chosen} chosen; the architecture {plan.architecture.value} needs at least two",
            advice="choose more servers" if number == 0 else "choose more servers, or the architecture single",
        )


def _coverage(plan: Plan) -> Iterator[Finding]:
    """Every role has a server; ``all-in-one`` only in the architectures that need it."""
    if plan.architecture is Architecture.HA_CLUSTER:
        return
    if plan.architecture is Architecture.SINGLE:
        for index, server in enumerate(plan.servers):
            if server.roles and Role.ALL_IN_ONE not in server.roles:
                yield Finding(
                    f"servers.{index}.roles",
                    f"{server.id} needs the role all-in-one in the architecture {plan.architecture.value}",
                    advice='write roles = ["all-in-one"], or choose the architecture distributed',
                )
        return
    for index, server in enumerate(plan.servers):
        if Role.ALL_IN_ONE in server.roles:
            yield Finding(
                f"servers.{index}.roles",
                f"{server.id} is all-in-one, but the architecture distributed divides the roles",
                advice="list its roles, or choose the architecture single or ha-cluster",
            )
    if not plan.servers or any(Role.ALL_IN_ONE in s.roles for s in plan.servers):
        return
    filtering = plan.services.antispam is not Antispam.NONE or plan.services.antivirus
    for role, work in _WORK.items():
        held = [index for index, s in enumerate(plan.servers) if role in s.roles]
        if role is Role.ANTISPAM and not filtering:
            if held:
                yield Finding(
                    f"servers.{held[0]}.roles",
                    "the role antispam is not used: no filter is chosen",
                    Severity.WARNING,
                    'choose services.antispam = "rspamd", or remove the role',
                )
        elif not held:
            yield Finding(
                "servers", f"no server has the role {role.value}, which {work}", advice="give it to one of them"
            )
    yield from _names(plan)


def _names(plan: Plan) -> Iterator[Finding]:
    """With several servers, the name of each is its id below the primary domain, so that must be unused."""
    taken = {plan.domain.hostname: ("the mail host name, the name of the servers that clients connect to")}
    for index, server in enumerate(plan.servers):
        name = server_name(plan, server)
        if name in taken and len(plan.servers) > 1:
            yield Finding(
                f"servers.{index}.id",
                f"{server.id} would have the name {name}, which is {taken[name]}",
                advice="give the server another id in the inventory, or choose another mail host name",
            )
        taken.setdefault(name, f"{server.id}'s name already")


def _internal_addresses(plan: Plan) -> Iterator[Finding]:
    linked = plan.architecture is not Architecture.SINGLE
    seen: dict[str, PlanServer] = {}
    for index, server in enumerate(plan.servers):
        path = f"servers.{index}.internal_ip"
        if not server.internal_ip:
            if linked and len(plan.servers) > 1:
                yield Finding(
                    path,
                    f"{server.id} has no internal address for the private link between the servers",
                    advice=f"enter one, for example 10.80.0.{index + 1}; the installation sets the link up",
                )
            continue
        address = ipaddress.ip_address(server.internal_ip)
        if server.internal_ip in seen:
            yield Finding(
                path, f"{server.internal_ip} is already the internal address of {seen[server.internal_ip].id}"
            )
        seen.setdefault(server.internal_ip, server)
        if address.is_loopback or address.is_link_local:
            yield Finding(
                path,
                f"{address} is a loopback or link-local address; the private link needs a private address",
                advice="10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or fd00::/8",
            )
        elif address.is_global:
            yield Finding(
                path,
                f"{address} is a public address",
                Severity.WARNING,
                "the private link needs one of 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or fd00::/8",
            )
    if linked and len({ipaddress.ip_address(ip).version for ip in seen}) > 1:
        yield Finding(
            "servers", ("some internal addresses are IPv4 and some are IPv6; the private link needs one version")
        )

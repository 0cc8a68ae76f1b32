"""A cluster: two servers that hold the mail, at least one that votes, and the addresses that move."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from mailwiz_tui.plan.findings import Finding, Severity
from mailwiz_tui.plan.model import Architecture, Cluster, Plan, Role, StorageType
from mailwiz_tui.plan.published import server_name
from mailwiz_tui.plan.words import counted

_VOTER = {Role.MX_INBOUND, Role.ANTISPAM}
_FAMILIES = {"virtual_ip": 4, "virtual_ipv6": 6}


def check(plan: Plan) -> Iterator[Finding]:
    """Findings about ``cluster``, and about ``servers`` in a cluster."""
    if plan.architecture is not Architecture.HA_CLUSTER:
        yield from _unused(plan)
        return
    yield from _holders(plan)
    yield from _voters(plan)
    yield from _addresses(plan)
    if plan.storage.type is not StorageType.MAILDIR:
        yield Finding(
            "storage.type",
            f"a cluster keeps mail on its replicated volume, not in {plan.storage.type.value} storage",
            advice='choose "maildir"',
        )


def _unused(plan: Plan) -> Iterator[Finding]:
    untouched = Cluster()
    for key in Cluster.model_fields:
        if getattr(plan.cluster, key) != getattr(untouched, key):
            yield Finding(
                f"cluster.{key}",
                f"the architecture {plan.architecture.value} does not use it",
                Severity.WARNING,
                "remove it, or choose the architecture ha-cluster",
            )


def _holders(plan: Plan) -> Iterator[Finding]:
    """DRBD 8.4, which Debian has, replicates between two servers."""
    holders = [s for s in plan.servers if Role.ALL_IN_ONE in s.roles and s.id != plan.cluster.witness]
    if len(plan.servers) > 1 and len(holders) != 2:
        yield Finding(
            "servers",
            f"{counted(len(holders), 'server')} would hold mail; a cluster has exactly two",
            advice="give two servers the role all-in-one, and the others mx-inbound and antispam, or no role",
        )
    if len(plan.servers) == 2:
        yield Finding(
            "servers",
            "two servers cannot tell a failed peer from a broken link",
            advice="choose a third one, which votes: a small server without mail is enough",
        )
    elif len(plan.servers) > 2 and len(plan.servers) % 2 == 0:
        yield Finding(
            "servers",
            f"{counted(len(plan.servers), 'server')} vote; if half of them fail, no majority is left",
            Severity.WARNING,
            "choose an odd number of servers",
        )
    taken = {plan.domain.hostname: "the mail host name, which moves with the store"}
    for index, server in enumerate(plan.servers):
        name = server_name(plan, server)
        if name in taken and len(plan.servers) > 1:
            yield Finding(
                f"servers.{index}.id",
                f"{server.id} would have the name {name}, which is {taken[name]}",
                advice="give the server another id in the inventory, or choose another mail host name",
            )
        taken.setdefault(name, f"{server.id}'s name already")


def _voters(plan: Plan) -> Iterator[Finding]:
    witness = plan.cluster.witness
    if witness and all(server.id != witness for server in plan.servers):
        yield Finding(
            "cluster.witness", f"{witness} is not a server of this plan", advice="choose one of its servers"
        )
    for index, server in enumerate(plan.servers):
        path = f"servers.{index}.roles"
        if server.id == witness and Role.ALL_IN_ONE in server.roles:
            yield Finding(
                path,
                f"{server.id} is the witness, which holds no mail, so it cannot be all-in-one",
                advice="give it mx-inbound and antispam to receive mail too, or no role",
            )
        elif Role.ALL_IN_ONE not in server.roles and (wrong := set(server.roles) - _VOTER):
            found = ", ".join(sorted(role.value for role in wrong))
            yield Finding(
                path,
                f"{server.id} only votes, so it cannot be {found}",
                advice="give it mx-inbound and antispam, no role, or all-in-one to hold mail",
            )


def _addresses(plan: Plan) -> Iterator[Finding]:
    cluster = plan.cluster
    if not (cluster.virtual_ip or cluster.virtual_ipv6):
        yield Finding(
            "cluster.virtual_ip",
            "is missing; clients need an address that moves to the server that serves them",
            advice="enter a free address in the servers' own network",
        )
    for key, version in _FAMILIES.items():
        if not (text := getattr(cluster, key)):
            continue
        path, address = f"cluster.{key}", ipaddress.ip_address(text)
        if address.version != version:
            other = next(name for name, its in _FAMILIES.items() if its == address.version)
            yield Finding(
                path, f"{address} is an IPv{address.version} address", advice=f"enter it as cluster.{other}"
            )
        if address.is_loopback or address.is_link_local:
            yield Finding(path, f"{address} cannot be reached by clients")
        for server in plan.servers:
            if server.internal_ip == text:
                yield Finding(
                    path, f"{text} is the internal address of {server.id}; the virtual address must be free"
                )

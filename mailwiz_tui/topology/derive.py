"""Derives from a plan what one of its servers can rely on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mailwiz_tui.plan.model import Antispam, Plan, PlanServer, Role
from mailwiz_tui.topology.model import (
    Accounts,
    AccountSource,
    Filters,
    Mailboxes,
    MailboxPlace,
    ServerTopology,
    Signer,
)
from mailwiz_tui.topology.servers import (
    account_store,
    copy_servers,
    linked,
    places,
    roles_of,
    server_of,
    servers_doing,
)

_ASK_FILTERS = frozenset({Role.MX_INBOUND, Role.MX_OUTBOUND, Role.MAIL_STORAGE})
"""The roles that have messages filtered, or teach the spam filter."""


def topology_of(plan: Plan, server_id: str) -> ServerTopology:
    """The topology of a server of the plan. Raises ``KeyError`` if the plan lacks it."""
    server = server_of(plan, server_id)
    roles = roles_of(plan, server)
    others = tuple(other for other in plan.servers if other.id != server_id)
    peers = others if linked(plan) else ()
    accounts, filters = _accounts(plan, server, roles), _filters(plan, server, roles)
    found = ServerTopology(
        server=server,
        roles=roles,
        peers=peers,
        fronts=_with(plan, server, Role.MX_OUTBOUND),
        inbound=_with(plan, server, Role.MX_INBOUND),
        relays_for=peers if Role.MX_OUTBOUND in roles else (),
        accounts=accounts,
        mailboxes=_mailboxes(plan, server, roles),
        filters=filters,
        signer=_signer(plan, roles, filters),
    )
    return replace(found, waits_for=tuple(_waits_for(plan, found)))


def _waits_for(plan: Plan, here: ServerTopology) -> Iterator[str]:
    """The servers that a server needs and that come before it; of two that need each other, only one waits."""
    accounts, moves = here.accounts, here.mailboxes.moves
    needed = [accounts.store] if accounts.copied and not accounts.database_here else []
    needed += [other.id for other in (*(() if moves else here.delivers_to), *here.hands_over_to)]
    before = {other.id for other in plan.servers if _rank(plan, other) < _rank(plan, here.server)}
    yield from (server_id for server_id in dict.fromkeys(needed) if server_id in before)


_RANKS = (Role.MAIL_STORAGE, Role.MX_OUTBOUND, Role.MX_INBOUND)


def _rank(plan: Plan, server: PlanServer) -> int:
    """The order: the account store first, then by the first of these roles that a server has."""
    if server is account_store(plan):
        return -1
    roles = roles_of(plan, server)
    return next((rank for rank, role in enumerate(_RANKS) if role in roles), len(_RANKS))


def _with(plan: Plan, server: PlanServer, *roles: Role) -> tuple[PlanServer, ...]:
    """The servers with one of the roles, in the plan's order; a single server has all."""
    return servers_doing(plan, *roles) if linked(plan) else (server,)


def _accounts(plan: Plan, server: PlanServer, roles: frozenset[Role]) -> Accounts:
    if not linked(plan):
        return Accounts(AccountSource.LOCAL, server.id, database_here=True)
    holder, copies = account_store(plan), copy_servers(plan)
    here = server in (places(plan) or (holder,))
    if any(other.id == server.id for other in copies):
        source = AccountSource.COPIED
    else:
        source = AccountSource.LOCAL if here else AccountSource.NONE
    return Accounts(source, holder.id if holder else "", here, tuple(other.id for other in copies))


def _mailboxes(plan: Plan, server: PlanServer, roles: frozenset[Role]) -> Mailboxes:
    stores, moves_among = _with(plan, server, Role.MAIL_STORAGE), places(plan)
    if not linked(plan):
        return Mailboxes(MailboxPlace.HERE, here=True, stores=stores)
    delivering = _with(plan, server, Role.MX_INBOUND, Role.MX_OUTBOUND)
    here = Role.MAIL_STORAGE in roles
    return Mailboxes(
        MailboxPlace.STORES, here, stores[:1] if moves_among else stores, delivering, places=moves_among
    )


def _filters(plan: Plan, server: PlanServer, roles: frozenset[Role]) -> Filters:
    here = Role.ANTISPAM in roles
    providers = tuple(other.id for other in _with(plan, server, Role.ANTISPAM))
    own = (server.id,) if here else ()
    asking = {other.id for other in _with(plan, server, *_ASK_FILTERS)}
    reachable = (*own, *(other for other in providers if other != server.id))
    return Filters(here, reachable, exclusive=asking == {server.id} and reachable == own)


def _signer(plan: Plan, roles: frozenset[Role], filters: Filters) -> Signer:
    if not plan.security.dkim.enabled or Role.MX_OUTBOUND not in roles:
        return Signer.NONE
    by_filter = filters.exclusive and plan.services.antispam is Antispam.RSPAMD
    return Signer.FILTER if by_filter else Signer.SEPARATE

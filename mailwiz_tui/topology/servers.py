"""The servers of a plan by role. Outside plan/ only this module knows the architecture of a plan."""

from __future__ import annotations

from mailwiz_tui.plan.model import Architecture, Plan, PlanServer, Role

_EACH = frozenset(Role) - {Role.ALL_IN_ONE}


def server_of(plan: Plan, server_id: str) -> PlanServer:
    """A server of the plan. Raises ``KeyError`` if there is none."""
    for server in plan.servers:
        if server.id == server_id:
            return server
    raise KeyError(f"the plan has no server {server_id}")


def linked(plan: Plan) -> bool:
    """Whether there are several servers, with a private link."""
    return plan.linked


def clustered(plan: Plan) -> bool:
    """Whether the store moves among several servers, so that it survives the loss of one."""
    return plan.architecture is Architecture.HA_CLUSTER and plan.linked


def places(plan: Plan) -> tuple[PlanServer, ...]:
    """The servers among which the store moves, in the plan's order; empty if each store stays on its server."""
    return stores(plan) if clustered(plan) else ()


def voters(plan: Plan) -> tuple[PlanServer, ...]:
    """The servers that decide by majority where the store is; empty if each store stays on its server."""
    return tuple(plan.servers) if clustered(plan) else ()


def roles_of(plan: Plan, server: PlanServer) -> frozenset[Role]:
    """The roles of a server; ``all-in-one``, or a plan without several servers, means all roles.

    A server that only votes holds no mail and serves no clients, whatever its roles.
    """
    if clustered(plan) and server.id == plan.cluster.witness:
        found = _EACH if Role.ALL_IN_ONE in server.roles else frozenset(server.roles)
        return found - {Role.MAIL_STORAGE, Role.MX_OUTBOUND}
    if Role.ALL_IN_ONE in server.roles or not linked(plan):
        return _EACH
    return frozenset(server.roles)


def servers_doing(plan: Plan, *roles: Role) -> tuple[PlanServer, ...]:
    """The servers with any of these roles, in the plan's order; without division all have every role."""
    return tuple(server for server in plan.servers if roles_of(plan, server) & set(roles))


def fronts(plan: Plan) -> tuple[PlanServer, ...]:
    """The servers that serve clients and send mail to other mail servers."""
    return servers_doing(plan, Role.MX_OUTBOUND)


def inbound(plan: Plan) -> tuple[PlanServer, ...]:
    """The servers that receive mail from other mail servers."""
    return servers_doing(plan, Role.MX_INBOUND)


def stores(plan: Plan) -> tuple[PlanServer, ...]:
    """The servers with mailboxes, the account store first."""
    return servers_doing(plan, Role.MAIL_STORAGE)


def signers(plan: Plan) -> tuple[PlanServer, ...]:
    """The servers that sign outgoing mail (DKIM), each with a key of its own; none if DKIM is off."""
    return fronts(plan) if plan.security.dkim.enabled else ()


def account_store(plan: Plan) -> PlanServer | None:
    """The store with the database of the accounts: the first; None in a plan without one.

    A store that moves is named after the first of its places.
    """
    return next(iter(stores(plan)), None)


def account_store_id(plan: Plan) -> str:
    """The id of the account store; empty in a plan without one."""
    store = account_store(plan)
    return store.id if store else ""


def spread_stores(plan: Plan) -> tuple[str, ...]:
    """The stores among which mailboxes are divided, the account store first; empty with fewer than two."""
    found = tuple(server.id for server in stores(plan)) if linked(plan) and not clustered(plan) else ()
    return found if len(found) > 1 else ()


def copy_servers(plan: Plan) -> tuple[PlanServer, ...]:
    """The servers with a copy of the accounts, so that they work while the account store is down.

    These are the servers that receive mail or serve clients, and stores without the database.
    """
    if not linked(plan):
        return ()
    holder = account_store(plan)
    return tuple(server for server in plan.servers if _copies(roles_of(plan, server), holder=server is holder))


def _copies(roles: frozenset[Role], *, holder: bool) -> bool:
    return bool(roles & {Role.MX_INBOUND, Role.MX_OUTBOUND}) or (Role.MAIL_STORAGE in roles and not holder)


def client_addresses(plan: Plan) -> tuple[str, ...]:
    """The addresses of the mail hostname that move with the store; empty if each front has its own."""
    found = (plan.cluster.virtual_ip, plan.cluster.virtual_ipv6) if clustered(plan) else ()
    return tuple(address for address in found if address)

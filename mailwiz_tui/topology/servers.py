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


def divided(plan: Plan) -> bool:
    """Whether the roles are divided among several servers; else each has all of them."""
    return plan.architecture is Architecture.DISTRIBUTED and plan.linked


def clustered(plan: Plan) -> bool:
    """Whether several nodes have the same roles and can replace each other."""
    return plan.architecture is Architecture.HA_CLUSTER and plan.linked


def roles_of(plan: Plan, server: PlanServer) -> frozenset[Role]:
    """The roles of a server; ``all-in-one``, or an architecture without division, means all roles."""
    if Role.ALL_IN_ONE in server.roles or not divided(plan):
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
    """The server with the database of the accounts: the first with mailboxes; None in a plan without one."""
    return next(iter(stores(plan)), None)


def account_store_id(plan: Plan) -> str:
    """The id of the account store; empty in a plan without one."""
    store = account_store(plan)
    return store.id if store else ""


def spread_stores(plan: Plan) -> tuple[str, ...]:
    """The stores among which mailboxes are divided, the account store first; empty with fewer than two."""
    found = tuple(server.id for server in stores(plan)) if divided(plan) else ()
    return found if len(found) > 1 else ()


def copy_servers(plan: Plan) -> tuple[PlanServer, ...]:
    """The servers with a copy of the accounts, so that they work while the account store is down.

    These are the servers that receive mail or serve clients, and stores without the database.
    """
    if not divided(plan):
        return ()
    holder = account_store(plan)
    return tuple(server for server in plan.servers if _copies(roles_of(plan, server), holder=server is holder))


def _copies(roles: frozenset[Role], *, holder: bool) -> bool:
    return bool(roles & {Role.MX_INBOUND, Role.MX_OUTBOUND}) or (Role.MAIL_STORAGE in roles and not holder)


def client_address(plan: Plan) -> str:
    """The address for clients on any node; empty if each front has its own."""
    return plan.cluster.virtual_ip if plan.architecture is Architecture.HA_CLUSTER else ""

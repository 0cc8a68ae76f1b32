"""The servers of a plan by what they do. Outside plan/ only this module asks which architecture a plan has."""

from __future__ import annotations

from mailwiz_tui.plan.model import Architecture, Plan, PlanServer, Role

_EACH = frozenset(Role) - {Role.ALL_IN_ONE}


def server_of(plan: Plan, server_id: str) -> PlanServer:
    """A server of the plan. Raises ``KeyError`` where there is none."""
    for server in plan.servers:
        if server.id == server_id:
            return server
    raise KeyError(f"the plan has no server {server_id}")


def linked(plan: Plan) -> bool:
    """Whether there are several servers, which talk to each other over a private link."""
    return plan.linked


def divided(plan: Plan) -> bool:
    """Whether several servers divide the roles among them; else each does all the work."""
    return plan.architecture is Architecture.DISTRIBUTED and plan.linked


def clustered(plan: Plan) -> bool:
    """Whether several nodes do the same work and can stand in for one another."""
    return plan.architecture is Architecture.HA_CLUSTER and plan.linked


def roles_of(plan: Plan, server: PlanServer) -> frozenset[Role]:
    """What a server does; ``all-in-one``, or work that is not divided, stands for all roles."""
    if Role.ALL_IN_ONE in server.roles or not divided(plan):
        return _EACH
    return frozenset(server.roles)


def servers_doing(plan: Plan, *roles: Role) -> tuple[PlanServer, ...]:
    """The servers that do any of these, in the plan's order; where work is not divided, all do everything."""
    return tuple(server for server in plan.servers if roles_of(plan, server) & set(roles))


def fronts(plan: Plan) -> tuple[PlanServer, ...]:
    """The servers that clients talk to and that send mail to the world."""
    return servers_doing(plan, Role.MX_OUTBOUND)


def inbound(plan: Plan) -> tuple[PlanServer, ...]:
    """The servers that receive mail from the world."""
    return servers_doing(plan, Role.MX_INBOUND)


def stores(plan: Plan) -> tuple[PlanServer, ...]:
    """The servers with mailboxes, the account store first."""
    return servers_doing(plan, Role.MAIL_STORAGE)


def signers(plan: Plan) -> tuple[PlanServer, ...]:
    """The servers that sign outgoing mail (DKIM), each with a key of its own; none where DKIM is off."""
    return fronts(plan) if plan.security.dkim.enabled else ()


def account_store(plan: Plan) -> PlanServer | None:
    """The server whose database holds the accounts: the first with mailboxes; None in a plan without one."""
    return next(iter(stores(plan)), None)


def account_store_id(plan: Plan) -> str:
    """The id of the account store; empty in a plan without one."""
    store = account_store(plan)
    return store.id if store else ""


def spread_stores(plan: Plan) -> tuple[str, ...]:
    """The stores that mailboxes are spread over, the account store first; empty where there is no choice."""
    found = tuple(server.id for server in stores(plan)) if divided(plan) else ()
    return found if len(found) > 1 else ()


def copy_servers(plan: Plan) -> tuple[PlanServer, ...]:
    """The servers that keep a copy of the accounts, so that they work while the account store does not.

    Those that receive mail or serve clients do, and stores without the database.
    """
    if not divided(plan):
        return ()
    holder = account_store(plan)
    return tuple(server for server in plan.servers if _copies(roles_of(plan, server), holder=server is holder))


def _copies(roles: frozenset[Role], *, holder: bool) -> bool:
    return bool(roles & {Role.MX_INBOUND, Role.MX_OUTBOUND}) or (Role.MAIL_STORAGE in roles and not holder)


def client_address(plan: Plan) -> str:
    """The address that clients reach whichever node serves them; empty where each front has its own."""
    return plan.cluster.virtual_ip if plan.architecture is Architecture.HA_CLUSTER else ""

"""Where accounts are: the database on one server, and the servers that keep a copy."""

from __future__ import annotations

from mailwiz_tui.plan.model import Architecture, Plan, PlanServer, Role
from mailwiz_tui.stack.traffic import account_store, roles_of


def copy_servers(plan: Plan) -> list[PlanServer]:
    """The servers with a copy: those that take mail in or serve clients, and stores without the database."""
    if plan.architecture is not Architecture.DISTRIBUTED or not plan.linked:
        return []
    holder = account_store(plan)
    return [server for server in plan.servers if _copies(server, holder)]


def _copies(server: PlanServer, holder: PlanServer | None) -> bool:
    roles = roles_of(server)
    if roles & {Role.MX_INBOUND, Role.MX_OUTBOUND}:
        return True
    return Role.MAIL_STORAGE in roles and server is not holder

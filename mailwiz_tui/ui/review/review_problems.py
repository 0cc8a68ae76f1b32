"""The faults and warnings that the review lists before an installation."""

from __future__ import annotations

from collections.abc import Iterator

from mailwiz_tui.deploy.removed_servers import removed_servers
from mailwiz_tui.plan.findings import Finding, Severity
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.plan.support import unsupported
from mailwiz_tui.ui.session.session import Session


def problems(session: Session) -> list[Finding]:
    """All findings about the plan and its servers, faults first, then warnings."""
    found = session.findings()
    plan = session.plan()
    if plan is not None:
        listed = {(f.path, f.message) for f in found}
        found += [f for f in unsupported(plan) if (f.path, f.message) not in listed]
        found += _missing(session, plan)
        found += (f for server in plan.servers for f in _foreign(session, server.id))
        found += _removed_servers(session, plan)
        if not plan.servers and not any(f.path.startswith("servers") for f in found):
            found.append(Finding("servers", "no server is chosen", advice="choose one in step 2"))
    return sorted(found, key=lambda f: f.severity is not Severity.FAULT)


def _missing(session: Session, plan: Plan) -> Iterator[Finding]:
    """Servers that are missing in the inventory."""
    for server in plan.servers:
        if session.inventory.get(server.id) is None:
            message = f"{server.id} is not in the inventory"
            yield Finding("servers", message, advice="choose another, or add it (F6 in step 2)")


def _foreign(session: Session, server_id: str) -> Iterator[Finding]:
    """A server with mail software that mailwiz-tui did not configure."""
    if software := session.foreign_software(server_id):
        message = f"{server_id} has {', '.join(software)}, not configured by mailwiz-tui"
        yield Finding("servers", message, Severity.WARNING, "F8 shows what would be replaced, and asks first")


def _removed_servers(session: Session, plan: Plan) -> Iterator[Finding]:
    """Servers that were removed from the plan, until the operator was told about them."""
    known = session.known
    for server_id in removed_servers(plan, known):
        yield Finding(
            "servers",
            f"{server_id} was removed from the plan: the others will reject its connections; nothing is changed "
            "on it",
            Severity.WARNING,
            "if mail is still queued there, the installation stops; remove its MX record (step 7), then switch "
            "the server off",
        )

"""Which servers of a plan make backups."""

from __future__ import annotations

from mailwiz_tui.plan.model import Plan
from mailwiz_tui.topology.servers import stores


def backup_servers(plan: Plan) -> tuple[str, ...]:
    """The servers with mailboxes, the one with the accounts first; none where no backup is planned."""
    if not plan.backup.target:
        return ()
    return tuple(server.id for server in stores(plan))

"""The mailbox domains that the accounts' database on this server has, for comparison with the plan."""

from __future__ import annotations

import os

from ..accounts.account_sql import DATABASE, query
from ..core.fault import AgentFault
from ..core.host import Host

_FOLDER = f"/var/lib/mysql/{DATABASE}"
_ASK = (
    "SELECT domain FROM domain WHERE active = 1 AND backupmx = 0 AND domain <> 'ALL' "
    "UNION SELECT a.alias_domain FROM alias_domain a JOIN domain d ON d.domain = a.target_domain "
    "WHERE a.active = 1 AND d.active = 1 AND d.backupmx = 0;"
)


def find(host: Host) -> tuple[str, ...] | None:
    """The active ones and those that are another name for one, sorted; None where there is no such database."""
    if not os.path.isdir(host.path(_FOLDER)):
        return None
    try:
        return tuple(sorted({line.strip().lower() for line in query(host, _ASK)}))
    except AgentFault:
        return None

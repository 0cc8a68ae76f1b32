"""The programs of mailwiz-tui that read accounts on this server: their modules, and their source."""

from __future__ import annotations

from mailwiz_tui.stack import layout, limits
from mailwiz_tui.stack.blueprint import Directory, File
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.programs import folder, module

GROUP = "mailwiz-directory"
"""The group that may read the copy without password hashes; it exists on servers with a copy."""
DIRECTORY = f"{layout.ACCOUNT_COPY}/directory.json"
"""That copy: domains, mailboxes and how full they are, aliases."""
DATABASE_USERS = (layout.MESSAGE_CHECKS_USER, layout.RECIPIENT_CHECKS_USER, layout.SIGNING_USER)
"""The system users of such programs, each a read-only user of the database."""


def reader_files() -> tuple[Directory | File, ...]:
    """The modules that every such program imports; its unit restarts when they change."""
    return (folder("accounts"), module("accounts", "account_reader"), module("accounts", "account_sources"))


def reader_settings(context: Context, user: str) -> dict[str, str]:
    """The source of the accounts, in the form of ``accounts_from``."""
    if not context.topology.database_stays:
        return {"copy": DIRECTORY}
    quota = limits.mailbox_quota(context.plan)
    default = {"mailbox_quota": str(quota)} if quota else {}
    return {"socket": layout.MYSQL_SOCKET, "user": user, "name": layout.DATABASE, **default}


def reader_groups(context: Context) -> tuple[str, ...]:
    """The groups of its system user."""
    return () if context.topology.database_stays else (GROUP,)


def reader_packages(context: Context) -> tuple[str, ...]:
    """The Debian packages that it needs."""
    return ("python3-pymysql",) if context.topology.database_stays else ()

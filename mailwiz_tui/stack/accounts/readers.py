"""Programs of ours that read accounts on this server: what they are shipped, and where they read."""

from __future__ import annotations

from mailwiz_tui.stack import layout, limits
from mailwiz_tui.stack.blueprint import Directory, File
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.programs import folder, module

GROUP = "mailwiz-directory"
"""Who may read the copy without password hashes; the group exists where there is a copy."""
DIRECTORY = f"{layout.ACCOUNT_COPY}/directory.json"
"""That copy: domains, mailboxes and how full they are, aliases."""
DATABASE_USERS = (layout.MESSAGE_CHECKS_USER, layout.RECIPIENT_CHECKS_USER, layout.SIGNING_USER)
"""The system users of such programs, each a user of the database that may only read."""


def reader_files() -> tuple[Directory | File, ...]:
    """The modules that every such program imports; whoever runs one restarts it when they change."""
    return (folder("accounts"), module("accounts", "account_reader"), module("accounts", "account_sources"))


def reader_settings(context: Context, user: str) -> dict[str, str]:
    """Where a program finds the accounts, as ``accounts_from`` takes it."""
    if not context.topology.accounts.database_here:
        return {"copy": DIRECTORY}
    quota = limits.mailbox_quota(context.plan)
    default = {"mailbox_quota": str(quota)} if quota else {}
    return {"socket": layout.MYSQL_SOCKET, "user": user, "name": layout.DATABASE, **default}


def reader_groups(context: Context) -> tuple[str, ...]:
    """The groups that its system user has to be in."""
    return () if context.topology.accounts.database_here else (GROUP,)


def reader_packages(context: Context) -> tuple[str, ...]:
    """The Debian packages that it needs."""
    return ("python3-pymysql",) if context.topology.accounts.database_here else ()

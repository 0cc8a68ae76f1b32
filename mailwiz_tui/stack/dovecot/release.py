"""Dovecot's configuration in the words of its version: 2.4 on Debian 13, 2.3 on Debian 12."""

from __future__ import annotations

from mailwiz_tui.stack import keys
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.dovecot.storage import mailboxes
from mailwiz_tui.stack.protocols import has_ipv4, has_ipv6
from mailwiz_tui.stack.render import render

DIR = "/etc/dovecot"
CONFIG = f"{DIR}/dovecot.conf"
SIEVE_DIR = f"{DIR}/sieve"
QUERIES = (f"{DIR}/mailwiz-accounts.conf.ext", f"{DIR}/mailwiz-quota.conf.ext")
"""Files of their own in 2.3, part of dovecot.conf in 2.4."""


def version(context: Context) -> str:
    """The Dovecot of the server's Debian release; also the folder of its templates."""
    return "2.3" if context.codename == "bookworm" else "2.4"


def config_files(context: Context) -> dict[str, str]:
    """Dovecot's configuration files by path."""
    database = {"socket": keys.MYSQL_SOCKET, "database": keys.DATABASE}
    if version(context) == "2.4":
        return {CONFIG: _main(context, **database)}
    accounts, quota = QUERIES
    return {
        CONFIG: _main(context, accounts=accounts, quota_dict=quota),
        accounts: render("dovecot", "2.3/mailwiz-accounts.conf.ext", **database),
        quota: render("dovecot", "2.3/mailwiz-quota.conf.ext", **database),
    }


def _main(context: Context, **more: str) -> str:
    listen = [address for address, ok in (("*", has_ipv4(context)), ("::", has_ipv6(context))) if ok]
    return render(
        "dovecot",
        f"{version(context)}/dovecot.conf",
        listen=", ".join(listen),
        hostname=context.hostname,
        domain=context.plan.domain.primary_domain,
        certificate=keys.TLS_CHAIN,
        key=keys.TLS_KEY,
        vmail=keys.VMAIL_USER,
        uid=str(keys.VMAIL_UID),
        storage=context.plan.storage.path,
        mailboxes=mailboxes(context),
        sieve=SIEVE_DIR,
        spool=keys.POSTFIX_SPOOL,
        lmtp_socket=keys.LMTP_SOCKET,
        sasl_socket=keys.SASL_SOCKET,
        quota_socket=keys.QUOTA_SOCKET,
        lib=keys.LIB_DIR,
        **more,
    )

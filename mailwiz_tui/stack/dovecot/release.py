"""Dovecot's configuration for its version: 2.4 on Debian 13, 2.3 on Debian 12.

One template a version, ``templates/VERSION/dovecot.conf``, is for mailboxes and fronts alike: it asks the topology.
"""

from __future__ import annotations

from mailwiz_tui.stack import layout, limits
from mailwiz_tui.stack.capacity import PEER_DELIVERIES, Capacity
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.dovecot.logins import OWN_SCRIPT, username_chars
from mailwiz_tui.stack.dovecot.storage import INDEXES
from mailwiz_tui.stack.protocols import has_ipv4, has_ipv6
from mailwiz_tui.stack.render import render, sql_text
from mailwiz_tui.topology.servers import spread_stores

DIR = "/etc/dovecot"
CONFIG = f"{DIR}/dovecot.conf"
SIEVE_DIR = f"{DIR}/sieve"
QUERIES = (f"{DIR}/mailwiz-accounts.conf.ext", f"{DIR}/mailwiz-quota.conf.ext")
"""Separate files in 2.3, part of dovecot.conf in 2.4."""


def version(context: Context) -> str:
    """The Dovecot of the server's Debian release; also the folder of its templates."""
    return "2.3" if context.codename == "bookworm" else "2.4"


def config_files(context: Context) -> dict[str, str]:
    """Dovecot's configuration files by path."""
    if version(context) == "2.4":
        return {CONFIG: render("dovecot", "2.4/dovecot.conf", **_values(context), **_accounts_24(context))}
    accounts, quota = QUERIES
    own = {"account_queries": accounts, "quota_dict": quota}
    files = {CONFIG: render("dovecot", "2.3/dovecot.conf", **_values(context), **own)}
    if not context.topology.logins_copied:
        files[accounts] = render("dovecot", "2.3/mailwiz-accounts.conf.ext", **_accounts_23(context))
    if context.topology.mailboxes.here and context.topology.accounts.database_here:
        files[quota] = render("dovecot", "2.3/mailwiz-quota.conf.ext", layout=layout)
    return files


def _values(context: Context) -> dict[str, object]:
    """The values for the templates of both versions."""
    return {
        "hostname": context.hostname,
        "plan": context.plan,
        "topology": context.topology,
        "layout": layout,
        "capacity": Capacity.of(context.facts),
        "deliveries": _deliveries(context),
        "listen": _listen(context),
        "internal_ip": context.internal_ip(),
        "fronts": " ".join(context.internal_ip(front.id) for front in context.topology.fronts),
        "username_chars": username_chars(),
        "own_script": OWN_SCRIPT,
        "indexes": INDEXES,
        "sieve_dir": SIEVE_DIR,
        "learner": context.mail.learner,
    }


def _accounts_23(context: Context) -> dict[str, object]:
    default = limits.mailbox_quota(context.plan)
    quota_of = f"IF(m.quota > 0, m.quota, {default})" if default else "m.quota"
    return {"layout": layout, "quota_of": quota_of, "store": _store(context)}


def _accounts_24(context: Context) -> dict[str, object]:
    default = limits.mailbox_quota(context.plan)
    return {
        "auth_workers": max(40, 2 * Capacity.of(context.facts).auth_workers),
        "default_quota": f"{default}B" if default else "unlimited",
        "store": _store(context),
    }


def _store(context: Context) -> str:
    """This server's name in SQL if it is one of several stores; else empty."""
    return sql_text(context.server_id) if context.server_id in spread_stores(context.plan) else ""


def _listen(context: Context) -> str:
    """All addresses, or on a store behind fronts that of the private link alone."""
    if not context.topology.serves_clients:
        return context.internal_ip()
    return ", ".join(address for address, ok in (("*", has_ipv4(context)), ("::", has_ipv6(context))) if ok)


def _deliveries(context: Context) -> int:
    """Parallel LMTP deliveries: those of this server's Postfix, or of all servers that deliver here."""
    delivering = context.topology.mailboxes.delivered_by
    return PEER_DELIVERIES * len(delivering) if delivering else Capacity.of(context.facts).deliveries

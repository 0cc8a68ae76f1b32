"""Dovecot's configuration in the words of its version: 2.4 on Debian 13, 2.3 on Debian 12."""

from __future__ import annotations

from mailwiz_tui.stack import layout, limits
from mailwiz_tui.stack.capacity import PEER_DELIVERIES, Capacity
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.dovecot.logins import own_script_logins, username_chars
from mailwiz_tui.stack.dovecot.storage import escape_plugin, mailboxes
from mailwiz_tui.stack.protocols import has_ipv4, has_ipv6
from mailwiz_tui.stack.render import render, sql_text
from mailwiz_tui.topology.servers import spread_stores

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
    accounts, quota = QUERIES
    files = {CONFIG: _main(context)}
    if version(context) == "2.3":
        database = {"socket": layout.DATABASE_GATE_SOCKET, "database": layout.DATABASE}
        default = limits.mailbox_quota(context.plan)
        quota_of = f"IF(m.quota > 0, m.quota, {default})" if default else "m.quota"
        guarded = database | _elsewhere(context) | {"quota": quota_of}
        if not context.topology.logins_copied:
            files[accounts] = render("dovecot", "2.3/mailwiz-accounts.conf.ext", **guarded)
        if context.topology.accounts.database_here:
            files[quota] = render("dovecot", "2.3/mailwiz-quota.conf.ext", **database)
    return files


def part(context: Context, name: str, **values: str) -> str:
    """A part of the configuration in the words of the server's version."""
    return render("dovecot", f"{version(context)}/{name}", **values)


def accounts_part(context: Context) -> str:
    """Where users are looked up: in the database, or in the copy of the accounts."""
    if context.topology.logins_copied:
        return part(context, "accounts-copy.conf", users=layout.ACCOUNT_LOGINS).rstrip("\n")
    if version(context) == "2.3":
        return part(context, "accounts-database.conf", queries=QUERIES[0]).rstrip("\n")
    database = {"socket": layout.DATABASE_GATE_SOCKET, "database": layout.DATABASE}
    default = limits.mailbox_quota(context.plan)
    quota = f"{default}B" if default else "unlimited"
    return part(context, "accounts-database.conf", quota=quota, **database, **_elsewhere(context)).rstrip("\n")


def _elsewhere(context: Context) -> dict[str, str]:
    """The part of the query that puts off what is for a mailbox on another of several stores, or on its way."""
    if context.server_id not in spread_stores(context.plan):
        return {"elsewhere": "", "stores": ""}
    here = f"COALESCE(NULLIF(s.store, ''), {sql_text(context.server_id)}) = {sql_text(context.server_id)}"
    return {
        "elsewhere": f", IF({here} AND COALESCE(s.moving_to, '') = '', NULL, 'yes') AS tempfail",
        "stores": " LEFT JOIN mailwiz_store s ON s.username = m.username",
    }


def listen(context: Context) -> str:
    """The addresses of the world, or on a store behind fronts that of the private link alone."""
    if not context.topology.serves_clients:
        return context.internal_ip()
    return ", ".join(address for address, ok in (("*", has_ipv4(context)), ("::", has_ipv6(context))) if ok)


def _usage(context: Context) -> dict[str, str]:
    """The parts about telling how full mailboxes are.

    The database is told at once where it is on this server. Elsewhere each mailbox has a file, which the copy of
    the accounts sends on, so that no delivery waits for a database that does not answer.
    """
    old, database = version(context) == "2.3", context.topology.accounts.database_here
    if old:
        usage = part(context, "usage.conf", quota_dict=QUERIES[1]) if database else ""
        place = "proxy::quota" if database else f"file:%h/{layout.USAGE_FILE}"
        return {"usage": usage, "clone": " quota_clone", "clone_dict": f"  quota_clone_dict = {place}\n"}
    usage = part(context, "usage.conf") if database else part(context, "usage-file.conf", file=layout.USAGE_FILE)
    return {"usage": usage, "clone": "  quota_clone = yes\n"}


def _lmtp(context: Context) -> str:
    """Where mail is taken in: a socket in Postfix' spool, or a port on the private link."""
    if context.topology.mailboxes.on_stores:
        return part(context, "lmtp-peers.conf", address=context.internal_ip(), port=str(layout.LMTP_PORT))
    return render("dovecot", "lmtp-socket.conf", spool=layout.POSTFIX_SPOOL, socket=layout.LMTP_SOCKET)


def _peers(context: Context) -> str:
    if not context.topology.mailboxes.on_stores:
        return ""
    return part(
        context,
        "peers.conf",
        address=context.internal_ip(),
        certificate=layout.INTERNAL_CERT,
        key=layout.INTERNAL_KEY,
        fronts=" ".join(context.internal_ip(front.id) for front in context.topology.fronts),
        peers=layout.INTERNAL_PEERS,
    )


def _main(context: Context) -> str:
    inside = not context.topology.serves_clients
    return render(
        "dovecot",
        f"{version(context)}/dovecot.conf",
        listen=listen(context),
        hostname=context.hostname,
        sieve_mail=layout.SIEVE_MAIL,
        certificate=layout.INTERNAL_CERT if inside else layout.TLS_CHAIN,
        key=layout.INTERNAL_KEY if inside else layout.TLS_KEY,
        accounts=accounts_part(context),
        own_script=own_script_logins(version(context)),
        username_chars=username_chars(),
        lmtp=_lmtp(context),
        peers=_peers(context),
        imaps="0" if inside else "993",
        vmail=layout.VMAIL_USER,
        uid=str(layout.VMAIL_UID),
        storage=context.plan.storage.path,
        mailboxes=mailboxes(context),
        sieve=SIEVE_DIR,
        spool=layout.POSTFIX_SPOOL,
        sasl_socket=layout.SASL_SOCKET,
        learn=context.mail.learner.program,
        learner=context.mail.learner.user,
        append_limit=_append_limit(context),
        capacity=capacity_part(context, mailboxes=True),
        **(escape_plugin(context) if version(context) == "2.3" else {}),
        **_usage(context),
    )


def capacity_part(context: Context, *, mailboxes: bool) -> str:
    """The limits of the services, on a server with mailboxes or in front of such."""
    found = Capacity.of(context.facts)
    values = {
        "auth_clients": str(found.auth_clients),
        "logins": str(found.login_processes),
        "login_clients": str(found.login_clients),
    }
    text = part(
        context,
        "capacity.conf",
        **values,
        connections=str(found.imap_connections),
        working=str(found.imap_working),
        sieve=str(found.sieve_connections),
        auth_workers=str(found.auth_workers if version(context) == "2.3" else max(40, 2 * found.auth_workers)),
    )
    if mailboxes:
        text += part(
            context,
            "capacity-store.conf",
            **values,
            ready=str(found.imap_ready),
            working=str(found.imap_working),
            sieve=str(found.sieve_connections),
            deliveries=str(_deliveries(context, found)),
        )
    return text.rstrip("\n")


def _deliveries(context: Context, capacity: Capacity) -> int:
    """Messages taken in at the same time: those of this server's Postfix, or of all servers that deliver here."""
    delivering = context.topology.mailboxes.delivered_by
    return PEER_DELIVERIES * len(delivering) if delivering else capacity.deliveries


def _append_limit(context: Context) -> str:
    """What a user may put into a folder at most; unlike what arrives by SMTP it may be an archive's any size."""
    size = context.plan.limits.imap_append_mb
    if not size:
        return ""
    if version(context) == "2.4":
        return f"  quota_mail_size = {size}M\n"
    return f"  plugin {{\n    quota_max_mail_size = {size}M\n  }}\n"

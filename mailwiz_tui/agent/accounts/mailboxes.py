"""Mailboxes: added, given a new password, changed and removed, as PostfixAdmin would write them."""

from __future__ import annotations

import contextlib
import os
import re
import shutil

from ..core.fault import AgentFault
from ..core.host import Host, require
from ..protocol.accounts import AddedMailbox, AddMailbox, ChangeMailbox, MailboxPlace, RemovedMailbox, RemoveMailbox
from . import first_accounts, placement
from .account_sql import PROBE, Row, change, domain_of, free_text, insert, literal, rows
from .addresses import address_of, held_address, is_own

_DOMAINS = (
    "SELECT JSON_OBJECT('domain', domain) FROM domain "
    "WHERE active = 1 AND backupmx = 0 AND domain <> 'ALL' ORDER BY domain;"
)


def need_domain(host: Host, domain: str) -> None:
    """Raises AgentFault unless a domain has its mailboxes here and is in use."""
    _check_domain(domain, rows(host, _DOMAINS))


def _check_domain(domain: str, listed: list[Row]) -> None:
    domains = [str(row["domain"]).lower() for row in listed if "domain" in row]
    if domain_of(domain) not in domains:
        raise AgentFault(f"{domain} is not a mailbox domain; the mailbox domains are: "
                         f"{', '.join(domains) or 'none'}",
                         "accounts", "add it to the plan as a mailbox domain and apply")  # fmt: skip


def find(host: Host, address: str) -> Row | None:
    """The mailbox with this address, or None."""
    found = rows(
        host,
        "SELECT JSON_OBJECT('address', username, 'active', active, 'quota', quota) FROM mailbox "  # noqa: S608
        f"WHERE username = {literal(address)};",
    )
    return found[0] if found else None


def need(host: Host, address: str) -> None:
    """Raises AgentFault where there is no mailbox with this address."""
    if find(host, address) is None:
        raise AgentFault(f"there is no mailbox {address}", "accounts", "see: mailwiz-tui mailbox list PLAN")


def add(host: Host, wanted: AddMailbox) -> AddedMailbox:
    """Makes a mailbox, and the alias to itself that PostfixAdmin keeps for each.

    With several stores it is put on the one wanted, or on the one with the fewest mailboxes; where mail of a
    former mailbox lies is left for that store to say.
    """
    stores = wanted.stores
    typed, _, where = wanted.address.rpartition("@")
    if "+" in typed:
        raise AgentFault(f"{wanted.address}: what follows a + is the user's own choice, so no mailbox can have one",
                         "accounts", f"mail for it arrives at {typed.partition('+')[0]}@{where}")  # fmt: skip
    address = address_of(wanted.address)
    local, _, domain = address.rpartition("@")
    quoted = literal(address)
    known = rows(
        host,
        f"SELECT JSON_OBJECT('mailbox', username) FROM mailbox WHERE username = {quoted};\n"  # noqa: S608
        f"SELECT JSON_OBJECT('goto', goto) FROM alias WHERE address = {quoted};\n{_DOMAINS}",
    )
    _check_domain(domain, known)
    if local.startswith(PROBE):
        raise AgentFault(f"{address} is reserved for verification", "accounts")
    if any("mailbox" in row for row in known):
        raise AgentFault(f"the mailbox {address} exists already", "accounts",
                         f"for a new password: mailwiz-tui mailbox passwd PLAN {address}")  # fmt: skip
    if taken := [row for row in known if "goto" in row]:
        raise AgentFault(f"{address} is an alias to {taken[0]['goto']}", "accounts",
                         f"first: mailwiz-tui mailbox alias remove PLAN {address}")  # fmt: skip
    _check_quota(wanted.quota)
    chosen = placement.choose(host, stores, wanted.store) if stores else ""
    home = "" if stores else home_of(host, address)
    found = home if home and os.path.isdir(host.path(home)) else ""
    box = {
        "username": literal(address), "password": literal(first_accounts.hashed(host, wanted.password.reveal())),
        "name": free_text(_name(wanted.name) or local), "maildir": literal(f"{domain}/{local}/"),
        "local_part": literal(local), "domain": literal(domain), "quota": str(wanted.quota),
    }  # fmt: skip
    alias = {"address": literal(address), "goto": literal(address), "domain": literal(domain)}
    place = (first_accounts.stored_on(address, chosen),) if stores else ()
    change(host, *place, insert("INSERT", "mailbox", box), insert("INSERT", "alias", alias))
    return AddedMailbox(address, found, chosen)


def set_password(host: Host, address: str, password: str) -> None:
    """Gives a mailbox a new password and ends the sessions that used the old one."""
    address = held_address(address)
    need(host, address)
    new = first_accounts.hashed(host, password)
    where = f"WHERE username = {literal(address)}"
    change(host, f"UPDATE mailbox SET password = {literal(new)}, modified = NOW() {where};")  # noqa: S608
    first_accounts.acknowledge(host, [address])
    _forget(host, address, kick=True)


def edit(host: Host, wanted: ChangeMailbox) -> None:
    """Changes a mailbox's quota (bytes, 0 for none), its owner's name, or whether it is in use.

    One that is not in use takes no mail and lets nobody in; its mail stays.
    """
    address, quota, active, name = held_address(wanted.address), wanted.quota, wanted.active, wanted.name
    need(host, address)
    new = []
    if quota is not None:
        _check_quota(quota)
        new.append(f"quota = {int(quota)}")
    if name is not None:
        new.append(f"name = {free_text(_name(name))}")
    if active is not None:
        new.append(f"active = {int(active)}")
    if not new:
        raise AgentFault("no change was given", "accounts")
    where = literal(address)
    statements = [f"UPDATE mailbox SET {', '.join(new)}, modified = NOW() WHERE username = {where};"]  # noqa: S608
    if active is not None:
        statements.append(f"UPDATE alias SET active = {int(active)}, modified = NOW() WHERE address = {where};")  # noqa: S608
    change(host, *statements)
    _forget(host, address, kick=active is False)


def remove(host: Host, wanted: RemoveMailbox) -> RemovedMailbox:
    """Removes a mailbox and what belongs to it; its mail stays unless ``delete_mail``.

    With several ``stores``, of which the first is this server, mail on another one is left alone here: that one
    is told next (``mailbox_home.mailbox_removed``).
    """
    address, delete_mail, stores = held_address(wanted.address), wanted.delete_mail, wanted.stores
    need(host, address)
    quoted = literal(address)
    place = placement.where(host, address, stores) if stores else MailboxPlace("")
    if place.moving_to:
        raise AgentFault(f"{address} is being moved to {place.moving_to}", "accounts",
                         "finish that first: mailwiz-tui mailbox move")  # fmt: skip
    stored_here = not stores or place.store == stores[0]
    home = home_of(host, address) if stored_here else ""
    if home and not os.path.isdir(host.path(home)):
        home = ""
    if delete_mail and stored_here and is_own(address):
        change(host, f"UPDATE alias SET active = 0 WHERE address = {quoted};")  # noqa: S608
        host.run(["doveadm", "expunge", "-u", address, "mailbox", "*", "ALL"], timeout=120)
        host.run(["doveadm", "purge", "-u", address], timeout=120)
    placed = (("mailwiz_store", "username"),) if stores else ()
    tables = (("mailbox", "username"), ("alias", "address"), ("quota2", "username"), ("quota", "username"),
              ("fetchmail", "mailbox"), ("vacation", "email"), *placed)  # fmt: skip
    change(host, *(f"DELETE FROM {table} WHERE {column} = {quoted};" for table, column in tables))  # noqa: S608
    _forget(host, address, kick=True)
    if delete_mail and home:
        shutil.rmtree(host.path(home))
    leading = rows(
        host,
        f"SELECT JSON_OBJECT('address', address, 'goto', goto) FROM alias WHERE goto LIKE {_like(address)};",  # noqa: S608
    )
    still = tuple(str(row["address"]) for row in leading if address in str(row["goto"]).lower().split(","))
    return RemovedMailbox(address, home, bool(delete_mail and home), still)


def home_of(host: Host, address: str) -> str:
    """Where a mailbox lies, from Dovecot's own ``mail_home``; empty where that cannot be told.

    One with another name than mailboxes may have never had mail, and a ``/`` in it leads into somebody else's.
    """
    local, _, domain = address.rpartition("@")
    if not is_own(address):
        return ""
    done = host.run(["doveconf", "-h", "mail_home"], timeout=10)
    lines = [line for line in done.text.split("\n") if line.startswith("/")] if done.ok else []
    home = lines[-1].strip() if lines else ""
    home = re.sub(r"%\{\s*user\s*\|\s*domain\s*\}|%\{domain\}|%d", domain, home)
    home = re.sub(r"%\{\s*user\s*\|\s*username\s*\}|%\{username\}|%n", local, home)
    safe = "%" not in home and ".." not in home.split("/") and home.endswith(f"/{domain}/{local}")
    return home if safe and home.count("/") > 2 else ""


def _forget(host: Host, address: str, *, kick: bool = False) -> None:
    """Lets Dovecot forget what it remembers of an account, and ends its sessions.

    One with another name than mailboxes may have cannot log in, and doveadm would take its name for a pattern.
    """
    if not is_own(address):
        return
    host.run(["doveadm", "auth", "cache", "flush", address], timeout=10)
    if kick:
        with contextlib.suppress(AgentFault):
            require(host.run(["doveadm", "kick", address], timeout=10), "no session was ended", "accounts")


def _check_quota(quota: int) -> None:
    if not 0 <= int(quota) < 2**60:
        raise AgentFault(f"{quota} bytes is not a valid quota", "accounts")


def _name(name: str) -> str:
    if len(name) > 200 or not name.isprintable():
        raise AgentFault("a name must be one line of at most 200 characters", "accounts")
    return name.strip()


def _like(address: str) -> str:
    """A pattern for LIKE that finds the address anywhere; a backslash cannot be in one."""
    return literal("%" + address.replace("%", r"\%").replace("_", r"\_") + "%")

"""Aliases: addresses that lead to other addresses, and catch-alls (``@domain``)."""

from __future__ import annotations

from collections.abc import Callable, Collection

from ..core.fault import AgentFault
from ..core.host import Host
from ..protocol.accounts import AliasTargets
from .account_sql import change, domain_of, insert, literal, rows
from .addresses import address_of, held_address, target_address
from .mailboxes import find, need_domain


def add(host: Host, address: str, goto: Collection[str]) -> AliasTargets:
    """Lets an address lead to further ones; what it leads to already stays.

    ``@domain`` takes all mail of a domain that no other address takes. For a mailbox this forwards a copy.
    Returns all that it leads to now.
    """
    address, domain = _alias_address(address)
    need_domain(host, domain)
    targets = [target_address(target) for target in goto]
    if not targets:
        raise AgentFault("an alias needs a target", "accounts")
    before = _goto(host, address)
    is_mailbox = not address.startswith("@") and find(host, address) is not None
    if address in targets and not is_mailbox:
        raise AgentFault(f"{address} would be its own target", "accounts", "name a target, another address")
    for target in targets:
        if target != address:
            _need_target(host, target)
    now = list(dict.fromkeys([*(before if before is not None else [address] if is_mailbox else []), *targets]))
    _write(host, address, domain, now, new=before is None)
    return AliasTargets(address, tuple(now))


def remove(host: Host, address: str, goto: Collection[str] = ()) -> AliasTargets:
    """Removes an alias, or only some of what it leads to; a mailbox's own alias becomes plain again.

    Returns what it still leads to.
    """
    address, domain = _alias_address(address, held_address)
    before = _goto(host, address)
    if before is None:
        raise AgentFault(f"there is no alias {address}", "accounts", "see: mailwiz-tui mailbox alias list PLAN")
    drop = [held_address(target) for target in goto]
    if strange := [target for target in drop if target not in before]:
        raise AgentFault(f"{', '.join(strange)} is not a target of {address}", "accounts",
                         f"its targets: {', '.join(before)}")  # fmt: skip
    now = [target for target in before if target not in drop] if drop else []
    is_mailbox = not address.startswith("@") and find(host, address) is not None
    if is_mailbox and not now:
        if not drop and before == [address]:
            raise AgentFault(f"{address} is a mailbox, not an alias", "accounts",
                             f"to remove it: mailwiz-tui mailbox remove PLAN {address}")  # fmt: skip
        now = [address]
    if now:
        _write(host, address, domain, now, new=False)
    else:
        change(host, f"DELETE FROM alias WHERE address = {literal(address)};")  # noqa: S608
    return AliasTargets(address, tuple(now))


def _alias_address(value: str, read: Callable[[object], str] = address_of) -> tuple[str, str]:
    text = str(value).removeprefix("*")
    if text.startswith("@"):
        domain = domain_of(text[1:])
        return f"@{domain}", domain
    address = read(text)
    return address, address.rpartition("@")[2]


def _goto(host: Host, address: str) -> list[str] | None:
    found = rows(host, f"SELECT JSON_OBJECT('goto', goto) FROM alias WHERE address = {literal(address)};")  # noqa: S608
    if not found:
        return None
    return [part.strip().lower() for part in str(found[0]["goto"]).split(",") if part.strip()]


def _need_target(host: Host, target: str) -> None:
    """An address in a domain of this server must be known here, or mail to the alias would be lost."""
    local, _, domain = target.rpartition("@")
    plain = f"{local.partition('+')[0]}@{domain}"
    names = ", ".join(literal(name) for name in (target, plain, f"@{domain}"))
    known = rows(
        host,
        f"SELECT JSON_OBJECT('a', address) FROM alias WHERE address IN ({names}) "  # noqa: S608
        f"UNION SELECT JSON_OBJECT('a', username) FROM mailbox WHERE username IN ({names});",
    )
    if known:
        return
    here = rows(
        host,
        f"SELECT JSON_OBJECT('d', domain) FROM domain WHERE domain = {literal(domain)} "  # noqa: S608
        "AND active = 1 AND backupmx = 0;",
    )
    if here:
        raise AgentFault(f"{target} does not exist here, so mail to the alias would bounce", "accounts",
                         f"first: mailwiz-tui mailbox add PLAN {target}")  # fmt: skip


def _write(host: Host, address: str, domain: str, goto: list[str], *, new: bool) -> None:
    text = literal(",".join(goto))
    if new:
        columns = {"address": literal(address), "goto": text, "domain": literal(domain)}
        change(host, insert("INSERT", "alias", columns))
    else:
        where = literal(address)
        change(host, f"UPDATE alias SET goto = {text}, modified = NOW() WHERE address = {where};")  # noqa: S608

"""Accounts on a running installation: what a postmaster asks and changes, on the command line and as a screen.

Every call is one request over the warm link to the server that keeps the accounts. Errors are ``AgentError``
and ``SshError`` (what, where, what to do) and ``ValueError`` for what was typed wrongly.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import SecretStr

from mailwiz_tui.install.agentlink import AgentLink
from mailwiz_tui.install.copies import refresh_copies
from mailwiz_tui.install.first_accounts import account_server, new_password
from mailwiz_tui.install.sanitize import clean_text
from mailwiz_tui.install.work import EngineError
from mailwiz_tui.plan.dnsnames import display_name, domain_name
from mailwiz_tui.plan.mailnames import mail_address
from mailwiz_tui.plan.model import Plan, Role
from mailwiz_tui.stack.traffic import spread_stores

if TYPE_CHECKING:
    from mailwiz_tui.install.mailbox_move import Moved

UNITS = {"": 1, "B": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
_SIZE = re.compile(r"(\d{1,15})(?:\.(\d{1,3}))?\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)
NO_QUOTA = ("", "0", "none", "unlimited")


class Linked(Protocol):
    """What is needed of ``install.engine.Engine``."""

    @property
    def plan(self) -> Plan:
        """The plan whose servers are meant."""

    async def link(self, server_id: str) -> AgentLink:
        """The warm link to a server."""


@dataclass(frozen=True, slots=True)
class DomainEntry:
    """A domain in the accounts' database; one that left the plan is not ``active`` and takes no mail."""

    domain: str
    active: bool
    mailboxes: int
    aliases: int


@dataclass(frozen=True, slots=True)
class MailboxEntry:
    """A mailbox; ``quota`` and ``used`` in bytes, a quota of 0 is none; ``created`` is ISO 8601 in UTC.

    Where there are several stores, ``store`` is the one it is on, ``moving_to`` the one it is on its way to.
    """

    address: str
    name: str
    quota: int
    used: int
    messages: int
    active: bool
    created: str
    store: str = ""
    moving_to: str = ""


@dataclass(frozen=True, slots=True)
class AliasEntry:
    """An address and where its mail goes; a catch-all's address is ``@domain``."""

    address: str
    goto: tuple[str, ...]
    active: bool

    @property
    def catch_all(self) -> bool:
        """Whether it takes what no other address of its domain takes."""
        return self.address.startswith("@")


@dataclass(frozen=True, slots=True)
class AccountBook:
    """All domains, mailboxes and aliases of an installation; ``stores`` where there are several."""

    domains: tuple[DomainEntry, ...] = ()
    mailboxes: tuple[MailboxEntry, ...] = ()
    aliases: tuple[AliasEntry, ...] = ()
    stores: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Added:
    """A new mailbox: the password if it was made for it, and where mail of a former mailbox was found again.

    ``store``: where it is, of several stores.
    """

    address: str
    generated: SecretStr | None = None
    found_mail: str = ""
    store: str = ""


@dataclass(frozen=True, slots=True)
class Removed:
    """A removed mailbox: where its mail lies (or lay, if ``deleted``), and aliases that still lead to it.

    ``store``: the one of several stores that it was on.
    """

    address: str
    home: str
    deleted: bool
    aliases: tuple[str, ...]
    store: str = ""


class Accounts:
    """The accounts of one installation."""

    def __init__(self, engine: Linked) -> None:
        self._engine = engine

    async def book(self) -> AccountBook:
        """Everything there is."""
        raw = await self._ask("list", **self._among)
        return AccountBook(
            tuple(
                DomainEntry(clean_text(d["domain"]), bool(d["active"]), int(d["mailboxes"]), int(d["aliases"]))
                for d in raw["domains"]
            ),
            tuple(
                MailboxEntry(
                    clean_text(m["address"]),
                    clean_text(m["name"]),
                    int(m["quota"]),
                    int(m["used"]),
                    int(m["messages"]),
                    bool(m["active"]),
                    clean_text(m["created"] or ""),
                    clean_text(m.get("store") or ""),
                    clean_text(m.get("moving_to") or ""),
                )
                for m in raw["mailboxes"]
            ),
            tuple(
                AliasEntry(clean_text(a["address"]), tuple(map(clean_text, a["goto"])), bool(a["active"]))
                for a in raw["aliases"]
            ),
            self.stores,
        )

    @property
    def stores(self) -> tuple[str, ...]:
        """The stores that there is a choice between; empty where there is one."""
        return spread_stores(self._engine.plan)

    @property
    def _among(self) -> dict[str, list[str]]:
        return {"stores": list(self.stores)} if self.stores else {}

    async def add(
        self,
        address: str,
        *,
        password: SecretStr | None = None,
        quota: int = 0,
        name: str = "",
        store: str = "",
    ) -> Added:
        """A new mailbox; without ``password`` one is generated and returned, this once.

        Of several stores it is put on ``store``, or on the one with the fewest mailboxes.
        """
        address, place = typed_address(address), self._among
        if store:
            known_store(self._engine.plan, store)
        generated = new_password() if password is None else None
        secret = (password or generated or SecretStr("")).get_secret_value()
        where: dict[str, Any] = {**place, "store": store} if place else {}
        raw = await self._ask("add", address=address, password=secret, quota=quota, name=name, **where)
        chosen, found = clean_text(raw.get("store") or ""), clean_text(raw["found_mail"])
        if chosen:
            link = await self._engine.link(chosen)
            found = clean_text((await link.request("accounts_welcome", address=address))["found_mail"])
        return Added(clean_text(raw["address"]), generated, found, chosen)

    async def set_password(self, address: str, password: SecretStr | None = None) -> SecretStr | None:
        """A new password; generated and returned, this once, where none is given. Ends open sessions."""
        generated = new_password() if password is None else None
        secret = (password or generated or SecretStr("")).get_secret_value()
        await self._ask("password", address=typed_address(address), password=secret)
        return generated

    async def change(
        self, address: str, *, quota: int | None = None, active: bool | None = None, name: str | None = None
    ) -> None:
        """Another quota, another name, or whether the mailbox is in use."""
        await self._ask("change", address=typed_address(address), quota=quota, active=active, name=name)

    async def remove(self, address: str, *, delete_mail: bool = False) -> Removed:
        """Removes a mailbox; its mail stays unless told otherwise.

        The primary domain's postmaster cannot be removed: every mail server has one (RFC 5321 section 4.5.1).
        """
        address = typed_address(address)
        if address.lower() == f"postmaster@{self._engine.plan.domain.primary_domain}":
            advice = "give it another password, or forward it with an alias"
            raise EngineError(f"{address} must exist: every mail server has a postmaster", "accounts", advice)
        store = ""
        if self.stores:
            store = str((await self._ask("where", address=address, **self._among))["store"])
            await self._engine.link(store)
        raw = await self._ask("remove", address=address, delete_mail=delete_mail, **self._among)
        aliases = tuple(clean_text(alias) for alias in raw["aliases"])
        if store not in ("", *self.stores[:1]):
            link = await self._engine.link(store)
            raw |= await link.request("accounts_farewell", address=address, delete_mail=delete_mail)
        return Removed(
            clean_text(raw["address"]), clean_text(raw["home"]), bool(raw["deleted"]), aliases, clean_text(store)
        )

    async def move(self, address: str, store: str, say: Callable[[str], None] = lambda text: None) -> Moved:
        """Moves a mailbox to another store; ``say`` hears how far it is."""
        from mailwiz_tui.install.mailbox_move import move_mailbox

        return await move_mailbox(self._engine, address, store, say)

    async def add_alias(self, address: str, goto: list[str]) -> AliasEntry:
        """Lets an address (or ``@domain``, for a catch-all) lead to further ones."""
        targets = [typed_address(target) for target in goto]
        raw = await self._ask("alias_add", address=typed_alias(address), goto=targets)
        return AliasEntry(clean_text(raw["address"]), tuple(map(clean_text, raw["goto"])), True)

    async def remove_alias(self, address: str, goto: list[str] | None = None) -> AliasEntry:
        """Removes an alias, or some of what it leads to; what is left has an empty ``goto`` if it is gone."""
        targets = [typed_address(target) for target in goto or []]
        raw = await self._ask("alias_remove", address=typed_alias(address), goto=targets)
        return AliasEntry(clean_text(raw["address"]), tuple(map(clean_text, raw["goto"])), True)

    async def _ask(self, what: str, **args: Any) -> dict[str, Any]:
        place = account_server(self._engine.plan)
        if place is None:
            raise EngineError("the plan has no server that keeps mailboxes", "servers", "give one the role first")
        link = await self._engine.link(place.id)
        answer = dict(await link.request(f"accounts_{what}", **args))
        if what not in ("list", "where"):
            ended = what in ("password", "remove") or args.get("active") is False
            await refresh_copies(self._engine, kick=(str(args["address"]),) if ended else ())
        return answer


def known_store(plan: Plan, store: str) -> None:
    """Raises ValueError unless mailboxes of the plan can be on that server."""
    stores = [server.id for server in plan.servers_with(Role.MAIL_STORAGE)]
    if store not in stores:
        raise ValueError(f"the plan has no store “{store[:40]}”; its stores: {', '.join(stores) or 'none'}")


def typed_address(text: str) -> str:
    """An address as it was typed, in lower case, its domain as the DNS has it. Raises ValueError."""
    return mail_address(text.strip()).lower()


def typed_alias(text: str) -> str:
    """The same, or ``@domain`` (``*@domain`` is understood too) for a catch-all. Raises ValueError."""
    text = text.strip().removeprefix("*")
    return f"@{domain_name(text[1:])}" if text.startswith("@") else typed_address(text)


def typed_quota(text: str) -> int:
    """Bytes from ``5G``, ``500M``, ``1.5 GB``, ``none``. Raises ValueError with a sentence for the operator."""
    text = text.strip()
    if text.lower() in NO_QUOTA:
        return 0
    found = _SIZE.fullmatch(text)
    if not found:
        raise ValueError(f"“{text[:20]}” is no quota; write a size like 5G or 500M, or none")
    whole, part, unit = found[1], found[2] or "", UNITS[found[3].upper()]
    size = int(whole) * unit + (int(part) * unit // 10 ** len(part) if part else 0)
    if size < UNITS["M"]:
        raise ValueError(f"“{text[:20]}” is less than one megabyte; write a size like 5G or 500M, or none")
    if size >= 2**60:
        raise ValueError(f"“{text[:20]}” is more than any disk holds")
    return size


def size_words(size: int) -> str:
    """Bytes for people, in the units that quotas are typed in: ``5G``, ``1.5G``, ``0``."""
    for unit in ("T", "G", "M", "K"):
        if size >= UNITS[unit]:
            shown = f"{size / UNITS[unit]:.1f}".removesuffix(".0")
            return f"{shown}{unit}"
    return str(size)


def shown_address(address: str) -> str:
    """An address for people: its domain in its own script, a catch-all as ``*@domain``."""
    local, _, domain = address.rpartition("@")
    return f"{local or '*'}@{display_name(domain)}"

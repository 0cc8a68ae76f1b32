"""Accounts on a running installation: what a postmaster asks and changes, on the command line and as a screen.

Every call is one request over the warm link to the server that keeps the accounts. Errors are ``AgentError``
and ``SshError`` (what, where, what to do) and ``ValueError`` for what was typed wrongly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import SecretStr

from mailwiz_tui.deploy.account_copies import refresh_copies
from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.deploy.sanitize import clean_text
from mailwiz_tui.deploy.work import EngineError
from mailwiz_tui.manage.account_entries import AccountBook, Added, AliasEntry, DomainEntry, MailboxEntry, Removed
from mailwiz_tui.manage.account_words import (
    known_store,
    typed_address,
    typed_alias,
    typed_new_address,
    typed_new_alias,
    typed_target,
)
from mailwiz_tui.manage.first_accounts import new_password
from mailwiz_tui.manage.mailbox_move import Moved, move_mailbox
from mailwiz_tui.topology.servers import account_store, spread_stores


class Accounts:
    """The accounts of one installation."""

    def __init__(self, engine: EngineApi) -> None:
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
        address, place = typed_new_address(address), self._among
        if store:
            known_store(self._engine.plan, store)
        generated = new_password() if password is None else None
        secret = (password or generated or SecretStr("")).get_secret_value()
        where: dict[str, Any] = {**place, "store": store} if place else {}
        raw = await self._ask("add", address=address, password=secret, quota=quota, name=name, **where)
        chosen, found = clean_text(raw.get("store") or ""), clean_text(raw["found_mail"])
        if chosen:
            link = await self._engine.link(chosen)
            found = clean_text((await link.request("accounts_mailbox_created", address=address))["found_mail"])
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
            raw |= await link.request("accounts_mailbox_removed", address=address, delete_mail=delete_mail)
        return Removed(
            clean_text(raw["address"]), clean_text(raw["home"]), bool(raw["deleted"]), aliases, clean_text(store)
        )

    async def move(self, address: str, store: str, say: Callable[[str], None] = lambda text: None) -> Moved:
        """Moves a mailbox to another store; ``say`` hears how far it is."""
        return await move_mailbox(self._engine, address, store, say)

    async def add_alias(self, address: str, goto: list[str]) -> AliasEntry:
        """Lets an address (or ``@domain``, for a catch-all) lead to further ones."""
        targets = [typed_target(target) for target in goto]
        raw = await self._ask("alias_add", address=typed_new_alias(address), goto=targets)
        return AliasEntry(clean_text(raw["address"]), tuple(map(clean_text, raw["goto"])), True)

    async def remove_alias(self, address: str, goto: list[str] | None = None) -> AliasEntry:
        """Removes an alias, or some of what it leads to; what is left has an empty ``goto`` if it is gone."""
        targets = [typed_address(target) for target in goto or []]
        raw = await self._ask("alias_remove", address=typed_alias(address), goto=targets)
        return AliasEntry(clean_text(raw["address"]), tuple(map(clean_text, raw["goto"])), True)

    async def _ask(self, what: str, **args: Any) -> dict[str, Any]:
        place = account_store(self._engine.plan)
        if place is None:
            raise EngineError("the plan has no server that keeps mailboxes", "servers", "give one the role first")
        link = await self._engine.link(place.id)
        answer = dict(await link.request(f"accounts_{what}", **args))
        if what not in ("list", "where"):
            ended = what in ("password", "remove") or args.get("active") is False
            await refresh_copies(self._engine, kick=(str(args["address"]),) if ended else ())
        return answer

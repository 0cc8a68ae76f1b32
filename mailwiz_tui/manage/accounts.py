"""Accounts on a running installation: what a postmaster asks and changes, on the command line and as a screen.

Every call is one request over the warm link to the server that keeps the accounts. Errors are ``AgentError``
and ``SshError`` (what, where, what to do) and ``ValueError`` for what was typed wrongly.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from pydantic import SecretStr

from mailwiz_tui.agent.protocol.accounts import (
    AddAlias,
    AddMailbox,
    AliasTargets,
    ChangeMailbox,
    FindMailbox,
    ListAccounts,
    MailboxCreated,
    MailboxRemoved,
    RemoveAlias,
    RemoveMailbox,
    SetPassword,
)
from mailwiz_tui.agent.protocol.codec import Secret
from mailwiz_tui.agent.protocol.request import Request
from mailwiz_tui.deploy.account_copies import refresh_copies
from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.deploy.sanitize import clean_text
from mailwiz_tui.deploy.store_place import store_place
from mailwiz_tui.deploy.work import EngineError
from mailwiz_tui.manage.account_entries import AccountBook, Added, AliasEntry, MailboxEntry, Removed
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
from mailwiz_tui.topology.servers import spread_stores

A = TypeVar("A")


class Accounts:
    """The accounts of one installation."""

    def __init__(self, engine: EngineApi) -> None:
        self._engine = engine

    async def book(self) -> AccountBook:
        """Everything there is."""
        found = await self._ask(ListAccounts(self.stores))
        return AccountBook(
            tuple(replace(domain, domain=clean_text(domain.domain)) for domain in found.domains),
            tuple(map(_clean, found.mailboxes)),
            tuple(_alias(alias.address, alias.goto, alias.active) for alias in found.aliases),
            self.stores,
        )

    @property
    def stores(self) -> tuple[str, ...]:
        """The stores that there is a choice between; empty where there is one."""
        return spread_stores(self._engine.plan)

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
        address, stores = typed_new_address(address), self.stores
        if store:
            known_store(self._engine.plan, store)
        generated = new_password() if password is None else None
        new = AddMailbox(address, _secret(password, generated), quota, name, stores, store if stores else "")
        added = await self._change(new)
        chosen, found = clean_text(added.store), clean_text(added.found_mail)
        if chosen:
            link = await self._engine.link(chosen)
            found = clean_text((await link.ask(MailboxCreated(address))).found_mail)
        return Added(clean_text(added.address), generated, found, chosen)

    async def set_password(self, address: str, password: SecretStr | None = None) -> SecretStr | None:
        """A new password; generated and returned, this once, where none is given. Ends open sessions."""
        generated = new_password() if password is None else None
        address = typed_address(address)
        await self._change(SetPassword(address, _secret(password, generated)), kick=address)
        return generated

    async def change(
        self, address: str, *, quota: int | None = None, active: bool | None = None, name: str | None = None
    ) -> None:
        """Another quota, another name, or whether the mailbox is in use."""
        address = typed_address(address)
        wanted = ChangeMailbox(address, quota, active, name)
        await self._change(wanted, kick=address if active is False else "")

    async def remove(self, address: str, *, delete_mail: bool = False) -> Removed:
        """Removes a mailbox; its mail stays unless told otherwise.

        The primary domain's postmaster cannot be removed: every mail server has one (RFC 5321 section 4.5.1).
        """
        address = typed_address(address)
        if address.lower() == f"postmaster@{self._engine.plan.domain.primary_domain}":
            advice = "set another password, or forward it with an alias"
            raise EngineError(
                f"{address} must exist: every mail server has a postmaster (RFC 5321 section 4.5.1)",
                "accounts",
                advice,
            )
        store = ""
        if self.stores:
            store = (await self._ask(FindMailbox(address, self.stores))).store
            await self._engine.link(store)
        removed = await self._change(RemoveMailbox(address, delete_mail, self.stores), kick=address)
        home, deleted = removed.home, removed.deleted
        if store not in ("", *self.stores[:1]):
            link = await self._engine.link(store)
            left = await link.ask(MailboxRemoved(address, delete_mail))
            home, deleted = left.home, left.deleted
        aliases = tuple(clean_text(alias) for alias in removed.aliases)
        return Removed(clean_text(removed.address), clean_text(home), deleted, aliases, clean_text(store))

    async def move(self, address: str, store: str, say: Callable[[str], None] = lambda text: None) -> Moved:
        """Moves a mailbox to another store; ``say`` hears how far it is."""
        return await move_mailbox(self._engine, address, store, say)

    async def add_alias(self, address: str, goto: list[str]) -> AliasEntry:
        """Lets an address (or ``@domain``, for a catch-all) lead to further ones."""
        targets = tuple(typed_target(target) for target in goto)
        return _targets(await self._change(AddAlias(typed_new_alias(address), targets)))

    async def remove_alias(self, address: str, goto: list[str] | None = None) -> AliasEntry:
        """Removes an alias, or some of what it leads to; what is left has an empty ``goto`` if it is gone."""
        targets = tuple(typed_address(target) for target in goto or ())
        return _targets(await self._change(RemoveAlias(typed_alias(address), targets)))

    async def _ask(self, request: Request[A]) -> A:
        """The answer of the server that keeps the accounts."""
        place = await store_place(self._engine)
        if not place:
            raise EngineError("the plan has no server that keeps mailboxes", "servers", "give one the role first")
        return await (await self._engine.link(place)).ask(request)

    async def _change(self, request: Request[A], kick: str = "") -> A:
        """A change, which the copies learn of; the sessions of ``kick`` end there."""
        answer = await self._ask(request)
        await refresh_copies(self._engine, kick=(kick,) if kick else ())
        return answer


def _secret(password: SecretStr | None, generated: SecretStr | None) -> Secret:
    return Secret((password or generated or SecretStr("")).get_secret_value())


def _clean(box: MailboxEntry) -> MailboxEntry:
    return replace(
        box,
        address=clean_text(box.address),
        name=clean_text(box.name),
        created=clean_text(box.created),
        store=clean_text(box.store),
        moving_to=clean_text(box.moving_to),
    )


def _alias(address: str, goto: tuple[str, ...], active: bool) -> AliasEntry:
    return AliasEntry(clean_text(address), tuple(map(clean_text, goto)), active)


def _targets(targets: AliasTargets) -> AliasEntry:
    return _alias(targets.address, targets.goto, True)

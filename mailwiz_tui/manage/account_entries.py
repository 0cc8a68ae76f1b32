"""What an installation's accounts are: domains, mailboxes, aliases, and what came of adding and removing."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr

from mailwiz_tui.agent.protocol.accounts import AliasEntry, DomainEntry, MailboxEntry

__all__ = ["AccountBook", "Added", "AliasEntry", "DomainEntry", "MailboxEntry", "Removed"]


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

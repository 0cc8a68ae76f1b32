"""Requests about moving a mailbox between stores: rows in the accounts' database, files on both stores.

A move is known by a token; a step of one that was overtaken by another is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

from .accounts import MailboxPlace
from .request import Request, Stream


@dataclass(frozen=True)
class MoveStep:
    """What every step names: the mailbox and the move."""

    address: str
    token: str


@dataclass(frozen=True)
class ClaimRow(MoveStep, Request[MailboxPlace]):
    """Takes a mailbox over for a move; any other move of it ends. Says where it is."""

    stores: tuple[str, ...]


@dataclass(frozen=True)
class FreezeRow(MoveStep, Request[None]):
    """From now on mail for it waits and nobody logs in: it is about to move."""

    stores: tuple[str, ...]
    source: str
    target: str


@dataclass(frozen=True)
class SwitchRow(MoveStep, Request[None]):
    """Sets the store of the mailbox to ``target``: this change is the move."""

    stores: tuple[str, ...]
    source: str
    target: str


@dataclass(frozen=True)
class ThawRow(MoveStep, Request[None]):
    """Ends the move: the mailbox stays on its store and is in use again."""

    stores: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class MailboxState:
    """What of a mailbox is on a store: ``home`` is ``mail``, ``tombstone`` or ``none``.

    ``kept``: it is set aside, ``arriving``: a copy is on its way in, ``begun``: a move was not ended.
    """

    home: str
    kept: bool
    arriving: bool
    begun: bool


@dataclass(frozen=True)
class LookAtMailbox(Request[MailboxState]):
    """What of a mailbox is on this store."""

    address: str


@dataclass(frozen=True)
class MailboxSize:
    """Bytes and messages of a mailbox here, and the bytes that are free beside it."""

    bytes: int
    messages: int
    free: int


@dataclass(frozen=True)
class ClaimMailbox(MoveStep, Request[MailboxSize]):
    """Takes the mailbox over for a move; ``arrives``: it is not on this store, and may be brought here."""

    arrives: bool


@dataclass(frozen=True)
class MessageCount:
    """How many messages there are."""

    messages: int


@dataclass(frozen=True)
class BlockMailbox(MoveStep, Request[MessageCount]):
    """Sets the mailbox aside and waits until no program has anything of it open."""

    store: str


@dataclass(frozen=True)
class UnblockMailbox(MoveStep, Request[None]):
    """Puts the mailbox back in its place on the old store."""


@dataclass(frozen=True)
class OfferMailbox(MoveStep, Request[None]):
    """Lets the server with the internal name ``peer`` fetch the mailbox from ``place`` and ``port``."""

    peer: str
    place: str
    port: int


@dataclass(frozen=True)
class WithdrawMailbox(MoveStep, Request[None]):
    """Ends an offer."""


@dataclass(frozen=True)
class FetchProgress:
    """How many ``files`` of how many were copied; ``done`` at the very end, with what is here now."""

    files: int = 0
    of: int = 0
    messages: int = 0
    bytes: int = 0
    done: bool = False


@dataclass(frozen=True)
class FetchMailbox(MoveStep, Stream[FetchProgress]):
    """Copies a mailbox from the store that offers it; ``whole``: all of it, and both are compared."""

    peer: str
    place: str
    port: int
    whole: bool = False


@dataclass(frozen=True)
class InspectMailbox(MoveStep, Request[MessageCount]):
    """How many messages Dovecot itself counts in what arrived."""


@dataclass(frozen=True)
class PublishedMailbox:
    """Where older mail of the address went on the new store; empty where there was none."""

    found: str = ""


@dataclass(frozen=True)
class PublishMailbox(MoveStep, Request[PublishedMailbox]):
    """Puts what arrived in the mailbox's place on the new store."""


@dataclass(frozen=True)
class DiscardMailbox(MoveStep, Request[None]):
    """Takes away what arrived on a store that is not to have it."""


@dataclass(frozen=True)
class RetiredMailbox:
    """Where in the trash the old copy lies; empty where there was none."""

    trash: str = ""


@dataclass(frozen=True)
class RetireMailbox(MoveStep, Request[RetiredMailbox]):
    """Puts the old copy into the trash, now that the mailbox is on ``store``."""

    store: str


@dataclass(frozen=True)
class EndMove(MoveStep, Request[None]):
    """Ends a move here."""

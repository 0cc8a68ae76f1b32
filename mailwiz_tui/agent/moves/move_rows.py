"""The rows of MariaDB (accounts) about a mailbox that is moved; they alone decide where it is."""

from __future__ import annotations

from collections.abc import Sequence

from ..accounts.account_sql import change, literal
from ..accounts.addresses import address_of
from ..accounts.placement import where
from ..core.fault import AgentFault
from ..core.host import Host
from ..protocol.accounts import MailboxPlace
from ..protocol.moves import FreezeRow, SwitchRow, ThawRow
from . import move_state
from .move_state import held


def claim(host: Host, address: str, token: str, stores: Sequence[str]) -> MailboxPlace:
    """Takes a mailbox over for a move; any other move of it ends. Returns where it is, as ``where`` does."""
    address = address_of(address)
    move_state.write(host, address, {**move_state.read(host, address), "token": token})
    with held(host, address, token):
        try:
            return where(host, address, stores)
        except AgentFault:
            move_state.forget(host, address)
            raise


def freeze(host: Host, step: FreezeRow) -> None:
    """From now on mail for it waits and nobody logs in: it is about to move from one store to another."""
    quoted, old, new = literal(address_of(step.address)), literal(step.source), literal(step.target)
    with held(host, step.address, step.token):
        _expect(where(host, step.address, step.stores), step.address, step.source, ("", step.target))
        change(
            host,
            f"INSERT INTO mailwiz_store (username, store, moving_to) VALUES ({quoted}, {old}, {new}) "  # noqa: S608
            f"ON DUPLICATE KEY UPDATE store = {old}, moving_to = {new};",
        )


def switch(host: Host, step: SwitchRow) -> None:
    """The mailbox is on its new store from now on: the moment at which it moves."""
    quoted, old, new = literal(address_of(step.address)), literal(step.source), literal(step.target)
    with held(host, step.address, step.token):
        _expect(where(host, step.address, step.stores), step.address, step.source, (step.target,))
        change(
            host,
            f"UPDATE mailwiz_store SET store = {new}, moving_to = '' "  # noqa: S608
            f"WHERE username = {quoted} AND store = {old} AND moving_to = {new};",
        )
        _expect(where(host, step.address, step.stores), step.address, step.target, ("",))


def thaw(host: Host, step: ThawRow) -> None:
    """Ends the move: the mailbox stays on its store and is in use again."""
    with held(host, step.address, step.token):
        change(
            host,
            "UPDATE mailwiz_store SET moving_to = '' "  # noqa: S608
            f"WHERE username = {literal(address_of(step.address))} AND store = {literal(step.source)};",
        )
        _expect(where(host, step.address, step.stores), step.address, step.source, ("",))


def _expect(place: MailboxPlace, address: str, store: str, moving: tuple[str, ...]) -> None:
    if place.store != store or place.moving_to not in moving:
        going = f", on its way to {place.moving_to}" if place.moving_to else ""
        raise AgentFault(f"{address} is on {place.store}{going}: another operator moved it meanwhile", "move",
                         "see: mailwiz-tui mailbox list PLAN")  # fmt: skip

"""What the controller asks about accounts: to hand over the first ones, to tend them, to move their mail."""

from __future__ import annotations

from functools import partial
from typing import Any

from .core.context import Raw
from .operation import Answer, Channel, Operation

ACCOUNT_WORK = ("list", "add", "password", "change", "remove", "alias_add", "alias_remove",
                "mailbox_created", "mailbox_removed", "where")  # fmt: skip


class AccountOperations:
    """Mailboxes, aliases and administrators of the running mail server."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def by_name(self) -> dict[str, Operation]:
        """The operations under the names that requests give them."""
        return {
            "accounts_ensure": self.accounts_ensure,
            "accounts_ack": self.accounts_ack,
            "administrator_ensure": self.administrator_ensure,
            "administrator_ack": self.administrator_ack,
            "accounts_copy": self.accounts_copy,
            "probe_mailbox_open": self.probe_mailbox_open,
            "probe_mailbox_close": self.probe_mailbox_close,
            "move": self.move,
            **{f"accounts_{what}": partial(self.accounts, what) for what in ACCOUNT_WORK},
        }

    def accounts_ensure(self, accounts: list[Raw], aliases: list[Raw], domains: list[str]) -> Answer:
        """First accounts; returns the addresses whose password was set now."""
        from .accounts import first_accounts as module

        with self._channel.exclusive:
            return module.ensure(self._channel.host, accounts, aliases, domains)

    def accounts_ack(self, addresses: list[str]) -> Answer:
        """Remembers that the operator has these passwords."""
        from .accounts import first_accounts as module

        with self._channel.exclusive:
            return module.acknowledge(self._channel.host, addresses)

    def administrator_ensure(self, address: str, password: str) -> Answer:
        """The admin panel's first administrator."""
        from .accounts import administrators

        with self._channel.exclusive:
            return administrators.ensure(self._channel.host, address, password)

    def administrator_ack(self, address: str) -> Answer:
        """Remembers that the operator has the administrator's password."""
        from .accounts import administrators

        with self._channel.exclusive:
            return administrators.acknowledge(self._channel.host, address)

    def accounts_copy(self, kick: list[str] | None = None, release: list[str] | None = None) -> Answer:
        """Brings this server's copy of the accounts up to date."""
        from .accounts import account_copy

        return account_copy.refresh(self._channel.host, kick or [], release or [])

    def probe_mailbox_open(self, address: str, password: str, store: str = "") -> Answer:
        """Opens the verification mailbox for as long as this connection lives."""
        from .accounts import first_accounts as module

        with self._channel.exclusive:
            self._channel.at_end.append(lambda: module.close_probe(self._channel.host, address))
            return module.open_probe(self._channel.host, address, password, store)

    def probe_mailbox_close(self, address: str) -> Answer:
        """Closes the verification mailbox and empties it."""
        from .accounts import first_accounts as module

        with self._channel.exclusive:
            return module.close_probe(self._channel.host, address)

    def accounts(self, what: str, **args: Any) -> Answer:
        """Mailboxes, aliases and domains: looked at or changed, one change at a time."""
        from .accounts import account_ops

        with self._channel.exclusive:
            return account_ops.work(self._channel.host, what, args)

    def move(self, what: str, args: Raw) -> Answer:
        """One step of moving a mailbox between stores; they keep each other off by themselves."""
        from .moves import move_ops

        return move_ops.work(self._channel.host, what, args)

"""What the agent does about an installation's first accounts, and the mailboxes that verification uses."""

from __future__ import annotations

from .channel import Channel
from .protocol.first_accounts import (
    AcknowledgeAccounts,
    AcknowledgeAdministrator,
    CloseProbeMailbox,
    EnsureAccounts,
    EnsureAdministrator,
    OpenProbeMailbox,
    PasswordsSet,
)
from .protocol.request import Operation


class FirstAccountOperations:
    """First mailboxes and the first administrator until the operator has their passwords; probe mailboxes."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._host = channel.host

    def operations(self) -> list[Operation]:
        """The operations of this group."""
        return [
            EnsureAccounts.by(self._ensure),
            AcknowledgeAccounts.by(self._acknowledge),
            EnsureAdministrator.by(self._ensure_administrator),
            AcknowledgeAdministrator.by(self._acknowledge_administrator),
            OpenProbeMailbox.by(self._open_probe),
            CloseProbeMailbox.by(self._close_probe),
        ]

    def _ensure(self, request: EnsureAccounts) -> PasswordsSet:
        from .accounts import first_accounts

        with self._channel.exclusive:
            return first_accounts.ensure(self._host, request)

    def _acknowledge(self, request: AcknowledgeAccounts) -> None:
        from .accounts import first_accounts

        with self._channel.exclusive:
            first_accounts.acknowledge(self._host, request.addresses)

    def _ensure_administrator(self, request: EnsureAdministrator) -> PasswordsSet:
        from .accounts import administrators

        with self._channel.exclusive:
            return administrators.ensure(self._host, request.address, request.password.reveal())

    def _acknowledge_administrator(self, request: AcknowledgeAdministrator) -> None:
        from .accounts import administrators

        with self._channel.exclusive:
            administrators.acknowledge(self._host, request.address)

    def _open_probe(self, request: OpenProbeMailbox) -> None:
        from .accounts import first_accounts

        with self._channel.exclusive:
            self._channel.at_end.append(lambda: first_accounts.close_probe(self._host, request.address))
            first_accounts.open_probe(self._host, request.address, request.password.reveal(), request.store)

    def _close_probe(self, request: CloseProbeMailbox) -> None:
        from .accounts import first_accounts

        with self._channel.exclusive:
            first_accounts.close_probe(self._host, request.address)

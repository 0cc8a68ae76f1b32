"""What the agent does about accounts: hands over the first ones, tends them, opens those for verification."""

from __future__ import annotations

from .channel import Channel
from .protocol.accounts import (
    AccountDomains,
    AccountList,
    AddAlias,
    AddedMailbox,
    AddMailbox,
    AliasTargets,
    AskAccountDomains,
    ChangeMailbox,
    CopyState,
    FindMailbox,
    FoundMail,
    LeftMail,
    ListAccounts,
    MailboxCreated,
    MailboxPlace,
    MailboxRemoved,
    RefreshCopy,
    RemoveAlias,
    RemovedMailbox,
    RemoveMailbox,
    SetPassword,
)
from .protocol.request import Operation


class AccountOperations:
    """Mailboxes, aliases and domains: looked at or changed, one change at a time."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._host = channel.host

    def operations(self) -> list[Operation]:
        """The operations of this group."""
        return [
            ListAccounts.by(self._list),
            AddMailbox.by(self._add),
            SetPassword.by(self._password),
            ChangeMailbox.by(self._change),
            RemoveMailbox.by(self._remove),
            FindMailbox.by(self._find),
            AddAlias.by(self._add_alias),
            RemoveAlias.by(self._remove_alias),
            MailboxCreated.by(self._created),
            MailboxRemoved.by(self._removed),
            RefreshCopy.by(self._refresh),
            AskAccountDomains.by(self._domains),
        ]

    def _list(self, request: ListAccounts) -> AccountList:
        from .accounts import account_list

        with self._channel.exclusive:
            return account_list.everything(self._host, request.stores)

    def _add(self, request: AddMailbox) -> AddedMailbox:
        from .accounts import mailboxes

        with self._channel.exclusive:
            return mailboxes.add(self._host, request)

    def _password(self, request: SetPassword) -> None:
        from .accounts import mailboxes

        with self._channel.exclusive:
            mailboxes.set_password(self._host, request.address, request.password.reveal())

    def _change(self, request: ChangeMailbox) -> None:
        from .accounts import mailboxes

        with self._channel.exclusive:
            mailboxes.edit(self._host, request)

    def _remove(self, request: RemoveMailbox) -> RemovedMailbox:
        from .accounts import mailboxes

        with self._channel.exclusive:
            return mailboxes.remove(self._host, request)

    def _find(self, request: FindMailbox) -> MailboxPlace:
        from .accounts import placement

        with self._channel.exclusive:
            return placement.where(self._host, request.address, request.stores)

    def _add_alias(self, request: AddAlias) -> AliasTargets:
        from .accounts import aliases

        with self._channel.exclusive:
            return aliases.add(self._host, request.address, request.goto)

    def _remove_alias(self, request: RemoveAlias) -> AliasTargets:
        from .accounts import aliases

        with self._channel.exclusive:
            return aliases.remove(self._host, request.address, request.goto)

    def _created(self, request: MailboxCreated) -> FoundMail:
        from .moves import mailbox_home

        with self._channel.exclusive:
            return mailbox_home.mailbox_created(self._host, request.address)

    def _removed(self, request: MailboxRemoved) -> LeftMail:
        from .moves import mailbox_home

        with self._channel.exclusive:
            return mailbox_home.mailbox_removed(self._host, request.address, request.delete_mail)

    def _refresh(self, request: RefreshCopy) -> CopyState:
        from .accounts import account_copy

        return account_copy.refresh(self._host, request.kick, request.release)

    def _domains(self, _: AskAccountDomains) -> AccountDomains:
        from .accounts import account_list

        return AccountDomains(account_list.mailbox_domains(self._host))

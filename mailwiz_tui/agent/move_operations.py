"""What the agent does to move a mailbox between stores; the steps keep each other off by themselves."""

from __future__ import annotations

from collections.abc import Iterator

from .channel import Channel
from .protocol.accounts import MailboxPlace
from .protocol.moves import (
    BlockMailbox,
    ClaimMailbox,
    ClaimRow,
    DiscardMailbox,
    EndMove,
    FetchMailbox,
    FetchProgress,
    FreezeRow,
    InspectMailbox,
    LookAtMailbox,
    MailboxSize,
    MailboxState,
    MessageCount,
    OfferMailbox,
    PublishedMailbox,
    PublishMailbox,
    RetiredMailbox,
    RetireMailbox,
    SwitchRow,
    ThawRow,
    UnblockMailbox,
    WithdrawMailbox,
)
from .protocol.request import Operation


class MoveOperations:
    """One step each."""

    def __init__(self, channel: Channel) -> None:
        self._host = channel.host

    def operations(self) -> list[Operation]:
        """The operations of this group."""
        return [
            ClaimRow.by(self._claim_row),
            FreezeRow.by(self._freeze_row),
            SwitchRow.by(self._switch_row),
            ThawRow.by(self._thaw_row),
            LookAtMailbox.by(self._look),
            ClaimMailbox.by(self._claim),
            BlockMailbox.by(self._block),
            UnblockMailbox.by(self._unblock),
            OfferMailbox.by(self._offer),
            WithdrawMailbox.by(self._withdraw),
            FetchMailbox.by(self._fetch),
            InspectMailbox.by(self._inspect),
            PublishMailbox.by(self._publish),
            DiscardMailbox.by(self._discard),
            RetireMailbox.by(self._retire),
            EndMove.by(self._end),
        ]

    def _claim_row(self, request: ClaimRow) -> MailboxPlace:
        from .moves import move_rows

        return move_rows.claim(self._host, request.address, request.token, request.stores)

    def _freeze_row(self, request: FreezeRow) -> None:
        from .moves import move_rows

        move_rows.freeze(self._host, request)

    def _switch_row(self, request: SwitchRow) -> None:
        from .moves import move_rows

        move_rows.switch(self._host, request)

    def _thaw_row(self, request: ThawRow) -> None:
        from .moves import move_rows

        move_rows.thaw(self._host, request)

    def _look(self, request: LookAtMailbox) -> MailboxState:
        from .moves import mailbox_move

        return mailbox_move.look(self._host, request.address)

    def _claim(self, request: ClaimMailbox) -> MailboxSize:
        from .moves import mailbox_move

        return mailbox_move.claim(self._host, request.address, request.token, request.arrives)

    def _block(self, request: BlockMailbox) -> MessageCount:
        from .moves import mailbox_move

        return mailbox_move.block(self._host, request.address, request.token, request.store)

    def _unblock(self, request: UnblockMailbox) -> None:
        from .moves import mailbox_move

        mailbox_move.unblock(self._host, request.address, request.token)

    def _offer(self, request: OfferMailbox) -> None:
        from .moves import move_link

        move_link.offer(self._host, request)

    def _withdraw(self, request: WithdrawMailbox) -> None:
        from .moves import move_link

        move_link.withdraw(request.address)

    def _fetch(self, request: FetchMailbox) -> Iterator[FetchProgress]:
        from .moves import move_link

        return move_link.fetch(self._host, request)

    def _inspect(self, request: InspectMailbox) -> MessageCount:
        from .moves import mailbox_move

        return mailbox_move.inspect(self._host, request.address, request.token)

    def _publish(self, request: PublishMailbox) -> PublishedMailbox:
        from .moves import mailbox_move

        return mailbox_move.publish(self._host, request.address, request.token)

    def _discard(self, request: DiscardMailbox) -> None:
        from .moves import mailbox_move

        mailbox_move.discard(self._host, request.address, request.token)

    def _retire(self, request: RetireMailbox) -> RetiredMailbox:
        from .moves import mailbox_move

        return mailbox_move.retire(self._host, request.address, request.token, request.store)

    def _end(self, request: EndMove) -> None:
        from .moves import move_state

        move_state.end(self._host, request.address, request.token)

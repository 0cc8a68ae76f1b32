"""What the agent does about backups: lists, makes and restores them, and hands over the key that reads them."""

from __future__ import annotations

from collections.abc import Iterator

from .channel import Channel
from .protocol.backup import (
    AcknowledgeRecoveryKey,
    AskRecoveryKey,
    BackupEvent,
    BackupStarted,
    FollowBackup,
    ListBackups,
    RecoveryKey,
    SnapshotRow,
    StartBackup,
    StartRestore,
    UnlockBackup,
)
from .protocol.request import Operation


class BackupOperations:
    """Backups of this server."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._host = channel.host

    def operations(self) -> list[Operation]:
        """The operations of this group."""
        return [
            ListBackups.by(self._list),
            StartBackup.by(self._start),
            StartRestore.by(self._restore),
            FollowBackup.by(self._follow),
            AskRecoveryKey.by(self._key),
            AcknowledgeRecoveryKey.by(self._key_shown),
            UnlockBackup.by(self._unlock),
        ]

    def _list(self, _: ListBackups) -> tuple[SnapshotRow, ...]:
        from .backup import backup

        return backup.list_all(self._host)

    def _start(self, _: StartBackup) -> BackupStarted:
        from .backup import backup

        with self._channel.exclusive:
            return backup.start(self._host)

    def _restore(self, request: StartRestore) -> BackupStarted:
        from .backup import backup

        with self._channel.exclusive:
            return backup.restore(self._host, request.snapshot)

    def _follow(self, request: FollowBackup) -> Iterator[BackupEvent | None]:
        from .backup import backup

        return backup.follow(self._host, request.unit)

    def _key(self, _: AskRecoveryKey) -> RecoveryKey:
        from .backup import backup

        return backup.recovery_key(self._host)

    def _key_shown(self, _: AcknowledgeRecoveryKey) -> None:
        from .backup import backup

        backup.recovery_key_shown(self._host)

    def _unlock(self, request: UnlockBackup) -> None:
        from .backup import backup

        with self._channel.exclusive:
            backup.unlock(self._host, request.recovery_key.reveal())

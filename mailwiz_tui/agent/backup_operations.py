"""What the controller asks about backups: to list, make and restore them, and for the key that reads them."""

from __future__ import annotations

from collections.abc import Iterator

from .core.context import Raw
from .operation import Answer, Channel, Operation


class BackupOperations:
    """Backups of this server."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def by_name(self) -> dict[str, Operation]:
        """The operations under the names that requests give them."""
        return {
            "backup_list": self.backup_list,
            "backup_start": self.backup_start,
            "backup_follow": self.backup_follow,
            "backup_key": self.backup_key,
            "backup_key_shown": self.backup_key_shown,
            "backup_unlock": self.backup_unlock,
        }

    def backup_list(self) -> Answer:
        """The backups there are."""
        from .backup import backup

        return backup.list_all(self._channel.host)

    def backup_start(self, action: str, snapshot: str = "latest") -> Answer:
        """Starts a backup or a restore."""
        from .backup import backup

        with self._channel.exclusive:
            return backup.start(self._channel.host, action, snapshot)

    def backup_follow(self, unit: str) -> Iterator[Raw]:
        """What a backup or a restore says until it ends."""
        from .backup import backup

        return backup.follow(self._channel.host, unit)

    def backup_key(self) -> Answer:
        """The recovery key, until it was shown."""
        from .backup import backup

        return backup.recovery_key(self._channel.host)

    def backup_key_shown(self) -> Answer:
        """Remembers that the operator has the recovery key."""
        from .backup import backup

        return backup.recovery_key_shown(self._channel.host)

    def backup_unlock(self, key: str) -> Answer:
        """Takes over another installation's backup."""
        from .backup import backup

        with self._channel.exclusive:
            return backup.unlock(self._channel.host, key)

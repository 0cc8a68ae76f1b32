"""The agent's table of operations, read group by group as requests come: the first answer comes sooner for it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from .channel import Channel
from .protocol.request import Operation, Ping


def _runs(channel: Channel) -> list[Operation]:
    from .run_operations import RunOperations

    return RunOperations(channel).operations()


def _looks(channel: Channel) -> list[Operation]:
    from .watch_operations import WatchOperations

    return WatchOperations(channel).operations()


def _accounts(channel: Channel) -> list[Operation]:
    from .account_operations import AccountOperations
    from .first_account_operations import FirstAccountOperations

    return [*AccountOperations(channel).operations(), *FirstAccountOperations(channel).operations()]


def _backups(channel: Channel) -> list[Operation]:
    from .backup_operations import BackupOperations

    return BackupOperations(channel).operations()


def _moves(channel: Channel) -> list[Operation]:
    from .move_operations import MoveOperations

    return MoveOperations(channel).operations()


def _cluster(channel: Channel) -> list[Operation]:
    from .cluster_operations import ClusterOperations

    return ClusterOperations(channel).operations()


_GROUPS: tuple[Callable[[Channel], list[Operation]], ...] = (_runs, _looks, _accounts, _backups, _moves, _cluster)


class Table:
    """What can be asked on one channel. Each group is made once, so that its operations share what they hold."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._lock = threading.Lock()
        self._left = list(_GROUPS)
        ping = Ping.by(lambda _: "pong")
        self._known = {ping.name: ping}

    def find(self, name: str) -> Operation | None:
        """The operation of that name; None where there is none."""
        with self._lock:
            while name not in self._known and self._left:
                group = self._left.pop(0)
                self._known.update((operation.name, operation) for operation in group(self._channel))
            return self._known.get(name)

"""Requests about backups of a server: listed, made, restored and followed; and the key that reads them."""

from __future__ import annotations

from dataclasses import dataclass

from .codec import Secret
from .request import Request, Stream


@dataclass(frozen=True)
class SnapshotRow:
    """A backup: its id, when it was made (RFC 3339) and of which mail host."""

    id: str
    time: str
    host: str


@dataclass(frozen=True)
class ListBackups(Request[tuple[SnapshotRow, ...]]):
    """The backups in the repository, oldest first."""


@dataclass(frozen=True)
class BackupStarted:
    """The unit to follow; ``attached``: it was at work already."""

    unit: str
    attached: bool


@dataclass(frozen=True)
class StartBackup(Request[BackupStarted]):
    """Starts a backup; one that runs already is only followed."""


@dataclass(frozen=True)
class StartRestore(Request[BackupStarted]):
    """Starts to bring a backup in; a restore that runs already is only followed."""

    snapshot: str = "latest"


@dataclass(frozen=True)
class BackupEvent:
    """What a backup or a restore says; ``event`` is ``step``, ``progress``, ``done`` or ``failed`` among others.

    ``what`` and ``advice`` describe a failure, ``percent`` is the progress of the copy.
    """

    event: str
    text: str = ""
    percent: int = 0
    what: str = ""
    advice: str = ""


@dataclass(frozen=True)
class FollowBackup(Stream[BackupEvent]):
    """What a unit says until it ends."""

    unit: str


@dataclass(frozen=True)
class RecoveryKey:
    """The key that opens the backup; empty where it was shown already."""

    secret: Secret


@dataclass(frozen=True)
class AskRecoveryKey(Request[RecoveryKey]):
    """The recovery key, until ``AcknowledgeRecoveryKey``."""


@dataclass(frozen=True)
class AcknowledgeRecoveryKey(Request[None]):
    """The operator has the recovery key."""


@dataclass(frozen=True)
class UnlockBackup(Request[None]):
    """Takes over another installation's backup."""

    recovery_key: Secret

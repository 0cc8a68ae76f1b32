"""Storage and backup: the needs of each kind, and values that belong to another kind."""

from __future__ import annotations

from collections.abc import Iterator

from mailwiz_tui.plan.findings import Finding, Severity
from mailwiz_tui.plan.model import Plan, StorageType

_NEEDED = {
    StorageType.NFS: {
        "nfs_server": "the server that exports the mailboxes, like nfs.internal.example.com",
        "nfs_export": "the exported path, like /srv/vmail",
    },
    StorageType.S3: {
        "s3_endpoint": "the URL of the object store, like https://s3.eu-central-1.amazonaws.com",
        "s3_bucket": "the bucket for old messages, like example-mail",
        "s3_access_key": "the id of an access key",
    },
}
_OWN = {
    StorageType.NFS: ("nfs_server", "nfs_export"),
    StorageType.S3: ("s3_endpoint", "s3_bucket", "s3_region", "s3_access_key"),
}


def check(plan: Plan) -> Iterator[Finding]:
    """Findings about ``storage`` and ``backup``."""
    yield from _backup(plan)
    storage = plan.storage
    for key, what in _NEEDED.get(storage.type, {}).items():
        if not getattr(storage, key):
            yield Finding(f"storage.{key}", f"is missing; {storage.type.value} storage needs {what}")
    for kind, keys in _OWN.items():
        for key in keys:
            if kind is not storage.type and getattr(storage, key):
                yield Finding(
                    f"storage.{key}", f'is only used with storage.type = "{kind.value}"', Severity.WARNING
                )
    if storage.type is StorageType.S3 and storage.s3_endpoint.startswith("http://"):
        yield Finding(
            "storage.s3_endpoint", "mail would cross the network unencrypted", Severity.WARNING, "use https://"
        )


def _backup(plan: Plan) -> Iterator[Finding]:
    backup = plan.backup
    if backup.target.startswith("s3:"):
        if not backup.s3_access_key:
            yield Finding(
                "backup.s3_access_key", "is missing; a backup in an object store needs the id of an access key"
            )
        if backup.target.startswith("s3:http://"):
            yield Finding(
                "backup.target",
                "the backup's metadata would cross the network unencrypted",
                Severity.WARNING,
                "use s3:https://",
            )
    if backup.target and not (backup.keep_daily or backup.keep_weekly or backup.keep_monthly):
        yield Finding(
            "backup.keep_daily",
            "no backup would be kept",
            advice=("keep at least one daily, weekly or monthly backup"),
        )
    if backup.target and f"{backup.target}/".startswith(f"{plan.storage.path}/"):
        yield Finding(
            "backup.target",
            f"is inside {plan.storage.path}, the directory that is backed up",
            advice="choose another directory, preferably on another disk",
        )

"""The settings file of the backup program, typed. Runs on servers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from .reports import Failure

SETTINGS = "/etc/mailwiz/backup/backup.json"
STATE = "/var/lib/mailwiz-backup"
STAGE = f"{STATE}/stage"
LAST = f"{STATE}/last.json"
CACHE = "/var/cache/mailwiz-backup"


@dataclass(frozen=True)
class AccountsCopy:
    """The source of a store without MariaDB for its list of mailboxes: the program and its file."""

    program: str
    rows: str


@dataclass(frozen=True)
class BackupSettings:
    """The settings; ``format`` is ``maildir`` or ``sdbox``, empty strings stand for "not on this server".

    ``old_mail`` is where the object store is mounted; ``bucket`` is the same as rclone names it, with the
    configuration ``bucket_config``.
    """

    repository: str
    key_file: str
    s3_credentials: str
    s3_region: str
    host: str
    store: str
    first_store: str
    accounts_copy: AccountsCopy
    mail: str
    format: str
    old_mail: str
    bucket: str
    bucket_config: str
    places: tuple[str, ...]
    exclude: tuple[str, ...]
    kept: tuple[str, ...]
    databases: tuple[str, ...]
    keep: Mapping[str, int]

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> BackupSettings:
        """From the JSON object in the settings file; raises ``KeyError`` if a value is missing."""
        lists = ("places", "exclude", "kept", "databases")
        known: dict[str, Any] = {f.name: values[f.name] for f in fields(cls)}
        known |= {name: tuple(values[name]) for name in lists}
        return cls(**known | {"accounts_copy": AccountsCopy(**values["accounts_copy"])})


def read_settings(path: str = SETTINGS) -> BackupSettings:
    """This server's settings; raises ``Failure`` without a backup."""
    try:
        return BackupSettings.parse(json.loads(Path(path).read_text(encoding="utf-8")))
    except OSError as error:
        raise Failure(
            "no backup is configured on this server", "set backup.target in the plan and apply it"
        ) from error

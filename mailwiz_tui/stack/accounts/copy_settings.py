"""The settings file of account-copy, typed. Runs on servers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Database:
    """How to reach the account store: its socket on the same server, else TLS over the private link."""

    name: str
    socket: str = ""
    host: str = ""
    port: int = 0
    user: str = ""
    ca: str = ""
    certificate: str = ""
    key: str = ""

    def options(self) -> list[str]:
        """The options of mariadb(1)."""
        if self.socket:
            return ["--protocol=socket", f"--socket={self.socket}", f"--database={self.name}"]
        return [
            "--protocol=tcp", "--connect-timeout=5", f"--host={self.host}", f"--port={self.port}",
            f"--user={self.user}", f"--ssl-ca={self.ca}", f"--ssl-cert={self.certificate}",
            f"--ssl-key={self.key}", "--ssl-verify-server-cert", f"--database={self.name}",
        ]  # fmt: skip


@dataclass(frozen=True)
class Store:
    """A server with mailboxes: its address on the private link, and the name in its internal certificate."""

    address: str
    name: str


@dataclass(frozen=True)
class CopiedSecret:
    """A secret that all servers have in common: its name in the database, and the file with its copy.

    ``group`` may read the file, root alone if it is empty; ``unit`` is restarted when it changes.
    """

    name: str
    path: str
    group: str = ""
    unit: str = ""


@dataclass(frozen=True)
class CopySettings:
    """The settings; an empty string or list stands for "not on this server".

    ``maps`` are the names of Postfix's tables, ``usage_file`` is where Dovecot writes how full a mailbox is
    (``%s``: domain/local part), ``quota_field`` is Dovecot's field of a passwd-file (``BYTES``:
    the quota), ``mailbox_quota`` the bytes of mailboxes without a quota of their own, 0 for no limit.
    """

    database: Database
    stores: Mapping[str, Store]
    passwords: bool
    maps: tuple[str, ...]
    directory_group: str
    logins: bool
    front: bool
    own_store: str
    first_store: str
    lmtp_port: int
    usage_file: str
    quota_field: str
    mailbox_quota: int
    own_sender_reply: str
    secrets: tuple[CopiedSecret, ...]
    mark: str
    """The values as one string: with other settings the copy is written again."""

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> CopySettings:
        """From the JSON object in the settings file; raises ``KeyError`` if a value is missing."""
        plain = {
            f.name: values[f.name]
            for f in fields(cls)
            if f.name not in ("database", "stores", "maps", "secrets", "mark")
        }
        return cls(
            database=Database(**values["database"]),
            stores={name: Store(**store) for name, store in values["stores"].items()},
            maps=tuple(values["maps"]),
            secrets=tuple(CopiedSecret(**secret) for secret in values["secrets"]),
            mark=json.dumps(values, sort_keys=True),
            **plain,
        )

    @classmethod
    def read(cls, path: str) -> CopySettings:
        """From the settings file; raises ``OSError``, ``ValueError`` and ``KeyError``."""
        return cls.parse(json.loads(Path(path).read_text(encoding="utf-8")))

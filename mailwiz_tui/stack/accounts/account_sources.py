"""The sources of the accounts' rows: MariaDB on the same server, or this server's copy of the accounts.

Runs on servers, with Python 3.11 and newer; Debian's python3-pymysql where the database is.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from .account_reader import Accounts, AccountsUnavailableError, Usage

_MAIL = "d.active = 1 AND d.backupmx = 0"
_ALIAS_DOMAINS = (
    "SELECT a.alias_domain, a.target_domain FROM alias_domain a JOIN domain d ON d.domain = a.target_domain "  # noqa: S608
    f"WHERE a.active = 1 AND {_MAIL}"
)


@dataclass(slots=True)
class Database:
    """The accounts in MariaDB on this server; MariaDB knows the program by its system user, without a password.

    Connections are kept and shared among threads. A lost connection is made again at once, for ``patience``
    seconds, or until MariaDB has been down for ``restart`` seconds: a restart on a busy server takes less.
    ``quota``, in bytes, is that of mailboxes without their own; 0 for no limit.
    """

    socket: str
    user: str
    name: str
    quota: int = 0
    patience: float = 5.0
    restart: float = 25.0
    _down_since: float | None = None
    _idle: list[Any] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def domains(self) -> frozenset[str]:
        """See ``Source``."""
        sql = "SELECT domain FROM domain WHERE active = 1 AND backupmx = 0 AND domain <> 'ALL'"
        return frozenset(row[0].lower() for row in self._ask(sql))

    def alias_domains(self) -> dict[str, str]:
        """See ``Source``."""
        return {row[0].lower(): row[1].lower() for row in self._ask(_ALIAS_DOMAINS)}

    def known_domains(self, names: tuple[str, ...]) -> frozenset[str]:
        """See ``Source``."""
        if not names:
            return frozenset()
        marks = ", ".join(["%s"] * len(names))
        sql = (
            "SELECT domain FROM domain WHERE active = 1 AND backupmx = 0 AND domain <> 'ALL' "  # noqa: S608
            f"AND domain IN ({marks}) UNION SELECT a.alias_domain FROM alias_domain a JOIN domain d "
            f"ON d.domain = a.target_domain WHERE a.active = 1 AND {_MAIL} AND a.alias_domain IN ({marks})"
        )
        return frozenset(row[0].lower() for row in self._ask(sql, *names, *names))

    def target_domain(self, domain: str) -> str:
        """See ``Source``."""
        found = self._ask(f"{_ALIAS_DOMAINS} AND a.alias_domain = %s", domain)
        return found[0][1].lower() if found else ""

    def is_mailbox(self, address: str) -> bool:
        """See ``Source``."""
        return self.usage(address) is not None

    def goto(self, address: str) -> str | None:
        """See ``Source``."""
        sql = f"SELECT a.goto FROM alias a JOIN domain d ON d.domain = a.domain WHERE a.active = 1 AND {_MAIL}"  # noqa: S608
        found = self._ask(f"{sql} AND a.address = %s", address)
        return str(found[0][0]) if found else None

    def usage(self, mailbox: str) -> Usage | None:
        """See ``Source``."""
        sql = (
            "SELECT COALESCE(q.bytes, 0), m.quota FROM mailbox m JOIN domain d ON d.domain = m.domain "  # noqa: S608
            f"LEFT JOIN quota2 q ON q.username = m.username WHERE m.active = 1 AND {_MAIL} AND m.username = %s"
        )
        found = self._ask(sql, mailbox)
        return Usage(int(found[0][0]), int(found[0][1]) or self.quota) if found else None

    def _ask(self, sql: str, *values: str) -> tuple[tuple[Any, ...], ...]:
        import pymysql  # Debian's python3-pymysql; servers with a copy do not have it

        begun = time.monotonic()
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            fresh = connection is None
            try:
                connection = connection or self._connect()
                with connection.cursor() as cursor:
                    cursor.execute(sql, values)
                    rows = cursor.fetchall()
            except (pymysql.Error, OSError) as error:
                if connection is not None:
                    with contextlib.suppress(pymysql.Error, OSError):
                        connection.close()
                if not isinstance(error, pymysql.err.OperationalError | pymysql.err.InterfaceError | OSError):
                    raise AccountsUnavailableError(f"MariaDB at {self.socket} answered: {error}") from error
                if fresh and self._gives_up(begun):
                    raise AccountsUnavailableError(f"MariaDB at {self.socket} cannot be read: {error}") from error
                if fresh:
                    time.sleep(0.1)
                continue
            with self._lock:
                self._down_since = None
                self._idle.append(connection)
            return tuple(rows)

    def _gives_up(self, begun: float) -> bool:
        """Whether a lookup has waited long enough for MariaDB, which is down now."""
        now = time.monotonic()
        with self._lock:
            if self._down_since is None:
                self._down_since = now
            return now > max(begun + self.patience, self._down_since + self.restart)

    def _connect(self) -> Any:
        import pymysql

        return pymysql.connect(
            unix_socket=self.socket,
            user=self.user,
            database=self.name,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=5,
            read_timeout=10,
            write_timeout=10,
        )


@dataclass(slots=True)
class CopiedDirectory:
    """The accounts in the file that ``account-copy`` writes if MariaDB is on another server.

    The file is read again when it was replaced. ``domains`` is a list, ``alias_domains`` maps a domain to its
    target, ``aliases`` an address to its targets, ``mailboxes`` an address to bytes used and quota.
    """

    path: str
    _mark: tuple[int, int] | None = None
    _rows: dict[str, Any] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def domains(self) -> frozenset[str]:
        """See ``Source``."""
        return frozenset(self._now()["domains"])

    def alias_domains(self) -> dict[str, str]:
        """See ``Source``."""
        return dict(self._now()["alias_domains"])

    def known_domains(self, names: tuple[str, ...]) -> frozenset[str]:
        """See ``Source``."""
        rows = self._now()
        return frozenset(name for name in names if name in rows["domains"] or name in rows["alias_domains"])

    def target_domain(self, domain: str) -> str:
        """See ``Source``."""
        return str(self._now()["alias_domains"].get(domain, ""))

    def is_mailbox(self, address: str) -> bool:
        """See ``Source``."""
        return address in self._now()["mailboxes"]

    def goto(self, address: str) -> str | None:
        """See ``Source``."""
        found = self._now()["aliases"].get(address)
        return None if found is None else str(found)

    def usage(self, mailbox: str) -> Usage | None:
        """See ``Source``."""
        found = self._now()["mailboxes"].get(mailbox)
        return None if found is None else Usage(int(found[0]), int(found[1]))

    def _now(self) -> dict[str, Any]:
        try:
            state = os.stat(self.path)
            mark = (state.st_ino, state.st_mtime_ns)
            with self._lock:
                if mark != self._mark:
                    with open(self.path, encoding="utf-8") as handle:
                        rows = json.load(handle)
                    rows["domains"] = frozenset(rows["domains"])
                    self._rows, self._mark = rows, mark
                return self._rows
        except (OSError, ValueError, KeyError) as error:
            raise AccountsUnavailableError(f"the copy of the accounts cannot be read: {error}") from error


def accounts_from(settings: dict[str, str]) -> Accounts:
    """The accounts by a program's settings: ``{"copy": path}``, or ``{"socket": …, "user": …, "name": …}``."""
    if "copy" in settings:
        return Accounts(CopiedDirectory(settings["copy"]))
    quota = int(settings.get("mailbox_quota", "0"))
    return Accounts(Database(settings["socket"], settings["user"], settings["name"], quota))

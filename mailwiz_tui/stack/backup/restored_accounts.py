"""Accounts of a backup, merged into those in the database. Runs on servers."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path

from .backup_settings import BackupSettings
from .reports import Failure, step
from .repository import call, must

ACCOUNTS = "postfix"
SCRATCH = "mailwiz_restore"


def sql(statements: str, database: str | None = None) -> str:
    """MariaDB's answer: a row on each line, columns separated by tabs."""
    argv = ["mariadb", "--batch", "--skip-column-names", *([database] if database else []), "-e", statements]
    return must(call(argv), "MariaDB (accounts) refused a statement", "systemctl status mariadb").stdout


def load(name: str, path: str) -> None:
    """Merges accounts, the backup having precedence; replaces any other database."""
    if not os.path.exists(path):
        return
    if not sql(f"SHOW DATABASES LIKE '{name}'").strip():
        step(f"The database {name} is not restored: no program on this server uses it")
        return
    target = SCRATCH if name == ACCOUNTS else name
    if name == ACCOUNTS:
        sql(f"DROP DATABASE IF EXISTS {SCRATCH}; CREATE DATABASE {SCRATCH} CHARACTER SET utf8mb4")
    with open(path, encoding="utf-8") as handle:
        must(call(["mariadb", target], stdin=handle), f"the copy of {name} cannot be loaded")
    if name == ACCOUNTS:
        merge_accounts()
        sql(f"DROP DATABASE {SCRATCH}")


def merge_accounts() -> None:
    """The backup has precedence, except for the store of a mailbox that was moved since."""
    columns: dict[str, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    answer = sql(
        "SELECT table_schema, table_name, column_name, extra FROM information_schema.columns "  # noqa: S608
        f"WHERE table_schema IN ('{ACCOUNTS}', '{SCRATCH}')"
    )
    for line in answer.splitlines():
        schema, table, column, extra = (*line.split("\t"), "")[:4]
        columns[table][schema][column] = extra
    if "mailwiz_store" in columns and len(columns["mailwiz_store"]) == 2:
        sql(f"DELETE s FROM {SCRATCH}.mailwiz_store s JOIN {ACCOUNTS}.mailwiz_store t USING (username)", ACCOUNTS)
    for table, schemas in sorted(columns.items()):
        if len(schemas) == 2 and table not in ("config", "log"):
            _merge_table(table, schemas[ACCOUNTS], schemas[SCRATCH])


def _merge_table(table: str, now: dict[str, str], then: dict[str, str]) -> None:
    """Merges one table; ``now`` and ``then`` are column → extra (``auto_increment``)."""
    numbered = any("auto_increment" in extra for extra in now.values())
    shared = [column for column in then if column in now and "auto_increment" not in now[column]]
    names = ", ".join(f"`{column}`" for column in shared)
    if numbered:
        same = " AND ".join(f"t.`{column}` <=> s.`{column}`" for column in shared)
        sql(
            f"INSERT INTO {ACCOUNTS}.`{table}` ({names}) "  # noqa: S608 - names of the schema
            f"SELECT {names} FROM {SCRATCH}.`{table}` s "
            f"WHERE NOT EXISTS (SELECT 1 FROM {ACCOUNTS}.`{table}` t WHERE {same})"
        )
        return
    sql(
        f"SET foreign_key_checks = 0; REPLACE INTO {ACCOUNTS}.`{table}` ({names}) "  # noqa: S608
        f"SELECT {names} FROM {SCRATCH}.`{table}`"
    )


def placed_elsewhere(settings: BackupSettings) -> dict[str, str]:
    """The mailboxes on other stores: address → the store's id.

    Raises ``Failure`` if that is unknown.
    """
    if not settings.store:
        return {}
    found: list[tuple[str, str]] = []
    if ACCOUNTS in settings.databases:
        for line in sql("SELECT LOWER(username), store FROM mailwiz_store", ACCOUNTS).splitlines():
            address, _, store = line.partition("\t")
            found.append((address, store))
    else:
        call([settings.accounts_copy.program])
        try:
            rows = json.loads(Path(settings.accounts_copy.rows).read_text(encoding="utf-8"))["rows"]
            found = [(box["address"].lower(), box["store"]) for box in rows["mailbox"]]
        except (OSError, ValueError, KeyError) as error:
            raise Failure(
                "the list of mailboxes on this server is missing", "journalctl -u mailwiz-accounts -n 20"
            ) from error
    stores = {address: store or settings.first_store for address, store in found}
    return {address: store for address, store in stores.items() if store != settings.store}

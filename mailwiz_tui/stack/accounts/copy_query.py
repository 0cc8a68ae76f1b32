"""The SQL between the account store and a server with a copy of the accounts. Runs on servers."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterable
from typing import TypedDict

from .copy_settings import CopySettings

WORD = re.compile(r"[!-~]+\Z")
"""An address, a folder or a hash that fits into a line of a table: printable ASCII without spaces."""


class NoAnswerError(Exception):
    """The account store cannot be read now."""


class DomainRow(TypedDict):
    """A domain with mailboxes."""

    domain: str


class AliasDomainRow(TypedDict):
    """An alias domain: it has the addresses of its target."""

    domain: str
    target: str


class MailboxRow(TypedDict, total=False):
    """A mailbox; sizes in bytes. ``password`` is set only on servers where users log in."""

    address: str
    maildir: str
    quota: int
    used: int
    messages: int
    store: str
    moving: str
    password: str


class AliasRow(TypedDict):
    """An alias; ``goto`` is a list of addresses as PostfixAdmin writes it."""

    address: str
    goto: str


class Rows(TypedDict):
    """The accounts in the database."""

    domain: list[DomainRow]
    alias_domain: list[AliasDomainRow]
    mailbox: list[MailboxRow]
    alias: list[AliasRow]


def question(passwords: bool, quota: int) -> str:
    """The SQL: a JSON object for each row, and a last one that marks a complete answer.

    ``quota`` is that of mailboxes without a quota of their own, in bytes.
    """
    secret = ", 'password', m.password" if passwords else ""
    return f"""
START TRANSACTION READ ONLY;
SELECT JSON_OBJECT('kind', 'domain', 'domain', domain) FROM domain
    WHERE active = 1 AND backupmx = 0 AND domain <> 'ALL';
SELECT JSON_OBJECT('kind', 'alias_domain', 'domain', a.alias_domain, 'target', a.target_domain)
    FROM alias_domain a JOIN domain d ON d.domain = a.target_domain WHERE a.active = 1 AND d.active = 1;
SELECT JSON_OBJECT('kind', 'mailbox', 'address', m.username, 'maildir', m.maildir,
    'quota', IF(m.quota > 0, m.quota, {int(quota)}),
    'used', COALESCE(q.bytes, 0), 'messages', COALESCE(q.messages, 0),
    'store', COALESCE(s.store, ''), 'moving', COALESCE(s.moving_to, ''){secret})
    FROM mailbox m JOIN domain d ON d.domain = m.domain
    LEFT JOIN quota2 q ON q.username = m.username LEFT JOIN mailwiz_store s ON s.username = m.username
    WHERE m.active = 1 AND d.active = 1;
SELECT JSON_OBJECT('kind', 'alias', 'address', a.address, 'goto', a.goto)
    FROM alias a JOIN domain d ON d.domain = a.domain WHERE a.active = 1 AND d.active = 1;
SELECT JSON_OBJECT('kind', 'end');
COMMIT;
"""  # noqa: S608 - no value of anybody's is in it


def query(settings: CopySettings, statements: str) -> list[str]:
    """The answer of the account store, line by line; raises ``NoAnswerError`` with the client's error."""
    done = subprocess.run(
        ["mariadb", "--no-defaults", "--batch", "--raw", "--skip-column-names", "--default-character-set=utf8mb4",
         *settings.database.options()],
        input=statements.encode(), capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    if done.returncode:
        raise NoAnswerError(" ".join(done.stderr.decode("utf-8", "replace").split()) or "no answer")
    return done.stdout.decode("utf-8").splitlines()


def rows_from(lines: Iterable[str]) -> Rows:
    """The answer to ``question`` by kind; raises ``NoAnswerError`` if it is incomplete."""
    rows: Rows = {"domain": [], "alias_domain": [], "mailbox": [], "alias": []}
    whole = False
    for line in lines:
        row = json.loads(line, strict=False)
        match row.pop("kind"):
            case "domain":
                rows["domain"].append(row)
            case "alias_domain":
                rows["alias_domain"].append(row)
            case "mailbox":
                rows["mailbox"].append(row)
            case "alias":
                rows["alias"].append(row)
            case "end":
                whole = True
    if not whole:
        raise NoAnswerError("the answer is incomplete")
    return rows


def usage(path: str) -> tuple[int, int] | None:
    """Bytes and messages of a mailbox from Dovecot's file (keys and values on alternate lines), or None."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with open(handle, "rb") as file:
        words = file.read(4096).decode("utf-8", "replace").split("\n")
    found = dict(zip(words[::2], words[1::2], strict=False))
    try:
        return int(found["priv/quota/storage"]), int(found["priv/quota/messages"])
    except (KeyError, ValueError):
        return None


def usage_update(rows: Rows, settings: CopySettings) -> str:
    """The SQL that stores how full this server's mailboxes are; empty if nothing changed."""
    changed = []
    for box in rows["mailbox"]:
        local, _, domain = box["address"].rpartition("@")
        here = (box["store"] or settings.first_store) == settings.own_store
        if not here or not WORD.match(box["address"]) or "/" in box["address"] or local in (".", ".."):
            continue
        now = usage(settings.usage_file % f"{domain}/{local}".lower())
        if now is not None and now != (box["used"], box["messages"]):
            changed.append(f"(X'{box['address'].encode().hex()}', {now[0]}, {now[1]})")
    if not changed:
        return ""
    return (
        f"INSERT INTO quota2 (username, bytes, messages) VALUES {', '.join(changed)} "  # noqa: S608 - hex and numbers
        "ON DUPLICATE KEY UPDATE bytes = VALUES(bytes), messages = VALUES(messages);\n"
    )

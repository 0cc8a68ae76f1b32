"""Writes the tables of domains that are signed with DKIM, and updates them when the accounts' domains change.

Runs on servers, with Python 3.11 and newer. A domain that was added in PostfixAdmin is signed without an ``apply``,
with this server's selector and key for all domains. Domains outside the accounts are never in the tables, so a
foreign From that a user may send is not signed.

  mailwiz-signing SETTINGS            run for ever, and look every few seconds
  mailwiz-signing SETTINGS --check    name the accounts' domains that the tables lack; exit 1 if there are any

SETTINGS is a JSON object: ``accounts`` (their source), ``planned`` (the plan's mailbox domains), ``selector``,
``folder`` (of the tables), ``seconds`` (between two looks).
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass

from ..accounts.account_reader import Accounts, AccountsUnavailableError
from ..accounts.account_sources import accounts_from

DOMAINS, SELECTORS, SENDERS = "domains", "selectors", "senders"
KEY_NAME = "mailwiz"
"""The key's name in OpenDKIM's KeyTable."""
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_](?:[a-z0-9_-]{0,62}))*\Z")


@dataclass(frozen=True, slots=True)
class Tables:
    """The files of a folder: a domain on each line (Rspamd's maps), with the selector (Rspamd's ``selector_map``),
    and OpenDKIM's ``SigningTable``."""

    folder: str
    selector: str

    def read(self) -> frozenset[str]:
        """The domains in the tables; none if there are no tables yet."""
        try:
            with open(os.path.join(self.folder, DOMAINS), encoding="utf-8") as handle:
                return frozenset(line.strip() for line in handle if line.strip())
        except FileNotFoundError:
            return frozenset()

    def write(self, domains: Iterable[str]) -> None:
        """Replace each file that differs, atomically."""
        names = sorted(domains)
        self._put(DOMAINS, names)
        self._put(SELECTORS, [f"{name} {self.selector}" for name in names])
        self._put(SENDERS, [f"*@{name} {KEY_NAME}" for name in names])

    def _put(self, name: str, lines: list[str]) -> None:
        path, text = os.path.join(self.folder, name), "".join(f"{line}\n" for line in lines)
        try:
            with open(path, encoding="utf-8") as handle:
                if handle.read() == text:
                    return
        except FileNotFoundError:
            pass
        new = f"{path}.new"
        with open(new, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)


def valid(domains: Iterable[str]) -> frozenset[str]:
    """The names that are valid in a table: host names in lower case, A-labels included."""
    return frozenset(name for name in (d.lower().rstrip(".") for d in domains) if _NAME.match(name))


def look(tables: Tables, planned: Iterable[str], accounts: Accounts) -> str:
    """Update the tables; returns the changes in words. After ``AccountsUnavailableError`` they stay."""
    wanted, before = valid(planned) | valid(accounts.mailbox_domains()), tables.read()
    tables.write(wanted)
    changes = [f"+{name}" for name in sorted(wanted - before)] + [f"-{name}" for name in sorted(before - wanted)]
    return f"mail is signed for {len(wanted)} domains: {' '.join(changes)}" if changes else ""


def lacking(tables: Tables, accounts: Accounts, patience: float) -> tuple[str, ...]:
    """The accounts' domains that are not signed; a new one has ``patience`` seconds."""
    end = time.monotonic() + patience
    while (missing := valid(accounts.mailbox_domains()) - tables.read()) and time.monotonic() < end:
        time.sleep(min(0.5, patience))
    return tuple(sorted(missing))


def watch(tables: Tables, planned: Iterable[str], accounts: Accounts, seconds: float) -> None:
    """Look for ever; an error is logged once until it ends."""
    said = ""
    while True:
        try:
            news = look(tables, planned, accounts)
            if news or said:
                print(news or "the accounts can be read again", flush=True)  # noqa: T201
            said = ""
        except AccountsUnavailableError as error:
            if str(error) != said:
                said = str(error)
                print(f"the list of signed domains stays unchanged: {said}", file=sys.stderr, flush=True)  # noqa: T201
        time.sleep(seconds)


def main(arguments: list[str]) -> int:
    """Run the command line; returns the exit code."""
    with open(arguments[0], encoding="utf-8") as handle:
        settings = json.load(handle)
    tables = Tables(settings["folder"], settings["selector"])
    accounts = accounts_from(settings["accounts"])
    if "--check" in arguments:
        missing = lacking(tables, accounts, 1.5 * float(settings["seconds"]))
        print("not signed: " + ", ".join(missing) if missing else "all signed")  # noqa: T201
        return 1 if missing else 0
    watch(tables, settings["planned"], accounts, float(settings["seconds"]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The probe mailbox, which exists only while a verification runs, and reading its mail (RFC 9051)."""

from __future__ import annotations

import imaplib
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from pydantic import SecretStr

from mailwiz_tui.verify.check import Failed
from mailwiz_tui.verify.dialog import pinned
from mailwiz_tui.verify.target import IMAPS, Target

FOLDERS = ("INBOX", "Junk")
PAUSE = 0.5


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address with its password; ``store`` is its server if there are several stores."""

    address: str
    password: SecretStr
    store: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message in the mailbox, and its folder."""

    raw: bytes
    folder: str


def probe_mailbox(domain: str) -> Mailbox:
    """The probe mailbox of a domain, always the same, with a new random password."""
    return Mailbox(f"mailwiz-probe@{domain}", SecretStr(secrets.token_urlsafe(24)))


def store_mailbox(domain: str, store: str, label: str) -> Mailbox:
    """The probe mailbox on one of several stores; ``label`` is the store's id as part of an address."""
    return Mailbox(f"mailwiz-probe-{label}@{domain}", SecretStr(secrets.token_urlsafe(24)), store)


@contextmanager
def session(target: Target, mailbox: Mailbox) -> Iterator[imaplib.IMAP4]:
    """A session on port 993, logged in to the mailbox. Raises ``OSError``, ``imaplib.IMAP4.error``."""
    host, port = target.at(IMAPS)
    imap = imaplib.IMAP4_SSL(host, port, ssl_context=pinned(target.pem), timeout=target.seconds)
    try:
        imap.login(mailbox.address, mailbox.password.get_secret_value())
        yield imap
    finally:
        with suppress(OSError, imaplib.IMAP4.error):
            imap.logout()


def wait_for(target: Target, mailbox: Mailbox, subject: str, seconds: float) -> Delivered:
    """The message whose subject contains a token, as soon as it arrives. Raises ``Failed`` after ``seconds``."""
    deadline = time.monotonic() + seconds
    with session(target, mailbox) as imap:
        while True:
            found = _search(imap, subject)
            if found:
                return found
            if time.monotonic() > deadline:
                raise Failed(
                    f"expected the message within {seconds:.0f} s, but it is neither in {' nor in '.join(FOLDERS)}"
                )
            time.sleep(PAUSE)


def _search(imap: imaplib.IMAP4, subject: str) -> Delivered | None:
    for folder in FOLDERS:
        state, _ = imap.select(folder, readonly=True)
        if state != "OK":
            continue
        _, numbers = imap.search(None, "SUBJECT", f'"{subject}"')
        for number in (numbers[0] or b"").split():
            _, parts = imap.fetch(number.decode(), "(BODY.PEEK[])")
            raw = next((bytes(p[1]) for p in parts if isinstance(p, tuple)), b"")
            if raw:
                return Delivered(raw, folder)
    return None

"""Sends the table of identities to installed servers and looks, at a receiver not ours, at what came of it."""

from __future__ import annotations

import contextlib
import email
import email.policy
import imaplib
import re
import smtplib
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import formatdate

import dkim

from mailwiz_tui.lab.lab import Lab
from mailwiz_tui.lab.machine import LabError
from tests.lab.clients import PASSWORD, imap, imap_opens, until, unverified
from tests.lab.identities import COMPLETED, FORGED, INBOX, PORT_25, SENT, SIGNED, SUBMISSION, Row
from tests.lab.managesieve import ManageSieve
from tests.lab.outside_mail import FromOutside, arrived, signatures

SQL = """
INSERT IGNORE INTO domain (domain, description, transport, active) VALUES
    ('{p}', '', 'virtual', 1), ('{a}', '', 'virtual', 1);
INSERT IGNORE INTO alias_domain (alias_domain, target_domain, active) VALUES ('{a}', '{d}', 1);
INSERT IGNORE INTO mailbox (username, password, name, maildir, local_part, domain) VALUES
    ('alice@{d}', '{hash}', '', '{d}/alice/', 'alice', '{d}'), ('bob@{d}', '{hash}', '', '{d}/bob/', 'bob', '{d}'),
    ('dave@{e}', '{hash}', '', '{e}/dave/', 'dave', '{e}'), ('eve@{p}', '{hash}', '', '{p}/eve/', 'eve', '{p}');
INSERT IGNORE INTO alias (address, goto, domain, active) VALUES
    ('alice@{d}', 'alice@{d}', '{d}', 1), ('bob@{d}', 'bob@{d}', '{d}', 1), ('dave@{e}', 'dave@{e}', '{e}', 1),
    ('eve@{p}', 'eve@{p}', '{p}', 1), ('info@{d}', 'alice@{d},bob@{d}', '{d}', 1),
    ('support@{d}', 'bob@{d}', '{d}', 1), ('sales@{d}', 'alice@{d}', '{d}', 1), ('old@{d}', 'alice@{d}', '{d}', 0),
    ('@{e}', 'alice@{d}', '{e}', 1), ('onward@{d}', 'onward@outside.test', '{d}', 1);
"""


ACTIONS = {
    "refused answer": 'vacation :from "postmaster@{d}" "gone";',
    "refused answer of a colleague": 'vacation :from "Alice <alice@{d}>" "gone";',
    "refused foreign answer": 'vacation :from "ceo@{x}" "gone";',
    "refused answer with a second author": """vacation :mime text:
From: alice@{d}
Content-Type: text/plain

gone
.
;""",
    "refused notice": 'notify :from "postmaster@{d}" :message "hello" "mailto:{t}@outside.test";',
    "answer": 'vacation "gone";',
    "answer of an alias": 'vacation :from "Support <support@{d}>" "gone";',
    "redirect": 'redirect "{t}@outside.test";',
    "refusal": 'reject "no";',
}
"""What a filter of bob's does to a message from outside; ``{t}@outside.test`` is who wrote it."""
AUTHORS = {
    "answer": "bob@{d}",
    "answer of an alias": "support@{d}",
    "redirect": "{t}@outside.test",
    "refusal": "bob@{d}",
}
"""The From of what comes back; nothing shall of what is refused."""


def letters(domain: str) -> dict[str, str]:
    """The domains that the table means, by their letters; only the first is delegated to somebody of its own."""
    names = {"e": "second", "a": "alias", "r": "relay", "p": "panel"}
    return {"d": domain, "x": "elsewhere.test", **{letter: f"{name}-{domain}" for letter, name in names.items()}}


def with_domains(plan: str, domain: str) -> str:
    """A plan that serves the second domain and relays for another one, too."""
    names = letters(domain)
    table = "\n[[domain.additional_domains]]\nname = "
    more = f'{table}"{names["e"]}"\n{table}"{names["r"]}"\nkind = "relay"\nrelay_host = "[mail.outside.test]"\n'
    return plan.replace("\n[security.tls]", f"{more}\n[security.tls]", 1)


def forget_domains(lab: Lab, domain: str) -> None:
    """Take out what an earlier run published for domains that have no zone of their own to be cleared."""
    for name in (letters(domain)["e"], letters(domain)["r"]):
        lab.dns.remove(name, f"2026a._domainkey.{name}")


@dataclass
class Place:
    """Installed servers: where mail comes in, where users send and read, and the domains by their letters.

    ``at_store`` runs a command, with standard input, where the accounts' database is; ``copy_accounts`` has the
    other servers copy them now.
    """

    lab: Lab
    inbound: str
    front: str
    domains: dict[str, str]
    at_store: Callable[[str, str], str]
    copy_accounts: Callable[[], object] = lambda: None

    def prepare(self, password: str) -> None:
        """Make the accounts of the table, and wait until every server knows them."""
        hashed = self.at_store(f"doveadm pw -s ARGON2ID -p {password}", "").strip()
        self.at_store("mariadb postfix", SQL.format(**self.domains, hash=hashed))
        self.copy_accounts()
        bob = self.filled("bob@{d}")
        # a login that fails takes 3 s; fail2ban drops the packets of who fails eight times
        assert until(lambda: self._opens(bob, password), 15), "bob@ cannot log in"
        assert until(lambda: self._known(bob), 180), "the copy of the accounts on the server that takes mail"

    def _opens(self, user: str, password: str) -> bool:
        # a busy machine may let a session time out
        with contextlib.suppress(OSError):
            return imap_opens(self.front, user, password)
        return False

    def _known(self, recipient: str) -> bool:
        with contextlib.suppress(OSError, LabError):
            client = FromOutside(self.lab, self.inbound)
            try:
                client.ehlo("mail.outside.test")
                client.mail("known@outside.test")
                return client.rcpt(recipient)[0] == 250
            finally:
                client.close()
        return False

    def filled(self, text: str, token: str = "") -> str:
        return text.format(**self.domains, t=token)

    def wrong(self, rows: list[Row], antispam: str) -> list[str]:
        """Send every row; those that came out otherwise than the table says, in words."""
        run = uuid.uuid4().hex[:10]
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda row: self._send(row, f"{run}-{rows.index(row)}"), rows))
        found = []
        for number, (row, answer) in enumerate(zip(rows, answers, strict=True)):
            wanted = self._wanted(row, antispam)
            seen = answer or self._arrived(row, f"{run}-{number}")
            if not seen.startswith(wanted):
                found.append(f"{row.id}: wanted {wanted}, saw {seen}")
        return found

    def filters_wrong(self, seconds: float = 60) -> list[str]:
        """What a filter of bob's may send; sent last is looked for first, so all would be here by now."""
        run, found = uuid.uuid4().hex[:10], []
        said = {name: f"{run}-{number}" for number, name in enumerate(ACTIONS)}
        # one script for all: a message may be delivered after the next one was taken
        rules = [
            f'if header :is "subject" "{t}" {{\n{self.filled(ACTIONS[name], t)}\n}}\n' for name, t in said.items()
        ]
        self.filter_of_bob('require ["vacation", "reject", "enotify"];\n' + "".join(rules))
        for name, token in said.items():
            answer = self._send(Row(name, "", "{t}@outside.test", ("From: {t}@outside.test",), ""), token)
            if answer and name != "refusal":
                found.append(f"{name}: {answer}")
        for name in reversed(ACTIONS):
            wanted = self.filled(AUTHORS.get(name, ""), said[name])
            try:
                mail = self.lab.outside.wait_for(f"{said[name]}@outside.test", seconds=seconds if wanted else 2)
                seen, signers = str(mail["From"]), [domain for domain, _ in signatures(mail)]
            except LabError:
                seen, signers = "", []
            if not (wanted and wanted in seen) and wanted != seen:
                found.append(f"{name}: wanted {wanted or 'nothing'}, saw {seen or 'nothing'}")
            elif signers != ([self.domains["d"]] if wanted.endswith(f"@{self.domains['d']}") else []):
                found.append(f"{name}: signed for {signers or 'nobody'}")
        self.filter_of_bob("keep;\n")
        return found

    def filter_of_bob(self, script: str) -> None:
        """Give bob a filter of his own."""
        session = ManageSieve(self.front, self.filled("bob@{d}"), PASSWORD, unverified())
        session.put("own", script)
        session.close()

    def _wanted(self, row: Row, antispam: str) -> str:
        if row.outcome == FORGED:
            return INBOX if antispam == "none" else "55"
        return row.outcome

    def _send(self, row: Row, token: str) -> str:
        """The refusal, or empty where it was taken."""
        fields = "".join(f"{self.filled(line, token)}\n" for line in row.fields)
        rest = f"To: {self._recipient(row, token)}\nSubject: {token}\nDate: {formatdate()}\n"
        rest += f"Message-ID: <{token}@outside.test>\n\nWe meet on Tuesday in the office, as always.\n"
        data = (fields + rest).replace("\n", "\r\n").encode()
        client = self._client(row)
        try:
            steps: tuple[Callable[[], tuple[int, bytes]], ...] = (
                lambda: client.mail(self.filled(row.envelope, token), ["BODY=8BITMIME"]),
                lambda: client.rcpt(self._recipient(row, token)),
                lambda: client.data(data),
            )
            for step in steps:
                try:
                    code, text = step()
                except smtplib.SMTPDataError as error:
                    code, text = error.smtp_code, error.smtp_error if isinstance(error.smtp_error, bytes) else b""
                if code >= 400:
                    return f"{code} {text.decode()}"
            return ""
        finally:
            client.close()

    def _client(self, row: Row) -> smtplib.SMTP:
        if row.login:
            client: smtplib.SMTP = smtplib.SMTP_SSL(self.front, 465, context=unverified(), timeout=120)
            client.login(self.filled(row.login), PASSWORD)
            return client
        client = FromOutside(self.lab, self.inbound)
        client.ehlo("mail.outside.test")
        return client

    def _recipient(self, row: Row, token: str) -> str:
        return f"{token}@outside.test" if row.login else self.filled("bob@{d}")

    def _arrived(self, row: Row, token: str) -> str:
        """What is seen of a message that was taken, where it went."""
        return self._outside(row, token) if row.login else self._inside(token)

    def _inside(self, token: str, seconds: float = 150) -> str:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            # a busy machine may let a session time out
            with contextlib.suppress(OSError, imaplib.IMAP4.abort):
                client = imap(self.front, self.filled("bob@{d}"))
                for folder in ("INBOX", "Junk"):
                    if client.select(folder)[0] == "OK" and client.search(None, "SUBJECT", f'"{token}"')[1][0]:
                        client.logout()
                        return f"{INBOX} ({folder})"
                client.logout()
            time.sleep(1)
        return "taken, but nowhere"

    def _outside(self, row: Row, token: str, seconds: float = 60) -> str:
        raw = arrived(self.lab, token, seconds)
        return self._judged(row, raw) if raw else "taken, but never arrived"

    def _judged(self, row: Row, raw: bytes) -> str:
        message = email.message_from_bytes(raw, policy=email.policy.compat32)
        authors = message.get_all("From") or []
        if len(authors) != 1:
            return f"arrived with {len(authors)} From"
        author = str(authors[0]).lower()
        if row.outcome == SENT:
            return SENT
        domain = re.search(r"@([\w.-]+)", author)
        if not self._verified(raw, domain[1] if domain else ""):
            return f"arrived unsigned, From: {author}"
        if row.outcome == COMPLETED:
            return COMPLETED if author == self.filled(row.login) else f"arrived with From: {author}"
        return SIGNED

    def _verified(self, raw: bytes, domain: str) -> bool:
        """Whether there is a signature of exactly this domain that holds, so that DMARC passes by DKIM."""

        def published(name: bytes, timeout: float = 5) -> bytes:
            texts = self.lab.dns.texts(name.decode().rstrip("."), "TXT")
            return "".join(texts[0].split('"')[1::2]).encode() if texts else b""

        lines = raw.split(b"\n", 2)
        start = next(i for i, line in enumerate(lines) if not line.startswith((b"Return-Path", b"X-Original-To")))
        signed = b"\r\n".join(raw.split(b"\n")[start:])
        verifier = dkim.DKIM(signed)
        try:
            holds = bool(verifier.verify(dnsfunc=published))
        except dkim.DKIMException:
            return False
        return holds and verifier.domain == domain.encode()


def everything_wrong(place: Place, antispam: str) -> list[str]:
    """Both halves of the table."""
    return [*place.wrong(SUBMISSION, antispam), *place.wrong(PORT_25, antispam)]

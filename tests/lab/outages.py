"""Logins while the accounts' database is down: refused for now, never as if the password were wrong."""

from __future__ import annotations

import imaplib
import smtplib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.lab.clients import PASSWORD, until, unverified
from tests.lab.site import Site

LOGINS = 48


def imap_answer(site: Site) -> str:
    """What a login over IMAP is told; empty where it is let in."""
    try:
        site.imap(site.bob).logout()
    except (imaplib.IMAP4.error, OSError) as error:
        return str(error)
    return ""


def smtp_answer(site: Site, mechanism: str = "PLAIN") -> str:
    """The code and text that a login for sending is told; empty where it is let in."""
    with smtplib.SMTP(site.workspace.address, 587, timeout=120) as client:
        client.starttls(context=unverified())
        client.ehlo()
        client.user, client.password = site.bob, PASSWORD
        ways: dict[str, Callable[..., str]] = {"PLAIN": client.auth_plain, "LOGIN": client.auth_login}
        try:
            client.auth(mechanism, ways[mechanism])
        except (smtplib.SMTPException, OSError) as error:
            return str(error)
        return ""


def refusals(site: Site, ask: Callable[[Site], str], count: int) -> list[str]:
    """What logins at the same time were refused with."""
    with ThreadPoolExecutor(count) as clients:
        return [told for told in clients.map(lambda _: ask(site), range(count)) if told]


def check_logins_are_refused_for_now_only(site: Site) -> None:
    """While MariaDB is down logins are told a temporary failure; once it is up none is refused."""
    site.run("systemctl stop fail2ban mariadb")
    try:
        told = imap_answer(site)
        assert "[UNAVAILABLE]" in told, told
        for mechanism in ("PLAIN", "LOGIN"):
            told = smtp_answer(site, mechanism)
            assert told.startswith("(454, b'4.7.0"), f"{mechanism}: {told}"
    finally:
        site.run("systemctl start mariadb")
    over_imap = refusals(site, imap_answer, LOGINS // 2)
    over_smtp = refusals(site, smtp_answer, LOGINS // 2)
    site.run("systemctl start fail2ban")
    assert not over_imap + over_smtp, f"refused over IMAP: {over_imap}, over SMTP: {over_smtp}"


def recipient_answer(site: Site) -> int:
    """The code that the world is told for a mailbox."""
    with smtplib.SMTP(site.workspace.address, 25, timeout=120, local_hostname="operator.outside.test") as client:
        client.ehlo()
        client.mail("alice@outside.test")
        return client.rcpt(site.carol)[0]


def check_mail_is_taken_at_once_after_a_long_outage(site: Site) -> None:
    """Postfix has given the database up by then, and would not ask it for another minute."""
    site.run("systemctl stop fail2ban mariadb")
    try:
        begun = time.monotonic()
        while time.monotonic() - begun < 70:
            code = recipient_answer(site)
            time.sleep(2)
        assert code == 451
    finally:
        site.run("systemctl start mariadb fail2ban")
    assert until(lambda: recipient_answer(site) == 250, 20)

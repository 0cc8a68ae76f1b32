"""What fail2ban counts: guessed passwords and abuse, in the very lines of both releases, and never a connection."""

from __future__ import annotations

import configparser
import ipaddress
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mailwiz_tui.stack.compile import compile_server
from mailwiz_tui.stack.fail2ban import networks

from . import cases

ADDRESS = r"(?:\[?(?P<address>(?:\d{1,3}\.){3}\d{1,3}|[0-9a-fA-F:]{2,}))\]?"
OWN = networks.own_networks
PREFIX = r"(?:\S+ )?%s(?:\[\d+\])?: "

HANG_UPS = [
    "mail postfix/smtpd[1]: lost connection after CONNECT from unknown[192.0.2.1]",
    "mail postfix/smtpd[1]: lost connection after STARTTLS from office.example[192.0.2.1]",
    "mail postfix/smtpd[1]: NOQUEUE: lost connection after STARTTLS from operator.outside.test[192.0.2.1]",
    "mail postfix/submission/smtpd[1]: NOQUEUE: lost connection after EHLO from unknown[192.0.2.1]",
    "mail postfix/smtpd[1]: SSL_accept error from unknown[192.0.2.1]: lost connection",
    "mail postfix/smtpd[1]: disconnect from unknown[192.0.2.1] ehlo=1 quit=1 commands=2",
    "mail postfix/submissions/smtpd[1]: disconnect from unknown[192.0.2.1] ehlo=1 auth=0/1 commands=1/2",
    "mail postfix/smtpd[1]: warning: Connection rate limit exceeded: 1801 from unknown[192.0.2.1] for service smtp",
    "mail postfix/smtpd[1]: warning: AUTH command rate limit exceeded: 101 from unknown[192.0.2.1] for service s",
    "mail postfix/smtpd[1]: improper command pipelining after EHLO from unknown[192.0.2.1]: QUIT\\r\\n",
    "mail postfix/postscreen[1]: HANGUP after 0.1 from [192.0.2.1]:40000 in tests before SMTP handshake",
    "mail postfix/postscreen[1]: PREGREET 11 after 0 from [192.0.2.1]:40000: \\026\\003\\001\\002\\000\\001",
    "mail dovecot[1]: imap-login: Disconnected: Connection closed (no auth attempts in 0 secs): user=<>, "
    "rip=192.0.2.1, lip=192.0.2.9, TLS handshaking: Connection closed, session=<usP07IRhDsTGM2Qy>",
    "mail dovecot[1]: imap-login: Login aborted: Connection closed (disconnected during TLS handshake) "
    "(tls_handshake_not_finished): user=<>, rip=2001:db8::2, lip=2001:db8::11, TLS handshaking: Connection closed, "
    "session=<bPFqxIRhtuzGM2Qy>",
]
OUTAGES = [
    # Debian 12, the database is down: Postfix' words are those of a wrong password
    "mail postfix/submissions/smtpd[1]: warning: unknown[192.0.2.1]: SASL PLAIN authentication failed: "
    "(reason unavailable), sasl_username=bob@corp.test",
    "mail dovecot[1]: auth-worker(2): Error: conn unix:auth-worker (pid=3,uid=106): auth-worker<2>: "
    "sql(postmaster@corp.test,192.0.2.1): Not connected to database",
    "mail dovecot[1]: imap-login: Disconnected: Connection closed (auth service reported temporary failure): "
    "user=<postmaster@corp.test>, method=PLAIN, rip=192.0.2.1, lip=192.0.2.9, TLS: Connection closed, session=<J>",
    # Debian 13
    "mail dovecot[1]: auth-worker(postmaster@example.test,192.0.2.1)<17435>: request [10]: Error: sql: "
    "Password query failed: Not connected to database",
    "mail dovecot[1]: imap-login: Login aborted: Connection closed (auth service reported temporary failure, "
    "1 attempts in 63 secs) (temp_fail): user=<a@example.test>, method=PLAIN, rip=192.0.2.1, lip=192.0.2.9, "
    "TLS: Connection closed, session=<kxbLtoRhLt7GM2Qy>",
]
REJECTED = "RCPT from x.example[192.0.2.1]: "
OFFENCES = {
    "mailwiz-postfix": [
        f"mail postfix/smtpd[1]: NOQUEUE: reject: {REJECTED}554 5.7.1 <a@debian.org>: Relay access denied; from=<> "
        "to=<a@debian.org> proto=ESMTP helo=<x>",
        f"mail postfix/smtpd[1]: 4c1B2d: reject: {REJECTED}454 4.7.1 <a@debian.org>: Relay access denied; from=<>",
        f"mail postfix/smtpd[1]: NOQUEUE: reject: {REJECTED}550 5.1.1 <x@example.test>: Recipient address "
        "rejected: User unknown in virtual mailbox table; from=<> to=<x@example.test> proto=ESMTP helo=<x>",
        "mail postfix/smtpd[1]: NOQUEUE: reject: RCPT from unknown[2001:db8:1:2::9]: 550 5.1.1 <x@example.test>: "
        "Recipient address rejected: User unknown; from=<> to=<x@example.test> proto=ESMTP helo=<x>",
        "mail postfix/smtpd[1]: too many errors after RCPT from unknown[192.0.2.1]",
    ],
    "mailwiz-sasl": [
        "mail dovecot[1]: auth-worker(bob@example.test,192.0.2.1)<17807>: request [1]: sql: Password mismatch",
        "mail dovecot[1]: auth-worker(bob@example.test,2001:db8:1:2::9)<17807>: request [5]: sql: unknown user",
        "mail dovecot[1]: auth(zed@example.test,192.0.2.1,sasl:plain): passwd-file: Password mismatch",
        "mail dovecot[1]: auth-worker(18856): conn unix:auth-worker (pid=18734,uid=106): auth-worker<1>: "
        "sql(bob@corp.test,192.0.2.1): Password mismatch",
        "mail dovecot[1]: auth: passwd-file(zed@corp.test,2001:db8:1:2::9): unknown user",
    ],
    "mailwiz-dovecot": [
        "mail dovecot[1]: imap-login: Login aborted: Connection closed (auth failed, 1 attempts in 3 secs) "
        "(auth_failed): user=<bob@example.test>, method=PLAIN, rip=192.0.2.1, lip=192.0.2.9, TLS: Connection "
        "closed, session=<N71KvoRhUrHGM2Qy>",
        "mail dovecot[1]: imap-login: Disconnected: Connection closed (auth failed, 1 attempts in 3 secs): "
        "user=<bob@corp.test>, method=PLAIN, rip=2001:db8:1:2::9, lip=2001:db8:1:2::1, TLS: Connection closed, "
        "session=<W8a0v4RhKOPGM2Qy>",
    ],
}
INNOCENT = [
    # one login over IMAP is counted by the line of its session alone
    "mail dovecot[1]: auth-worker(bob@example.test,192.0.2.1)<17807><N71KvoRhUrHGM2Qy>: request [2]: sql: "
    "Password mismatch",
    "mail dovecot[1]: auth-worker(18862): conn unix:auth-worker (pid=1,uid=106): auth-worker<1>: "
    "sql(bob@corp.test,192.0.2.1,<W8a0v4RhKOPGM2Qy>): Password mismatch",
    # submission is no open door to the guesser of recipients: who logged in may mistype
    f"mail postfix/submission/smtpd[1]: NOQUEUE: reject: {REJECTED}550 5.1.1 <x@example.test>: Recipient address "
    "rejected: User unknown; from=<bob@example.test> to=<x@example.test> sasl_username=bob@example.test",
    f"mail postfix/smtpd[1]: NOQUEUE: reject: {REJECTED}450 4.2.0 <a@example.test>: Recipient address rejected: "
    "Greylisted; from=<>",
]


def files(codename: str) -> dict[str, str]:
    made = compile_server(cases.plan(), "mx1", cases.facts(codename=codename)).files()
    return {path: file.content for path, file in made.items()}


def expressions(codename: str, name: str) -> list[re.Pattern[str]]:
    """The failregex of a filter with its tags as fail2ban fills them in."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(files(codename)[f"/etc/fail2ban/filter.d/{name}.conf"])
    section = dict(parser["Definition"])
    found = []
    for line in section["failregex"].splitlines():
        text = line.replace("%(__prefix_line)s", PREFIX % section["_daemon"])
        text = re.sub(r"%\((\w+)\)s", lambda mark: section[mark[1].lower()], text)
        found.append(re.compile(re.sub(r"<(?:ADDR|HOST)>", lambda _: ADDRESS, text)))
    return found


def counted(codename: str, line: str) -> dict[str, str]:
    """Which filters count a line, and against whom."""
    found = {}
    for name in OFFENCES:
        for expression in expressions(codename, name):
            if match := expression.search(line):
                found[name] = match["address"]
    return found


@pytest.mark.parametrize("codename", ["trixie", "bookworm"])
@pytest.mark.parametrize("line", [*HANG_UPS, *OUTAGES])
def test_neither_a_connection_nor_an_outage_is_an_offence(codename: str, line: str) -> None:
    assert counted(codename, line) == {}


@pytest.mark.parametrize("codename", ["trixie", "bookworm"])
@pytest.mark.parametrize("line", INNOCENT)
def test_what_is_counted_elsewhere_or_is_no_abuse_is_not_counted(codename: str, line: str) -> None:
    assert counted(codename, line) == {}


@pytest.mark.parametrize("codename", ["trixie", "bookworm"])
@pytest.mark.parametrize(("name", "line"), [(name, line) for name, lines in OFFENCES.items() for line in lines])
def test_guesses_and_abuse_are_counted_once_against_the_client(codename: str, name: str, line: str) -> None:
    assert counted(codename, line) == {name: "2001:db8:1:2::9" if "2001" in line else "192.0.2.1"}


@pytest.mark.parametrize("codename", ["trixie", "bookworm"])
def test_both_releases_have_the_same_jails_and_no_filter_of_fail2bans_own_for_mail(codename: str) -> None:
    text = files(codename)["/etc/fail2ban/jail.d/mailwiz.conf"]
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    filters = {name: parser[name]["filter"] for name in parser.sections()}
    assert filters == {
        "sshd": "sshd[mode=normal]",
        "postfix": "mailwiz-postfix",
        "postfix-sasl": "mailwiz-sasl",
        "dovecot": "mailwiz-dovecot",
        "recidive": "mailwiz-recidive",
    }
    assert "aggressive" not in text
    assert all(parser[name]["action"].split() == ["mailwiz-networks.py", "%(action_)s"] for name in filters)
    assert all(parser[name]["banaction"].startswith("mailwiz-nftables[") for name in filters)


def test_a_server_without_submission_does_not_listen_for_guesses_there() -> None:
    """A jail whose daemon is not there would make its probe fail."""
    blueprint = compile_server(cases.distributed(), "in1", cases.distributed_facts())
    text = blueprint.files()["/etc/fail2ban/jail.d/mailwiz.conf"].content
    assert "[postfix]" in text
    assert "[postfix-sasl]" not in text


class Address:
    """Of fail2ban's IPAddr what the action uses."""

    def __init__(self, text: str, length: int = -1) -> None:
        self.text = f"{text}/{length}" if length >= 0 else text
        self.isIPv6 = ":" in text

    def __str__(self) -> str:
        return self.text


def counting(found: list[str | None], ignored: list[str] | None = None) -> list[str | None]:
    """Whom a jail counts for the clients that its filter finds."""

    def find(*_: Any, **__: Any) -> list[list[Any]]:
        return [[0, None if who is None else Address(who), 1.0, {}] for who in found]

    log_filter = SimpleNamespace(findFailure=find, getIgnoreIP=lambda: [Address(text) for text in ignored or ()])
    networks.Action(SimpleNamespace(filter=log_filter), "mailwiz-networks")
    rows = log_filter.findFailure(("", "", "line"), None)
    assert all(row[0] == 0 and row[2:] == [1.0, {}] for row in rows)
    return [None if row[1] is None else str(row[1]) for row in rows]


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks, "own_networks", lambda: [ipaddress.IPv6Network("2001:db8:ffff::25")])


def test_an_ipv6_client_is_counted_by_its_network_and_an_ipv4_client_by_its_address() -> None:
    assert counting(["2001:db8:1:2:a:b:c:d", "2001:db8::9", "192.0.2.1", None]) == [
        "2001:db8:1:2::/64",
        "2001:db8::/64",
        "192.0.2.1",
        None,
    ]


def test_who_is_exempt_and_the_server_itself_are_not_banned_with_a_neighbour() -> None:
    assert counting(["2001:db8:1:2::9"], ["2001:db8:1:2::1", "192.0.2.0/24", "host.example"]) == ["2001:db8:1:2::9"]
    assert counting(["2001:db8:1:2::9"], ["2001:db8::/32"]) == ["2001:db8:1:2::9"]
    assert counting(["2001:db8:ffff::9"]) == ["2001:db8:ffff::9"]
    assert counting(["2001:db8:1:2::/64"]) == ["2001:db8:1:2::/64"], "what another jail banned is a network already"


def test_own_addresses_are_read_from_the_kernel(tmp_path: Path) -> None:
    table = tmp_path / "if_inet6"
    table.write_text("20010db8ca0000010000000000000011 02 40 00 80     host0\n")
    assert OWN(str(table)) == [ipaddress.IPv6Network("2001:db8:ca00:1::11")]
    assert OWN(str(tmp_path / "none")) == []

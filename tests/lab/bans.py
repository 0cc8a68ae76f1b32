"""Who is banned and who is not: guessed passwords, and never hang-ups, health checks and handshakes."""

from __future__ import annotations

import contextlib
import functools
import imaplib
import ipaddress
import re
import smtplib
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from mailwiz_tui.lab.lab import Lab
from tests.lab.clients import PASSWORD, until, unverified
from tests.lab.site import Site

TRIES = 10
"""Wrong passwords that end in a ban."""


def reached(address: str, port: int, source: str = "") -> bool:
    """Whether a port can be connected to, from an address of one's own if one is named."""
    try:
        with socket.create_connection((address, port), timeout=5, source_address=(source, 0) if source else None):
            return True
    except OSError:
        return False


def hang_up(address: str, port: int) -> None:
    """Connect and leave, as a TCP health check does."""
    socket.create_connection((address, port), timeout=30).close()


def handshake(address: str, port: int) -> None:
    """A TLS handshake and nothing else, as a look at the certificate does."""
    context = unverified()
    if port in (465, 993):
        with socket.create_connection((address, port), timeout=60) as plain, context.wrap_socket(plain):
            return
    with smtplib.SMTP(address, port, timeout=60) as client:
        client.starttls(context=context)
        client.close()


def health_check(address: str, port: int) -> None:
    """EHLO and QUIT, as a monitor asks."""
    kind: Callable[..., smtplib.SMTP] = smtplib.SMTP
    options = {}
    if port == 465:
        kind, options = smtplib.SMTP_SSL, {"context": unverified()}
    with kind(address, port, timeout=60, **options) as client:
        assert client.ehlo()[0] == 250


def guess_imap(address: str, user: str, password: str) -> None:
    with contextlib.suppress(OSError, imaplib.IMAP4.error):
        client = imaplib.IMAP4_SSL(address, ssl_context=unverified(), timeout=15)
        try:
            client.login(user, password)
        finally:
            client.shutdown()


def guess_smtp(address: str, user: str, password: str, source: str = "") -> None:
    """One password at submission: one attempt a connection."""
    origin = (source, 0) if source else None
    with (
        contextlib.suppress(OSError, smtplib.SMTPException),
        smtplib.SMTP_SSL(address, 465, timeout=15, context=unverified(), source_address=origin) as client,
    ):
        client.ehlo()
        client.user, client.password = user, password
        client.auth("PLAIN", client.auth_plain)


def check_connections_are_no_offence(site: Site) -> None:
    """40 hang-ups, 60 handshakes and 40 health checks from one address ban nobody and are all answered."""
    address = site.workspace.address
    site.run("fail2ban-client unban --all")
    before = offences(site)
    with ThreadPoolExecutor(8) as pool:
        for port in (25, 465, 587, 993):
            list(pool.map(lambda _, to=port: hang_up(address, to), range(40)))
            list(pool.map(lambda _, to=port: handshake(address, to), range(60)))
            if port != 993:
                list(pool.map(lambda _, to=port: health_check(address, to), range(40)))
    assert site.run("fail2ban-client banned").count(str(site.lab.plan.operator.ipv4)) == 0
    assert offences(site) == before
    for port in (25, 465, 587, 993):
        assert reached(address, port), port


def check_a_guesser_is_banned_until_the_ban_ends(site: Site, guess: Callable[..., None], jail: str) -> None:
    """A right login in between is no absolution; another ban lasts its time and no longer."""
    address, own = site.workspace.address, str(site.lab.plan.operator.ipv4)
    site.run("fail2ban-client unban --all")
    try:
        site.run(f"fail2ban-client set {jail} bantime.increment false; fail2ban-client set {jail} bantime 45")
        with ThreadPoolExecutor(TRIES) as pool:
            list(pool.map(lambda n: guess(address, site.bob, f"wrong-{n}"), range(3)))
            guess(address, site.bob, PASSWORD)
            list(pool.map(lambda n: guess(address, site.bob, f"wrong-{n}"), range(3, TRIES)))
        assert until(lambda: own in site.run(f"fail2ban-client status {jail}"))
        assert not any(reached(address, port) for port in (465, 587, 993))
        assert reached(address, 22)
        assert until(lambda: own not in site.run(f"fail2ban-client status {jail}"), 90)
        assert all(reached(address, port) for port in (465, 587, 993))
    finally:
        site.run(f"fail2ban-client set {jail} bantime 900; fail2ban-client set {jail} bantime.increment true")
        site.run("fail2ban-client unban --all")


def check_an_ipv6_network_is_counted_and_banned_as_one(site: Site) -> None:
    """A guesser with another address of its /64 for each try is banned like one with a single address."""
    lab, host = site.lab, site.lab.host(site.workspace.host)
    network = ipaddress.ip_network(f"{lab.plan.operator.ipv6}/64", strict=False)
    site.run("fail2ban-client unban --all")
    with neighbours(lab, TRIES + 1) as addresses:
        try:
            with ThreadPoolExecutor(5) as pool:
                list(pool.map(lambda a: guess_smtp(host.ipv6, site.bob, "wrong", a), addresses[:TRIES]))
            assert until(lambda: str(network) in site.run("fail2ban-client status postfix-sasl"))
            assert not reached(host.ipv6, 465, addresses[-1])
            assert reached(host.ipv4, 465)
            assert reached(host.ipv6, 22, addresses[-1])
            site.run(f"fail2ban-client unban {network}")
            assert reached(host.ipv6, 465, addresses[-1])
        finally:
            site.run("fail2ban-client unban --all")


def check_an_outage_of_the_database_bans_nobody(site: Site) -> None:
    """Right passwords that cannot be checked are not counted as wrong ones."""
    address = site.workspace.address
    site.run("fail2ban-client unban --all; systemctl stop mariadb")
    before = offences(site)
    try:
        with ThreadPoolExecutor(TRIES) as pool:
            list(pool.map(lambda _: guess_smtp(address, site.bob, PASSWORD), range(2 * TRIES)))
    finally:
        site.run("systemctl start mariadb")
    assert offences(site) == before
    assert reached(address, 465)


def offences(site: Site) -> list[str]:
    """What each jail of mail has counted since fail2ban began."""
    status = site.run("for jail in postfix postfix-sasl dovecot; do fail2ban-client status $jail; done")
    return re.findall(r"Total failed:\s*(\d+)", status)


@contextmanager
def neighbours(lab: Lab, count: int) -> Iterator[list[str]]:
    """Further addresses of this machine in the operator's /64 of the lab."""
    prefix = str(ipaddress.ip_network(f"{lab.plan.operator.ipv6}/64", strict=False).network_address)
    addresses = [f"{prefix}{number:x}:{number:x}" for number in range(0x100, 0x100 + count)]
    for address in addresses:
        _address("add", address, lab.plan.device, "nodad")
    try:
        yield addresses
    finally:
        for address in addresses:
            _address("del", address, lab.plan.device)


def _address(verb: str, address: str, device: str, *options: str) -> None:
    subprocess.run(["ip", "addr", verb, f"{address}/64", "dev", device, *options], check=False)


MONITORED = (22, 25, 443, 465, 587, 993)


def check_a_monitoring_system_is_not_banned(site: Site) -> None:
    """60 TCP connections a minute to each port, by both protocols, for a minute; each is answered."""
    host = site.lab.host(site.workspace.host)
    places = [(address, port) for address in (host.ipv4, host.ipv6) for port in MONITORED]
    site.run("fail2ban-client unban --all")
    refused: list[tuple[str, int]] = []
    with ThreadPoolExecutor(len(places)) as pool:
        for _ in range(60):
            begun = time.monotonic()
            answers = pool.map(lambda place: reached(*place), places)
            refused += [place for place, answer in zip(places, answers, strict=True) if not answer]
            time.sleep(max(0.0, 1 - (time.monotonic() - begun)))
    assert banned(site) == []
    # sshd has penalties of its own for those who never log in (PerSourcePenalties, OpenSSH 9.8)
    assert [place for place in refused if place[1] != 22] == []


def check_scanners_of_tls_are_not_banned(site: Site, outside: Callable[[str], list[str]]) -> None:
    """``outside`` scans an address and says what was wrong; nobody is banned or cut off by either protocol."""
    host = site.lab.host(site.workspace.host)
    site.run("fail2ban-client unban --all")
    before = offences(site)
    for address in (host.ipv4, host.ipv6):
        assert outside(address) == []
    assert banned(site) == []
    assert offences(site) == before
    assert site.run("journalctl -q --no-pager -o cat -g '(rate|concurrency) limit exceeded' || true") == ""


def check_web_guessers_are_banned_by_network_and_for_long_if_they_come_back(
    site: Site, guesses: Mapping[str, Callable[[str], None]]
) -> None:
    """After five bans recidive closes every port. ``guesses``: jails, and how to guess over IPv6 in each.

    A network beside it is not touched, and neither is the guesser over IPv4.
    """
    host = site.lab.host(site.workspace.host)
    network = str(ipaddress.ip_network(f"{site.lab.plan.operator.ipv6}/64", strict=False))
    site.run("fail2ban-client unban --all")
    with neighbours(site.lab, 1) as (neighbour,):
        try:
            for jail, guess in [*guesses.items(), *list(guesses.items())[: 5 - len(guesses)]]:
                with ThreadPoolExecutor(4) as pool:
                    list(pool.map(guess, [f"guess-{number}" for number in range(12)]))
                assert until(functools.partial(_banned, site, jail, network)), jail
                port = 443 if jail in ("roundcube", "postfixadmin") else 993
                assert until(lambda: not reached(host.ipv6, port, neighbour)), jail  # noqa: B023 - it is asked here
                assert reaches_from_outside(site, host.ipv6, port), jail
                assert reached(host.ipv4, port), jail
                site.run(f"fail2ban-client set {jail} unbanip {network}")
            assert until(lambda: network in banned_in(site, "recidive"))
            for port in (22, 25, 443, 993):
                assert until(lambda: not reached(host.ipv6, port, neighbour)), port  # noqa: B023 - it is asked here
                assert reaches_from_outside(site, host.ipv6, port), port
                assert reached(host.ipv4, port), port
        finally:
            site.run("fail2ban-client unban --all")
        assert until(lambda: reached(host.ipv6, 443, neighbour))


def guess_imap_over_ipv6(site: Site, password: str) -> None:
    guess_imap(site.lab.host(site.workspace.host).ipv6, site.bob, password)


def guess_smtp_over_ipv6(site: Site, password: str) -> None:
    guess_smtp(site.lab.host(site.workspace.host).ipv6, site.bob, password)


def banned(site: Site) -> list[str]:
    """Every address and network that is banned now."""
    return re.findall(r"'([0-9a-f:./]+)'", site.run("fail2ban-client banned"))


def banned_in(site: Site, jail: str) -> str:
    return site.run(f"fail2ban-client status {jail}").partition("Banned IP list:")[2]


def reaches_from_outside(site: Site, address: str, port: int) -> bool:
    """Whether the lab's outside host, in a network beside the operator's, gets in."""
    probe = f"timeout 5 bash -c '</dev/tcp/{address}/{port}'"
    return site.lab.outside.run(probe, check=False).returncode == 0


def _banned(site: Site, jail: str, network: str) -> bool:
    """Whether a jail has banned a network."""
    return network in banned_in(site, jail)

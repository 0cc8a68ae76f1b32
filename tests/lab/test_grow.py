"""A mail system that grows, shrinks and loses a server: one plan, edited, on servers that hold mail."""

from __future__ import annotations

import email.message
import imaplib
import shutil
import smtplib
import subprocess
import time
from pathlib import Path

import pytest

from mailwiz_tui.lab.lab import Lab
from tests.lab.clients import imap, unverified
from tests.lab.conftest import FreshHost
from tests.lab.fleet import Fleet, Member, make_fleet
from tests.lab.workspace import Done

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(1500)]

PASSWORD = "Growing-Wachsend-4711"
FRONT = ("mx-inbound", "mx-outbound", "antispam")


class Growing:
    """The hosts, the plan as it is now, and the operator's own list of host keys."""

    def __init__(self, lab: Lab, folder: Path, domain: str, hosts: list[str]) -> None:
        self.lab, self.domain, self.hosts = lab, domain, hosts
        store, self.front, self.second = hosts
        self.single = [Member(store, ("all-in-one",), 1)]
        self.two = [Member(store, ("mail-storage",), 1), Member(self.front, FRONT, 2)]
        self.three = [*self.two, Member(self.second, ("mx-inbound",), 3)]
        self.fleet: Fleet = make_fleet(lab, folder, domain, self.single, "single")
        self.address = lab.host(store).ipv4
        for name in ("inventory.toml", "known_hosts"):
            shutil.copy(lab.paths.directory / name, folder / name)

    @property
    def user(self) -> str:
        return f"anna@{self.domain}"

    def mailwiz(self, command: str, *options: str, stdin: str = "") -> Done:
        return self.fleet.mailwiz(command, *options, stdin=stdin)

    def apply(self, *options: str) -> Done:
        done = self.mailwiz("apply", "--yes", "--resolver", self.lab.dns.resolver, *options)
        print(f"apply: {done.seconds:.0f} s")
        return done

    def publish(self, *options: str) -> Done:
        """The records of the plan, sent as an operator sends them."""
        key = f"{self.lab.dns.tsig_name}:{self.lab.dns.tsig_secret}\n"
        where = ("--server", self.lab.dns.server, "--resolver", self.lab.dns.resolver)
        return self.mailwiz("dns", "--publish", *where, *options, stdin=key)

    def prepare(self, *options: str) -> None:
        done = self.mailwiz("diff", *options)
        assert done.code in (0, 1), done.err
        sent = self.publish()
        assert sent.code == 0, sent.out + sent.err

    def imap(self) -> imaplib.IMAP4_SSL:
        """A mail program that knows the name alone, and looks it up."""
        (address,) = self.lab.dns.texts(f"mail.{self.domain}", "A")
        self.address = address
        return imap(address, self.user, PASSWORD)

    def letters(self, folder: str = "INBOX") -> dict[str, tuple[str, str]]:
        """UID and flags of each mail by its subject, as a mail program sees them."""
        session = self.imap()
        session.select(folder, readonly=True)
        found = {}
        for uid in session.uid("SEARCH", "ALL")[1][0].split():
            (head, text), *_ = session.uid("FETCH", uid, "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
            flags = " ".join(str(flag) for flag in imaplib.ParseFlags(head) if b"Recent" not in flag)
            found[text.decode().partition(":")[2].strip()] = (uid.decode(), flags)
        session.logout()
        return found

    def from_outside(self, subject: str) -> None:
        message = email.message.EmailMessage()
        message["From"], message["To"], message["Subject"] = "berta@outside.test", self.user, subject
        message["Message-ID"], message["Date"] = f"<{time.time_ns()}@outside.test>", email.utils.formatdate()
        message.set_content("Guten Tag.\n")
        self.lab.outside.send(message, "berta@outside.test", self.user)

    def arrives(self, subject: str, seconds: float = 120) -> None:
        end = time.monotonic() + seconds
        while subject not in self.letters():
            assert time.monotonic() < end, f"{subject} has not arrived: {self.lab.outside.run('mailq').stdout}"
            time.sleep(1)

    def through(self, host: str, subject: str) -> None:
        """Offer a mail at one server."""
        where = ("--server", self.lab.host(host).ipv4, "--helo", "mail.outside.test", "--timeout", "60")
        who = ("--from", "berta@outside.test", "--to", self.user, "--header", f"Subject: {subject}")
        done = self.lab.outside.swaks(*where, *who)
        assert done.returncode == 0, done.stdout
        self.arrives(subject)

    def goes_out(self, subject: str) -> None:
        """Send by the name, after login; the outside believes the signature or refuses (DMARC reject)."""
        message = email.message.EmailMessage()
        message["From"], message["To"], message["Subject"] = self.user, "berta@outside.test", subject
        message.set_content("Good day.\n")
        self.imap().logout()
        with smtplib.SMTP_SSL(self.address, 465, context=unverified(), timeout=30) as session:
            session.login(self.user, PASSWORD)
            session.send_message(message)
        self.lab.outside.wait_for("berta@outside.test", subject, 60)


@pytest.fixture(scope="module")
def growing(lab: Lab, lend_hosts: FreshHost, lent_domain: str, tmp_path_factory: pytest.TempPathFactory) -> Growing:
    """A single server with mail in it."""
    hosts = [lend_hosts(suite).id for suite in ("trixie", "bookworm", "trixie")]
    growing = Growing(lab, tmp_path_factory.mktemp("grow"), lent_domain, hosts)
    growing.prepare()
    done = growing.apply("--credentials", str(growing.fleet.credentials))
    assert done.code == 0, done.out + done.err
    added = growing.mailwiz("mailbox add", growing.user, "--password-stdin", stdin=f"{PASSWORD}\n")
    assert added.code == 0, added.err
    growing.from_outside("before")
    growing.arrives("before")
    session = growing.imap()
    session.create("Projects/2026")
    session.subscribe("Projects/2026")
    session.append("Projects/2026", r"(\Flagged \Seen)", None, b"Subject: kept\r\n\r\nKept.\r\n")
    session.logout()
    return growing


def test_one_server_becomes_store_and_front_with_its_mail(growing: Growing) -> None:
    before = growing.letters() | growing.letters("Projects/2026")
    store = growing.hosts[0]
    growing.fleet.write_plan(growing.two)
    growing.prepare()
    done = growing.apply()
    assert done.code == 0, done.out + done.err
    growing.imap().logout()
    assert growing.address == growing.lab.host(growing.front).ipv4
    assert growing.letters() | growing.letters("Projects/2026") == before, "the same mail, UIDs and flags"
    growing.from_outside("after")
    growing.arrives("after")
    growing.goes_out("from two servers")
    running = "systemctl is-active rspamd redis-server@rspamd opendkim nginx || true"
    assert set(growing.fleet.run(store, running).split()) == {"inactive"}
    assert "no changes" in growing.apply().out


def test_a_second_server_for_incoming_mail_comes(growing: Growing) -> None:
    growing.fleet.write_plan(growing.three)
    growing.prepare()
    done = growing.apply()
    assert done.code == 0, done.out + done.err
    growing.through(growing.second, "through the second")
    assert "no changes" in growing.apply().out


def test_and_goes_without_losing_what_waits_there(growing: Growing) -> None:
    store, second = growing.hosts[0], growing.second
    growing.lab.run(store, "systemctl stop dovecot")
    where = ("--server", growing.lab.host(second).ipv4, "--helo", "mail.outside.test", "--timeout", "60")
    who = ("--from", "berta@outside.test", "--to", growing.user, "--header", "Subject: waits at the second")
    assert growing.lab.outside.swaks(*where, *who).returncode == 0
    growing.fleet.write_plan(growing.two)
    sent = growing.publish()
    assert (sent.code, f"{second}.{growing.domain} A removed" in sent.out) == (0, True), sent.out + sent.err
    refused = growing.apply()
    assert refused.code == 1
    assert f"{second}: " in refused.err
    assert "its queue holds 1 message" in refused.err
    growing.lab.run(store, "systemctl start dovecot")
    growing.arrives("waits at the second", 90)
    done = growing.apply()
    assert done.code == 0, done.out + done.err
    assert f"{second} was removed from the plan" in done.out
    assert growing.lab.dns.texts(f"{second}.{growing.domain}", "A") == []
    assert growing.lab.dns.texts(growing.domain, "MX") == [f"10 {growing.front}.{growing.domain}."]
    left = growing.fleet.run(store, "wg show mwz0 peers | wc -l; grep -c 10.80.0.3 /etc/hosts || true")
    assert left.split() == ["1", "0"]
    assert growing.fleet.failed_checks() == []
    growing.through(growing.front, "through the first")
    again = growing.apply()
    assert "no changes" in again.out
    assert "was removed from the plan" not in again.out


def test_a_dead_server_is_replaced_from_the_same_plan(growing: Growing) -> None:
    front, folder = growing.front, growing.fleet.folder
    growing.lab.reset(front, new_host_keys=True)
    growing.from_outside("while the front is dead")
    refused = growing.apply("--accept-new-host-keys")
    assert refused.code == 1
    assert "host key" in refused.err
    address = growing.lab.host(front).ipv4
    subprocess.run(["ssh-keygen", "-q", "-f", str(folder / "known_hosts"), "-R", address], check=True)
    growing.prepare("--accept-new-host-keys")
    done = growing.apply()
    assert done.code == 0, done.out + done.err
    growing.arrives("while the front is dead")
    assert {"before", "after", "through the second", "waits at the second"} <= growing.letters().keys()
    growing.goes_out("from the new front")
    assert "no changes" in growing.apply().out

"""What is installed beside mail on several servers: the virus scanner where mail is filtered, of mixed releases."""

from __future__ import annotations

import secrets
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage

import pytest

from mailwiz_tui.lab.lab import Lab
from tests.lab.conftest import FreshHost
from tests.lab.fleet import Fleet, Member, make_fleet
from tests.lab.signatures import signature_mirror
from tests.lab.test_matrix import eventually, other, virus
from tests.lab.test_stack import PASSWORD, refused, until, unverified

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(1800), pytest.mark.xdist_group("services")]

SHAPE = (
    ("trixie", ("mx-inbound", "mx-outbound", "antispam")),
    ("bookworm", ("mail-storage",)),
)
SERVICES = """
[services]
antivirus = true
clamav_mirror = "{mirror}"
"""
SCANNER = ("clamav-daemon.socket", "clamav-daemon.service")
OUTSIDE = "alice@outside.test"


@dataclass(frozen=True)
class Office:
    """A front that filters, and a store; bob has a mailbox."""

    fleet: Fleet
    front: str
    store: str

    @property
    def bob(self) -> str:
        return f"bob@{self.fleet.domain}"

    def offer(self, message: EmailMessage) -> tuple[int, str]:
        """Offer a mail on port 25 from outside: the code (0: taken) and the line it is answered with.

        Each has an envelope sender of its own, or Rspamd would greylist mail for what came before it.
        """
        sender = f"a{secrets.randbelow(10**6)}@outside.test"
        done = self.fleet.lab.outside.swaks(
            "--server", self.fleet.address, "--from", sender, "--to", self.bob,
            "--helo", "mail.outside.test", "--data", "-", stdin=message.as_string(),
        )  # fmt: skip
        lines = [line for line in done.stdout.splitlines() if line.startswith("<**")]
        return (int(lines[-1].split()[1]), lines[-1]) if lines else (0, "")

    def submit(self, message: EmailMessage) -> int:
        """Send a mail of bob's after login; the code it is answered with, 0 for taken."""

        def send() -> None:
            with smtplib.SMTP(self.fleet.address, 587, timeout=60, local_hostname="laptop") as client:
                client.starttls(context=unverified())
                client.login(self.bob, PASSWORD)
                client.sendmail(self.bob, [str(message["To"])], message.as_bytes())

        return refused(send)

    def arrived(self, message: EmailMessage) -> bool:
        subject = f"Subject: {message['Subject']}".encode()
        return any(subject in path.read_bytes() for path in self.fleet.mail_of(self.store, self.bob))

    @contextmanager
    def without(self, *units: str) -> Iterator[None]:
        self.fleet.run(self.front, f"systemctl stop {' '.join(units)}")
        try:
            yield
        finally:
            self.fleet.run(self.front, f"systemctl start {' '.join(reversed(units))}")


@pytest.fixture(scope="module")
def office(
    lab: Lab, lend_hosts: FreshHost, lent_domain: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Office]:
    """Installed by the commands that an operator types."""
    members = [Member(lend_hosts(suite).id, roles, number) for number, (suite, roles) in enumerate(SHAPE, 1)]
    fleet = make_fleet(lab, tmp_path_factory.mktemp("services"), lent_domain, members)
    with signature_mirror(lab) as mirror:
        fleet.plan.write_text(fleet.plan.read_text() + SERVICES.format(mirror=mirror))
        before = fleet.mailwiz("diff")
        assert before.code == 1, before.err
        fleet.publish()
        done = fleet.apply("--credentials", str(fleet.credentials))
        assert done.code == 0, done.out + done.err
        office = Office(fleet, members[0].host, members[1].host)
        added = fleet.mailwiz("mailbox add", office.bob, "--password-stdin", stdin=f"{PASSWORD}\n")
        assert added.code == 0, added.err
        yield office


def test_every_check_passes_and_a_second_apply_changes_nothing(office: Office) -> None:
    assert office.fleet.failed_checks() == []
    done = office.fleet.apply()
    assert (done.code, "no changes" in done.out) == (0, True), done.out + done.err


def test_only_the_filter_scans(office: Office) -> None:
    found = "dpkg-query -W -f '${db:Status-Abbrev}' clamav-daemon 2>/dev/null || true"
    assert office.fleet.run(office.front, found).strip() == "ii"
    assert office.fleet.run(office.store, found).strip() != "ii"
    listening = office.fleet.run(office.front, "ss -Hltn sport = :11342")
    assert [line.split()[3] for line in listening.splitlines()] == ["127.0.0.1:11342"]


def test_a_virus_is_refused_from_the_world_and_from_users_and_clean_mail_arrives(office: Office) -> None:
    clean = other(OUTSIDE, office.bob)
    assert eventually(lambda: office.offer(clean)[0], 0)
    assert until(lambda: office.arrived(clean), 60)
    own = other(office.bob, office.bob)
    assert office.submit(own) == 0
    assert until(lambda: office.arrived(own), 60)

    code, line = office.offer(virus(OUTSIDE, office.bob))
    assert code // 100 == 5
    assert "Message refused: it contains" in line
    assert office.submit(virus(office.bob, OUTSIDE)) // 100 == 5
    assert office.submit(virus(office.bob, office.bob)) // 100 == 5


def test_mail_waits_while_nobody_scans_it(office: Office) -> None:
    incoming, own = other(OUTSIDE, office.bob), other(office.bob, office.bob)
    with office.without(*SCANNER):
        assert office.offer(incoming)[0] // 100 == 4
        assert office.offer(virus(OUTSIDE, office.bob))[0] // 100 == 4
        assert office.submit(own) // 100 == 4
    assert eventually(lambda: office.offer(incoming)[0], 0)
    assert until(lambda: office.arrived(incoming), 60)
    assert not office.arrived(own)

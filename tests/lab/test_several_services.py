"""What is installed beside mail on several servers of mixed releases: scanner, webmail and admin panel."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest

from mailwiz_tui.lab.lab import Lab
from tests.lab.browser import browser
from tests.lab.clients import PASSWORD, eventually, other, refused, submit, until, virus
from tests.lab.conftest import lending_domains, lending_hosts
from tests.lab.fleet import Fleet, Member, make_fleet
from tests.lab.signatures import EICAR, signature_mirror
from tests.lab.web_office import WebOffice, install_with_web

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(1800), pytest.mark.xdist_group("services")]

FRONT, STORE = ("mx-outbound", "antispam"), ("mail-storage", "mx-inbound")
SERVICES = """
[services]
antivirus = true
clamav_mirror = "{mirror}"
webmail = "roundcube"
admin_panel = "postfixadmin"
"""
SCANNER = ("clamav-daemon.socket", "clamav-daemon.service")
OUTSIDE = "alice@outside.test"


@dataclass(frozen=True)
class Office(WebOffice):
    """A front that filters, and a store that mail from the world comes in at; bob and carol have mailboxes.

    So the scanner is asked over the link about what comes in, and beside it about what users send.
    """

    fleet: Fleet
    front: str
    store: str

    def asks(self, program: str, options: str, statement: str) -> str:
        """What the accounts' database answers a program on the front, or why it does not."""
        user = {"webmail": "roundcube", "panel": "postfixadmin", "panel-tables": "postfixadmin"}[program]
        client = f"mariadb --defaults-file=/etc/mailwiz/sql/{program}-client.cnf {options}"
        return self.fleet.run(self.front, f'runuser -u {user} -- {client} -e "{statement}" 2>&1 || true')

    def offer(self, message: EmailMessage) -> tuple[int, str]:
        """Offer a mail on port 25 from outside: the code (0: taken) and the line it is answered with.

        Each has an envelope sender of its own, or Rspamd would greylist mail for what came before it.
        """
        sender = f"a{secrets.randbelow(10**6)}@outside.test"
        done = self.fleet.lab.outside.swaks(
            "--server", self.fleet.lab.host(self.store).ipv4, "--from", sender, "--to", self.bob,
            "--helo", "mail.outside.test", "--data", "-", stdin=message.as_string(),
        )  # fmt: skip
        lines = [line for line in done.stdout.splitlines() if line.startswith("<**")]
        return (int(lines[-1].split()[1]), lines[-1]) if lines else (0, "")

    def submit(self, message: EmailMessage) -> int:
        """Send a mail of bob's after login; the code it is answered with, 0 for taken."""
        return refused(lambda: submit(self.fleet.address, self.bob, message))

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


@pytest.fixture(scope="module", params=[("trixie", "bookworm"), ("bookworm", "trixie")], ids=lambda p: p[0])
def office(request: pytest.FixtureRequest, lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Installed by the commands that an operator types; named by the front's release."""
    with lending_hosts(lab) as take_host, lending_domains(lab) as take_domain, signature_mirror(lab) as mirror:
        front, store = (take_host(suite).id for suite in request.param)
        members = [Member(front, FRONT, 1), Member(store, STORE, 2)]
        fleet = make_fleet(lab, tmp_path_factory.mktemp("services"), take_domain(), members)
        fleet.plan.write_text(fleet.plan.read_text() + SERVICES.format(mirror=mirror))
        install_with_web(fleet)
        with browser({fleet.hostname: fleet.address}) as window:
            yield Office(workspace=fleet, browser=window, fleet=fleet, front=front, store=store)


@pytest.fixture(autouse=True)
def quiet(office: Office) -> Iterator[None]:
    with office.without_complaints():
        yield


def test_every_check_passes_and_a_second_apply_changes_nothing(office: Office) -> None:
    failed = office.fleet.failed_checks()
    assert [check for _, check, _ in failed] == ["web.browser"], failed
    done = office.fleet.apply()
    assert (done.code, "no changes" in done.out) == (0, True), done.out + done.err


def test_only_the_filter_scans(office: Office) -> None:
    found = "dpkg-query -W -f '${db:Status-Abbrev}' clamav-daemon 2>/dev/null || true"
    assert office.fleet.run(office.front, found).strip() == "ii"
    assert office.fleet.run(office.store, found).strip() != "ii"
    listening = office.fleet.run(office.front, "ss -Hltn sport = :11342")
    assert sorted(line.split()[3] for line in listening.splitlines()) == ["10.80.0.1:11342", "127.0.0.1:11342"]


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


def test_log_in_write_attach_and_read(office: Office, tmp_path: Path) -> None:
    attached = tmp_path / "minutes.bin"
    attached.write_bytes(hashlib.sha256(b"x").digest() * 5000)
    assert not office.webmail.try_login(office.bob, "wrong-password")
    assert office.webmail.try_login(office.bob, PASSWORD)
    office.webmail.send(office.carol, "Minutes of Tuesday", "Good day, Carol.", attached)
    assert office.webmail.try_login(office.carol, PASSWORD)
    assert "Good day, Carol." in office.webmail.read("Minutes of Tuesday")
    assert office.webmail.attachment_sha256("minutes.bin") == hashlib.sha256(attached.read_bytes()).hexdigest()
    log = office.fleet.run(office.front, "journalctl -t roundcube -o cat --no-pager")
    assert f"Successful login for {office.bob}" in log
    assert PASSWORD not in office.fleet.run(office.front, "journalctl -o cat --no-pager; cat /var/log/nginx/*.log")


def test_a_filter_made_in_the_browser_files_mail_at_the_store(office: Office) -> None:
    assert office.webmail.try_login(office.carol, PASSWORD)
    office.webmail.make_filter("Invoices", "invoice", "Archive")
    assert "fileinto" in office.fleet.run(office.store, f"doveadm sieve get -u {office.carol} roundcube")


def test_a_virus_cannot_be_sent_from_webmail(office: Office, tmp_path: Path) -> None:
    attached = tmp_path / "invoice.com"
    attached.write_text(EICAR)
    assert office.webmail.try_login(office.bob, PASSWORD)
    office.webmail.write(office.carol, "An invoice", "Open it.", attached)
    assert until(lambda: "550" in office.browser.find("#messagestack").text)


def test_whoever_changes_a_password_stays_logged_in_and_the_old_one_is_dead_at_once(office: Office) -> None:
    new = f"{PASSWORD}-new"
    assert office.webmail.try_login(office.carol, PASSWORD)
    office.webmail.change_password(PASSWORD, new)
    assert "Good day, Carol." in office.webmail.read("Minutes of Tuesday")
    assert [office.imap_opens(office.carol, p) for p in (PASSWORD, new)] == [False, True]
    office.webmail.change_password(new, PASSWORD)
    assert office.imap_opens(office.carol, PASSWORD)


def test_webmail_can_change_a_hash_and_nothing_else(office: Office) -> None:
    assert "roundcube-version" in office.asks("webmail", "roundcube", "SELECT name FROM system")
    for statement in ("SELECT password FROM mailbox", "SELECT 1 FROM domain", "UPDATE mailbox SET active = 1"):
        assert "denied" in office.asks("webmail", "postfix", statement)
    call = "CALL mailwiz_set_password('x@example.test', 'clear')"
    assert "this is no password hash" in office.asks("webmail", "postfix", call)
    for options in ("-u mailwiz_peer postfix", "-u postfixadmin postfix"):
        assert "denied" in office.asks("webmail", options, "SELECT 1").lower(), options
    # the client of Debian 12 does not let itself be talked out of TLS, but out of the certificates
    said = office.asks("webmail", "--skip-ssl roundcube", "SELECT 1").lower()
    assert "denied" in said or "error 2026" in said, said
    for secret in ("key.pem", "identity.pem", "panel-key.pem"):
        reading = f"runuser -u roundcube -- cat /etc/mailwiz/internal/{secret} 2>&1 || true"
        assert "Permission denied" in office.fleet.run(office.front, reading)


def test_the_panel_makes_a_mailbox_that_works_everywhere(office: Office) -> None:
    address, password = office.administrator
    assert not office.panel.try_login(address, "wrong-password")
    assert office.panel.try_login(address, password)
    dora, secret = f"dora@{office.fleet.domain}", f"{PASSWORD}-dora"
    assert "has been added" in office.panel.add_mailbox("dora", office.fleet.domain, secret)
    assert office.imap_opens(dora, secret), "the front's copy of the accounts was made anew"
    assert until(lambda: len(office.fleet.mail_of(office.store, dora)) == 1, 60), "the welcome"
    assert office.webmail.try_login(dora, secret)
    assert dora in office.fleet.mailwiz("mailbox list").out
    assert office.panel.try_login(office.bob, PASSWORD, "users/login.php"), "made on the command line"


def test_the_panel_manages_rows_and_only_root_changes_tables(office: Office) -> None:
    assert office.bob in office.asks("panel", "postfix", "SELECT username FROM mailbox")
    for statement in ("DROP TABLE mailbox", "CREATE TABLE x (y INT)", "SELECT User FROM mysql.user"):
        assert "denied" in office.asks("panel", "postfix", statement)
    assert "denied" in office.asks("panel", "roundcube", "SELECT 1 FROM users")
    reading = "runuser -u postfixadmin -- cat /etc/mailwiz/internal/panel-tables-key.pem 2>&1 || true"
    assert "Permission denied" in office.fleet.run(office.front, reading)


def test_tables_of_an_older_panel_are_brought_up_to_date_with_all_that_is_in_them(office: Office) -> None:
    count = "mariadb postfix -BNe 'SELECT COUNT(*), MAX(password) FROM mailbox'"
    version = "mariadb postfix -BNe \"SELECT value FROM config WHERE name = 'version'\""
    before = office.fleet.run(office.store, count)
    office.fleet.run(office.store, "mariadb postfix -e \"UPDATE config SET value = '1843' WHERE name = 'version'\"")
    assert office.fleet.mailwiz("diff").code == 1
    assert office.fleet.apply().code == 0
    assert int(office.fleet.run(office.store, version)) >= 1847
    assert office.fleet.run(office.store, count) == before

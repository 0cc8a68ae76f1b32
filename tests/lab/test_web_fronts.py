"""Webmail and the panel on two servers for clients: any of them serves the next request, also while one is down."""

from __future__ import annotations

import hashlib
import http.client
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from mailwiz_tui.lab.lab import Lab
from tests.lab import clients
from tests.lab.browser import browser
from tests.lab.clients import PASSWORD, until, unverified
from tests.lab.conftest import lending_domains, lending_hosts
from tests.lab.fleet import Fleet, Member, make_fleet
from tests.lab.front_switch import FrontSwitch
from tests.lab.web_office import WebOffice, install_with_web

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(2400), pytest.mark.xdist_group("web-fronts")]

SERVICES = '\n[services]\nwebmail = "roundcube"\nadmin_panel = "postfixadmin"\n'
LOG = "journalctl -t roundcube -u 'postfix*' --no-pager -n 30; tail -n 20 /var/log/nginx/*access.log"
KEY = "/var/lib/mailwiz-accounts/webmail.key"


@dataclass(frozen=True)
class Fronts(WebOffice):
    """Two fronts and a store; the browser is led to one front at a time by ``switch``."""

    fleet: Fleet
    front: str
    other: str
    store: str
    switch: FrontSwitch

    def turn_to(self, host: str) -> None:
        """The browser's next request goes to this front, over a new connection."""
        self.switch.to(self.fleet.lab.host(host).ipv4)

    def asked(self, host: str, path: str) -> tuple[int, str, str]:
        """A page that a front serves to the browser's session: status, where it leads, and text."""
        cookies = "; ".join(f"{c['name']}={c['value']}" for c in self.browser.driver.get_cookies())
        address, name = self.fleet.lab.host(host).ipv4, self.fleet.hostname
        connection = http.client.HTTPConnection(name)
        # nginx answers nobody who does not name the host
        plain = socket.create_connection((address, 443), timeout=60)
        connection.sock = unverified().wrap_socket(plain, server_hostname=name)
        connection.request("GET", path, headers={"Cookie": cookies})
        answer = connection.getresponse()
        body = answer.read().decode("utf-8", "replace")
        connection.close()
        return answer.status, answer.getheader("Location", ""), body


@pytest.fixture(
    scope="module",
    params=[("trixie", "trixie", "trixie"), ("bookworm", "trixie", "bookworm")],
    ids=lambda p: "-".join(p),
)
def office(request: pytest.FixtureRequest, lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fronts]:
    """Installed by the commands that an operator types."""
    with lending_hosts(lab) as take_host, lending_domains(lab) as take_domain:
        front, other, store = (take_host(suite).id for suite in request.param)
        members = [
            Member(front, ("mx-inbound", "mx-outbound"), 1),
            Member(other, ("mx-outbound",), 2),
            Member(store, ("mail-storage", "antispam"), 3),
        ]
        fleet = make_fleet(lab, tmp_path_factory.mktemp("fronts"), take_domain(), members)
        fleet.plan.write_text(fleet.plan.read_text() + SERVICES)
        install_with_web(fleet)
        with FrontSwitch(fleet.address) as switch, browser({fleet.hostname: switch.at}) as window:
            yield Fronts(
                workspace=fleet, browser=window, fleet=fleet, front=front, other=other, store=store, switch=switch
            )


def test_every_check_passes_and_a_second_apply_changes_nothing(office: Fronts) -> None:
    failed = {check for _, check, _ in office.fleet.failed_checks()}
    assert failed <= {"web.browser"}, office.fleet.failed_checks()
    done = office.fleet.apply()
    assert (done.code, "no changes" in done.out) == (0, True), done.out + done.err


def test_the_fronts_have_one_key_which_webmail_alone_reads(office: Fronts) -> None:
    keys = {office.fleet.run(host, f"cat {KEY}") for host in (office.front, office.other)}
    assert len(keys) == 1
    assert len(keys.pop().strip()) == 32
    for host in (office.front, office.other):
        assert office.fleet.run(host, f"stat -c %U:%G:%a {KEY}").strip() == "root:mailwiz-webmail:640"
        assert office.fleet.run(host, f"runuser -u roundcube -- test -r {KEY} && echo yes").strip() == "yes"
        assert "denied" in office.fleet.run(host, f"runuser -u postfixadmin -- cat {KEY} 2>&1 || true")


def test_a_session_of_webmail_goes_on_at_the_other_front(office: Fronts, tmp_path: Path) -> None:
    attached = tmp_path / "minutes.bin"
    attached.write_bytes(hashlib.sha256(b"x").digest() * 100_000)
    webmail = office.webmail
    office.turn_to(office.front)
    assert webmail.try_login(office.bob, PASSWORD)
    office.turn_to(office.other)
    office.browser.open(f"{webmail.url}?_task=mail&_action=compose")
    office.browser.find("#compose_to input").send_keys(f"{office.carol},")
    office.browser.find("#compose-subject").send_keys("Minutes of Tuesday")
    office.browser.find("#composebody").send_keys("Good day, Carol.")
    webmail.attach(attached)
    office.turn_to(office.front)
    office.browser.click("button.send")
    sent = until(lambda: "_mbox=" in office.browser.driver.current_url, 90)
    assert sent, [(host, office.fleet.run(host, LOG)) for host in (office.front, office.other)]

    assert webmail.try_login(office.carol, PASSWORD)
    assert until(lambda: len(office.fleet.mail_of(office.store, office.carol)) == 1, 60)
    office.turn_to(office.other)
    assert "Good day, Carol." in webmail.read("Minutes of Tuesday")
    office.turn_to(office.front)
    assert webmail.attachment_sha256("minutes.bin") == hashlib.sha256(attached.read_bytes()).hexdigest()


@pytest.mark.parametrize(("name", "page"), [("webmail", "/webmail/?_task=mail"), ("panel", "/admin/main.php")])
def test_requests_that_alternate_belong_to_one_session(office: Fronts, name: str, page: str) -> None:
    office.turn_to(office.other)
    if name == "webmail":
        assert office.webmail.try_login(office.bob, PASSWORD)
    else:
        assert office.panel.try_login(*office.administrator)
    for number in range(20):
        host = (office.front, office.other)[number % 2]
        status, leads, body = office.asked(host, page)
        assert (status, leads) == (200, ""), (number, host, status, leads)
        assert 'type="password"' not in body, (number, host)
    with ThreadPoolExecutor(8) as many:
        at_once = list(many.map(lambda n: office.asked((office.front, office.other)[n % 2], page)[:2], range(16)))
    assert at_once == [(200, "")] * 16


def test_a_cookie_that_was_never_given_opens_nothing(office: Fronts) -> None:
    office.turn_to(office.front)
    assert office.panel.try_login(*office.administrator)
    stored = office.fleet.run(office.store, "mariadb postfix -BNe 'SELECT id FROM mailwiz_session'").split()
    for cookie in office.browser.driver.get_cookies():
        assert cookie["value"] not in stored, "only hashes are in the database"
    office.browser.driver.delete_all_cookies()
    assert office.asked(office.other, "/admin/main.php")[0] in (302, 303)
    rows = office.fleet.run(office.store, "mariadb roundcube -BNe 'SELECT vars FROM session'")
    assert PASSWORD not in rows


def test_a_new_password_works_at_the_other_front_at_once(office: Fronts) -> None:
    new = f"{PASSWORD}-new"
    office.turn_to(office.front)
    assert office.webmail.try_login(office.carol, PASSWORD)
    office.webmail.change_password(PASSWORD, new)
    office.turn_to(office.other)
    assert "Good day, Carol." in office.webmail.read("Minutes of Tuesday")
    office.webmail.change_password(new, PASSWORD)
    office.turn_to(office.front)
    assert "Good day, Carol." in office.webmail.read("Minutes of Tuesday")


def test_the_panel_goes_on_at_the_other_front(office: Fronts) -> None:
    office.turn_to(office.front)
    assert office.panel.try_login(*office.administrator)
    secret = f"{PASSWORD}-dora"
    office.browser.open(f"{office.panel.url}edit.php?table=mailbox&domain={office.fleet.domain}")
    office.turn_to(office.other)
    office.browser.find('[name="value[local_part]"]').send_keys("dora")
    office.browser.find('[name="value[password]"]').send_keys(secret)
    office.browser.find('[name="value[password2]"]').send_keys(secret)
    office.browser.click('[name="submit"]')
    assert "has been added" in office.browser.find(".alert").text
    dora = office.address("dora")
    assert clients.imap_opens(office.fleet.lab.host(office.other).ipv4, dora, secret), "its copy was made anew"
    known = f"grep -c ^{dora}: /var/lib/mailwiz-accounts/dovecot/users || true"
    assert until(lambda: office.fleet.run(office.front, known).strip() == "1", 60)
    assert office.imap_opens(dora, secret)
    assert until(lambda: len(office.fleet.mail_of(office.store, dora)) == 1, 60), "the welcome"


def test_both_fronts_make_the_tables_at_the_same_time(office: Fronts) -> None:
    fleet, hosts = office.fleet, (office.front, office.other)
    old = "DROP DATABASE roundcube; CREATE DATABASE roundcube CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci"
    for _ in range(3):
        fleet.run(office.store, f"mariadb -e '{old}'")
        fleet.run(office.store, "mariadb postfix -e \"UPDATE config SET value = '1843' WHERE name = 'version'\"")
        for program in ("set-up-roundcube", "upgrade-accounts-tables"):
            with ThreadPoolExecutor(2) as both:
                done = [both.submit(fleet.lab.run, host, _program(program), check=False) for host in hosts]
            told = [run.result() for run in done]
            assert [run.returncode for run in told] == [0, 0], [run.stdout + run.stderr for run in told]
            for host in hosts:
                fleet.run(host, _program(program, "--check"))
    office.turn_to(office.front)
    assert office.webmail.try_login(office.bob, PASSWORD)


def _program(name: str, *options: str) -> str:
    return " ".join((f"/usr/local/lib/mailwiz/{name}", *options))


def test_while_one_front_is_down_the_other_serves(office: Fronts) -> None:
    lab = office.fleet.lab
    office.turn_to(office.front)
    assert office.webmail.try_login(office.carol, PASSWORD)
    lab.cut(office.front)
    try:
        office.turn_to(office.other)
        assert "_task=mail" in office.asked(office.other, "/webmail/?_task=mail")[2]
        office.webmail.send(office.carol, "From the other front", "It works.")
        assert until(lambda: _opens(office, "From the other front", "It works."), 90)
        assert office.panel.try_login(*office.administrator)
        assert office.webmail.try_login(office.bob, PASSWORD)
    finally:
        lab.boot(office.front)
    assert until(lambda: _answers(office, office.front), 120)
    office.turn_to(office.front)
    assert office.asked(office.front, "/webmail/?_task=mail")[:2] == (200, "")


def _opens(office: Fronts, subject: str, text: str) -> bool:
    if not office.webmail.try_login(office.carol, PASSWORD):
        return False
    return text in office.webmail.read(subject)


def _answers(office: Fronts, host: str) -> bool:
    try:
        return office.asked(host, "/webmail/")[0] in (200, 302)
    except OSError:
        time.sleep(0.5)
        return False


def test_one_front_alone_has_a_key_of_its_own_again(office: Fronts) -> None:
    """Last: the plan loses a front, and the other goes on with everything in the database."""
    fleet = office.fleet
    fleet.write_plan([
        Member(office.front, ("mx-inbound", "mx-outbound"), 1),
        Member(office.store, ("mail-storage", "antispam"), 3),
    ])  # fmt: skip
    fleet.plan.write_text(fleet.plan.read_text() + SERVICES)
    assert fleet.mailwiz("diff").code == 1
    fleet.lab.clear_dns(fleet.domain)
    fleet.publish()
    done = fleet.apply()
    assert done.code == 0 or {check for _, check, _ in fleet.failed_checks()} <= {"web.browser"}, (
        done.out + done.err
    )
    assert "no changes" in fleet.apply().out
    known = fleet.run(office.store, "mariadb -BNe \"SELECT Host FROM mysql.user WHERE User = 'roundcube'\"").split()
    assert known == ["10.80.0.1"]
    office.turn_to(office.front)
    assert office.webmail.try_login(office.bob, PASSWORD)

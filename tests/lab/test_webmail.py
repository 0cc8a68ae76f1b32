"""Webmail and the admin panel on a real host of each release: used in a browser, attacked, switched off and on."""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import json
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from mailwiz_tui.lab.lab import Lab
from mailwiz_tui.verify import applications
from mailwiz_tui.verify.check import Failed
from mailwiz_tui.verify.target import Target
from mailwiz_tui.verify.web import Site
from tests.lab.browser import browser
from tests.lab.clients import PASSWORD, mail, submit, until, unverified
from tests.lab.conftest import lending_domains, lending_hosts
from tests.lab.forwarding import Forward
from tests.lab.outside_mail import signatures
from tests.lab.web_office import WebOffice, install_with_web
from tests.lab.workspace import Workspace, make_workspace

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(1500), pytest.mark.xdist_group("webmail")]

SERVICES = '\n[services]\nwebmail = "roundcube"\nadmin_panel = "postfixadmin"\n'
MIB = 1024 * 1024


class Office(WebOffice):
    """A single server."""

    def run(self, command: str) -> str:
        return self.workspace.lab.run(self.workspace.host, command).stdout

    def apply(self) -> str:
        done = self.workspace.mailwiz("apply", "--yes", "--resolver", self.workspace.lab.dns.resolver)
        assert done.code == 0, done.out + done.err
        return done.out

    def site(self, address: str = "") -> Site:
        """The web site as the program's own checks reach it, certificates taken as they come."""
        pem = ssl.get_server_certificate((self.workspace.address, 993))
        workspace = self.workspace
        target = Target("x", address or workspace.address, workspace.hostname, workspace.domain, pem, seconds=30)
        return _Trusting(target, pem)


class _Trusting(Site):
    __slots__ = ()

    def trusting(self) -> ssl.SSLContext:
        return unverified()


def write_plan(workspace: Workspace, provider: str) -> None:
    text = workspace.plan.read_text()
    if provider == "letsencrypt":
        keys = f'acme_email = "postmaster@{workspace.domain}"\nacme_directory = "https://acme.outside.test/dir"\n'
        keys += f'acme_ca_file = "{workspace.lab.paths.ca_file}"\n'
        text = text.replace('provider = "selfsigned"\n', f'provider = "letsencrypt"\n{keys}')
    workspace.plan.write_text(text + SERVICES)


@pytest.fixture(scope="module", params=[("trixie", "selfsigned"), ("bookworm", "letsencrypt")], ids=lambda p: p[0])
def office(request: pytest.FixtureRequest, lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Install both applications with the first ``apply``, make two mailboxes on the command line."""
    suite, provider = request.param
    with lending_hosts(lab) as take_host, lending_domains(lab) as take_domain:
        workspace = make_workspace(
            lab, tmp_path_factory.mktemp(f"webmail-{suite}"), take_host(suite).id, take_domain()
        )
        write_plan(workspace, provider)
        install_with_web(workspace)
        with browser({workspace.hostname: workspace.address}) as window:
            yield Office(workspace, window)


@pytest.fixture(autouse=True)
def quiet(office: Office) -> Iterator[None]:
    with office.without_complaints():
        yield


def test_a_second_apply_changes_nothing_and_every_check_passes(office: Office) -> None:
    assert "no changes" in office.apply()
    done = office.workspace.mailwiz("verify", "--json", "--resolver", office.workspace.lab.dns.resolver)
    results = {r["id"]: r for r in json.loads(done.out)["results"]}
    # one certificate is self-signed on purpose, the other of an authority that no browser knows
    assert {i for i, r in results.items() if r["state"] != "passed"} <= {"web.browser", "tls.trust"}
    for name in ("webmail", "panel"):
        for check in ("page", "closed", "login", "wrong-password"):
            assert results[f"web.{name}.{check}"]["state"] == "passed"
    assert "ERR_CERT_AUTHORITY_INVALID" in results["web.browser"]["detail"], "the lab's authorities are nobody's"


def test_log_in_write_attach_and_read(office: Office, tmp_path: Path) -> None:
    attached = tmp_path / "minutes.bin"
    attached.write_bytes(hashlib.sha256(b"x").digest() * 5000)
    bob, carol = office.bob, office.carol
    assert not office.webmail.try_login(bob, "wrong-password")
    assert office.webmail.try_login(bob, PASSWORD)
    office.webmail.send(carol, "Minutes of Tuesday", "Good day, Carol.", attached)
    assert office.webmail.try_login(carol, PASSWORD)
    assert "Good day, Carol." in office.webmail.read("Minutes of Tuesday")
    assert office.webmail.attachment_sha256("minutes.bin") == hashlib.sha256(attached.read_bytes()).hexdigest()
    log = office.run("journalctl -t roundcube -o cat --no-pager")
    assert f"Successful login for {bob}" in log
    assert PASSWORD not in office.run("journalctl -o cat --no-pager; cat /var/log/nginx/*.log")


def test_mail_to_the_world_is_sent_under_the_users_own_login(office: Office) -> None:
    assert office.webmail.try_login(office.bob, PASSWORD)
    office.webmail.send("alice@outside.test", "To the world", "Good day, Alice.")
    assert until(lambda: "status=sent" in office.run("journalctl -t postfix/smtp -o cat --no-pager -n 50"))
    assert f"sasl_username={office.address('bob')}" in office.run(
        "journalctl -t postfix/submissions/smtpd -o cat --no-pager -n 50"
    )


def test_attachments_up_to_the_size_of_a_message(office: Office, tmp_path: Path) -> None:
    large, huge = tmp_path / "large.bin", tmp_path / "huge.bin"
    large.write_bytes(bytes(range(256)) * (35 * MIB // 256))
    huge.write_bytes(bytes(52 * MIB))
    bob, carol = office.bob, office.carol
    assert office.webmail.try_login(bob, PASSWORD)
    office.webmail.send(carol, "A large one", "35 MiB, nearly 48 as it travels.", large)
    assert until(lambda: office.run(f"doveadm search -u {carol} subject 'A large one'").strip() != "")
    office.browser.open(f"{office.url}/webmail/?_task=mail&_action=compose")
    office.browser.present("input[type=file]").send_keys(str(huge))
    assert "size" in office.browser.find("[role=dialog], .ui-dialog, #messagestack .ui").text.lower()


def test_a_filter_made_in_the_browser_files_mail(office: Office) -> None:
    carol = office.carol
    assert office.webmail.try_login(carol, PASSWORD)
    office.webmail.make_filter("Invoices", "invoice", "Archive")
    assert "fileinto" in office.run(f"doveadm sieve get -u {carol} roundcube")
    assert office.webmail.try_login(office.bob, PASSWORD)
    office.webmail.send(carol, "Your invoice of May", "Please pay.")
    assert until(
        lambda: office.run(f"doveadm search -u {carol} mailbox Archive subject 'Your invoice'").strip() != ""
    )


def test_a_password_changed_in_the_browser_is_the_one_that_counts(office: Office) -> None:
    carol, new = office.carol, f"{PASSWORD}-new"
    assert office.webmail.try_login(carol, PASSWORD)
    office.webmail.change_password(PASSWORD, new)
    opened = [(office.imap_opens(carol, p), office.smtp_opens(carol, p)) for p in (PASSWORD, new)]
    assert opened == [(False, False), (True, True)]
    assert office.run(
        f"mariadb postfix -BNe \"SELECT password FROM mailbox WHERE username = '{carol}'\""
    ).startswith("{ARGON2ID}$argon2id$")
    assert office.webmail.try_login(carol, new)
    office.webmail.change_password(new, PASSWORD)
    assert office.imap_opens(carol, PASSWORD)


def test_webmail_can_change_a_hash_and_nothing_else(office: Office) -> None:
    def refused(statement: str) -> str:
        wrapped = f'runuser -u roundcube -- mariadb -e "{statement}" postfix 2>&1 || true'
        return office.run(wrapped)

    assert "denied" in refused("SELECT password FROM mailbox")
    assert "denied" in refused("UPDATE mailbox SET active = 1")
    assert "denied" in refused("SELECT 1 FROM admin")
    assert "this is no password hash" in refused("CALL mailwiz_set_password('x@example.test', 'clear')")
    assert "denied" in office.run("runuser -u postfixadmin -- mariadb -e 'DROP TABLE postfix.mailbox' 2>&1 || true")
    for user, foreign in (
        ("roundcube", "/etc/postfixadmin/config.local.php"),
        ("postfixadmin", "/var/lib/mailwiz-roundcube"),
    ):
        assert (
            "denied"
            in office.run(f"runuser -u {user} -- sh -c 'cat {foreign} || ls {foreign}' 2>&1 || true").lower()
        )


def test_the_panel_makes_a_mailbox_that_works_everywhere(office: Office) -> None:
    address, password = office.administrator
    assert not office.panel.try_login(address, "wrong-password")
    assert office.panel.try_login(address, password)
    links = office.panel.browser.driver.page_source
    assert "viewlog.php" in links
    assert "setup.php" not in links, "a page that is not served"
    dora, secret = office.address("dora"), f"{PASSWORD}-dora"
    assert "has been added" in office.panel.add_mailbox("dora", office.workspace.domain, secret)
    assert office.imap_opens(dora, secret)
    assert office.smtp_opens(dora, secret)
    assert office.webmail.try_login(dora, secret)
    assert dora in office.workspace.mailwiz("mailbox list").out
    assert office.panel.try_login(office.bob, PASSWORD, "users/login.php"), "made on the command line"


def test_a_domain_made_in_the_panel_is_signed_for_and_told_to_the_operator(office: Office) -> None:
    workspace, name, selector = office.workspace, f"clicked-{office.workspace.domain}", "2026a"
    lab, erin = workspace.lab, f"erin@{name}"
    (key,) = lab.dns.texts(f"{selector}._domainkey.{workspace.domain}", "TXT")
    lab.dns.publish(f"{selector}._domainkey.{name}. 5 IN TXT {key}")
    assert office.panel.try_login(*office.administrator)
    assert "has been added" in office.panel.add_domain(name)
    try:
        assert "has been added" in office.panel.add_mailbox("erin", name, PASSWORD)
        assert until(lambda: signers_of_a_letter_of(office, erin) == [(name, selector)], 120)
        letter = lab.outside.wait_for(ERINS_FRIEND)
        assert Forward("", letter).signature_holds(lab)
        results = json.loads(workspace.mailwiz("verify", "--json").out)["results"]
        found = {r["id"]: r for r in results}
        assert found["signing.domains"]["state"] == "passed"
        assert found["accounts.domains"]["state"] == "warning"
        told = f"{name} is in the accounts (admin panel) but not in the plan"
        assert told in found["accounts.domains"]["detail"]
        assert told in workspace.mailwiz("monitor", "--once").out
        listed = workspace.mailwiz("dns").out
        for record in (f"{name}  3600  MX", f"{selector}._domainkey.{name}", f"_dmarc.{name}"):
            assert record in listed
    finally:
        office.run(f"mariadb postfix -e \"DELETE FROM mailbox WHERE domain = '{name}'\"")
        office.run(f"mariadb postfix -e \"DELETE FROM alias WHERE domain = '{name}'\"")
        office.run(f"mariadb postfix -e \"DELETE FROM domain WHERE domain = '{name}'\"")
        lab.dns.remove(f"{selector}._domainkey.{name}")


ERINS_FRIEND = "friend-of-erin@outside.test"


def signers_of_a_letter_of(office: Office, address: str) -> list[tuple[str, str]]:
    """Send a message to the world over submission; who signed it."""
    message = mail(address, ERINS_FRIEND)
    submit(office.workspace.address, address, message)
    return signatures(office.workspace.lab.outside.wait_for(ERINS_FRIEND, str(message["Subject"]), 60))


def test_tables_of_an_older_panel_are_brought_up_to_date_with_all_that_is_in_them(office: Office) -> None:
    count = "mariadb postfix -BNe 'SELECT COUNT(*), MAX(password) FROM mailbox'"
    before = office.run(count)
    office.run("mariadb postfix -e \"UPDATE config SET value = '1843' WHERE name = 'version'\"")
    assert office.workspace.mailwiz("diff").code == 1
    office.apply()
    assert int(office.run("mariadb postfix -BNe \"SELECT value FROM config WHERE name = 'version'\"")) >= 1847
    assert office.run(count) == before
    assert office.panel.try_login(*office.administrator)


def test_the_administrator_is_made_once(office: Office) -> None:
    again = office.workspace.folder / "again.json"
    done = office.workspace.mailwiz("apply", "--yes", "--credentials", str(again))
    assert done.code == 0
    assert not again.exists()
    assert office.panel.try_login(*office.administrator)


def test_who_guesses_in_the_browser_is_locked_out_but_not_from_ssh(office: Office) -> None:
    """The address that counts is the real one, whatever the guesser writes into names and headers."""
    lab = office.workspace.lab
    host = lab.host(office.workspace.host)
    forged = "x\n<aaaaaaaa> Failed login for y from 203.0.113.9 in session z (error: 0)"
    network = str(ipaddress.ip_network(f"{lab.plan.operator.ipv6}/64", strict=False))
    forged_panel = "x\nPostfixAdmin admin login failed (username: y, ip_address: 203.0.113.9)"
    try:
        for jail, log_in, user, address, own in (
            ("roundcube", applications.webmail_login, forged, host.ipv4, str(lab.plan.operator.ipv4)),
            ("postfixadmin", applications.panel_login, forged_panel, host.ipv6, network),
        ):
            guess = partial(guessed, office.site(address), log_in, user)
            with ThreadPoolExecutor(4) as pool:
                list(pool.map(guess, [f"guess-{number}" for number in range(11)]))
            assert until(partial(banned, office, jail, own)), jail
            assert "203.0.113.9" not in office.run("fail2ban-client banned"), jail
            assert not reaches(address, 443)
            assert reaches(address, 22)
    finally:
        office.run("fail2ban-client unban --all")


def guessed(site: Site, log_in: applications.LogIn, user: str, password: str) -> None:
    with contextlib.suppress(OSError, Failed):
        log_in(site, user, password)


def banned(office: Office, jail: str, address: str) -> bool:
    return address in office.run(f"fail2ban-client status {jail}")


def reaches(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=3):
            return True
    except OSError:
        return False


def test_one_address_cannot_flood_the_site(office: Office) -> None:
    name = f"--resolve '{office.workspace.hostname}:443:{office.workspace.address}'"
    page = f"'{office.url}/webmail/skins/elastic/images/favicon.ico?[1-400]'"
    curl = f"curl -sk -Z --parallel-max 40 -o /dev/null -w '%{{http_code}}\\n' {name} {page}"
    said = office.workspace.lab.outside.run(curl).stdout.split()
    assert set(said) == {"200", "429"}
    assert said.count("200") >= 100


def test_switching_off_keeps_the_data_and_on_again_works(office: Office) -> None:
    plan = office.workspace.plan.read_text()
    fpm = office.run("systemctl list-units --plain --no-legend 'php*-fpm.service' | cut -d' ' -f1").strip()
    office.workspace.plan.write_text(plan.replace(SERVICES, ""))
    office.apply()
    assert office.run(f"systemctl is-active {fpm}; systemctl is-enabled {fpm} || true").split() == [
        "inactive",
        "disabled",
    ]
    assert (
        office.run("systemctl is-enabled roundcube-gc.timer roundcube-cleandb.timer || true").split()
        == ["disabled"] * 2
    )
    assert "mailwiz-roundcube" not in office.run("cat /etc/nginx/conf.d/mailwiz.conf 2>/dev/null || true")
    assert "roundcube" not in office.run("fail2ban-client status")
    assert "no changes" in office.apply()
    assert office.imap_opens(office.address("dora"), f"{PASSWORD}-dora")
    office.workspace.plan.write_text(plan)
    office.apply()
    assert "no changes" in office.apply()
    assert office.webmail.try_login(office.carol, PASSWORD)
    assert "Good day, Carol." in office.webmail.read("Minutes of Tuesday")
    assert office.panel.try_login(*office.administrator)

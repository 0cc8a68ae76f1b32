"""A whole server as strangers meet it: monitors, scanners, guessers, and the SSH client of its operator."""

from __future__ import annotations

import contextlib
import functools
import json
import re
import shutil
import smtplib
import ssl
import uuid
from collections.abc import Iterator
from functools import partial

import pytest

from mailwiz_tui.lab.lab import Lab
from mailwiz_tui.verify import applications, web
from mailwiz_tui.verify.browser_session import BrowserSession, form_value
from mailwiz_tui.verify.check import Failed
from mailwiz_tui.verify.target import Target
from tests.lab import bans, hardened_ssh, scanner
from tests.lab.clients import until, unverified
from tests.lab.conftest import lending_domains, lending_hosts
from tests.lab.site import Site
from tests.lab.workspace import make_workspace

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(1500), pytest.mark.xdist_group("seen")]

SERVICES = '\n[services]\nwebmail = "roundcube"\nadmin_panel = "postfixadmin"\n'
EXIM = (
    "export DEBIAN_FRONTEND=noninteractive; apt-get -q update; "
    "apt-get -qy install --no-install-recommends exim4-daemon-light"
)
OWN = "/etc/mailwiz/tls/own"
ENDS_SOON = f"""
cd {OWN}
names=$(openssl x509 -in fullchain.pem -noout -ext subjectAltName | grep -o 'DNS:.*')
openssl req -x509 -new -sha256 -batch -days 9 -key privkey.pem -subj /CN=$(hostname -f) \\
  -addext "subjectAltName=$names" -out fullchain.new
mv fullchain.new fullchain.pem && /usr/local/lib/mailwiz/serve-certificate
"""


class Trusting(web.Site):
    """The web site with any certificate."""

    __slots__ = ()

    def trusting(self) -> ssl.SSLContext:
        return unverified()


@pytest.fixture(scope="module", params=["trixie", "bookworm"])
def site(request: pytest.FixtureRequest, lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Installed with all its web pages where Debian's exim4 was, untouched; nobody allowed it to be replaced."""
    with lending_hosts(lab) as take_host, lending_domains(lab) as take_domain:
        folder = tmp_path_factory.mktemp(f"seen-{request.param}")
        workspace = make_workspace(lab, folder, take_host(request.param).id, take_domain())
        workspace.plan.write_text(workspace.plan.read_text() + SERVICES)
        lab.run(workspace.host, ["sh", "-c", EXIM], timeout=400)
        assert "exim4" in lab.run(workspace.host, "ss -Hltnp sport = :25").stdout
        assert workspace.mailwiz("diff").code == 1
        workspace.publish()
        options = ("--resolver", lab.dns.resolver, "--credentials", str(workspace.credentials))
        done = workspace.mailwiz("apply", "--yes", *options, timeout=1400)
        assert done.code == 0, done.out + done.err
        site = Site(workspace)
        for address in (site.bob, site.carol):
            site.mailbox(address)
        yield site


def test_an_untouched_exim_has_made_way_and_nothing_of_it_fails(site: Site) -> None:
    listening = site.run("ss -Hltnp sport = :25")
    assert "master" in listening
    assert "exim4" not in listening
    assert site.run("systemctl list-units --failed --plain --no-legend").strip() == ""


def test_a_monitoring_system_is_not_banned(site: Site) -> None:
    bans.check_a_monitoring_system_is_not_banned(site)


@pytest.mark.parametrize("program", ["sslscan", "sslyze"])
def test_who_scans_every_cipher_is_neither_banned_nor_cut_off(site: Site, program: str) -> None:
    if program == "sslyze" and not shutil.which("sslyze"):
        pytest.skip("sslyze is not in PATH")
    name = site.workspace.hostname
    scans = {
        "sslscan": lambda address: scanner.cut_off(site.lab, address, name),
        "sslyze": lambda address: scanner.sslyze(address, name),
    }
    bans.check_scanners_of_tls_are_not_banned(site, scans[program])


def test_guessers_are_banned_by_network_and_for_long_if_they_come_back(site: Site) -> None:
    host = site.lab.host(site.workspace.host)
    pem = ssl.get_server_certificate((host.ipv4, 993))
    page = Trusting(Target("x", host.ipv6, site.workspace.hostname, site.domain, pem, seconds=30), pem)

    def in_browser(log_in: applications.LogIn, password: str) -> None:
        with contextlib.suppress(OSError, Failed):
            log_in(page, site.bob, password)

    bans.check_web_guessers_are_banned_by_network_and_for_long_if_they_come_back(
        site,
        {
            "roundcube": partial(in_browser, applications.webmail_login),
            "postfixadmin": partial(in_browser, applications.panel_login),
            "postfix-sasl": partial(bans.guess_smtp_over_ipv6, site),
            "dovecot": partial(bans.guess_imap_over_ipv6, site),
        },
    )


def _answers(site: Site, command: str) -> bool:
    """Whether a command on the server prints anything."""
    return site.run(command).strip() != ""


def test_role_addresses_take_mail(site: Site) -> None:
    for name in ("security", "abuse", "hostmaster"):
        subject = uuid.uuid4().hex
        site.from_outside(subject, f"{name}@{site.domain}")
        found = f"doveadm search -u postmaster@{site.domain} mailbox INBOX subject {subject} || true"
        assert until(functools.partial(_answers, site, found)), name


def test_an_address_outside_ascii_is_refused_with_the_reason(site: Site) -> None:
    with smtplib.SMTP(site.workspace.address, 25, timeout=60, local_hostname="operator.outside.test") as client:
        client.ehlo()
        assert "smtputf8" not in client.esmtp_features
        assert client.docmd("MAIL FROM:<alice@outside.test> SMTPUTF8")[0] == 555
        assert client.mail("alice@outside.test")[0] == 250
        client.command_encoding = "utf-8"
        code, said = client.docmd(f"RCPT TO:<büro@{site.domain}>")
        assert (code, said[:5]) == (553, b"5.6.7")
        assert b"RFC 6531" in said


def test_the_self_signed_certificate_renews_itself_in_time(site: Site) -> None:
    """The new one has the same key, lasts 397 days and is shown on every port."""

    def shown(port: int) -> tuple[str, str, int]:
        """Serial number, digest of the public key and days left."""
        told = site.lab.outside.run(
            f"openssl s_client -connect {site.workspace.address}:{port} -servername {site.workspace.hostname} "
            "</dev/null 2>/dev/null | openssl x509 -noout -serial -pubkey -enddate"
        ).stdout
        ends = re.search(r"(?m)^notAfter=(.*)$", told)
        assert ends is not None, told
        key = told.partition("-----BEGIN PUBLIC KEY-----")[2].partition("-----END")[0]
        days = int(site.run(f"echo $(( ($(date -d '{ends[1]}' +%s) - $(date +%s)) / 86400 ))"))
        return told.partition("serial=")[2].partition("\n")[0], key, days

    kept = shown(993)
    assert kept[2] == 396, "397 days less the time since it was made"
    site.run(ENDS_SOON)
    assert shown(993)[2] < 10
    site.run("systemctl start mailwiz-selfsigned.service")
    for port in (993, 465, 443):
        serial, key, days = shown(port)
        assert serial != kept[0]
        assert key == kept[1]
        assert days == 396
    assert site.run("systemctl is-enabled mailwiz-selfsigned.timer").strip() == "enabled"


def test_the_panel_offers_no_page_that_is_not_served(site: Site) -> None:
    ((address, password),) = json.loads(site.workspace.credentials.read_text())["admin_panel"].items()
    pem = ssl.get_server_certificate((site.workspace.address, 993))
    target = Target("x", site.workspace.address, site.workspace.hostname, site.domain, pem, seconds=30)
    browser = BrowserSession(Trusting(target, pem))
    token = form_value(browser.get("/admin/login.php"), "token")
    browser.post("/admin/login.php", {"token": token, "fUsername": address, "fPassword": password, "lang": "en"})
    menu = browser.get("/admin/main.php").body.decode()
    assert "viewlog.php" in menu
    assert "setup.php" not in menu


def test_sshd_is_hardened_and_debians_again(site: Site) -> None:
    hardened_ssh.check_ssh_audit_is_content_and_everybody_still_gets_in(site)

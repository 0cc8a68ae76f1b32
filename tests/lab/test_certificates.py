"""Certificates on a real host: from an ACME server, renewed, the operator's own, self-signed, and back again."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mailwiz_tui.lab import keys
from mailwiz_tui.lab.lab import Lab
from tests.lab.workspace import PLAN, Done, Workspace, acme, make_workspace
from tests.unit.certificates import Pair, issue

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(1500), pytest.mark.xdist_group("certificates")]

TLS_PORTS = {25: "smtp", 587: "smtp", 143: "imap", 4190: "sieve", 465: "", 993: "", 443: ""}
LIVE = "/etc/mailwiz/tls/fullchain.pem"
SERVE = "/usr/local/lib/mailwiz/serve-certificate"
RENEW = "REQUESTS_CA_BUNDLE=/etc/mailwiz/tls/acme-ca.pem certbot renew --force-renewal --no-random-sleep-on-renew"


def choose(workspace: Workspace, provider: str) -> None:
    """Write the plan again with another provider of certificates."""
    keys = {
        "letsencrypt": acme(workspace),
        "custom": 'certificate = "certs/fullchain.pem"\nprivate_key = "certs/privkey.pem"\n',
        "selfsigned": "",
    }[provider]
    text = PLAN.format(host=workspace.host, domain=workspace.domain)
    before = 'provider = "selfsigned"\n'
    assert before in text
    workspace.plan.write_text(text.replace(before, f'provider = "{provider}"\n{keys}'))


def apply(workspace: Workspace, *options: str) -> Done:
    return workspace.mailwiz("apply", "--yes", "--resolver", workspace.lab.dns.resolver, *options)


def publish_anew(workspace: Workspace) -> None:
    """Publish what the plan asks for now, and nothing of what it asked for before."""
    workspace.mailwiz("diff")
    workspace.lab.clear_dns(workspace.domain)
    workspace.publish()


def failures(workspace: Workspace) -> dict[str, str]:
    done = workspace.mailwiz("verify", "--json", "--resolver", workspace.lab.dns.resolver)
    results = json.loads(done.out)["results"]
    assert len(results) > 60
    return {r["id"]: r["detail"] for r in results if r["state"] != "passed"}


def host_says(workspace: Workspace, command: str) -> str:
    return workspace.lab.run(workspace.host, command, check=False).stdout.strip()


def shown(workspace: Workspace) -> dict[int, str]:
    """The serial of the certificate that each port shows to the world."""
    found = {}
    for port, starttls in TLS_PORTS.items():
        upgrade = f"-starttls {starttls}" if starttls else ""
        said = workspace.lab.outside.run(
            f"openssl s_client -connect {workspace.address}:{port} -servername {workspace.hostname} {upgrade} "
            "</dev/null 2>/dev/null | openssl x509 -noout -serial",
            check=False,
        )
        found[port] = said.stdout.strip()
    return found


def on_disk(workspace: Workspace, what: str = "-serial") -> str:
    return host_says(workspace, f"openssl x509 -in {LIVE} -noout {what}")


@pytest.fixture(scope="module")
def workspace(lab: Lab, lent_host: str, lent_domain: str, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make_workspace(lab, tmp_path_factory.mktemp("certificates"), lent_host, lent_domain)


@pytest.fixture(scope="module")
def installed(workspace: Workspace) -> Workspace:
    """Install with an ACME server while only one of the web names is missing in the DNS."""
    choose(workspace, "letsencrypt")
    workspace.mailwiz("diff")
    workspace.publish()
    workspace.lab.dns.remove(f"autodiscover.{workspace.domain}")
    done = apply(workspace, "--credentials", str(workspace.credentials))
    assert done.code == 0, done.out + done.err
    assert f"autodiscover.{workspace.domain} is not in the DNS yet, so the certificate is not for it" in done.out
    workspace.lab.run(workspace.host, "systemctl is-enabled --quiet certbot.timer")
    return workspace


def test_a_name_that_is_not_in_the_dns_joins_later(installed: Workspace) -> None:
    assert set(failures(installed)) == {"dns.autoconfig", f"web.autodiscover.{installed.domain}"}, "warnings"
    installed.publish()
    before = host_says(installed, f"openssl x509 -in {LIVE} -noout -pubkey")
    done = apply(installed)
    assert done.code == 0, done.out + done.err
    assert f"DNS:autodiscover.{installed.domain}" in on_disk(installed, "-ext subjectAltName")
    assert host_says(installed, f"openssl x509 -in {LIVE} -noout -pubkey") == before
    again = apply(installed)
    assert (again.code, "no changes" in again.out) == (0, True), again.out


def test_everything_verifies_and_every_port_shows_the_public_certificate(installed: Workspace) -> None:
    assert failures(installed) == {}
    assert "Pebble" in on_disk(installed, "-issuer")
    assert set(shown(installed).values()) == {on_disk(installed)}
    tlsa = f"_25._tcp.{installed.hostname}"
    der = "openssl pkey -pubin -outform DER | sha256sum | cut -d' ' -f1"
    digest = host_says(installed, f"openssl x509 -in {LIVE} -noout -pubkey | {der}")
    assert f"3 1 1 {digest}" in installed.lab.dns.texts(tlsa, "TLSA")[0].lower()


def test_a_renewal_reaches_every_port_and_keeps_the_key(installed: Workspace) -> None:
    serial, key = on_disk(installed), on_disk(installed, "-pubkey")
    installed.lab.run(installed.host, RENEW)
    assert on_disk(installed) != serial
    assert on_disk(installed, "-pubkey") == key
    assert set(shown(installed).values()) == {on_disk(installed)}
    again = apply(installed)
    assert (again.code, "no changes" in again.out) == (0, True), again.out


def test_a_renewal_that_misses_a_port_fails_loudly(installed: Workspace) -> None:
    """A daemon keeps an old certificate: the unit of the renewal fails and says which port."""
    installed.lab.run(
        installed.host,
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /tmp/k -out /tmp/c "
        "-subj /CN=x -days 2 && systemd-run -u stubborn -p ExecReload=/bin/true "
        "openssl s_server -accept 4443 -key /tmp/k -cert /tmp/c -quiet && "
        "printf 'unit stubborn.service\\nport 4443\\n' >/etc/mailwiz/tls/services.d/stubborn",
    )
    try:
        assert host_says(installed, "systemctl start certbot.service || echo failed") == "failed"
        said = host_says(installed, "journalctl -t mailwiz-certificate -o cat -n 1 --no-pager")
        assert "port 4443 shows serial=" in said
        assert "4443" in failures(installed)["tls.served"]
    finally:
        host_says(
            installed,
            "systemctl stop stubborn; rm -f /etc/mailwiz/tls/services.d/stubborn; systemctl reset-failed",
        )
    assert host_says(installed, "systemctl start certbot.service && echo fine") == "fine"


def test_names_are_proved_in_the_dns_where_the_plan_says_so(installed: Workspace) -> None:
    lab = installed.lab
    former = installed.plan.read_text()
    server = f'acme_dns_server = "{lab.plan.nameservers[0].ipv4}"\nacme_dns_key = "hmac-sha256:{keys.TSIG_NAME}"\n'
    installed.plan.write_text(former.replace("acme_email", f"{server}acme_email"))
    try:
        refused = apply(installed)
        assert refused.code == 1
        assert "was not given" in refused.err
        secret = keys.tsig_secret(lab.paths)
        assert installed.give("acme-dns-key", secret).code == 0
        lab.dns.remove(f"autodiscover.{installed.domain}")
        before = on_disk(installed)
        done = apply(installed)
        assert done.code == 0 or set(failures(installed)) <= {
            "dns.autoconfig",
            f"web.autodiscover.{installed.domain}",
        }
        assert on_disk(installed) != before
        assert f"DNS:autodiscover.{installed.domain}" in on_disk(installed, "-ext subjectAltName")
        assert set(shown(installed).values()) == {on_disk(installed)}
        renewal = "/etc/letsencrypt/renewal/mailwiz.conf"
        assert host_says(installed, f"grep -x 'authenticator = dns-rfc2136' {renewal}")
        serial = on_disk(installed)
        lab.run(installed.host, RENEW)
        assert on_disk(installed) != serial
        assert host_says(installed, "stat -c '%a %U' /etc/mailwiz/tls/rfc2136.ini") == "600 root"
        assert host_says(installed, f"grep -rlF '{secret}' /var/log /tmp /var/lib/mailwiz/runs") == ""
        assert "no changes" in apply(installed).out
    finally:
        installed.plan.write_text(former)
        installed.publish()
    back = apply(installed)
    assert back.code == 0, back.out + back.err
    assert host_says(installed, "ls /etc/mailwiz/tls/rfc2136.ini") == ""


def test_web_server_tells_strangers_nothing(installed: Workspace) -> None:
    fetch = f"curl -sk -o /dev/null -D - --resolve '*:443:{installed.address}' --resolve '*:80:{installed.address}'"
    head = installed.lab.outside.run(f"{fetch} https://{installed.hostname}/nothing/here").stdout.lower()
    assert "404" in head.splitlines()[0]
    assert "strict-transport-security: max-age=63072000" in head
    assert re.search(r"^server: nginx\r?$", head, re.MULTILINE)
    nobody = installed.lab.outside.run(f"{fetch} https://{installed.address}/", check=False)
    assert (nobody.returncode, nobody.stdout) == (35, "")
    dropped = installed.lab.outside.run(f"{fetch} http://foreign.example/", check=False)
    assert (dropped.returncode, dropped.stdout) == (52, "")


def own_certificate(workspace: Workspace, *more: str) -> Pair:
    middle = issue("Test Middle", issue("Test Root", authority=True), authority=True)
    leaf = issue("mail", middle, names=(workspace.hostname, *more))
    folder = workspace.folder / "certs"
    folder.mkdir(exist_ok=True)
    (folder / "fullchain.pem").write_text(leaf.pem + middle.pem)
    (folder / "privkey.pem").write_text(leaf.key_pem())
    return leaf


def test_an_unfit_own_certificate_is_refused_before_anything_is_sent(installed: Workspace) -> None:
    choose(installed, "custom")
    own_certificate(installed)
    (installed.folder / "certs" / "privkey.pem").write_text(issue("other").key_pem())
    before = on_disk(installed)
    done = apply(installed)
    assert done.code == 2
    assert "security.tls.private_key: does not belong to the certificate" in done.err
    assert host_says(installed, "ls /etc/mailwiz/tls/custom") == ""
    assert on_disk(installed) == before


def test_change_to_an_own_certificate(installed: Workspace) -> None:
    leaf = own_certificate(installed, f"autoconfig.{installed.domain}")
    choose(installed, "custom")
    publish_anew(installed)
    assert host_says(installed, "ls /etc/mailwiz/tls/custom") == "", "diff sends no key"
    done = apply(installed)
    assert done.code == 0, done.out + done.err
    assert int(on_disk(installed).removeprefix("serial="), 16) == leaf.certificate.serial_number
    assert set(shown(installed).values()) == {on_disk(installed)}
    assert host_says(installed, "systemctl is-enabled certbot.timer") == "disabled"
    assert "no changes" in apply(installed).out
    assert failures(installed).keys() == {"tls.trust"}, "the test's authority is not public"
    secret = leaf.key_pem().splitlines()[2][:48]  # the first line is the same for every P-256 key
    places = "/var/lib/mailwiz /var/log /tmp"
    assert host_says(installed, f"grep -rlF '{secret}' {places}; journalctl --no-pager | grep -F '{secret}'") == ""
    mode = host_says(installed, "stat -c %a:%U /etc/mailwiz/tls/custom /etc/mailwiz/tls/custom/privkey.pem")
    assert mode.split() == ["700:root", "600:root"]
    ours = [p for p in Path(installed.folder).rglob("*") if p.is_file() and secret in p.read_text(errors="replace")]
    assert ours == [installed.folder / "certs" / "privkey.pem"]


def test_change_to_self_signed_and_back(installed: Workspace) -> None:
    choose(installed, "selfsigned")
    publish_anew(installed)
    done = apply(installed)
    assert done.code == 0, done.out + done.err
    assert on_disk(installed, "-issuer").split("CN")[1] == on_disk(installed, "-subject").split("CN")[1]
    assert host_says(installed, "systemctl is-active nginx") == "inactive"
    assert host_says(installed, "ss -Hltn '( sport = :80 or sport = :443 )'") == ""
    assert "no changes" in apply(installed).out
    choose(installed, "letsencrypt")
    publish_anew(installed)
    done = apply(installed)
    assert done.code == 0, done.out + done.err
    assert "Pebble" in on_disk(installed, "-issuer")
    assert set(shown(installed).values()) == {on_disk(installed)}
    assert "no changes" in apply(installed).out

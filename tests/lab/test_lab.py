"""The lab keeps its promises: real hosts, a closed and signed internet, a correspondent, nothing left behind."""

from __future__ import annotations

import json
import os
import smtplib
import subprocess
import time
import tomllib
from collections.abc import Callable
from email.message import EmailMessage

import dkim
import pytest

from mailwiz_tui.lab import machine, network
from mailwiz_tui.lab.lab import Lab, LabError, LabHost
from tests.lab.lab_program import lab_command

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

Ssh = Callable[..., subprocess.CompletedProcess[str]]
FreshHost = Callable[..., LabHost]
FreshDomain = Callable[[], str]


@pytest.mark.parametrize("suite", ["trixie", "bookworm"])
def test_host_is_a_bare_debian_reachable_over_both_protocols(
    lab: Lab, fresh_host: FreshHost, ssh: Ssh, suite: str
) -> None:
    host = fresh_host(suite)
    for address in (host.ipv4, host.ipv6):
        done = ssh(
            address,
            "cat /etc/hostname; hostname -f; systemctl is-system-running;"
            " . /etc/os-release; echo $VERSION_CODENAME",
        )
        assert done.stdout.split() == [host.id, f"{host.id}.lab.test", "running", suite], done.stderr
    assert ssh(host.ipv4, "command -v python3").returncode != 0
    assert ssh(host.ipv4, "sudo -n true", user="admin").returncode != 0
    assert ssh(host.ipv4, "sudo -S id -un", user="admin", stdin="lab\n").stdout == "root\n"


def test_ls_and_inventory_name_the_same_running_hosts(lab: Lab) -> None:
    listed = lab_command("ls", "--name", lab.name)
    inventory = tomllib.loads(lab.paths.inventory.read_text())
    hosts = lab.hosts()
    assert [entry["id"] for entry in inventory["servers"]] == [host.id for host in hosts]
    assert all(f"{host.id} " in listed.stdout and host.ipv4 in listed.stdout for host in hosts)
    assert all((lab.paths.directory / entry["known_hosts"]).exists() for entry in inventory["servers"])
    assert lab.paths.identity_file.stat().st_mode & 0o777 == 0o600


def test_up_again_changes_nothing(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    done = lab_command("up", "1", "--name", lab.name)
    assert done.returncode == 0, done.stderr
    assert "booting" not in done.stdout
    assert lab.host(host.id) == host


def test_reset_gives_a_bare_host_quickly_with_its_old_keys(lab: Lab, fresh_host: FreshHost, ssh: Ssh) -> None:
    host = fresh_host()
    assert ssh(host.ipv4, "touch /etc/mine").returncode == 0
    start = time.monotonic()
    lab.reset(host.id)
    assert time.monotonic() - start < 15
    assert ssh(host.ipv4, "test -e /etc/mine").returncode == 1


def test_reset_can_change_the_host_keys(lab: Lab, fresh_host: FreshHost, ssh: Ssh) -> None:
    host = fresh_host()
    former = lab.paths.known_hosts.read_text()
    lab.reset(host.id, new_host_keys=True)
    assert lab.paths.known_hosts.read_text() != former
    assert ssh(host.ipv4, "true").returncode == 0
    lab.paths.known_hosts.write_text(former)
    try:
        refused = ssh(host.ipv4, "true")
    finally:
        lab_command("up", "1", "--name", lab.name)
    assert refused.returncode == 255
    assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in refused.stderr


def test_host_survives_its_own_reboot(lab: Lab, fresh_host: FreshHost, ssh: Ssh) -> None:
    host = fresh_host()
    ssh(host.ipv4, "touch /etc/mine")
    first = lab.host(host.id).pid
    ssh(host.ipv4, "systemctl reboot")

    def back() -> bool:
        again = lab.host(host.id).pid
        return again not in (None, first) and ssh(host.ipv6, "test -e /etc/mine").returncode == 0

    assert machine.wait_until(back, 30, 0.3)


@pytest.mark.parametrize("suite", ["trixie", "bookworm"])
def test_host_installs_packages_and_its_own_unbound_validates(
    lab: Lab, fresh_host: FreshHost, ssh: Ssh, suite: str
) -> None:
    host = fresh_host(suite)
    done = ssh(
        host.ipv4,
        "apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "
        "unbound dns-root-data bind9-dnsutils",
    )
    assert done.returncode == 0, done.stderr

    def dig(question: str) -> str:
        return ssh(host.ipv4, f"dig @127.0.0.1 +dnssec {question}").stdout

    flags = {
        name: dig(f"{name} SOA").split(";; flags:", 1)[1].split(";")[0].split()
        for name in ("test", "unsigned.test")
    }
    assert "ad" in flags["test"]
    assert "ad" not in flags["unsigned.test"]
    assert "status: SERVFAIL" in dig("bogus.test SOA")
    assert "mail.outside.test." in dig(f"-x {lab.outside.address.ipv6}")
    tlsa = dig("_25._tcp.mail.outside.test TLSA")
    assert "status: NOERROR" in tlsa
    assert "TLSA\t3 1 1" in tlsa


def test_resolver_vouches_for_signed_names_only(lab: Lab) -> None:
    assert lab.dns.secure("mail.outside.test", "AAAA")
    assert lab.dns.texts("unsigned.test", "NS")
    assert not lab.dns.secure("unsigned.test", "NS")
    assert lab.dns.answer("bogus.test", "SOA").rcode().name == "SERVFAIL"


def test_reverse_names_match_forward_names(lab: Lab) -> None:
    for pair, name in ((lab.outside.address, "mail.outside.test."), (lab.plan.operator, "operator.outside.test.")):
        for address, rdtype in ((pair.ipv4, "A"), (pair.ipv6, "AAAA")):
            assert lab.dns.texts(address.reverse_pointer, "PTR") == [name]
            assert lab.dns.texts(name, rdtype) == [str(address)]


def test_dns_takes_updates_and_is_cleared(lab: Lab, fresh_domain: FreshDomain) -> None:
    domain = fresh_domain()
    lab.dns.publish(
        f"{domain}. 3600 IN MX 10 mail.{domain}.\n"
        f'{domain}. TXT "v=spf1 -all"\n'
        f'_dmarc.{domain}. TXT "v=DMARC1; p=none"\n'
    )
    assert lab.dns.texts(domain, "MX") == [f"10 mail.{domain}."]
    assert lab.dns.secure(domain, "MX")
    lab.dns.publish(f"{domain}. MX 20 other.{domain}.")
    server = lab.dns.server
    assert lab.dns.texts(domain, "MX", server=server) == [f"20 other.{domain}."]
    lab.dns.remove(f"_dmarc.{domain}")
    assert lab.dns.texts(f"_dmarc.{domain}", "TXT", server=server) == []
    lab.clear_dns(domain)
    assert lab.dns.texts(domain, "MX", server=server) == []
    assert lab.dns.texts(domain, "NS", server=server) == ["ns1.test.", "ns2.test."]


def test_dns_refuses_an_update_with_another_key(
    lab: Lab, fresh_domain: FreshDomain, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, domain = lab.dns, fresh_domain()
    monkeypatch.setattr(type(service), "tsig_secret", "bm90IHRoZSBrZXkgb2YgdGhlIGxhYg==")
    with pytest.raises(LabError):
        service.publish(f"{domain}. A 198.51.100.1")


@pytest.mark.parametrize("protocol", ["ipv4", "ipv6"])
def test_outside_receives_mail_over_tls(lab: Lab, protocol: str) -> None:
    recipient = f"reader-{protocol}-{os.getpid()}@outside.test"
    with smtplib.SMTP(str(getattr(lab.outside.address, protocol)), timeout=10) as client:
        client.starttls()
        client.sendmail("writer@example.test", [recipient], "Subject: across the wire\n\nhello\n")
    message = lab.outside.wait_for(recipient, "across the wire")
    assert "operator.outside.test" in message["Received"]
    assert "TLSv1.3" in message["Received"]


def test_outside_refuses_to_relay_and_refuses_as_asked(lab: Lab) -> None:
    with smtplib.SMTP(str(lab.outside.address.ipv4), timeout=10) as client:
        client.ehlo("operator.outside.test")
        client.mail("writer@example.test")
        assert client.rcpt("someone@example.test")[0] == 554
        assert client.rcpt("reject@outside.test")[0] == 550
        assert client.rcpt("defer@outside.test")[0] == 451


def test_outside_sends_signed_mail_that_verifies(lab: Lab) -> None:
    recipient = f"signed-{os.getpid()}@outside.test"
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "writer@outside.test", recipient, "signed, größer"
    message.set_content("Zwölf Boxkämpfer\n")
    data = message.as_bytes().replace(b"\n", b"\r\n")
    header = dkim.sign(data, b"lab", b"outside.test", lab.paths.dkim_key.read_bytes())
    lab.outside.send(header + data, "writer@outside.test", recipient)
    lab.outside.wait_for(recipient)
    raw = next(
        text
        for path in (machine.STATE / lab.name / "outside/root/var/mail/outside/new").iterdir()
        if recipient.encode() in (text := path.read_bytes())
    )

    def txt(name: bytes, timeout: int = 5) -> bytes:
        answer = lab.dns.texts(name.decode(), "TXT")
        return b"".join(part.encode() for part in answer[0].split('"')[1::2])

    assert dkim.verify(raw.replace(b"\n", b"\r\n"), dnsfunc=txt)


def test_outside_mail_server_matches_its_tlsa_record(lab: Lab) -> None:
    assert "Verified TLS connection" in lab.outside.run("posttls-finger -c -l dane-only outside.test").stdout


def test_hosts_reach_nothing_but_the_lab(lab: Lab, fresh_host: FreshHost, ssh: Ssh) -> None:
    host = fresh_host()
    mirror = next(iter(network.archive_addresses().values()))[0]
    gateway = str(lab.plan.operator.ipv4)
    for address, port in ((mirror, 80), ("9.9.9.9", 53), (gateway, 22), ("2620:fe::fe", 53)):
        start = time.monotonic()
        tried = ssh(host.ipv4, f"timeout 10 bash -c ': < /dev/tcp/{address}/{port}'")
        assert tried.returncode == 1, (address, tried.stderr)
        assert time.monotonic() - start < 8, "refused at once, not dropped"
    for resolver in (lab.plan.resolver.ipv4, lab.plan.resolver.ipv6):
        assert ssh(host.ipv4, f"timeout 5 bash -c ': < /dev/tcp/{resolver}/53'").returncode == 0


def test_acme_server_names_the_authority_beside_the_inventory(lab: Lab) -> None:
    done = lab.outside.run(
        ["curl", "-sS", "--cacert", "/etc/ssl/certs/mailwiz-lab.pem", lab.outside.acme_directory]
    )
    assert "newOrder" in json.loads(done.stdout)
    assert lab.outside.fetch_acme_roots() == lab.paths.acme_roots.read_text()


def test_unknown_host_is_one_clear_line(lab: Lab) -> None:
    done = lab_command("reset", "mx99", "--name", lab.name)
    assert done.returncode == 1
    assert done.stderr.startswith("mailwiz-tui lab: this lab has no host 'mx99'; it has: mx1")
    assert done.stderr.count("\n") == 1

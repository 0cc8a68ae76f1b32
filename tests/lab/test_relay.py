"""Relay domains and a smart host on a server whose provider blocks port 25, with real next hops."""

from __future__ import annotations

import email.message
import json
import smtplib
import time
from collections.abc import Iterator
from typing import Any

import dkim
import pytest

from mailwiz_tui.lab.lab import Lab
from tests.lab.clients import unverified
from tests.lab.forwarding import SENDER, bounce, is_ours, signed
from tests.lab.post_office import PostOffice, post_office
from tests.lab.workspace import Workspace, make_workspace

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(1500), pytest.mark.xdist_group("relay")]

USER, PASSWORD = "acme@provider.example", "Canary: smart/host & 4711"
BLOCK = """
table inet provider {
    chain out {
        type filter hook output priority 0;
        tcp dport 25 oifname != lo drop;
    }
}
"""
MORE = """
[[domain.additional_domains]]
name = "partner.{domain}"
kind = "relay"
relay_host = "{hop}"

[network]
relay_host = "{smart}"
relay_user = "{user}"
"""


@pytest.fixture(scope="module")
def next_hop(lab: Lab, lent_domain: str) -> Iterator[PostOffice]:
    """The host behind: it knows two people."""
    known = {f"paula@partner.{lent_domain}", f"postmaster@partner.{lent_domain}"}
    with post_office(lab, known=known) as office:
        yield office


@pytest.fixture(scope="module")
def smart_host(lab: Lab) -> Iterator[PostOffice]:
    """The provider: it takes anything from those who log in."""
    with post_office(lab, login=(USER, PASSWORD)) as office:
        yield office


@pytest.fixture(scope="module")
def plain(lab: Lab, lent_host: str, lent_domain: str, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A bare host that reaches no port 25, and that trusts the lab's certificate authority."""
    workspace = make_workspace(lab, tmp_path_factory.mktemp("relay"), lent_host, lent_domain)
    lab.run(lent_host, ["sh", "-c", "cat > /usr/local/share/ca-certificates/lab.crt && update-ca-certificates"],
            stdin=lab.paths.ca_file.read_text())  # fmt: skip
    lab.run(lent_host, "command -v nft || (apt-get update -qq && apt-get install -y -qq nftables)")
    lab.run(lent_host, ["nft", "-f", "-"], stdin=BLOCK)
    return workspace


@pytest.fixture(scope="module")
def server(plain: Workspace, next_hop: PostOffice, smart_host: PostOffice) -> Workspace:
    """Installed with a relay domain and the smart host; the password is given as the program says."""
    before = plain.mailwiz("diff")
    assert before.code == 1, before.err
    more = MORE.format(domain=plain.domain, hop=next_hop.hop, smart=smart_host.hop, user=USER)
    plain.plan.write_text(plain.plan.read_text() + more)
    plain.publish()
    options = ("apply", "--yes", "--credentials", str(plain.credentials), "--resolver", plain.lab.dns.resolver)
    without = plain.mailwiz(*options)
    assert without.code == 1
    assert "password of the smart host is needed" in without.err
    assert "mailwiz-tui secret PLAN smart-host" in without.err
    assert not plain.credentials.exists()
    assert "MISSING" in plain.mailwiz("secret").out
    given = give(plain, PASSWORD)
    assert given.code == 0, given.err
    done = plain.mailwiz(*options)
    assert done.code == 0, done.out + done.err
    return plain


def give(server: Workspace, password: str) -> Any:
    return server.mailwiz("secret", "smart-host", "--stdin", stdin=f"{password}\n")


def rcpt(server: Workspace, recipient: str) -> str:
    """What port 25 says of a recipient."""
    options = ("--server", server.address, "--from", "anna@outside.test", "--to", recipient, "--quit-after", "RCPT")
    lines = server.lab.outside.swaks(*options, "--helo", "mail.outside.test").stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if "RCPT TO" in line)
    return lines[at + 1].lstrip("<-*~ ").strip()


def results(server: Workspace) -> dict[str, dict[str, str]]:
    done = server.mailwiz("verify", "--json", "--resolver", server.lab.dns.resolver)
    return {result["id"]: result for result in json.loads(done.out)["results"]}


def wait(what: Any, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.3)


def test_every_check_passes_and_a_second_apply_changes_nothing(server: Workspace) -> None:
    found = results(server)
    assert [(r["id"], r["detail"]) for r in found.values() if r["state"] == "failed"] == []
    for check in ("taken", "unknown-recipient"):
        assert found[f"relay.partner.{server.domain}.{check}"]["state"] == "passed"
    assert found["postfix.smart-host"]["state"] == "passed"
    assert "no changes" in server.mailwiz("apply", "--yes").out


def test_mail_for_a_relay_domain_is_passed_on_unsigned(server: Workspace, next_hop: PostOffice) -> None:
    paula, subject = f"paula@partner.{server.domain}", f"relayed {time.time_ns()}"
    message = email.message.EmailMessage()
    message["From"], message["To"], message["Subject"] = "anna@outside.test", paula, subject
    message["Message-ID"], message["Date"] = f"<{time.time_ns()}@outside.test>", email.utils.formatdate()
    message.set_content("For the host behind.\n")
    server.lab.outside.send(message, "anna@outside.test", paula)

    def came() -> bool:
        server.lab.outside.run("postqueue -f")
        return any(subject in letter.text for letter in next_hop.letters)

    wait(came)
    (letter,) = (letter for letter in next_hop.letters if subject in letter.text)
    assert (letter.recipients, letter.sender) == ([paula], "anna@outside.test")
    assert letter.tls.startswith("TLSv1.")
    signatures = letter.text.replace(" ", "")
    assert f"d={server.domain};" not in signatures
    assert f"d=partner.{server.domain}" not in signatures


def test_unknown_recipients_are_refused_at_once_and_a_silent_next_hop_defers(
    server: Workspace, next_hop: PostOffice
) -> None:
    said = rcpt(server, f"nobody{time.time_ns()}@partner.{server.domain}")
    assert said.startswith("550")
    assert "backend knows" not in said, "what the host behind says stays inside"
    assert rcpt(server, f"paula@sub.partner.{server.domain}").startswith(("554", "550"))
    next_hop.down = True
    try:
        assert rcpt(server, f"new{time.time_ns()}@partner.{server.domain}").startswith("450")
        failed = {r["id"] for r in results(server).values() if r["state"] == "failed"}
        assert f"relay.partner.{server.domain}.unknown-recipient" in failed
    finally:
        next_hop.down = False
    queue = server.lab.run(server.host, "postqueue -p").stdout
    assert "empty" in queue, "nothing was taken that has to be bounced"


def test_outgoing_mail_leaves_through_the_smart_host_with_its_signature(
    server: Workspace, smart_host: PostOffice
) -> None:
    sender, subject = f"postmaster@{server.domain}", f"smart {time.time_ns()}"
    message = email.message.EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, "berta@outside.test", subject
    message.set_content("Through the provider.\n")
    with smtplib.SMTP_SSL(server.address, 465, context=unverified(), timeout=30) as session:
        session.login(sender, server.password(sender))
        session.send_message(message)
    wait(lambda: any(subject in letter.text for letter in smart_host.letters))
    (letter,) = (letter for letter in smart_host.letters if subject in letter.text)
    assert (letter.user, letter.recipients) == (USER, ["berta@outside.test"])
    assert letter.tls.startswith("TLSv1.")

    def published(name: bytes, timeout: float = 5) -> bytes:
        texts = server.lab.dns.texts(name.decode().rstrip("."), "TXT")
        return "".join(part for part in texts[0].split('"')[1::2]).encode()

    assert dkim.verify(letter.text.encode(), dnsfunc=published)
    log = server.lab.run(
        server.host, "journalctl -o cat --no-pager | grep 'TLS connection established to post'"
    ).stdout
    assert "Verified TLS connection" in log
    spf = " ".join(server.lab.dns.texts(server.domain, "TXT"))
    assert "a:post.outside.test" in spf


def test_forwarded_mail_leaves_through_the_smart_host_under_our_name(
    server: Workspace, smart_host: PostOffice
) -> None:
    lab, domain = server.lab, server.domain
    alias, friend, subject = f"friend@{domain}", f"friend{time.time_ns()}@outside.test", f"on {time.time_ns()}"
    row = f"INSERT INTO alias (address, goto, domain) VALUES ('{alias}', '{friend}', '{domain}')"
    lab.run(server.host, ["mariadb", "postfix"], stdin=row)
    lab.outside.send(signed(lab, alias, subject), SENDER, alias)
    wait(lambda: any(friend in letter.recipients for letter in smart_host.letters))
    (letter,) = (letter for letter in smart_host.letters if friend in letter.recipients)
    assert letter.user == USER
    assert is_ours(letter.sender, domain), letter.sender
    bounce(lab, letter.sender)
    # what comes back leaves through the smart host as well
    wait(lambda: any(SENDER in back.recipients for back in smart_host.letters))


def test_a_wrong_password_is_found_and_another_one_put_to_use(server: Workspace) -> None:
    assert give(server, "wrong-password").code == 0
    assert server.mailwiz("diff").code == 1
    assert server.mailwiz("apply", "--yes").code == 1, "verification fails"
    found = results(server)["postfix.smart-host"]
    assert found["state"] == "failed"
    assert "the login failed: 535" in found["detail"]
    assert give(server, PASSWORD).code == 0
    assert server.mailwiz("apply", "--yes", "--resolver", server.lab.dns.resolver).code == 0
    assert results(server)["postfix.smart-host"]["state"] == "passed"


def test_the_password_is_in_root_only_files_alone(server: Workspace) -> None:
    lab, host = server.lab, server.host
    look = 'read -r secret; grep -rlF -e "$secret" /etc /var /run /tmp 2>/dev/null'
    holding = lab.run(host, ["sh", "-c", look], stdin=PASSWORD + "\n", check=False).stdout.split()
    assert {"/etc/postfix/mailwiz-smart-host", "/var/lib/mailwiz/secrets/smart-host"} <= set(holding)
    assert all(path.startswith(("/etc/postfix/", "/var/lib/mailwiz/")) for path in holding), holding
    assert set(lab.run(host, ["stat", "-c", "%U:%a", *holding]).stdout.split()) == {"root:600"}
    assert PASSWORD not in lab.run(host, "journalctl --no-pager -o cat").stdout
    for path in server.folder.rglob("*"):
        assert not path.is_file() or PASSWORD not in path.read_text(errors="replace"), path
    assert PASSWORD not in server.mailwiz("diff").out


def test_taking_both_out_of_the_plan_takes_them_from_the_server(server: Workspace) -> None:
    kept = server.plan.read_text()
    server.plan.write_text(kept.partition("\n[[domain.additional_domains]]")[0])
    done = server.mailwiz("apply", "--yes", "--resolver", server.lab.dns.resolver)
    assert "FAIL" not in "".join(line for line in done.out.splitlines() if " dns." not in line), done.out
    assert rcpt(server, f"paula@partner.{server.domain}").startswith("554")
    main = server.lab.run(server.host, "postconf -h relayhost relay_domains default_transport").stdout.split()
    assert main == ["smtp"]
    assert server.lab.run(server.host, "ls /etc/postfix/mailwiz-smart-host", check=False).returncode != 0
    assert "no changes" in server.mailwiz("apply", "--yes").out

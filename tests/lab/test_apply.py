"""The main job, with the real program: a bare host becomes a verified mail server; mail flows; no secret leaks."""

import email.message
import email.policy
import json
import smtplib
import time
from collections.abc import Iterator
from pathlib import Path

import dkim
import pytest

from mailwiz_tui.lab.lab import Lab
from tests.lab.clients import imap, unverified
from tests.lab.processes import ProcessWatch
from tests.lab.workspace import Workspace, make_workspace

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1500)]

SERVICES = "postfix dovecot rspamd mariadb unbound fail2ban redis-server@rspamd"


@pytest.fixture(scope="module")
def workspace(lab: Lab, lent_host: str, lent_domain: str, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return make_workspace(lab, tmp_path_factory.mktemp("apply"), lent_host, lent_domain)


@pytest.fixture(scope="module")
def watch() -> Iterator[ProcessWatch]:
    watch = ProcessWatch()
    with watch:
        yield watch


@pytest.fixture(scope="module")
def installed(workspace: Workspace, watch: ProcessWatch) -> Workspace:
    """Install once for all tests here: diff first, then apply, exactly as the README says."""
    before = workspace.mailwiz("diff")
    assert before.code == 1, before.err
    assert "install" in before.out
    assert workspace.lab.run(workspace.host, "command -v postconf || true").stdout == ""
    workspace.publish()
    options = ["--yes", "--credentials", str(workspace.credentials), "--resolver", workspace.lab.dns.resolver]
    done = workspace.mailwiz("apply", *options)
    assert done.code == 0, done.out + done.err
    (workspace.folder / "apply.out").write_text(done.out + done.err)
    return workspace


def test_every_check_passes(installed: Workspace) -> None:
    done = installed.mailwiz("verify", "--json", "--resolver", installed.lab.dns.resolver)
    assert done.code == 0, done.out
    results = json.loads(done.out)["results"]
    assert len(results) > 60
    # mail programs warn of the certificate, which is meant here
    assert [r["id"] for r in results if r["state"] != "passed"] == ["tls.trust"]


def test_records_are_published_by_dynamic_update(installed: Workspace) -> None:
    lab = installed.lab
    resolver = ["--resolver", lab.dns.resolver]
    assert installed.mailwiz("dns", "--check", *resolver).code == 0
    lab.dns.remove(f"_dmarc.{installed.domain}", f"mail.{installed.domain}")
    lab.dns.publish(f'{installed.domain}. 5 IN TXT "somebody else was here first"')
    assert installed.mailwiz("dns", "--check", *resolver).code == 1
    key = f"{lab.dns.tsig_name}:{lab.dns.tsig_secret}\n"
    wrong = installed.mailwiz("dns", "--publish", "--server", lab.dns.server, *resolver, stdin="no key\n")
    assert (wrong.code, "key" in wrong.err) == (2, True)
    done = installed.mailwiz("dns", "--publish", "--server", lab.dns.server, *resolver, stdin=key)
    assert done.code == 0, done.err
    assert "somebody else" in " ".join(lab.dns.texts(installed.domain, "TXT"))
    assert installed.mailwiz("dns", "--check", *resolver).code == 0


def test_a_second_apply_changes_and_restarts_nothing(installed: Workspace) -> None:
    pids = f"systemctl show -p Id,MainPID,ActiveEnterTimestampMonotonic {SERVICES}"
    before = installed.lab.run(installed.host, pids).stdout
    done = installed.mailwiz("apply", "--yes")
    assert done.code == 0, done.err
    assert "no changes" in done.out
    assert installed.lab.run(installed.host, pids).stdout == before
    after = installed.mailwiz("diff")
    assert (after.code, "nothing to do" in after.out) == (0, True)


def test_credentials_are_written_once_and_private(installed: Workspace) -> None:
    assert installed.credentials.stat().st_mode & 0o777 == 0o600
    assert list(json.loads(installed.credentials.read_text())["mailboxes"]) == [f"postmaster@{installed.domain}"]
    again = installed.mailwiz("apply", "--yes", "--credentials", str(installed.credentials))
    assert again.code != 0
    assert "credentials.json" in again.err


def test_no_secret_leaks(installed: Workspace, watch: ProcessWatch) -> None:
    lab, host = installed.lab, installed.host
    secrets = {"postmaster": installed.password(f"postmaster@{installed.domain}")}
    for name in lab.run(host, "ls /var/lib/mailwiz/secrets").stdout.split():
        secrets[name] = lab.run(host, f"cat /var/lib/mailwiz/secrets/{name}").stdout.strip()
    key = lab.run(host, "cat /var/lib/rspamd/dkim/2026a.key").stdout.splitlines()
    secrets["dkim"] = key[len(key) // 2].strip()
    tls_key = lab.run(host, "cat /etc/mailwiz/tls/privkey.pem").stdout.splitlines()
    secrets["tls"] = tls_key[1].strip()
    assert all(len(secret) >= 16 for secret in secrets.values()), secrets.keys()
    assert watch.rounds > 50
    assert watch.holding("mailwiz-run-"), "the watch sees what runs on the host"
    elsewhere = lab.run(host, "cat /var/lib/mailwiz/runs/*/* | strings; journalctl --no-pager -o cat").stdout
    assert "postfix" in elsewhere
    here = "".join(
        path.read_bytes().decode("utf-8", "replace")
        for path in installed.folder.rglob("*")
        if path.is_file() and path != installed.credentials
    )
    assert installed.domain in here
    for name, secret in secrets.items():
        assert secret not in elsewhere, f"{name} is in a journal or run folder on the server"
        assert secret not in here, f"{name} is in a file on the operator's machine"
        assert not watch.holding(secret), f"{name} was in a process's arguments or environment"


def test_mail_flows_in_from_outside(installed: Workspace) -> None:
    subject = f"from outside {time.time_ns()}"
    message = email.message.EmailMessage()
    message["From"], message["To"], message["Subject"] = "anna@outside.test", f"abuse@{installed.domain}", subject
    message["Message-ID"] = f"<{time.time_ns()}@outside.test>"
    message["Date"] = email.utils.formatdate()
    message.set_content("Guten Tag, dies kommt von draußen.\n")
    installed.lab.outside.send(message, "anna@outside.test", f"abuse@{installed.domain}")
    postmaster = f"postmaster@{installed.domain}"
    mailbox = imap(installed.address, postmaster, installed.password(postmaster))
    for _ in range(120):
        mailbox.select("INBOX")
        _, found = mailbox.search(None, "SUBJECT", f'"{subject}"')
        if found[0]:
            break
        installed.lab.outside.run("postqueue -f")
        time.sleep(1)
    _, parts = mailbox.fetch(found[0].split()[-1].decode(), "(RFC822)")
    assert isinstance(parts[0], tuple)
    raw = parts[0][1]
    mailbox.logout()
    received = email.message_from_bytes(raw, policy=email.policy.default)
    assert received["Subject"] == subject
    results = "".join(received.get_all("Authentication-Results", []))
    assert "spf=pass" in results
    assert f"{installed.hostname};" in results


def test_mail_flows_out_and_its_signature_verifies(installed: Workspace) -> None:
    sender, subject = f"postmaster@{installed.domain}", f"to outside {time.time_ns()}"
    message = email.message.EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, "berta@outside.test", subject
    message.set_content("Good day from inside.\n")
    with smtplib.SMTP_SSL(installed.address, 465, context=unverified(), timeout=30) as session:
        session.login(sender, installed.password(sender))
        session.send_message(message)
    received = installed.lab.outside.wait_for("berta@outside.test", subject, 60)

    def published(name: bytes, timeout: float = 5) -> bytes:
        texts = installed.lab.dns.texts(name.decode().rstrip("."), "TXT")
        return "".join(part for part in texts[0].split('"')[1::2]).encode()

    assert dkim.verify(received.as_bytes(), dnsfunc=published)
    assert f"d={installed.domain}" in received["DKIM-Signature"].replace(" ", "")
    assert "127.0.0.1" not in str(received["Received"])
    log = installed.lab.run(installed.host, "journalctl -o cat --no-pager | grep 'status=sent' | tail -n 1").stdout
    assert "250" in log


def test_outgoing_mail_is_delivered_over_verified_dane(installed: Workspace) -> None:
    log = installed.lab.run(
        installed.host, "journalctl -o cat --no-pager | grep 'TLS connection established to mail.outside.test'"
    ).stdout
    assert "Verified TLS connection" in log


def test_render_holds_no_secret_and_connects_to_nobody(installed: Workspace, tmp_path: Path) -> None:
    done = installed.mailwiz("render", "-o", str(tmp_path / "out"))
    assert done.code == 0, done.err
    main = tmp_path / "out" / installed.host / "files" / "etc/postfix/main.cf"
    assert f"myhostname = {installed.hostname}" in main.read_text()


def test_monitor_tells_how_the_server_is(installed: Workspace) -> None:
    done = installed.mailwiz("monitor", "--once")
    assert done.code == 0, done.err
    assert "in the queue" in done.out
    assert "FAIL" not in done.out

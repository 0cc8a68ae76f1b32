"""A backup is made, restored where mail was deleted, and restored onto a new server, with the real program."""

import dataclasses
import imaplib
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mailwiz_tui.lab.lab import Lab, LabHost
from tests.lab.clients import imap
from tests.lab.workspace import Done, Workspace, make_workspace

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(1500), pytest.mark.xdist_group("backup")]

TARGET = "/srv/backup"
PROGRAM = "/usr/local/lib/mailwiz/mailwiz-backup"
OWN = "/etc/dovecot/mailwiz.d/own.conf"


@pytest.fixture(scope="module")
def workspace(lab: Lab, lent_host: str, lent_domain: str, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = make_workspace(lab, tmp_path_factory.mktemp("backup"), lent_host, lent_domain)
    made.plan.write_text(made.plan.read_text() + f'\n[backup]\ntarget = "{TARGET}"\n')
    return made


@pytest.fixture(scope="module")
def installed(workspace: Workspace) -> Workspace:
    assert workspace.mailwiz("diff").code == 1
    workspace.publish()
    options = ["--yes", "--credentials", str(workspace.credentials), "--resolver", workspace.lab.dns.resolver]
    done = workspace.mailwiz("apply", *options)
    verified = done.code == 0 or workspace.mailwiz("verify", "--resolver", workspace.lab.dns.resolver).code == 0
    assert verified, done.out + done.err
    with mailbox(workspace) as box:
        for number in range(3):
            box.append("INBOX", r"(\Seen)", None, f"Subject: kept {number}\r\n\r\nbody {number}\r\n".encode())
        box.create("Projects")
        box.append("Projects", r"(\Flagged)", None, b"Subject: project\r\n\r\nplan\r\n")
    script = "H=$(doveadm user -f home {0}); mkdir -p $H/sieve; echo 'keep;' > $H/sieve/mine.sieve; "
    script += "chown -R vmail: $H/sieve; echo 'mail_max_userip_connections = 33' > {1}; "
    script += "printf '# -----BEGIN PRIVATE KEY-----\n' > /etc/dovecot/mailwiz.d/secret.key"
    workspace.lab.run(workspace.host, ["sh", "-c", script.format(postmaster(workspace), OWN)])
    return workspace


def postmaster(workspace: Workspace) -> str:
    return f"postmaster@{workspace.domain}"


def mailbox(workspace: Workspace, password: str = "") -> imaplib.IMAP4_SSL:
    return imap(workspace.address, postmaster(workspace), password or workspace.password(postmaster(workspace)))


def contents(workspace: Workspace, folder: str, password: str = "") -> list[tuple[str, str]]:
    """UID with flags, and subject, of each message."""
    with mailbox(workspace, password) as box:
        box.select(folder, readonly=True)
        numbers = box.search(None, "ALL")[1][0].split()
        found = []
        for number in numbers:
            _, data = box.fetch(number.decode(), "(UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
            assert isinstance(data[0], tuple)
            head, subject = data[0]
            state = head.decode().split("(", 1)[1].split(" BODY", 1)[0]
            found.append((re.sub(r" ?\\Recent", "", state), subject.decode().strip()))
        return found


def backup(workspace: Workspace, action: str, *options: str, stdin: str = "") -> Done:
    words = [*workspace.command("backup", *options)]
    words.insert(words.index("backup") + 1, action)
    done = subprocess.run(
        words, input=stdin, capture_output=True, text=True, timeout=600, env=workspace.environment, check=False
    )
    return Done(done.returncode, done.stdout, done.stderr, 0.0)


def status(workspace: Workspace) -> subprocess.CompletedProcess[str]:
    return workspace.lab.run(workspace.host, [PROGRAM, "status"], check=False)


def test_the_recovery_key_is_handed_over_once(installed: Workspace) -> None:
    key = json.loads(installed.credentials.read_text())["backup_keys"][installed.host]
    assert len(key) == 40
    assert (
        installed.lab.run(installed.host, "test -e /var/lib/mailwiz/backup-key-shown", check=False).returncode == 0
    )
    again = installed.mailwiz("apply", "--yes")
    assert "no changes" in again.out, again.out + again.err
    assert key not in again.out


def test_a_backup_is_made_and_listed(installed: Workspace) -> None:
    done = backup(installed, "run")
    assert done.code == 0, done.err
    assert "was made" in done.out
    listed = backup(installed, "list")
    assert listed.code == 0
    assert installed.hostname in listed.out.splitlines()[-1]


def test_it_holds_the_operators_own_files_and_no_private_key(installed: Workspace) -> None:
    restic = f"restic --repo {TARGET} --password-file /etc/mailwiz/backup/key"
    names = installed.lab.run(installed.host, f"{restic} ls latest").stdout
    assert OWN in names
    assert "mine.sieve" in names
    assert "postfix.sql" in names
    assert not [name for name in names.splitlines() if "privkey" in name or name.endswith(".key")]
    held = installed.lab.run(installed.host, f"{restic} dump latest / | grep -ac 'PRIVATE KEY' || true").stdout
    assert held.strip() == "0"


def test_a_backup_that_cannot_be_used_is_noticed(installed: Workspace) -> None:
    assert status(installed).returncode == 0
    for breaking, mending, word in (
        (f"mv {TARGET} {TARGET}.away", f"mv {TARGET}.away {TARGET}", "no repository"),
        (
            'sed -i \'s/"at": [0-9.]*/"at": 1000000/\' /var/lib/mailwiz-backup/last.json',
            "cp /tmp/last.json /var/lib/mailwiz-backup/last.json",
            "days old",
        ),
    ):
        installed.lab.run(installed.host, ["sh", "-c", f"cp /var/lib/mailwiz-backup/last.json /tmp/; {breaking}"])
        found = status(installed)
        installed.lab.run(installed.host, ["sh", "-c", mending])
        assert found.returncode == 1
        assert word in found.stdout
    assert status(installed).returncode == 0


def test_deleted_mail_comes_back_beside_mail_that_came_since(installed: Workspace) -> None:
    assert backup(installed, "run").code == 0
    with mailbox(installed) as box:
        box.append("INBOX", "", None, b"Subject: since\r\n\r\nnew\r\n")
        box.select("INBOX")
        box.store("1", "+FLAGS", r"(\Deleted)")
        box.expunge()
    assert [subject for _, subject in contents(installed, "INBOX")].count("Subject: kept 0") == 0
    done = backup(installed, "restore", "--yes", "--resolver", installed.lab.dns.resolver)
    assert done.code == 0, done.out + done.err
    assert "The published records match" in done.out
    subjects = sorted(subject for _, subject in contents(installed, "INBOX"))
    assert subjects == ["Subject: kept 0", "Subject: kept 1", "Subject: kept 2", "Subject: since"]


def test_a_new_server_takes_everything_over(
    installed: Workspace, fresh_host: Callable[..., LabHost], tmp_path: Path
) -> None:
    lab = installed.lab
    lab.run(
        installed.host, ["sh", "-c", "while systemctl is-active -q mailwiz-backup; do sleep 0.2; done; sleep 1"]
    )
    assert backup(installed, "run").code == 0
    before = {folder: contents(installed, folder) for folder in ("INBOX", "Projects")}
    password = installed.password(postmaster(installed))
    key = json.loads(installed.credentials.read_text())["backup_keys"][installed.host]
    host = fresh_host()
    shutil.copytree(lab.host(installed.host).root / TARGET.lstrip("/"), host.root / TARGET.lstrip("/"))
    new = dataclasses.replace(installed, folder=tmp_path, host=host.id)
    new.plan.write_text(installed.plan.read_text().replace(f'"{installed.host}"', f'"{host.id}"'))

    first = new.mailwiz("apply", "--yes", "--credentials", str(new.credentials), "--resolver", lab.dns.resolver)
    assert "this server's key does not open it" in first.out, first.out + first.err
    assert "backup_keys" not in json.loads(new.credentials.read_text())
    wrong = backup(new, "restore", "--key-stdin", "--yes", stdin="not-the-recovery-key\n")
    assert (wrong.code, "does not open" in wrong.err) == (1, True)
    done = backup(new, "restore", "--key-stdin", "--yes", "--resolver", lab.dns.resolver, stdin=f"{key}\n")
    assert done.code == 0, done.out + done.err
    assert f"2026a._domainkey.{new.domain}. TXT" in done.out
    assert f"_25._tcp.{new.hostname}. TLSA" in done.out

    assert {folder: contents(new, folder, password) for folder in before} == before
    assert lab.run(host.id, f"cat {OWN}").stdout == "mail_max_userip_connections = 33\n"
    home = lab.run(host.id, f"doveadm user -f home {postmaster(new)}").stdout.strip()
    assert lab.run(host.id, f"cat {home}/sieve/mine.sieve").stdout == "keep;\n"
    for path in ("/var/lib/rspamd/dkim/2026a.key", "/etc/mailwiz/tls/privkey.pem"):
        assert lab.run(host.id, f"cat {path}").stdout != lab.run(installed.host, f"cat {path}").stdout

    lab.run(host.id, ["sh", "-c", "while systemctl is-active -q mailwiz-backup; do sleep 0.2; done"])
    lab.clear_dns(new.domain)
    new.publish()
    verified = new.mailwiz("verify", "--resolver", lab.dns.resolver)
    assert verified.code == 0, verified.out
    again = new.mailwiz("apply", "--yes")
    assert "no changes" in again.out, again.out + again.err

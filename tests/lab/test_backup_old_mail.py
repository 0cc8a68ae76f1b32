"""Mail in a bucket is in the backup and comes back: onto an empty server, with an empty bucket or an intact one."""

from __future__ import annotations

import dataclasses
import imaplib
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mailwiz_tui.lab.lab import Lab
from tests.lab.clients import imap, until
from tests.lab.conftest import lending_domains, lending_hosts
from tests.lab.objectstore import ACCESS_KEY, SECRET, ObjectStore
from tests.lab.workspace import Done, Workspace, make_workspace

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(1800), pytest.mark.xdist_group("old-mail")]

TARGET = "/srv/backup"
MOUNT = "/var/lib/mailwiz-objectstore/mail"
CHOICE = """
[storage]
type = "s3"
s3_endpoint = "{endpoint}"
s3_bucket = "{bucket}"
s3_access_key = "{key}"

[backup]
target = "{target}"
"""
RESTIC = f"restic --repo {TARGET} --password-file /etc/mailwiz/backup/key"


@dataclass(frozen=True)
class Vault:
    """A server whose old mail is in a bucket, and a bare one that takes its place."""

    work: Workspace
    store: ObjectStore
    spare: str

    def run(self, script: str) -> str:
        done = self.work.lab.run(self.work.host, ["sh", "-c", script], check=False)
        assert done.returncode == 0, f"{script}: {done.stdout}{done.stderr}"
        return str(done.stdout)

    def backup(self, action: str, *options: str, stdin: str = "") -> Done:
        words = self.work.command("backup", *options)
        words.insert(words.index("backup") + 1, action)
        done = subprocess.run(
            words, input=stdin, capture_output=True, text=True, timeout=900, env=self.work.environment, check=False
        )
        return Done(done.returncode, done.stdout, done.stderr, 0.0)

    @property
    def postmaster(self) -> str:
        return f"postmaster@{self.work.domain}"

    def mailbox(self, password: str) -> imaplib.IMAP4_SSL:
        return imap(self.work.address, self.postmaster, password)

    def put(self, password: str, *subjects: str, flags: str = "") -> None:
        with self.mailbox(password) as box:
            for subject in subjects:
                text = f"Subject: {subject}\r\n\r\n{subject} {'x' * 500}\r\n"
                assert box.append("INBOX", flags, None, text.encode())[0] == "OK"

    def letters(self, password: str) -> dict[str, tuple[str, str]]:
        """Flags and the first word of the text of each message, by subject."""
        found = {}
        with self.mailbox(password) as box:
            box.select("INBOX", readonly=True)
            for number in box.search(None, "ALL")[1][0].split():
                part = box.fetch(number.decode(), "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1][0]
                text = box.fetch(number.decode(), "(BODY.PEEK[TEXT])")[1][0]
                assert isinstance(part, tuple)
                assert isinstance(text, tuple)
                flags = re.search(r"FLAGS \(([^)]*)\)", part[0].decode())
                assert flags is not None
                subject = part[1].decode().partition(": ")[2].strip()
                assert subject not in found, f"{subject} is there twice"
                found[subject] = (flags[1].replace("\\Recent", "").strip(), text[1].decode().split(" x")[0])
        return found

    def stored(self) -> dict[str, float]:
        """The messages in the bucket, by path, and when they were put there."""
        return {
            str(path.relative_to(self.store.folder)): path.stat().st_ctime
            for path in self.store.objects()
            if path.name.startswith("u.")
        }

    def lose(self, *objects: Path) -> None:
        """Take objects out of the bucket; the server of it remembers what it has listed."""
        self.store.stop()
        for path in objects:
            path.unlink()
        self.store.start()

    def idle(self) -> None:
        self.run("while systemctl is-active -q mailwiz-backup; do sleep 0.2; done")


@pytest.fixture(scope="module", params=["trixie", "bookworm"])
def vault(request: pytest.FixtureRequest, lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    """Installed, with three old messages in the bucket and a new one on the disk."""
    with (
        lending_hosts(lab) as take_host,
        lending_domains(lab) as take_domain,
        ObjectStore(lab, tmp_path_factory.mktemp("s3")) as store,
    ):
        host, spare = take_host(request.param).id, take_host(request.param).id
        work = make_workspace(lab, tmp_path_factory.mktemp("old-mail"), host, take_domain())
        choice = CHOICE.format(endpoint=store.endpoint, bucket=store.bucket, key=ACCESS_KEY, target=TARGET)
        work.plan.write_text(work.plan.read_text() + choice)
        made = Vault(work, store, spare)
        assert work.mailwiz("diff").code == 1
        work.publish()
        assert work.give("s3-key", SECRET).code == 0
        done = work.mailwiz(
            "apply", "--yes", "--credentials", str(work.credentials), "--resolver", lab.dns.resolver, timeout=1500
        )
        assert done.code == 0 or work.not_passed() == [], done.out + done.err
        password = work.password(made.postmaster)
        made.put(password, "old one", "old two", "old three", flags=r"(\Seen \Flagged)")
        time.sleep(2)
        made.run(f"doveadm altmove -u {made.postmaster} savedbefore 1s && sync {MOUNT}")
        made.put(password, "new")
        assert until(lambda: len(made.stored()) >= 3, 60)
        made.idle()
        yield made


def test_old_mail_is_in_the_backup(vault: Vault) -> None:
    done = vault.backup("run")
    assert done.code == 0, done.out + done.err
    held = vault.run(f"{RESTIC} ls latest --recursive {MOUNT}")
    for path in vault.stored():
        assert f"{MOUNT}/{path}" in held


def test_a_later_backup_downloads_nothing_again(vault: Vault) -> None:
    vault.run("systemctl restart mailwiz-objectstore")
    parent = json.loads(vault.run(f"{RESTIC} snapshots --json"))[-1]["id"]
    words = f"backup --dry-run --json --ignore-inode --parent {parent} -- {MOUNT}"
    limit = vault.run("systemctl cat mailwiz-backup | grep ^SystemCallFilter").strip()
    done = vault.run(f"systemd-run -q --pipe -p '{limit}' {RESTIC} {words} | grep summary")
    summary = json.loads(done.splitlines()[-1])
    assert (summary["files_new"], summary["files_changed"]) == (0, 0), summary
    assert summary["files_unmodified"] >= 3


def test_a_backup_without_the_bucket_fails_and_is_noticed(vault: Vault) -> None:
    vault.run("systemctl stop mailwiz-objectstore")
    try:
        done = vault.backup("run")
        assert done.code == 1
        assert "is not mounted" in done.out + done.err
    finally:
        vault.run("systemctl start mailwiz-objectstore")
    assert vault.backup("run").code == 0


def test_old_mail_waits_while_a_backup_is_made(vault: Vault) -> None:
    vault.run("(flock 9; sleep 4) 9>/run/mailwiz-old-mail.lock & sleep 0.5; systemctl start mailwiz-altmove; wait")
    taken = vault.run("journalctl -u mailwiz-altmove -o short-unix --no-pager -n 4")
    begun, ended = (float(line.split()[0]) for line in (taken.splitlines()[0], taken.splitlines()[-1]))
    assert ended - begun > 2, taken


def test_what_the_bucket_lost_comes_back_and_nothing_else_is_written(vault: Vault) -> None:
    password = vault.work.password(vault.postmaster)
    before, letters = vault.stored(), vault.letters(password)
    lost = next(path for path in sorted(before) if "postmaster" in path)
    vault.run("systemctl stop mailwiz-objectstore; rm -rf /var/lib/mailwiz-objectstore/cache/vfs*")
    vault.lose(vault.store.folder / lost)
    vault.run("systemctl start mailwiz-objectstore")
    vault.put(password, "since the backup")
    done = vault.backup("restore", "--yes", "--resolver", vault.work.lab.dns.resolver)
    assert done.code == 0, done.out + done.err
    after = vault.stored()
    assert after.keys() == before.keys()
    assert [path for path in before if after[path] != before[path]] == [lost]
    found = vault.letters(password)
    assert found.keys() == {*letters, "since the backup"}
    assert {subject: found[subject] for subject in letters} == letters


def test_an_empty_server_with_an_empty_bucket_has_all_mail_again(vault: Vault, tmp_path: Path) -> None:
    lab, old = vault.work.lab, vault.work
    password = old.password(vault.postmaster)
    vault.idle()
    assert vault.backup("run").code == 0
    letters, stored = vault.letters(password), vault.stored()
    key = json.loads(old.credentials.read_text())["backup_keys"][old.host]
    vault.run("systemctl stop mailwiz-objectstore mailwiz-altmove.timer postfix dovecot")
    root = lab.host(vault.spare).root
    shutil.copytree(lab.host(old.host).root / TARGET.lstrip("/"), root / TARGET.lstrip("/"))
    vault.lose(*vault.store.objects())

    new = dataclasses.replace(old, folder=tmp_path, host=vault.spare)
    new.plan.write_text(old.plan.read_text().replace(f'"{old.host}"', f'"{vault.spare}"'))
    assert new.mailwiz("diff").code == 1
    assert new.give("s3-key", SECRET).code == 0
    options = ("--credentials", str(new.credentials), "--resolver", lab.dns.resolver)
    first = new.mailwiz("apply", "--yes", *options, timeout=1500)
    assert "this server's key does not open it" in first.out, first.out + first.err
    there = dataclasses.replace(vault, work=new)
    there.put(new.password(vault.postmaster), "before the restore")
    done = there.backup("restore", "--key-stdin", "--yes", "--resolver", lab.dns.resolver, stdin=f"{key}\n")
    print(done.out)
    assert done.code == 0, done.out + done.err
    found = there.letters(password)
    assert {subject: found.get(subject) for subject in letters} == letters
    assert "before the restore" in found
    assert set(stored) <= set(there.stored())
    there.idle()
    assert there.backup("run").code == 0
    assert "no changes" in new.mailwiz("apply", "--yes").out

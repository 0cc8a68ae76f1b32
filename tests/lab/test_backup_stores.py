"""Backups of several stores: each has its own, a moved mailbox stays where it is, a dead store comes back."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass

import pytest

from mailwiz_tui.lab.lab import Lab
from tests.lab.clients import PASSWORD, imap, mail, until
from tests.lab.conftest import FreshHost
from tests.lab.fleet import Fleet, Member, make_fleet
from tests.lab.workspace import Done

pytestmark = [
    pytest.mark.lab,
    pytest.mark.long,
    pytest.mark.timeout(1800),
    pytest.mark.xdist_group("backup-stores"),
]

TARGET = "/srv/backup"
BACKUP = f'\n[backup]\ntarget = "{TARGET}"\n'


@dataclass(frozen=True)
class Vaults:
    """A front and two stores; bob@ has his mailbox on the second, which has Debian 12."""

    fleet: Fleet
    first: str
    second: str

    @property
    def bob(self) -> str:
        return f"bob@{self.fleet.domain}"

    def backup(self, action: str, *options: str, stdin: str = "") -> Done:
        words = self.fleet.command("backup", *options)
        words.insert(words.index("backup") + 1, action)
        done = subprocess.run(
            words, input=stdin, capture_output=True, text=True, timeout=900, env=self.fleet.environment, check=False
        )
        return Done(done.returncode, done.stdout, done.stderr, 0.0)

    def letters(self, folder: str = "INBOX") -> dict[str, str]:
        """UID and flags of bob's messages, by subject."""
        found = {}
        client = imap(self.fleet.address, self.bob)
        client.select(folder, readonly=True)
        for number in client.search(None, "ALL")[1][0].split():
            part = client.fetch(number.decode(), "(UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1][0]
            assert isinstance(part, tuple)
            state = re.sub(r" ?\\Recent", "", part[0].decode().split("(", 1)[1].split(" BODY", 1)[0])
            subject = part[1].decode().partition(": ")[2].strip()
            assert subject not in found, f"{subject} is there twice"
            found[subject] = state
        client.logout()
        return found

    def receive(self, subject: str) -> None:
        self.fleet.lab.outside.send(mail("alice@outside.test", self.bob, subject), "alice@outside.test", self.bob)
        assert until(lambda: subject in self.letters(), 120)

    def delete(self, subject: str) -> None:
        client = imap(self.fleet.address, self.bob)
        client.select("INBOX")
        (number,) = client.search(None, "SUBJECT", f'"{subject}"')[1][0].split()
        client.store(number.decode(), "+FLAGS", r"(\Deleted)")
        client.expunge()
        client.logout()

    def store_of_bob(self) -> str:
        done = self.fleet.mailwiz("mailbox list", "--json")
        return str(next(box["store"] for box in json.loads(done.out)["mailboxes"] if box["address"] == self.bob))

    def idle(self) -> None:
        """Wait for backups that were begun by themselves."""
        for store in (self.first, self.second):
            self.fleet.run(store, "while systemctl is-active -q mailwiz-backup; do sleep 0.2; done")


@pytest.fixture(scope="module")
def vaults(lab: Lab, lend_hosts: FreshHost, lent_domain: str, tmp_path_factory: pytest.TempPathFactory) -> Vaults:
    """Installed, with mail of bob's in two folders."""
    front, first, second = (lend_hosts(suite).id for suite in ("trixie", "trixie", "bookworm"))
    members = [
        Member(front, ("mx-inbound", "mx-outbound", "antispam"), 1),
        Member(first, ("mail-storage",), 2),
        Member(second, ("mail-storage",), 3),
    ]
    fleet = make_fleet(lab, tmp_path_factory.mktemp("vaults"), lent_domain, members)
    fleet.plan.write_text(fleet.plan.read_text() + BACKUP)
    fleet.mailwiz("diff")
    fleet.publish()
    done = fleet.apply("--credentials", str(fleet.credentials))
    # a busy machine may miss a deadline of a check; what is wrong stays wrong
    assert done.code == 0 or fleet.failed_checks() == [], done.out + done.err
    vaults = Vaults(fleet, first, second)
    options = ("--store", second, "--password-stdin")
    added = fleet.mailwiz("mailbox add", vaults.bob, *options, stdin=f"{PASSWORD}\n")
    assert added.code == 0, added.err
    for subject in ("one", "two", "three"):
        vaults.receive(subject)
    client = imap(fleet.address, vaults.bob)
    client.select("INBOX")
    client.store("1", "+FLAGS", r"(\Flagged $Work)")
    client.create("Projects")
    client.append("Projects", r"(\Seen)", None, b"Subject: kept\r\n\r\nKept.\r\n")
    client.logout()
    return vaults


def test_each_store_has_a_key_and_a_backup_of_its_own(vaults: Vaults) -> None:
    keys = json.loads(vaults.fleet.credentials.read_text())["backup_keys"]
    assert list(keys) == [vaults.first, vaults.second]
    assert len(set(keys.values())) == 2
    vaults.idle()
    done = vaults.backup("run")
    assert done.code == 0, done.out + done.err
    listed = vaults.backup("list")
    assert listed.code == 0, listed.err
    assert {line.split()[0] for line in listed.out.splitlines()} == {vaults.first, vaults.second}
    only = vaults.backup("list", "--server", vaults.second)
    assert {line.split()[0] for line in only.out.splitlines()} == {vaults.second}
    for store in (vaults.first, vaults.second):
        assert vaults.fleet.run(store, f"ls {TARGET}").split() == [store]
    held = f"restic --repo {TARGET}/{vaults.second} --password-file /etc/mailwiz/backup/key ls latest"
    assert "/bob/" in vaults.fleet.run(vaults.second, held)
    assert "postfix.sql" not in vaults.fleet.run(vaults.second, held)


def test_every_check_passes_and_nothing_is_left_to_do(vaults: Vaults) -> None:
    # a busy machine may miss a deadline of a check; what is wrong stays wrong
    failed = vaults.fleet.failed_checks() and vaults.fleet.failed_checks()
    assert failed == []
    assert "no changes" in vaults.fleet.apply().out


def test_deleted_mail_comes_back_from_the_store_it_was_on(vaults: Vaults) -> None:
    before = vaults.letters()
    vaults.receive("since")
    vaults.delete("two")
    done = vaults.backup("restore", "--server", vaults.second, "--yes", "--resolver", vaults.fleet.lab.dns.resolver)
    assert done.code == 0, done.out + done.err
    assert "The published records match" in done.out
    after = vaults.letters()
    assert after.keys() == {*before, "since"}
    assert after["one"] == before["one"]


def test_a_mailbox_that_moved_since_stays_and_is_not_doubled(vaults: Vaults) -> None:
    vaults.idle()
    assert vaults.backup("run").code == 0
    moved = vaults.fleet.mailwiz("mailbox move", vaults.bob, vaults.first)
    assert moved.code == 0, moved.err
    before = vaults.letters()
    vaults.idle()
    done = vaults.backup("restore", "--yes", "--resolver", vaults.fleet.lab.dns.resolver)
    assert done.code == 0, done.out + done.err
    assert f"{vaults.bob} is on {vaults.first} now and was skipped" in done.out
    assert vaults.store_of_bob() == vaults.first
    assert vaults.letters() == before
    back = vaults.fleet.mailwiz("mailbox move", vaults.bob, vaults.second)
    assert back.code == 0, back.err
    assert vaults.letters() == before


def test_a_dead_store_is_replaced_and_has_its_mail_again(vaults: Vaults) -> None:
    lab, fleet = vaults.fleet.lab, vaults.fleet
    vaults.idle()
    assert vaults.backup("run", "--server", vaults.second).code == 0
    before = vaults.letters(), vaults.letters("Projects")
    key = json.loads(fleet.credentials.read_text())["backup_keys"][vaults.second]
    safe = fleet.folder / "safe"
    shutil.copytree(lab.host(vaults.second).root / TARGET.lstrip("/"), safe)
    lab.reset(vaults.second)
    shutil.copytree(safe, lab.host(vaults.second).root / TARGET.lstrip("/"))

    assert fleet.mailwiz("diff").code == 1
    again = fleet.folder / "again.json"
    done = fleet.apply("--credentials", str(again))
    assert "this server's key does not open it" in done.out, done.out + done.err
    assert not again.exists() or "backup_keys" not in json.loads(again.read_text())
    options = ("--server", vaults.second, "--key-stdin", "--yes", "--resolver", lab.dns.resolver)
    done = vaults.backup("restore", *options, stdin=f"{key}\n")
    assert done.code == 0, done.out + done.err
    assert (vaults.letters(), vaults.letters("Projects")) == before
    vaults.receive("at the new store")
    vaults.idle()
    assert "no changes" in fleet.apply().out

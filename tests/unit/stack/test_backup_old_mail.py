"""Backups of mail that is partly in an object store: nothing is left out in silence, and all of it comes back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.backup import old_mail, repository, restored_sdbox
from mailwiz_tui.stack.backup.backup_settings import BackupSettings
from mailwiz_tui.stack.backup.old_mail import OldMail
from mailwiz_tui.stack.backup.reports import Failure
from mailwiz_tui.stack.backup.restored_mail import mailboxes
from mailwiz_tui.stack.compile import compile_server

from . import cases
from .test_storage_and_backup import S3

INBOX = "mailboxes/INBOX/dbox-Mails"


def settings(root: Path) -> BackupSettings:
    plan = cases.plan(backup={"target": "/srv/backup"}, storage=S3)
    read = json.loads(compile_server(plan, "mx1", cases.facts()).files()["/etc/mailwiz/backup/backup.json"].content)
    return BackupSettings.parse(read | {"mail": str(root / "vmail"), "old_mail": str(root / "mount")})


def put(home: Path, **messages: str) -> Path:
    """An sdbox mailbox with messages by their file names (``u1``: u.1) and an index."""
    folder = home / "sdbox" / INBOX
    folder.mkdir(parents=True)
    for name, text in messages.items():
        (folder / f"u.{name[1:]}").write_text(text)
    (folder / "dovecot.index.log").write_text(f"index of {home.name}")
    return home


def held(home: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (home / "sdbox" / INBOX).iterdir()}


def test_a_backup_while_the_bucket_is_not_mounted_fails_instead_of_looking_complete(tmp_path: Path) -> None:
    (tmp_path / "mount").mkdir()
    with pytest.raises(Failure, match="not mounted"):
        old_mail.require_mount(settings(tmp_path))


def test_a_mailbox_that_got_mail_before_the_restore_has_all_of_it_afterwards(tmp_path: Path) -> None:
    old = put(tmp_path / "stage/example.com/anna", u1="first", u2="second", u7="seventh")
    new = put(tmp_path / "vmail/example.com/anna", u1="first", u2="another", u3="since", u9="since too")
    (new / "sdbox/mailboxes/New/dbox-Mails").mkdir(parents=True)
    (new / "sdbox/mailboxes/New/dbox-Mails/u.1").write_text("in a new folder")
    (new / "sieve").mkdir()
    (new / "sieve/own.sieve").write_text("keep;")
    bucket = {"example.com/anna": frozenset({f"{INBOX}/u.3", f"{INBOX}/u.4"})}
    found = mailboxes(str(tmp_path / "stage"), settings(tmp_path), {}, OldMail({}, bucket))
    assert found == (["anna@example.com"], 3)
    assert held(new) == {
        "dovecot.index.log": "index of anna",
        "u.1": "first", "u.2": "second", "u.7": "seventh", "u.9": "since too", "u.10": "another", "u.11": "since",
    }  # fmt: skip
    assert (new / "sdbox/mailboxes/New/dbox-Mails/u.1").read_text() == "in a new folder"
    assert (new / "sieve/own.sieve").exists()
    assert os.listdir(tmp_path / "vmail/example.com") == ["anna"]
    assert not old.exists()


def test_what_is_missing_is_known_by_mailbox_and_not_for_mailboxes_elsewhere() -> None:
    one = frozenset({f"{INBOX}/u.1", f"{INBOX}/u.2"})
    survey = OldMail(
        {"example.com/anna": one, "example.com/bert": one}, {"example.com/anna": frozenset({f"{INBOX}/u.1"})}
    )
    assert survey.missing() == {"example.com/anna": [f"{INBOX}/u.2"], "example.com/bert": sorted(one)}
    assert survey.missing({"bert@example.com": "store2"}) == {"example.com/anna": [f"{INBOX}/u.2"]}
    assert survey.names("example.com/anna") == one


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for the bucket, another for the backup, and the two programs that reach them."""
    bucket, backup = tmp_path / "bucket", tmp_path / "backup"
    bucket.mkdir()

    def rclone(argv: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        words = argv[argv.index("10s") + 1 :]
        if words[0] == "lsf":
            files = [str(p.relative_to(bucket)) for p in bucket.rglob("*") if p.is_file()]
            return subprocess.CompletedProcess(argv, 0 if files else 3, "\n".join(files), "directory not found")
        source, target = words[-2:]
        for name in Path(words[words.index("--files-from-raw") + 1]).read_text().splitlines():
            place = bucket / target.split("/", 1)[1] / name
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(Path(source, name), place)
        return subprocess.CompletedProcess(argv, 0, "", "")

    def restic(conf: BackupSettings, *words: str, **_: object) -> subprocess.CompletedProcess[str]:
        files = [p for p in backup.rglob("*") if p.is_file()]
        if words[0] == "ls":
            lines = [
                json.dumps({"type": "file", "path": f"{conf.old_mail}/{p.relative_to(backup)}"}) for p in files
            ]
            return subprocess.CompletedProcess(words, 0, "\n".join(lines), "")
        stage, wanted = Path(words[words.index("--target") + 1]), words[words.index("--include") + 1]
        for path in files:
            full = f"{conf.old_mail}/{path.relative_to(backup)}"
            if full.startswith(f"{wanted}/"):
                place = Path(f"{stage}{full}")
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, place)
        return subprocess.CompletedProcess(words, 0, "", "")

    monkeypatch.setattr(old_mail, "call", rclone)
    monkeypatch.setattr(old_mail, "restic", restic)
    return bucket


def test_the_bucket_gets_back_what_it_lost_and_nothing_that_is_on_the_disk(tmp_path: Path, bucket: Path) -> None:
    conf = settings(tmp_path)
    for name in ("anna/u.1", "anna/u.2", "anna/u.3", "gone/u.1"):
        local, _, file = name.partition("/")
        place = tmp_path / "backup/example.com" / local / INBOX
        place.mkdir(parents=True, exist_ok=True)
        (place / file).write_text(name)
    put(tmp_path / "vmail/example.com/anna", u3="on the disk")
    kept = bucket / "example.com/anna" / INBOX / "u.2"
    kept.parent.mkdir(parents=True)
    kept.write_text("as it is")
    survey = old_mail.survey(conf, "latest")
    assert old_mail.put_back(conf, "latest", survey.missing(), str(tmp_path / "stage")) == 1
    files = {str(p.relative_to(bucket)): p.read_text() for p in bucket.rglob("*") if p.is_file()}
    assert files == {
        f"example.com/anna/{INBOX}/u.1": "anna/u.1",
        f"example.com/anna/{INBOX}/u.2": "as it is",
    }
    assert old_mail.survey(conf, "latest").missing(["gone@example.com"]) == {"example.com/anna": [f"{INBOX}/u.3"]}
    assert not (tmp_path / "stage").exists()


def test_an_empty_bucket_is_no_fault(tmp_path: Path, bucket: Path) -> None:
    assert old_mail.survey(settings(tmp_path), "latest") == OldMail({}, {})


def test_indexes_are_made_again_where_they_do_not_know_each_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("anna", "bert"):
        put(tmp_path / "vmail/example.com" / name, u1="one", u2="two")
    old = tmp_path / "mount/example.com/bert" / INBOX
    old.mkdir(parents=True)
    (old / "u.2").write_text("two")
    (old / "u.3").write_text("three")
    ran = []

    def doveadm(argv: list[str]) -> subprocess.CompletedProcess[str]:
        ran.append(argv)
        rows = ("anna@example.com\tINBOX\t2", "anna@example.com\tJunk\t0", "bert@example.com\tINBOX\t2")
        return subprocess.CompletedProcess(argv, 0, "\n".join(("username\tmailbox\tmessages", *rows)), "")

    monkeypatch.setattr(restored_sdbox, "call", doveadm)
    restored_sdbox.rebuild(settings(tmp_path), ["anna@example.com", "bert@example.com"])
    assert [argv[3] for argv in ran if argv[1] == "force-resync"] == ["bert@example.com"]


def test_a_path_is_no_pattern() -> None:
    assert old_mail._pattern("/a/[b]*?\\c") == "/a/\\[b]\\*\\?\\\\c"


def test_the_backup_does_not_ask_the_mount_for_attributes_that_it_cannot_tell() -> None:
    for storage, filtered in ((S3, True), ({}, False)):
        plan = cases.plan(backup={"target": "/srv/backup"}, storage=storage)
        files = compile_server(plan, "mx1", cases.facts()).files()
        unit = files["/etc/systemd/system/mailwiz-backup.service"].content
        assert ("SystemCallFilter=~listxattr:EOPNOTSUPP llistxattr:EOPNOTSUPP" in unit) == filtered


def test_old_mail_is_read_by_size_and_time_alone_and_not_moved_meanwhile(tmp_path: Path) -> None:
    assert repository.environment(settings(tmp_path))["RESTIC_READ_CONCURRENCY"] == "16"
    assert old_mail.LOCK == layout.OLD_MAIL_LOCK

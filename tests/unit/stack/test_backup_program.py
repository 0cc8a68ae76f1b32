"""The program that runs on the server: what it takes along, and how restored mail joins mail that is there."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from mailwiz_tui.stack.backup.backup_program import own_files
from mailwiz_tui.stack.backup.backup_settings import BackupSettings
from mailwiz_tui.stack.backup.reports import Failure
from mailwiz_tui.stack.backup.restore import restore
from mailwiz_tui.stack.backup.restored_accounts import placed_elsewhere
from mailwiz_tui.stack.backup.restored_mail import mailboxes, merge
from mailwiz_tui.stack.compile import compile_server

from . import cases


def settings(**changed: Any) -> BackupSettings:
    """The settings of a compiled server, with some values changed."""
    plan = cases.plan(backup={"target": "/srv/backup"})
    blueprint = compile_server(plan, "mx1", cases.facts())
    return BackupSettings.parse(json.loads(blueprint.files()["/etc/mailwiz/backup/backup.json"].content) | changed)


def maildir(home: Path, *messages: str) -> Path:
    for message in messages:
        path = home / "Maildir" / message
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(message)
    return home


def messages(home: Path) -> list[str]:
    return sorted(str(path.relative_to(home / "Maildir")) for path in home.rglob("*") if path.is_file())


def test_only_the_operators_own_files_without_private_keys_are_taken(tmp_path: Path) -> None:
    folder = tmp_path / "local.d"
    folder.mkdir()
    (folder / "own.cf").write_text("x = 1\n")
    (folder / "managed.cf").write_text("# Managed by mailwiz-tui: the next apply writes this file again.\n")
    (folder / "key.pem").write_text("-----BEGIN EC PRIVATE KEY-----\nabc\n")
    (folder / "shipped.conf.example").write_text("y = 2\n")
    single = tmp_path / "jail.local"
    single.write_text("[sshd]\n")
    found = own_files([str(folder), str(single), str(tmp_path / "not there")])
    assert found == [str(folder / "own.cf"), str(single)]


def test_restored_mail_joins_mail_that_is_there_without_doubling_any(tmp_path: Path) -> None:
    old = maildir(tmp_path / "old", "cur/1.a:2,", "cur/2.b:2,S", "new/3.c", ".Work/cur/4.d:2,", ".Gone/cur/5.e:2,")
    new = maildir(tmp_path / "new", "cur/1.a:2,RS", "cur/3.c:2,S", "new/9.z", ".Work/cur/6.f:2,")
    assert merge(str(old), str(new)) == 3
    assert messages(new) == [
        ".Gone/cur/5.e:2,", ".Work/cur/4.d:2,", ".Work/cur/6.f:2,",
        "cur/1.a:2,RS", "cur/2.b:2,S", "cur/3.c:2,S", "new/9.z",
    ]  # fmt: skip
    assert merge(str(maildir(tmp_path / "again", "cur/2.b:2,")), str(new)) == 0


def test_a_home_that_is_not_there_is_moved_as_it_is(tmp_path: Path) -> None:
    source_folder = tmp_path / "stage"
    maildir(source_folder / "example.com" / "anna", "cur/1.a:2,S", "dovecot-uidlist")
    target = tmp_path / "vmail"
    target.mkdir()
    assert mailboxes(str(source_folder), settings(mail=str(target)), {}) == (["anna@example.com"], 1)
    assert messages(target / "example.com" / "anna") == ["cur/1.a:2,S", "dovecot-uidlist"]


@pytest.mark.parametrize("snapshot", ["--target=/", "latest;rm", "", "../x"])
def test_only_an_id_is_restored(snapshot: str) -> None:
    with pytest.raises(Failure):
        restore(settings(mail="/nowhere"), snapshot)


def test_a_mailbox_that_has_moved_to_another_store_is_left_out_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for local in ("anna", "bert", "carl"):
        maildir(tmp_path / "stage/example.com" / local, "cur/1.a:2,")
    target = tmp_path / "vmail"
    (target / "example.com").mkdir(parents=True)
    (target / "example.com/bert").write_text("it moved away\n")
    conf = settings(mail=str(target))
    elsewhere = {"anna@example.com": "store2"}
    assert mailboxes(str(tmp_path / "stage"), conf, elsewhere) == (["carl@example.com"], 1)
    assert sorted(path.name for path in (target / "example.com").iterdir()) == ["bert", "carl"]
    said = capsys.readouterr().out
    assert "anna@example.com is on store2 now" in said
    assert "bert@example.com is on another store now" in said


def test_a_store_knows_from_its_copy_of_the_accounts_which_mailboxes_are_elsewhere(tmp_path: Path) -> None:
    rows = tmp_path / "rows.json"
    boxes = [("Anna", ""), ("bert", "store2"), ("carl", "store3")]
    rows.write_text(
        json.dumps({"rows": {"mailbox": [{"address": f"{n}@example.com", "store": s} for n, s in boxes]}})
    )
    conf = settings(
        store="store2",
        first_store="store1",
        databases=[],
        accounts_copy={"program": "/bin/true", "rows": str(rows)},
    )
    assert placed_elsewhere(conf) == {"anna@example.com": "store1", "carl@example.com": "store3"}
    assert placed_elsewhere(dataclasses.replace(conf, store="")) == {}
    rows.unlink()
    with pytest.raises(Failure, match="the list of mailboxes"):
        placed_elsewhere(conf)

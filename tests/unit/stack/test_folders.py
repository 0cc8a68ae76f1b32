"""Folder names on disk, and what a user may put into a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailwiz_tui.plan.rules import limits
from mailwiz_tui.stack.compile import compile_server
from mailwiz_tui.stack.dovecot import escape_folders

from . import cases

S3 = {"type": "s3", "s3_endpoint": "https://s3.test", "s3_bucket": "mail", "s3_access_key": "AKEXAMPLE"}
NFS = {"type": "nfs", "nfs_server": "nfs.test", "nfs_export": "/srv/vmail"}
SETTING = {"trixie": 'mailbox_list_storage_escape_char = "\\\\"', "bookworm": 'listescape_char = "\\\\"'}


def dovecot(codename: str, **changes: object) -> str:
    version = {"trixie": "13", "bookworm": "12"}[codename]
    known = cases.facts(codename=codename, os_version=version)
    return compile_server(cases.plan(**changes), "mx1", known).files()["/etc/dovecot/dovecot.conf"].content


@pytest.mark.parametrize("codename", ["trixie", "bookworm"])
def test_dots_of_folder_names_are_escaped_where_the_format_has_no_room_for_them(codename: str) -> None:
    for place in ({}, NFS):
        config = dovecot(codename, storage=place)
        assert SETTING[codename] in config
        assert codename == "trixie" or "mail_plugins = quota quota_clone listescape\n" in config
    assert "escape" not in dovecot(codename, storage=S3), "sdbox keeps dots as they are"


@pytest.mark.parametrize("codename", ["trixie", "bookworm"])
def test_only_the_plan_limits_what_is_put_into_a_folder(codename: str) -> None:
    assert "mail_size" not in dovecot(codename)
    limited = dovecot(codename, limits={"imap_append_mb": 120})
    assert "mail_size = 120M" in limited.split("protocol imap {")[1].split("protocol lmtp {")[0]


def test_a_limit_below_what_may_be_sent_is_refused() -> None:
    assert [f.path for f in limits.check(cases.plan(limits={"imap_append_mb": 49}))] == ["limits.imap_append_mb"]
    for size in (0, 50):
        assert list(limits.check(cases.plan(limits={"imap_append_mb": size}))) == []


def test_folders_with_a_backslash_stay_within_reach(tmp_path: Path) -> None:
    maildir = tmp_path / "example.com" / "ann" / "Maildir"
    names = (".Sent", ".in\\out", ".2024\\2e1", ".a\\5cb.c\\", ".both\\x", ".both\\5cx", "no\\folder")
    for name in names:
        (maildir / name / "cur").mkdir(parents=True)
        (maildir / name / "cur" / "mail").write_text(name)
    (maildir / "subscriptions").write_bytes(b"V\t2\n\nSent\nin\\out\n2024\\2e1\n")
    (tmp_path / "example.com" / "bob").mkdir()
    (tmp_path / "a-file").touch()
    for _ in range(2):
        assert escape_folders.main([str(tmp_path)]) == 0
        found = {
            folder.name: (folder / "cur" / "mail").read_text() for folder in maildir.iterdir() if folder.is_dir()
        }
        assert found == {
            ".Sent": ".Sent",
            ".in\\5cout": ".in\\out",
            ".2024\\2e1": ".2024\\2e1",
            ".a\\5cb.c\\5c": ".a\\5cb.c\\",
            ".both\\x": ".both\\x",
            ".both\\5cx": ".both\\5cx",
            "no\\folder": "no\\folder",
        }
        assert (maildir / "subscriptions").read_bytes() == b"V\t2\n\nSent\nin\\5cout\n2024\\2e1\n"
    assert escape_folders.main([str(tmp_path / "nothing")]) == 0

"""What a server says of its mail, even where a file server does not answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailwiz_tui.agent.core.host import Host
from mailwiz_tui.agent.facts import mail_store
from mailwiz_tui.agent.protocol.facts import MailStore


def record(root: Path, line: str) -> Host:
    (root / "etc/mailwiz").mkdir(parents=True)
    (root / "etc/mailwiz/mail-store").write_text(f"# Managed\n{line}\n")
    (root / "m").mkdir()
    return Host(str(root))


def test_mail_is_a_folder_of_a_domain_that_holds_something(tmp_path: Path) -> None:
    host = record(tmp_path, "maildir /m")
    (tmp_path / "m/lost+found").mkdir()
    (tmp_path / "m/example.com").mkdir()
    assert mail_store.find(host) == MailStore("maildir", "/m", holds_mail=False)
    (tmp_path / "m/example.com/postmaster").mkdir()
    assert mail_store.find(host) == MailStore("maildir", "/m", holds_mail=True)


def test_nothing_is_known_where_nothing_is_recorded(tmp_path: Path) -> None:
    assert mail_store.find(Host(str(tmp_path))) is None


def test_mail_on_a_file_server_that_is_not_mounted_counts_as_there(tmp_path: Path) -> None:
    found = mail_store.find(record(tmp_path, "nfs-maildir@nfs1:/mail /m"))
    assert found
    assert found.holds_mail


def test_mounted_and_empty_file_server_holds_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    host = record(tmp_path, "nfs-maildir@nfs1:/mail /m")
    monkeypatch.setattr(mail_store, "remote_mounts", lambda: {str(tmp_path / "m")})
    assert mail_store.find(host) == MailStore("nfs-maildir@nfs1:/mail", "/m", holds_mail=False)

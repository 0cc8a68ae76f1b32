"""Commands that move mail between the local disk and file servers, before a plan that wants it elsewhere."""

from __future__ import annotations

import subprocess

import pytest

from mailwiz_tui.deploy.relocation import needed
from mailwiz_tui.fleet.facts import Facts, MailStore
from mailwiz_tui.stack.blueprint import Blueprint

LOCAL, FIRST, SECOND = "maildir", "nfs-maildir@nfs1:/mail", "nfs-maildir@nfs2:/mail"


def advice(was: str, former: str, kind: str, place: str, *, holds: bool = True) -> list[str]:
    facts = Facts(mail_store=MailStore(format=was, path=former, holds_mail=holds))
    blueprint = Blueprint("mx1", (), meta={"storage": place, "mail_format": kind})
    return [text for _, text in needed(facts, blueprint)]


@pytest.mark.parametrize(
    ("was", "kind", "words"),
    [
        (LOCAL, FIRST, ("mount -t nfs4 nfs1:/mail", "cp -a /m/. /run/mailwiz-move/", "mv /m /m.moved")),
        (FIRST, LOCAL, ("cp -a /m /m.moved", "disable --now mailwiz-nfs.timer m.mount", "mv /m.moved /m")),
        (FIRST, SECOND, ("mount -t nfs4 nfs2:/mail", "cp -a /m/.", "disable --now mailwiz-nfs.timer m.mount")),
    ],
)
def test_commands_are_a_shell_line_that_copies_before_it_lets_go(
    was: str, kind: str, words: tuple[str, ...]
) -> None:
    (text,) = advice(was, "/m", kind, "/m")
    commands = text.removeprefix("move it first: ").removesuffix("; then apply")
    places = [commands.find(word) for word in ("systemctl stop postfix dovecot", *words)]
    assert -1 not in places
    assert places == sorted(places)
    assert "rm -r" not in commands
    assert subprocess.run(["sh", "-n"], input=commands, text=True, check=False).returncode == 0


def test_another_mount_point_of_the_same_export_moves_nothing() -> None:
    (text,) = advice(FIRST, "/m", FIRST, "/n")
    assert "cp " not in text
    assert "m.mount" in text


def test_nothing_is_asked_where_no_mail_is_or_all_is_as_planned() -> None:
    assert advice(LOCAL, "/m", FIRST, "/m", holds=False) == []
    assert advice(FIRST, "/m", FIRST, "/m") == []

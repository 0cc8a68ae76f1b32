"""Mailboxes on a file server: mounted before all that depends on it, and never mistaken for a local folder."""

from __future__ import annotations

import re

import pytest

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Blueprint
from mailwiz_tui.stack.compile import compile_server
from mailwiz_tui.stack.mounts import mount_unit
from mailwiz_tui.stack.nfs import component as nfs

from . import cases

NFS = {"type": "nfs", "path": "/srv/mail", "nfs_server": "nfs.example.com", "nfs_export": "/export/mail"}


def made(codename: str = "trixie", **changes: str) -> Blueprint:
    return compile_server(cases.plan(storage={**NFS, **changes}), "mx1", cases.facts(codename=codename))


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("/var/vmail", "var-vmail.mount"),
        ("/srv/our-mail", r"srv-our\x2dmail.mount"),
        ("/srv/a@b+c/d_e.f", r"srv-a\x40b\x2bc-d_e.f.mount"),
        ("/.mail/.x", r"\x2email-.x.mount"),
    ],
)
def test_mount_unit_is_named_as_systemd_wants_it(path: str, unit: str) -> None:
    assert mount_unit(path) == unit


def test_mount_comes_first_and_dovecot_only_with_it() -> None:
    blueprint = made()
    steps = [step.id for step in blueprint.steps]
    assert steps.index("packages") < steps.index("nfs") < steps.index("dovecot")
    files = blueprint.files()
    assert "BindsTo=srv-mail.mount" in files[nfs.DROPIN].content
    mount = files["/etc/systemd/system/srv-mail.mount"].content
    assert "What=nfs.example.com:/export/mail\nWhere=/srv/mail\nType=nfs4\n" in mount
    assert {"hard", "vers=4.1", "nosuid", "nodev", "noexec"} <= set(
        re.findall(r"(?m)^Options=(.*)$", mount)[0].split(",")
    )
    dovecot = next(unit for unit in blueprint.units() if unit.name == "dovecot.service")
    assert nfs.DROPIN in dovecot.restart_on
    assert "nfs.reachable" in [probe.id for probe in blueprint.preflight]


@pytest.mark.parametrize("codename", ["trixie", "bookworm"])
def test_dovecot_keeps_indexes_local_and_everything_else_with_the_mail(codename: str) -> None:
    config = made(codename).files()["/etc/dovecot/dovecot.conf"].content
    for setting in ("mmap_disable = yes", "mail_fsync = always", "mail_nfs_storage = yes", "mail_nfs_index = no"):
        assert f"\n{setting}\n" in config
    assert "/var/lib/mailwiz-indexes/" in config
    storage = config.lower().partition("## mail storage")[2].partition("## quota")[0]
    assert "mail_home" in storage
    assert "control" not in storage


def test_record_of_where_mail_is_names_the_file_server() -> None:
    blueprint = made(nfs_server="2001:db8::9")
    kind, path = blueprint.files()[layout.MAIL_STORE].content.splitlines()[-1].split()
    assert (kind, path) == ("nfs-maildir@[2001:db8::9]:/export/mail", "/srv/mail")
    assert blueprint.meta["mail_format"] == kind


def test_check_of_the_mount_tells_another_export_from_the_planned_one() -> None:
    probe = next(probe for probe in made().probes if probe.id == "nfs.mounted")
    line = (
        "nfs4   nfs.example.com:/export/mail rw,nosuid,nodev,noexec,noatime,vers=4.1,rsize=1048576,hard,proto=tcp"
    )
    assert re.search(probe.expect, line)
    for former, other in (("/mail ", "/mail2 "), ("nfs.ex", "nfsxex"), (",hard", ",soft"), ("nosuid,", "")):
        assert not re.search(probe.expect, line.replace(former, other)), other


def test_postfix_keeps_its_queue_off_the_file_server() -> None:
    assert not layout.POSTFIX_SPOOL.startswith(made().meta["storage"])
    assert "queue_directory" not in made().files()["/etc/postfix/main.cf"].content


def test_no_backup_is_made_of_an_empty_mount_point() -> None:
    plan = cases.plan(storage=NFS, backup={"target": "/srv/backup"})
    unit = compile_server(plan, "mx1", cases.facts()).files()["/etc/systemd/system/mailwiz-backup.service"]
    assert "\nRequiresMountsFor=/srv/mail\n" in unit.content


def test_without_nfs_nothing_of_it_is_there() -> None:
    blueprint = compile_server(cases.plan(), "mx1", cases.facts())
    assert "nfs" not in [step.id for step in blueprint.steps]
    assert not [probe for probe in blueprint.preflight if probe.id.startswith("nfs")]
    assert "nfs-common" not in blueprint.packages()

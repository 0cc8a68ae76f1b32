"""Where a backup may go, and what a plan must say with it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwiz_tui.plan.rules import cross_check
from mailwiz_tui.plan.storage_names import access_key, backup_target


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("/srv/backup", "/srv/backup"),
        ("/var/backups/mail", "/var/backups/mail"),
        ("s3:https://s3.acme.se/acme-backup", "s3:https://s3.acme.se/acme-backup"),
        ("s3:https://S3.Acme.se:9000/acme-backup/mail/", "s3:https://s3.acme.se:9000/acme-backup/mail"),
    ],
)
def test_places_for_a_backup(text: str, normal: str) -> None:
    assert backup_target(text) == normal
    assert backup_target(normal) == normal


@pytest.mark.parametrize(
    "text",
    [
        "srv/backup", "/", "/etc/backup", "/srv/../etc", "/srv/a b", "s3:https://s3.acme.se", "s3:https://s3.acme.se/",
        "s3:https://me:secret@s3.acme.se/acme", "s3:https://s3.acme.se/Acme", "s3:acme", "s3:ftp://s3.acme.se/acme",
        "s3:https://s3.acme.se/acme/../x", "s3:https://s3.acme.se/acme/a b",
    ],
)  # fmt: skip
def test_what_is_no_place_for_a_backup(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        backup_target(text)


@given(st.text(max_size=80) | st.text(max_size=60).map(lambda text: "s3:https://s3.acme.se/" + text))
def test_any_text_is_normal_or_refused(text: str) -> None:
    for check in (backup_target, access_key):
        try:
            normal = check(text)
        except ValueError:
            continue
        else:
            assert check(normal) == normal
            assert not set(normal) & set("\n\r\"'`$;|&<> ")


@pytest.mark.parametrize(
    ("backup", "path"),
    [
        ({"target": "/var/vmail/backup"}, "backup.target"),
        ({"target": "s3:https://s3.acme.se/acme"}, "backup.s3_access_key"),
        ({"target": "/srv/b", "keep_daily": 0, "keep_weekly": 0, "keep_monthly": 0}, "backup.keep_daily"),
    ],
)
def test_what_a_backup_needs_is_said(bend: Any, backup: dict[str, Any], path: str) -> None:
    assert path in [finding.path for finding in cross_check(bend({"backup": backup}))]

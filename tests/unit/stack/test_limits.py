"""The plan's limits: one place for what many programs must agree on."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from mailwiz_tui.plan.model import Limits
from mailwiz_tui.stack.blueprint import Blueprint
from mailwiz_tui.stack.compile import compile_server

from . import cases

MEGABYTE, GIGABYTE = 1 << 20, 1 << 30
ALL = {"antivirus": True, "webmail": "roundcube", "admin_panel": "postfixadmin"}
SIZES = {"message_size_mb": 80, "mailbox_quota_gb": 5, "sent_per_hour": 30}


def made(codename: str = "trixie", **changes: Any) -> Blueprint:
    known = cases.facts() if codename == "trixie" else cases.bookworm()
    return compile_server(cases.plan(**changes), "mx1", known)


def text(blueprint: Blueprint, ending: str) -> str:
    """The only file whose path ends so."""
    (found,) = [file.content for path, file in blueprint.files().items() if path.endswith(ending)]
    return found


def number(pattern: str, where: str) -> int:
    found = re.search(pattern, where)
    assert found, pattern
    return int(found[1])


@pytest.mark.parametrize("codename", ["trixie", "bookworm"])
@pytest.mark.parametrize("limits", [{}, SIZES], ids=["default", "own"])
def test_whatever_postfix_accepts_is_looked_at_and_can_be_attached(codename: str, limits: dict[str, int]) -> None:
    blueprint = made(codename, services=ALL, limits=limits)
    size = Limits(**limits).message_size_mb
    assert number(r"message_size_limit = (\d+)", text(blueprint, "postfix/main.cf")) == size * MEGABYTE
    clamd = text(blueprint, "clamav/clamd.conf")
    for setting in ("StreamMaxLength", "MaxFileSize", "MaxScanSize"):
        assert number(rf"{setting} (\d+)M", clamd) > size
    assert number(r"max_message = (\d+)M", text(blueprint, "local.d/options.inc")) > size
    pool = text(blueprint, "pool.d/mailwiz-roundcube.conf")
    assert number(r"upload_max_filesize\] = (\d+)M", pool) == size
    assert number(r"post_max_size\] = (\d+)M", pool) > size
    assert number(r"max_message_size'\] = '(\d+)M", text(blueprint, "roundcube/config.inc.php")) == size
    sites = "\n".join(file.content for path, file in blueprint.files().items() if "/nginx/" in path)
    assert f"client_max_body_size {size + 4}m;" in sites


def test_a_server_without_mailboxes_sends_reports_of_the_same_size() -> None:
    plan = cases.distributed(limits=SIZES)
    blueprint = compile_server(plan, "filter", cases.distributed_facts())
    assert number(r"message_size_limit = (\d+)", text(blueprint, "postfix/main.cf")) == 80 * MEGABYTE


@pytest.mark.parametrize("antispam", ["rspamd", "spamassassin", "none"])
def test_a_login_sends_as_much_whatever_counts_it(antispam: str) -> None:
    blueprint = made(services={"antispam": antispam}, limits=SIZES)
    if antispam == "rspamd":
        rules = text(blueprint, "local.d/ratelimit.conf")
        assert re.findall(r"burst = (\d+);\s+rate = \"(\d+) / 1(\w)\"", rules) == [
            ("30", "30", "h"),
            ("150", "300", "d"),
        ]
    else:
        settings = json.loads(text(blueprint, "rate-limiter/settings.json"))
        assert settings["limits"] == [[30, 30, 3600], [150, 300, 86400]]


def test_a_mailbox_without_a_quota_has_the_plans_for_dovecot_and_at_rcpt_alike() -> None:
    trixie, bookworm = made(limits=SIZES), made("bookworm", limits=SIZES)
    assert f"CONCAT(m.quota, 'B'), '{5 * GIGABYTE}B')" in text(trixie, "dovecot/dovecot.conf")
    assert f"IF(m.quota > 0, m.quota, {5 * GIGABYTE}))" in text(bookworm, "mailwiz-accounts.conf.ext")
    for blueprint in (trixie, bookworm):
        accounts = json.loads(text(blueprint, "recipient-checks/settings.json"))["accounts"]
        assert accounts["mailbox_quota"] == str(5 * GIGABYTE)
    front = compile_server(cases.distributed(limits=SIZES), "out1", cases.distributed_facts())
    assert json.loads(text(front, "account-copy.json"))["mailbox_quota"] == 5 * GIGABYTE


def test_without_a_limit_nothing_of_it_is_in_the_configuration() -> None:
    assert "'unlimited'" in text(made(), "dovecot/dovecot.conf")
    assert "mailbox_quota" not in json.loads(text(made(), "recipient-checks/settings.json"))["accounts"]

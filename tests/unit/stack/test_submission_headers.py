"""The privacy rules for submitted mail: which headers they read, and which Received line they change."""

from __future__ import annotations

import re

import pytest

from mailwiz_tui.plan.model import Plan
from mailwiz_tui.stack.compile import compile_server

from . import cases

OURS = (
    "Received: from laptop (unknown [198.51.100.7])\n"
    "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\n"
    "\t key-exchange x25519 server-signature ECDSA (prime256v1) server-digest SHA256)\n"
    "\t(No client certificate requested)\n"
    "\t(Authenticated sender: bob@example.com)\n"
    "\tby mail.example.com (Postfix) with ESMTPSA id 4ABC\n"
    "\tfor <lou@elsewhere.test>; Mon, 30 Nov 2026 10:00:00 +0000 (UTC)"
)
FORMER = (
    "Received: from evil.bad.test (evil.bad.test [203.0.113.66])\n"
    "\tby mail.example.com (Postfix) with ESMTPS id 4ABC\n"
    "\tfor <bob@example.com>; Mon, 30 Nov 2026 10:00:00 +0000 (UTC)"
)


def files(plan: Plan, server_id: str, suite: str) -> dict[str, str]:
    known = cases.distributed_facts(codename=suite) if plan.linked else cases.facts(codename=suite)
    return {path: file.content for path, file in compile_server(plan, server_id, known).files().items()}


def rules(host: str = "mail.example.com") -> list[tuple[re.Pattern[str], str]]:
    """The table as Python reads it: pattern and action of each rule."""
    text = files(cases.plan(), "mx1", "trixie")["/etc/postfix/mailwiz-submission-headers"]
    lines = re.sub(r"\n[ \t]+", " ", text).splitlines()
    found = []
    for line in lines:
        if line.startswith("/"):
            pattern, _, action = line.removeprefix("/").rpartition("/ ")
            found.append((re.compile(pattern.replace("[[:space:]]", r"\s"), re.IGNORECASE | re.DOTALL), action))
    return found


def changed(header: str) -> str | None:
    """What becomes of a header; None where it goes."""
    for pattern, action in rules():
        if found := pattern.search(header):
            word, _, text = action.partition(" ")
            return None if word == "IGNORE" else found.expand(re.sub(r"\$(\d)", r"\\g<\1>", text))
    return header


@pytest.mark.parametrize("suite", ["trixie", "bookworm"])
def test_attached_messages_and_parts_are_never_read_by_rules_for_headers(suite: str) -> None:
    for plan, server_id in ((cases.plan(), "mx1"), (cases.distributed(), "out1")):
        made = files(plan, server_id, suite)
        assert "\nnested_header_checks =\n" in made["/etc/postfix/main.cf"]
        assert "\nmime_header_checks =\n" in made["/etc/postfix/main.cf"]
        assert "_header_checks=" not in made["/etc/postfix/master.cf"]


def test_where_a_user_sits_is_not_told() -> None:
    said = changed(OURS)
    assert said is not None
    assert said.startswith("Received: from submission (localhost [127.0.0.1])\n\t(using TLSv1.3")
    assert "by mail.example.com (Postfix) with ESMTPSA id 4ABC\n\tfor <lou@elsewhere.test>;" in said
    assert not [word for word in ("198.51.100.7", "laptop", "Authenticated", "bob@") if word in said]
    assert changed("User-Agent: Mozilla Thunderbird") is None


def test_the_way_of_a_message_that_is_sent_on_is_still_told() -> None:
    assert changed(FORMER) == FORMER


def test_only_mail_after_a_login_is_named_by_it() -> None:
    master = files(cases.plan(), "mx1", "trixie")["/etc/postfix/master.cf"]
    services = re.split(r"\n(?=\S)", master)
    named = {s.split()[0] for s in services if "smtpd_sasl_authenticated_header=yes" in s}
    private = {s.split()[0] for s in services if "cleanup_service_name=submission-cleanup" in s}
    assert named == private == {"submission", "submissions"}

"""What is answered at RCPT TO, and who may get a bounce: the decision, and the program as Postfix asks it."""

from __future__ import annotations

import json
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailwiz_tui.plan.localparts import PATTERN
from mailwiz_tui.stack.accounts.account_reader import Accounts
from mailwiz_tui.stack.accounts.account_sources import CopiedDirectory
from mailwiz_tui.stack.compile import compile_server
from mailwiz_tui.stack.recipient_checks import service
from mailwiz_tui.stack.recipient_checks.component import GRACE, HOST_NAMES, SETTINGS
from mailwiz_tui.stack.recipient_checks.decision import FINE, FULL, NOWHERE, Decision

from . import cases

POSTMASTER = "postmaster@example.com"
ROWS = {
    "domains": ["example.com", "example.org"],
    "alias_domains": {"alias.example": "example.com"},
    "mailboxes": {
        "ann@example.com": [0, 0],
        "full@example.com": [100, 100],
        "tight@example.com": [50, 100],
        "a/b@example.com": [0, 0],
        "o'hara@example.com": [0, 0],
        "plus+x@example.com": [0, 0],
    },
    "aliases": {
        "to-full@example.com": "full@example.com",
        "both@example.com": "full@example.com, ann@example.com",
        "two-full@example.com": "full@example.com, to-full@example.com",
        "away@example.com": "full@example.com, out@foreign.example",
        "gone@example.com": "removed@example.com",
        "half@example.com": "removed@example.com, full@example.com",
        "slash@example.com": "a/b@example.com",
        "plus+x@example.com": "plus+x@example.com",
        "ring@example.com": "wheel@example.com",
        "wheel@example.com": "ring@example.com",
        "roles@example.com": "root@example.com",
        "@example.org": "full@example.com",
    },
}


@pytest.fixture
def decision(tmp_path: Path) -> Decision:
    path = tmp_path / "directory.json"
    path.write_text(json.dumps(ROWS))
    accounts = Accounts(CopiedDirectory(str(path)))
    return Decision(accounts, re.compile(PATTERN), frozenset(HOST_NAMES), POSTMASTER, GRACE)


@pytest.mark.parametrize(
    ("recipient", "size", "said"),
    [
        ("ann@example.com", 10**9, FINE),
        ("full@example.com", 0, FULL),
        ("Full+shop@Example.com", 0, FULL),
        ("to-full@example.com", 0, FULL),
        ("to-full+x@example.com", 0, FULL),
        ("to-full@alias.example", 0, FULL),
        ("full@alias.example", 0, FULL),
        ("whoever@example.org", 0, FULL),
        ("two-full@example.com", 0, FULL),
        ("both@example.com", 0, FINE),
        ("away@example.com", 0, FINE),
        ("tight@example.com", 0, FINE),
        ("tight@example.com", GRACE + 50, FINE),
        ("tight@example.com", GRACE + 51, FULL),
        ("gone@example.com", 0, NOWHERE),
        ("half@example.com", 0, FULL),
        ("a/b@example.com", 0, NOWHERE),
        ("slash@example.com", 0, NOWHERE),
        ("o'hara@example.com", 0, FINE),
        ("plus+x@example.com", 0, NOWHERE),
        ("SRS0=Ab1=CD=foreign.example=alice@example.com", 0, FINE),
        ("ring@example.com", 0, NOWHERE),
        ("ärger@foreign.example", 0, FINE),
        ("roles@example.com", 0, FINE),
        ("root@example.com", 0, FINE),
        ("anybody@foreign.example", 0, FINE),
    ],
)
def test_what_can_be_known_of_a_recipient_is_answered_at_rcpt(
    decision: Decision, recipient: str, size: int, said: str
) -> None:
    assert decision.recipient(recipient, size) == said


@pytest.mark.parametrize(
    ("sender", "instead"),
    [
        ("ann@example.com", ""),
        ("nobody@alias.example", ""),
        ("alice@outside.example", POSTMASTER),
        ("alice@sub.example.com", POSTMASTER),
        ("SRS0=ab=cd=outside.example=alice@example.com", POSTMASTER),
        ("root@mail.example.net", POSTMASTER),
        ("", ""),
        ("@example.net", ""),
        ("root", ""),
    ],
)
def test_no_bounce_leaves_for_somebody_outside(decision: Decision, sender: str, instead: str) -> None:
    assert decision.bounce(sender) == instead


@pytest.fixture
def ports(decision: Decision) -> Iterator[tuple[int, int]]:
    made = service.servers({"recipients_port": 0, "bounces_port": 0}, decision)
    for server in made:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield made[0].server_address[1], made[1].server_address[1]
    for server in made:
        server.shutdown()
        server.server_close()


def test_postfix_gets_an_answer_for_each_request_of_a_connection(ports: tuple[int, int]) -> None:
    with socket.create_connection(("127.0.0.1", ports[0]), timeout=10) as client, client.makefile("rb") as answers:
        for recipient, size, said in (
            ("to-full@example.com", "5", FULL),
            ("ann@example.com", "", FINE),
            ("", "x", FINE),
            ("tight@example.com", str(GRACE * 2), FULL),
        ):
            request = f"request=smtpd_access_policy\nprotocol_state=RCPT\nrecipient={recipient}\nsize={size}\n\n"
            client.sendall(request.encode())
            assert answers.readline() + answers.readline() == f"action={said}\n\n".encode()
        client.sendall(b"no attribute\n\n")
        assert answers.read() == b""


def test_the_table_of_bounces_speaks_socketmap(ports: tuple[int, int]) -> None:
    with socket.create_connection(("127.0.0.1", ports[1]), timeout=10) as client, client.makefile("rb") as answers:
        for key, said in (("alice@outside.example", f"OK {POSTMASTER}"), ("ann@example.com", "NOTFOUND ")):
            request = f"bounces {key}"
            client.sendall(f"{len(request)}:{request},".encode())
            expected = f"{len(said)}:{said},".encode()
            assert answers.read(len(expected)) == expected


def test_without_accounts_the_sender_is_asked_to_try_again_and_bounces_wait(decision: Decision) -> None:
    source = decision.accounts.source
    assert isinstance(source, CopiedDirectory)
    Path(source.path).unlink()
    assert service.action({"recipient": "ann@example.com"}, decision) == service.LATER
    assert service.bounce_answer(b"bounces ann@example.com", decision).startswith(b"TEMP ")


@pytest.mark.parametrize("server_id", ["in1", "out1"])
def test_each_server_that_takes_mail_asks_before_it_does(server_id: str) -> None:
    files = compile_server(cases.distributed(), server_id, cases.distributed_facts()).files()
    assert json.loads(files[SETTINGS].content)["accounts"] == {"copy": "/var/lib/mailwiz-accounts/directory.json"}
    main, master = files["/etc/postfix/main.cf"].content, files["/etc/postfix/master.cf"].content
    assert "check_policy_service { inet:127.0.0.1:11348," in main
    for daemon in ("bounce", "defer", "trace"):
        assert re.search(rf"(?m)^{daemon} +unix .*\n    -o cleanup_service_name=bounce-cleanup$", master), daemon

"""One look at a running server: what lines of the mail log count as, and what the server's programs say."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from mailwiz_tui.agent.protocol.watch import ActiveRun, CertificateEnd, LookAround, QueueState
from mailwiz_tui.agent.watch import mail_log, monitor
from tests.unit.agent.rehearsal import Rehearsal
from tests.unit.fake_link import ask

SENT = "to=<a@example.com>, relay=mx.example.com[192.0.2.1]:25, delay=1, dsn=2.0.0, status=sent (250 ok)"


@pytest.mark.parametrize(
    ("program", "message", "kind"),
    [
        ("postfix/lmtp", f"4F1FD27E297: {SENT}", "in"),
        ("postfix/virtual", f"4F1FD27E297: {SENT}", "in"),
        ("postfix/smtp", f"4F1FD27E297: {SENT}", "out"),
        ("postfix/smtp", "4F1: to=<a@b.c>, relay=127.0.0.1[127.0.0.1]:10025, status=sent (250)", ""),
        ("postfix/smtp", "4F1: to=<a@b.c>, relay=none, dsn=4.4.1, status=deferred (timed out)", "deferred"),
        ("postfix/smtp", "4F1: to=<a@b.c>, relay=x, dsn=5.1.1, status=bounced (no such user)", "rejected"),
        (
            "postfix/smtpd",
            "NOQUEUE: reject: RCPT from x[192.0.2.9]: 554 5.7.1 <a@b>: Relay access denied",
            "rejected",
        ),
        ("postfix/smtpd", "NOQUEUE: reject: RCPT from x[192.0.2.9]: 450 4.2.0 <a@b>: Greylisted", "deferred"),
        ("postfix/submissions/smtpd", "NOQUEUE: reject: MAIL from x[192.0.2.9]: 553 5.7.1 <a@b>: no", "rejected"),
        (
            "postfix/cleanup",
            "6D7: milter-reject: END-OF-MESSAGE from x[192.0.2.9]: 5.7.1 Gtube pattern;",
            "rejected",
        ),
        ("postfix/cleanup", "6D7: milter-reject: END-OF-MESSAGE from x[192.0.2.9]: 4.7.1 Try again;", "deferred"),
        ("postfix/smtpd", "4F1FD27E297: client=x[192.0.2.9]", ""),
        ("dovecot", "lmtp(a@b): status=sent", ""),
        ("postfix/qmgr", "4F1FD27E297: removed", ""),
    ],
)
def test_what_a_line_counts_as(program: str, message: str, kind: str) -> None:
    assert mail_log.kind(program, message) == kind


def entry(seconds: int, program: str, message: Any, **more: str) -> str:
    """A line of ``journalctl --output=json``."""
    return json.dumps(
        {
            "__CURSOR": f"c{seconds}",
            "__REALTIME_TIMESTAMP": str(seconds * 1_000_000),
            "SYSLOG_IDENTIFIER": program,
            "MESSAGE": message,
            **more,
        }
    )


def program(machine: Rehearsal, name: str, output: str, code: int = 0) -> None:
    """Put a stand-in that prints ``output`` and notes its arguments."""
    (machine.root / f"{name}.says").write_text(output)
    path = machine.root / "usr/bin" / name
    path.write_text(
        f'#!/bin/sh\necho "{name} $*" >>"$MAILWIZ_ROOT/calls"\ncat "$MAILWIZ_ROOT/{name}.says"\nexit {code}\n'
    )
    path.chmod(0o755)


def test_the_log_goes_on_where_it_was_left(machine: Rehearsal) -> None:
    lines = [entry(60 + i, "postfix/lmtp", f"4F1FD27E297: {SENT}") for i in range(5)]
    lines.append(entry(130, "postfix/smtpd", [104, 105, 255, 27]))
    lines.append(entry(131, "rspamd", "<a>; map; cannot resolve", PRIORITY="6"))
    lines.append("{broken")
    program(machine, "journalctl", "\n".join(lines))
    told = mail_log.read(machine.host, "", 3600, 3)
    assert told.place == "cursor c131"
    assert told.minutes == ((60, "in", 5),)
    assert [line[1] for line in told.lines] == ["postfix/lmtp", "postfix/lmtp", "postfix/smtpd"]
    assert told.lines[-1][2] == "hi�"
    assert told.left_out == 3
    mail_log.read(machine.host, told.place, 3600, 3)
    assert "--after-cursor=c131" in machine.calls()[-1]
    assert "--lines" not in machine.calls()[-1]


def test_nothing_in_the_log_yet_asks_from_now_on(machine: Rehearsal) -> None:
    program(machine, "journalctl", "")
    place = mail_log.read(machine.host, "", 3600, 10).place
    assert place.startswith("since ")
    assert mail_log.read(machine.host, place, 3600, 10).place == place


def test_a_cursor_that_is_gone_begins_anew(machine: Rehearsal) -> None:
    program(machine, "journalctl", "Failed to seek to cursor", code=1)
    assert mail_log.read(machine.host, "cursor old", 60, 10).lines == ()
    asked = [call for call in machine.calls() if call.startswith("journalctl")]
    assert "--after-cursor=old" in asked[0]
    assert "--since=@" in asked[1]


def test_a_look_tells_queue_bans_and_certificate(machine: Rehearsal, tmp_path: Path) -> None:
    program(machine, "journalctl", "")
    mails = [
        {
            "queue_name": "deferred",
            "arrival_time": 50,
            "recipients": [{"address": "a", "delay_reason": "no\x1b[2J route"}],
        },
        {"queue_name": "active", "arrival_time": 70, "recipients": [{"address": "b"}]},
    ]
    program(machine, "postqueue", "\n".join(map(json.dumps, mails)))
    program(machine, "fail2ban-client", "[{'sshd': ['192.0.2.1', '192.0.2.2']}, {'postfix': []}]")
    program(machine, "openssl", "notAfter=Nov 22 23:59:42 2026 GMT")
    told = ask(machine.host, LookAround(("postfix.service", "dovecot.service")))
    assert told.queue == QueueState(2, 1, 0, 50.0, "no route")
    assert told.bans == {"sshd": 2, "postfix": 0}
    assert told.certificate == CertificateEnd(1795391982.0)
    assert told.units is not None
    assert [u.name for u in told.units] == ["postfix.service", "dovecot.service"]
    assert told.units[0].active == "inactive"
    assert told.run == ActiveRun()


def test_a_unit_that_crashed_tells_when_it_came_back_and_why_it_had_ended(machine: Rehearsal) -> None:
    since = int((time.clock_gettime(time.CLOCK_MONOTONIC) - 5) * 1e6)
    program(machine, "systemctl", f"ActiveState=active\nNRestarts=2\nActiveEnterTimestampMonotonic={since}")
    program(machine, "journalctl", "oom-kill")
    (unit,) = monitor.unit_states(machine.host, ["x.service"])
    assert (unit.restarts, unit.cause) == (2, "oom-kill")
    assert 4 < time.time() - unit.restarted < 10
    assert any("UNIT=x.service" in call for call in machine.calls())


def test_what_cannot_be_told_is_none_and_hides_nothing_else(machine: Rehearsal) -> None:
    program(machine, "journalctl", "no journal", code=1)
    program(machine, "postqueue", "postqueue: fatal: Queue report unavailable", code=69)
    program(machine, "fail2ban-client", "surprise", code=0)
    program(machine, "openssl", "no file", code=1)
    told = ask(machine.host, LookAround(()))
    assert told.queue is None
    assert told.bans is None
    assert told.certificate is None
    assert told.memory is not None
    assert told.memory.total > 0
    assert told.log is not None
    assert told.log.lines == ()


def test_a_look_tells_how_old_each_private_link_is(machine: Rehearsal) -> None:
    program(machine, "journalctl", "")
    program(machine, "wg", f"mwz0\tkey-a=\t{int(time.time()) - 40}\nmwz0\tkey-b=\t0\nother\tkey-x=\t1")
    peers = {"in1": "key-a=", "out1": "key-b=", "store1": "key-c="}
    mesh = {peer.name: peer.age for peer in ask(machine.host, LookAround((), peers=peers)).mesh or ()}
    assert 39 <= (mesh["in1"] or 0) <= 45
    assert mesh["out1"] is mesh["store1"] is None
    assert ask(machine.host, LookAround(())).mesh == ()
    program(machine, "wg", "Unable to access interface", code=1)
    assert ask(machine.host, LookAround((), peers=peers)).mesh is None


def test_the_domains_of_the_accounts_are_told_where_their_database_is(machine: Rehearsal) -> None:
    program(machine, "journalctl", "")
    program(machine, "mariadb", "Shop.test\nexample.com\nexample.com\n")
    assert ask(machine.host, LookAround(())).account_domains is None
    (machine.root / "var/lib/mysql/postfix").mkdir(parents=True)
    assert ask(machine.host, LookAround(())).account_domains == ("example.com", "shop.test")
    program(machine, "mariadb", "ERROR 2002 (HY000): Can't connect", code=1)
    assert ask(machine.host, LookAround(())).account_domains is None

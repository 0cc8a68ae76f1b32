"""A step ends when its service answers, asked in its own protocol."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from mailwiz_tui.agent.items import answers
from mailwiz_tui.stack.blueprint import Ask, Ready
from tests.unit.agent.conftest import Carry
from tests.unit.agent.rehearsal import Rehearsal, for_agent, step

MILTER = struct.pack("!IcIII", 13, b"O", 6, 0, 0)
ANSWERS = {
    Ask.SMTP: b"220 mail.example.test ESMTP\r\n",
    Ask.IMAP: b"* OK ready\r\n",
    Ask.MILTER: MILTER,
    Ask.REDIS: b"+PONG\r\n",
    Ask.CLAMD: b"PONG\0",
    Ask.SPAMD: b"SPAMD/1.5 0 PONG\r\n",
    Ask.HTTP: b"HTTP/1.1 404 Not Found\r\n",
    Ask.FASTCGI: b"\x01\x0a\x00\x00",
    Ask.MYSQL: b"\x4a\x00\x00\x00\x0a10.11",
    Ask.POLICY: b"action=DUNNO\n\n",
}


@contextmanager
def service(place: Path, answer: bytes) -> Iterator[str]:
    """Something that listens and says one thing to everybody."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(place))
    listener.listen()

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with client:
                client.sendall(answer)
                client.settimeout(1)
                try:
                    while client.recv(512):
                        pass
                except OSError:
                    pass

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"unix:{place}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def question(kind: Ask, at: str = "", *argv: str, limit: float = 1.5) -> Ready:
    return Ready("X", "x.service", kind, at, argv, limit)


def real(machine: Rehearsal, place: str) -> str:
    """Where the agent finds a socket of the rehearsed machine."""
    return f"unix:/{Path(place.removeprefix('unix:')).relative_to(machine.host.root)}"


@pytest.mark.parametrize("kind", ANSWERS)
def test_a_service_that_answers_is_ready(machine: Rehearsal, kind: Ask) -> None:
    with service(Path(machine.host.root) / "s", ANSWERS[kind]) as place:
        assert answers.ask(machine.host, question(kind, real(machine, place))) == ""


@pytest.mark.parametrize("kind", [kind for kind in ANSWERS if kind is not Ask.TCP])
def test_one_that_says_something_else_is_not(machine: Rehearsal, kind: Ask) -> None:
    with service(Path(machine.host.root) / "s", b"-LOADING it, please wait\r\n") as place:
        assert answers.ask(machine.host, question(kind, real(machine, place)))


def test_a_database_that_lets_only_other_servers_in_answers(machine: Rehearsal) -> None:
    """MariaDB on the private link refuses the very server it runs on; too many connections are no answer yet."""
    for code, ready in ((1130, True), (1040, False)):
        packet = b"\x47\x00\x00\x00\xff" + code.to_bytes(2, "little") + b"Host is not allowed"
        with service(Path(machine.host.root) / f"s{code}", packet) as place:
            assert (answers.ask(machine.host, question(Ask.MYSQL, real(machine, place))) == "") is ready


def test_nobody_there_is_said(machine: Rehearsal) -> None:
    assert "No such file" in answers.ask(machine.host, question(Ask.REDIS, "unix:/gone"))
    assert "refused" in answers.ask(machine.host, question(Ask.TCP, "127.0.0.1:1"))
    assert answers.ask(machine.host, question(Ask.COMMAND, "", "false"))
    assert answers.ask(machine.host, question(Ask.COMMAND, "", "true")) == ""


def test_every_way_to_ask_is_known_to_the_agent() -> None:
    assert {kind.value for kind in Ask} == {*answers._QUESTIONS, "dns", "command"}


def test_a_step_waits_for_a_service_that_starts_late(machine: Rehearsal, carry: Carry) -> None:
    place = Path(machine.host.root) / "late"
    begun = time.monotonic()
    with ExitStack() as stack:
        threading.Timer(1.5, lambda: stack.enter_context(service(place, b"+PONG\r\n"))).start()
        events = carry(for_agent(step(Ready("Redis", "redis.service", Ask.REDIS, "unix:/late", limit=20.0))))
    assert events[-1]["state"] == "done"
    assert time.monotonic() - begun > 1.4


def test_a_service_that_never_answers_fails_its_step_with_the_reason(machine: Rehearsal, carry: Carry) -> None:
    events = carry(for_agent(step(Ready("Redis", "redis.service", Ask.REDIS, "unix:/never", limit=0.5))))
    assert events[-1]["state"] == "failed"
    assert "Redis does not answer after" in events[-1]["what"]
    assert "journalctl -u redis" in events[-1]["advice"]

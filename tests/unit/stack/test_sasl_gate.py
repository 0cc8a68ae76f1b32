"""Logins that Dovecot cannot check are temporary failures for Postfix; all else passes the gate as it is."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.compile import compile_server
from mailwiz_tui.stack.sasl_gate.gate import STILL_BUSY, Gate, answers, could_not_check

from . import cases

HANDSHAKE = b"VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t7\nCUID\t1\nCOOKIE\t00\nDONE\n"
WRONG = b"FAIL\t1\tuser=bob@example.com\n"
DOWN = b"FAIL\t1\tuser=bob@example.com\tcode=temp_fail\n"
RIGHT = b"OK\t1\tuser=bob@example.com\n"


class Dovecot:
    """Greets as Dovecot does, and gives one answer to every login."""

    def __init__(self, answer: bytes, seconds: float = 0.05) -> None:
        self.answer = answer
        self.seconds = seconds
        self.asked = b""
        self.left = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HANDSHAKE)
        while line := await reader.readline():
            self.asked += line
            if line.startswith(b"AUTH"):
                # in two pieces, as a busy server may send it
                writer.write(self.answer[:9])
                await writer.drain()
                await asyncio.sleep(self.seconds)
                writer.write(self.answer[9:])
        self.left.set()
        writer.close()


@asynccontextmanager
async def gate(tmp_path: Path, patience: float = 5.0) -> AsyncIterator[Path]:
    place = tmp_path / "gate.sock"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(place))
    listener.listen()
    serving = asyncio.create_task(Gate(str(tmp_path / "auth.sock"), patience, 0.2).serve(listener))
    try:
        yield place
    finally:
        serving.cancel()
        listener.close()


async def login(place: Path) -> bytes:
    """What Postfix hears after the handshake; nothing where the connection ended."""
    reader, writer = await asyncio.open_unix_connection(place)
    writer.write(b"VERSION\t1\t1\nCPID\t42\n")
    assert await asyncio.wait_for(reader.readexactly(len(HANDSHAKE)), 5) == HANDSHAKE
    writer.write(b"AUTH\t1\tPLAIN\tservice=smtp\tresp=AGI=\n")
    heard = await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    return heard


@pytest.mark.parametrize("answer", [RIGHT, WRONG, b"CONT\t1\tVXNlcm5hbWU6\n", WRONG[:-1] + b"\treason=temp\n"])
async def test_what_dovecot_decides_is_passed_on(tmp_path: Path, answer: bytes) -> None:
    dovecot = Dovecot(answer)
    async with await asyncio.start_unix_server(dovecot, tmp_path / "auth.sock"), gate(tmp_path) as place:
        assert await login(place) == answer
    assert dovecot.asked.startswith(b"VERSION\t1\t1\nCPID\t42\nAUTH\t1\tPLAIN")


async def test_a_login_that_cannot_be_checked_ends_the_connection_on_both_sides(tmp_path: Path) -> None:
    dovecot = Dovecot(DOWN)
    async with await asyncio.start_unix_server(dovecot, tmp_path / "auth.sock"), gate(tmp_path) as place:
        assert await login(place) == b""
        await asyncio.wait_for(dovecot.left.wait(), 5)
        dovecot.answer = RIGHT
        assert await login(place) == RIGHT


async def test_postfix_hears_something_while_dovecot_is_busy(tmp_path: Path) -> None:
    """It gives up 10 s after the last line; only where it waits for an answer it is told anything."""
    dovecot = Dovecot(RIGHT, seconds=0.7)
    async with await asyncio.start_unix_server(dovecot, tmp_path / "auth.sock"), gate(tmp_path) as place:
        reader, writer = await asyncio.open_unix_connection(place)
        writer.write(b"VERSION\t1\t1\nCPID\t42\n")
        assert await asyncio.wait_for(reader.readexactly(len(HANDSHAKE)), 5) == HANDSHAKE
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.5)
        writer.write(b"AUTH\t1\tPLAIN\tservice=smtp\tresp=AGI=\n")
        heard = [await asyncio.wait_for(reader.readline(), 5)]
        while heard[-1] != RIGHT:
            heard.append(await asyncio.wait_for(reader.readline(), 5))
        assert set(heard[:-1]) == {STILL_BUSY}
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.5)
        writer.close()


@pytest.mark.parametrize(
    ("line", "temporary"),
    [
        (DOWN[:-1], True),
        (b"FAIL\t3\tuser=a\ttemp", True),
        (WRONG[:-1], False),
        (b"FAIL\t3\tuser=code=temp_fail", False),
        (b"FAIL\t3\tuser=a\tcode=user_disabled", False),
        (b"OK\t3\tuser=a\tcode=temp_fail", False),
        (b"FAIL", False),
        (b"", False),
    ],
)
def test_only_a_failure_that_passes_counts(line: bytes, temporary: bool) -> None:
    assert could_not_check(line) is temporary


async def test_a_login_waits_while_dovecot_restarts(tmp_path: Path) -> None:
    async with gate(tmp_path) as place:
        waiting = asyncio.create_task(login(place))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        async with await asyncio.start_unix_server(Dovecot(RIGHT), tmp_path / "auth.sock"):
            assert await waiting == RIGHT


async def test_nobody_waits_for_ever(tmp_path: Path) -> None:
    async with gate(tmp_path, patience=0.2) as place:
        reader, _ = await asyncio.open_unix_connection(place)
        assert await asyncio.wait_for(reader.read(), 5) == b""


async def test_the_check_says_whether_dovecot_answers(tmp_path: Path) -> None:
    async with gate(tmp_path, patience=0.2) as place:
        assert not await asyncio.to_thread(answers, str(place), 3.0)
        async with await asyncio.start_unix_server(Dovecot(RIGHT), tmp_path / "auth.sock"):
            assert await asyncio.to_thread(answers, str(place), 3.0)
    assert not answers(str(tmp_path / "nothing"), 1.0)


@pytest.mark.parametrize(
    ("known", "server"),
    [(cases.facts(), "mx1"), (cases.bookworm(), "mx1"), (cases.distributed_facts(), "out1")],
)
def test_postfix_asks_through_the_gate(known: FactsFile, server: str) -> None:
    plan = cases.distributed() if server == "out1" else cases.plan()
    blueprint = compile_server(plan, server, known)
    files = blueprint.files()
    assert f"smtpd_sasl_path = {layout.SASL_GATE_SOCKET}\n" in files["/etc/postfix/main.cf"].content
    units = [unit.name for unit in blueprint.units()]
    assert units.index("dovecot.service") < units.index("mailwiz-sasl-gate.socket")
    service = files["/etc/systemd/system/mailwiz-sasl-gate.service"].content
    assert f" {layout.POSTFIX_SPOOL}/{layout.SASL_SOCKET}\n" in service
    assert f"{layout.POSTFIX_SPOOL}/{layout.SASL_SOCKET} {{" in files["/etc/dovecot/dovecot.conf"].content


def test_who_takes_no_logins_has_no_gate() -> None:
    blueprint = compile_server(cases.distributed(), "in1", cases.distributed_facts())
    assert "mailwiz-sasl-gate.service" not in [unit.name for unit in blueprint.units()]


@pytest.mark.parametrize("codename", ["trixie", "bookworm"])
@pytest.mark.parametrize("server", ["out1", "store2"])
def test_logins_of_several_servers_need_no_database(server: str, codename: str) -> None:
    """They are checked against the copy of the accounts, so an outage of MariaDB is none for users."""
    known = cases.distributed_facts(codename=codename)
    files = compile_server(cases.distributed(), server, known).files()
    dovecot = "".join(file.content for path, file in files.items() if path.startswith("/etc/dovecot/"))
    assert "passwd-file" in dovecot
    assert "driver = sql" not in dovecot
    assert "passdb sql" not in dovecot

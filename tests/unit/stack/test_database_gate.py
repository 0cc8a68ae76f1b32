"""Lookups wait at the database gate while MariaDB restarts."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.compile import compile_server
from mailwiz_tui.stack.database_gate.gate import DOWN, OWN_GREETING, WELCOME, Gate, packet, peer_uid
from mailwiz_tui.stack.healing.drop_in import drop_in_path

from . import cases

GREETING = packet(0, b"\x0a10.11\x00 and so on")
TOO_MANY = packet(0, b"\xff\x10\x04Too many connections")
DENIED = packet(0, b"\xff\x6a\x04Host not allowed")
LOGIN = packet(1, b"\x0f\xa2\x0b\0 and 32 bytes more, and the user's name")
LET_IN = packet(2, b"\0\0\0\x02\0\0\0")
LEAVING = packet(2, b"\xff\x1d\x04Server shutdown in progress")
STRANGER = packet(2, b"\xff\x15\x04Access denied")
QUERY = packet(0, b"\x03select 1")

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answering(answer: bytes) -> Handler:
    """Greets, answers a login with ``answer`` and then each word with the word in capitals."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETING)
        with contextlib.suppress(asyncio.IncompleteReadError):
            assert await reader.readexactly(len(LOGIN)) == LOGIN
            writer.write(answer)
            while data := await reader.read(100):
                writer.write(data.upper())
        writer.close()

    return handler


database = answering(LET_IN)


async def ending(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Greets, and is killed at the login."""
    writer.write(GREETING)
    await reader.read(1)
    writer.close()


def saying(said: bytes) -> Handler:
    async def handler(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        writer.close()

    return handler


@asynccontextmanager
async def gate(tmp_path: Path, patience: float = 5.0, restart: float = 0.0) -> AsyncIterator[Path]:
    place = tmp_path / "gate.sock"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(place))
    listener.listen()
    serving = asyncio.create_task(Gate(str(tmp_path / "mysqld.sock"), patience, restart).serve(listener))
    try:
        yield place
    finally:
        serving.cancel()
        listener.close()


def slowly(handler: Handler) -> Handler:
    """A database that has so much to do that its greeting takes a moment."""

    async def later(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)
        await handler(reader, writer)

    return later


async def greeted(place: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect where MariaDB is up."""
    reader, writer = await asyncio.open_unix_connection(place)
    assert await asyncio.wait_for(reader.readexactly(len(GREETING)), 5) == GREETING
    return reader, writer


async def served(tmp_path: Path, handler: Handler) -> asyncio.Server:
    path = tmp_path / "mysqld.sock"
    path.unlink(missing_ok=True)
    return await asyncio.start_unix_server(handler, path)


async def test_what_both_sides_say_is_passed_on(tmp_path: Path) -> None:
    async with await served(tmp_path, database), gate(tmp_path) as place:
        reader, writer = await greeted(place)
        writer.write(LOGIN)
        assert await reader.readexactly(len(LET_IN)) == LET_IN
        writer.write(b"select")
        assert await reader.readexactly(6) == b"SELECT"
        writer.close()


async def test_a_client_that_asks_for_tls_goes_on_before_the_database_answers(tmp_path: Path) -> None:
    asked = packet(1, bytes(32))

    async def encrypted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETING)
        assert await reader.readexactly(len(asked) + 5) == asked + b"hello"
        writer.write(b"hello yourself")
        writer.close()

    async with await served(tmp_path, encrypted), gate(tmp_path) as place:
        reader, writer = await greeted(place)
        writer.write(asked)
        await asyncio.sleep(0.1)
        writer.write(b"hello")
        assert await asyncio.wait_for(reader.read(), 3) == b"hello yourself"
        writer.close()


@pytest.mark.parametrize("before", [ending, answering(LEAVING)])
async def test_a_login_at_which_the_database_ended_is_repeated(tmp_path: Path, before: Handler) -> None:
    """A failed connection makes Dovecot fail the login, and Dovecot 2.4's worker crash at the next one."""
    earlier = await served(tmp_path, before)
    async with gate(tmp_path) as place:
        reader, writer = await greeted(place)
        writer.write(LOGIN)
        answer = asyncio.create_task(reader.readexactly(len(LET_IN)))
        await asyncio.sleep(0.3)
        assert not answer.done()
        earlier.close()
        async with await served(tmp_path, database):
            assert await asyncio.wait_for(answer, 3) == LET_IN
            writer.close()


async def test_a_login_that_is_repeated_in_vain_is_let_in_and_its_query_refused(tmp_path: Path) -> None:
    async with await served(tmp_path, ending), gate(tmp_path, patience=0.3) as place:
        reader, writer = await greeted(place)
        writer.write(LOGIN)
        assert await asyncio.wait_for(reader.readexactly(len(WELCOME)), 3) == WELCOME
        writer.write(QUERY)
        assert await asyncio.wait_for(reader.read(), 3) == DOWN
        writer.close()


async def test_a_connection_waits_longer_when_the_database_has_just_stopped(tmp_path: Path) -> None:
    async with gate(tmp_path, patience=0.2, restart=2) as place:
        reader, first = await asyncio.open_unix_connection(place)
        begun = asyncio.get_running_loop().time()
        assert await reader.readexactly(len(OWN_GREETING)) == OWN_GREETING
        assert asyncio.get_running_loop().time() - begun > 1.9
        begun = asyncio.get_running_loop().time()
        reader, second = await asyncio.open_unix_connection(place)
        assert await reader.readexactly(len(OWN_GREETING)) == OWN_GREETING
        assert asyncio.get_running_loop().time() - begun < 1
        first.close()
        second.close()


@pytest.mark.parametrize("before", [None, saying(b""), saying(TOO_MANY)])
async def test_a_connection_waits_until_the_database_answers(tmp_path: Path, before: Handler | None) -> None:
    earlier = await served(tmp_path, before) if before else None
    async with gate(tmp_path) as place:
        reader, _ = await asyncio.open_unix_connection(place)
        greeting = asyncio.create_task(reader.readexactly(len(GREETING)))
        await asyncio.sleep(0.3)
        assert not greeting.done()
        if earlier:
            earlier.close()
        async with await served(tmp_path, database):
            assert await asyncio.wait_for(greeting, 3) == GREETING


async def test_a_refusal_that_will_not_pass_is_told(tmp_path: Path) -> None:
    async with await served(tmp_path, saying(DENIED)), gate(tmp_path) as place:
        reader, _ = await asyncio.open_unix_connection(place)
        assert await asyncio.wait_for(reader.read(), 3) == DENIED


async def let_in(place: Path) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect and log in where the gate answers itself."""
    reader, writer = await asyncio.open_unix_connection(place)
    assert await asyncio.wait_for(reader.readexactly(len(OWN_GREETING)), 5) == OWN_GREETING
    writer.write(LOGIN)
    assert await asyncio.wait_for(reader.readexactly(len(WELCOME)), 5) == WELCOME
    return reader, writer


async def test_who_waited_in_vain_is_let_in_and_the_query_is_refused(tmp_path: Path) -> None:
    """A connection that fails makes Dovecot 2.4's workers crash; a query that fails does not."""
    async with gate(tmp_path, patience=0.3) as place:
        reader, writer = await let_in(place)
        writer.write(QUERY)
        assert await asyncio.wait_for(reader.read(), 5) == DOWN
        writer.close()


async def test_who_asks_after_the_database_is_back_is_answered_there(tmp_path: Path) -> None:
    """Dovecot repeats a query once only, and may have done so by then."""
    async with gate(tmp_path, patience=0.3) as place:
        reader, writer = await let_in(place)
        async with await served(tmp_path, slowly(database)):
            writer.write(QUERY)
            assert await asyncio.wait_for(reader.readexactly(len(QUERY)), 5) == QUERY.upper()
            writer.close()


async def test_who_may_not_log_in_is_told_so_at_the_query(tmp_path: Path) -> None:
    async with gate(tmp_path, patience=0.3) as place:
        reader, writer = await let_in(place)
        async with await served(tmp_path, answering(STRANGER)):
            writer.write(QUERY)
            assert await asyncio.wait_for(reader.read(), 5) == packet(1, STRANGER[4:])
            writer.close()


async def test_a_program_that_only_leaves_is_told_nothing(tmp_path: Path) -> None:
    async with gate(tmp_path, patience=0.3) as place:
        reader, writer = await let_in(place)
        writer.write(packet(0, b"\x01"))
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


async def test_a_connection_ends_when_the_database_stops(tmp_path: Path) -> None:
    async def stopping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(GREETING)
        await reader.readexactly(len(LOGIN))
        writer.write(LET_IN)
        await reader.readexactly(len(QUERY))
        writer.close()

    async with await served(tmp_path, stopping), gate(tmp_path) as place:
        reader, writer = await greeted(place)
        writer.write(LOGIN + QUERY)
        assert await asyncio.wait_for(reader.read(), 3) == LET_IN
        writer.close()


def test_the_user_on_the_other_side_is_known() -> None:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with one, other:
        assert peer_uid(one) == os.geteuid()


@pytest.mark.parametrize("known", [cases.facts(), cases.bookworm()])
def test_postfix_and_dovecot_ask_through_the_gate(known: FactsFile) -> None:
    blueprint = compile_server(cases.plan(), "mx1", known)
    files = blueprint.files()
    maps = [file.content for path, file in files.items() if path.startswith("/etc/postfix/mysql/")]
    assert maps
    assert all(text.count(f"unix:{layout.DATABASE_GATE_SOCKET}") > 2 for text in maps)
    dovecot = "".join(file.content for path, file in files.items() if path.startswith("/etc/dovecot/"))
    assert layout.DATABASE_GATE_SOCKET in dovecot
    assert layout.MYSQL_SOCKET not in dovecot
    units = [unit.name for unit in blueprint.units()]
    assert units.index("mailwiz-database-gate.socket") < units.index("dovecot.service")


@pytest.mark.parametrize("known", [cases.facts(), cases.bookworm()])
def test_postfix_asks_again_when_the_database_is_back(known: FactsFile) -> None:
    said = compile_server(cases.plan(), "mx1", known).files()[drop_in_path("mariadb.service")].content
    assert "\nExecStartPost=-+systemctl --no-block try-reload-or-restart postfix.service\n" in f"{said}\n"

"""The queue is woken when a server that was away is back, and only then."""

from __future__ import annotations

import importlib.util
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

from mailwiz_tui.stack.compile import compile_server
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.nexthops.component import hops
from mailwiz_tui.stack.render import source

from . import cases


@pytest.fixture
def program(tmp_path: Path) -> ModuleType:
    path = tmp_path / "wake_queue.py"
    path.write_text(source("nexthops", "wake-queue"))
    spec = importlib.util.spec_from_file_location("wake_queue", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def a_server(greeting: bytes = b"220 store ready\r\n", port: int = 0) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", port)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(greeting)

        threading.Thread(target=serve, daemon=True).start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)


def test_the_queue_is_woken_once_when_a_server_is_back(program: ModuleType, tmp_path: Path) -> None:
    away, woken = str(tmp_path / "away"), tmp_path / "woken"
    wake = ("sh", "-c", f"echo woken >> {woken}")
    with a_server() as port:
        hop = [f"store1=127.0.0.1,{port}"]
        assert program.turn(hop, away, wake) == []
    assert program.turn(hop, away, wake) == []
    assert not woken.exists()
    with a_server(port=port):
        assert program.turn(hop, away, wake) == ["store1"]
        assert program.turn(hop, away, wake) == []
    assert woken.read_text() == "woken\n"


def test_a_server_that_takes_connections_but_says_nothing_of_use_is_away(
    program: ModuleType, tmp_path: Path
) -> None:
    away = tmp_path / "away"
    with a_server(b"421 not now\r\n") as port:
        program.turn([f"store1=127.0.0.1,{port}"], str(away), ("false",))
    assert away.read_text() == "store1\n"


def test_a_queue_that_was_not_woken_is_woken_at_the_next_turn(program: ModuleType, tmp_path: Path) -> None:
    away = tmp_path / "away"
    away.write_text("store1\n")
    with a_server() as port:
        hop = [f"store1=127.0.0.1,{port}"]
        with pytest.raises(program.subprocess.CalledProcessError):
            program.turn(hop, str(away), ("false",))
        assert program.turn(hop, str(away), ("true",)) == ["store1"]


def test_each_server_greets_those_it_hands_mail_to() -> None:
    plan, known = cases.distributed(), cases.distributed_facts()

    def of(server_id: str) -> set[tuple[str, int]]:
        facts = known.facts(server_id)
        assert facts is not None
        return {(name, port) for name, _, port in hops(Context(plan, server_id, facts, known))}

    stores, fronts = {("store1", 24), ("store2", 24)}, {("out1", 10025), ("out2", 10025)}
    assert of("in1") >= stores
    assert of("out1") == stores
    assert of("store1") <= fronts
    assert not stores & of("store1")
    assert "mailwiz-wake.timer" in str(compile_server(plan, "in1", known).to_json())

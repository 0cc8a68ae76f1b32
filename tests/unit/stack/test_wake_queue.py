"""Mail that waits for a server of the plan goes on when that is back, and only then."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mailwiz_tui.stack.compile import compile_server
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.nexthops.component import hops
from mailwiz_tui.stack.nexthops.wake_queue import Hop, any_deferred, deliverable

from . import cases


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


def message(queue_id: str, *reasons: str) -> str:
    recipients = [{"address": "a@example.com", **({"delay_reason": r} if r else {})} for r in reasons]
    return json.dumps({"queue_name": "deferred", "queue_id": queue_id, "recipients": recipients})


def test_mail_goes_on_when_the_server_it_waits_for_greets() -> None:
    with a_server() as port:
        hop = [Hop.parse(f"store1=127.0.0.1,{port}")]
        lines = [
            message("A1", "connect to 127.0.0.1[127.0.0.1]:24: Connection timed out"),
            message(
                "B2", "", "delivery temporarily suspended: connect to 127.0.0.1[127.0.0.1]:24: No route to host"
            ),
            message("C3", "host 127.0.0.1[127.0.0.1] said: 452 4.2.2 The mailbox is full"),
            message("D4", "connect to mail.example.net[192.0.2.9]:25: Connection refused"),
            message("E5", ""),
        ]
        assert deliverable(hop, lines) == {"A1", "B2"}
    assert deliverable(hop, lines) == set(), "it does not answer"


def test_a_server_that_takes_connections_but_says_nothing_of_use_is_away() -> None:
    with a_server(b"421 not now\r\n") as port:
        lines = [message("A1", "lost connection with 127.0.0.1[127.0.0.1] while receiving the initial greeting")]
        assert deliverable([Hop.parse(f"store1=127.0.0.1,{port}")], lines) == set()


def test_nobody_is_asked_where_nothing_waits(tmp_path: Path) -> None:
    (tmp_path / "deferred" / "A").mkdir(parents=True)
    assert not any_deferred(str(tmp_path / "deferred"))
    (tmp_path / "deferred" / "A" / "A1B2").touch()
    assert any_deferred(str(tmp_path / "deferred"))
    assert deliverable([Hop.parse("store1=127.0.0.1,1")], []) == set()


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

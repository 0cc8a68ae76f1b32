"""A next hop has answered once it shows the certificate that is known of it; from then on nobody waits for it."""

from __future__ import annotations

import itertools
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from mailwiz_tui.plan.model import Plan
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Wait
from mailwiz_tui.stack.compile import compile_server
from mailwiz_tui.stack.nexthops import next_hop
from mailwiz_tui.stack.nexthops.next_hop import NextHop, answered, known_certificate, lacking, remember, tls
from mailwiz_tui.topology.derive import topology_of
from tests.unit.certificates import Pair, issue

from . import cases


@contextmanager
def a_server(shown: Pair, folder: Path) -> Iterator[int]:
    """Speaks enough of SMTP and LMTP for a client that wants TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*written(shown, folder / "server"))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.sendall(b"220 ready\r\n")
                while line := connection.recv(1000):
                    if line.upper().startswith(b"STARTTLS"):
                        connection.sendall(b"220 go\r\n")
                        with context.wrap_socket(connection, server_side=True) as inside:
                            while said := inside.recv(1000):
                                inside.sendall(
                                    b"221 bye\r\n" if said.upper().startswith(b"QUIT") else b"250 fine\r\n"
                                )
                        return
                    connection.sendall(b"250-localhost\r\n250 STARTTLS\r\n")

        threading.Thread(target=serve, daemon=True).start()
        yield int(listener.getsockname()[1])


def written(pair: Pair, name: Path) -> tuple[Path, Path]:
    certificate, key = name.with_suffix(".crt"), name.with_suffix(".key")
    certificate.write_text(pair.pem)
    key.write_text(pair.key_pem())
    return certificate, key


def trusting(known: Pair, folder: Path) -> ssl.SSLContext:
    own = issue("in1.mailwiz.internal", names=("in1.mailwiz.internal",))
    (folder / "peers.pem").write_text(f"# store1\n{known.pem}")
    certificate, key = written(own, folder / "own")
    return tls(str(folder / "peers.pem"), str(certificate), str(key))


@pytest.mark.parametrize("protocol", ["smtp", "lmtp"])
def test_a_server_with_its_own_certificate_answers(protocol: str, tmp_path: Path) -> None:
    store = issue("localhost", names=("localhost",))
    with a_server(store, tmp_path) as port:
        assert lacking(NextHop("store1", "localhost", port, protocol), trusting(store, tmp_path)) == ""


def test_a_server_with_another_certificate_does_not(tmp_path: Path) -> None:
    store, other = (issue("localhost", names=("localhost",)) for _ in range(2))
    with a_server(other, tmp_path) as port:
        said = lacking(NextHop("store1", "localhost", port, "lmtp"), trusting(store, tmp_path))
    assert said.startswith("store1 does not show its known certificate: ")


def test_nobody_there_is_told_with_host_and_port(tmp_path: Path) -> None:
    store = issue("localhost", names=("localhost",))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    said = lacking(NextHop("store1", "localhost", port, "lmtp"), trusting(store, tmp_path))
    assert said.startswith(f"localhost, port {port}: ")
    assert "refused" in said


def test_what_answered_once_is_not_asked_again_until_its_certificate_is_another(tmp_path: Path) -> None:
    hop, folder = NextHop("store1", "store1.mailwiz.internal", 24, "lmtp"), str(tmp_path / "hops")
    assert not answered(hop, "first", folder)
    remember(hop, "first", folder)
    assert answered(hop, "first", folder)
    assert not answered(hop, "second", folder)
    assert not answered(NextHop("store1", hop.host, 25, "smtp"), "first", folder)


def test_a_certificate_is_found_by_the_servers_name_in_the_file_that_apply_writes() -> None:
    file = compile_server(cases.distributed(), "in1", cases.distributed_facts()).files()[layout.INTERNAL_PEERS]
    known = cases.distributed_facts().servers["store1"].internal
    assert known is not None
    assert known_certificate("store1", file.content) == known.pem.strip()
    assert known_certificate("store", file.content) == ""


def test_paths_are_those_of_the_layout() -> None:
    assert (next_hop.PEERS, next_hop.CERTIFICATE, next_hop.KEY) == (
        layout.INTERNAL_PEERS,
        layout.INTERNAL_CERT,
        layout.INTERNAL_KEY,
    )
    assert next_hop.ANSWERED.startswith(layout.STATE_DIR)


def waited_for(plan: Plan, server_id: str) -> set[tuple[str, str]]:
    blueprint = compile_server(plan, server_id, cases.distributed_facts())
    last = blueprint.steps[-1]
    waits = {(i.server, i.argv[-1]) for i in last.items if isinstance(i, Wait)}
    assert bool(waits) == (last.id == "next-hops-answer"), "it comes last, after the firewall"
    return waits


def test_each_server_waits_for_the_next_hops_that_come_before_it() -> None:
    plan = cases.distributed()
    stores = {("store1", "lmtp"), ("store2", "lmtp")}
    assert waited_for(plan, "in1") == stores | {("out1", "smtp")}
    assert waited_for(plan, "out1") == stores
    assert waited_for(plan, "filter") == {("out1", "smtp")}
    assert waited_for(plan, "store1") == waited_for(plan, "store2") == set()


ROLES = ("mx-inbound", "mx-outbound", "mail-storage", "antispam")


def test_servers_never_wait_for_each_other_whatever_they_do() -> None:
    kinds = [[role for role, held in zip(ROLES, chosen, strict=True) if held] for chosen in some_of(len(ROLES))]
    for first, second, third in itertools.product(kinds, repeat=3):
        roles = {"a": first, "b": second, "c": third}
        servers = [
            {"id": name, "roles": held, "internal_ip": f"10.80.0.{number}"}
            for number, (name, held) in enumerate(roles.items(), 1)
        ]
        plan = cases.distributed(servers=servers)
        left = {name: set(topology_of(plan, name).waits_for) for name in roles}
        while done := {name for name, waits in left.items() if not waits & left.keys()}:
            left = {name: waits for name, waits in left.items() if name not in done}
        assert left == {}, roles


def some_of(number: int) -> list[tuple[bool, ...]]:
    return [chosen for chosen in itertools.product((False, True), repeat=number) if any(chosen)]

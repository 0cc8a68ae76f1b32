"""The way to other servers, tried on this machine's loopback: ports, TLS with pinned certificates, UDP, echoes."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from mailwiz_tui.agent.facts import network_paths
from mailwiz_tui.agent.items import mesh_keys
from mailwiz_tui.agent.protocol.keys import MeshWanted
from mailwiz_tui.agent.protocol.paths import Echo, Knock, Peer, Place, ReachPorts
from tests.unit.agent.rehearsal import Rehearsal
from tests.unit.fake_link import ask


@pytest.fixture
def trusted(machine: Rehearsal) -> Rehearsal:
    """A server that trusts itself alone."""
    found = mesh_keys.prepare(machine.host, MeshWanted("in1.mailwiz.internal", wireguard=False))
    machine.path("/etc/mailwiz/internal/peers.pem").write_text(found.internal.pem)
    return machine


@pytest.fixture
def tls_port(trusted: Rehearsal) -> Iterator[int]:
    """Something that speaks mutual TLS and stays open."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trusted.path("/etc/mailwiz/internal/identity.pem"))
    context.load_verify_locations(trusted.path("/etc/mailwiz/internal/peers.pem"))
    context.verify_mode = ssl.CERT_REQUIRED
    listener = socket.create_server(("127.0.0.1", 0))
    kept = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                plain, _ = listener.accept()
                with suppress(OSError):
                    kept.append(context.wrap_socket(plain, server_side=True))

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1]
    listener.close()
    for connection in kept:
        connection.close()


def reach(machine: Rehearsal, port: int, name: str = "") -> str:
    (found,) = ask(machine.host, ReachPorts((Place("x", "127.0.0.1", port, name),)))
    return found.fault


def test_a_port_answers_with_the_pinned_certificate_of_the_right_name_only(
    trusted: Rehearsal, tls_port: int
) -> None:
    assert reach(trusted, tls_port) == ""
    assert reach(trusted, tls_port, "in1.mailwiz.internal") == ""
    assert "its certificate is not the pinned one" in reach(trusted, tls_port, "in2.mailwiz.internal")
    other = mesh_keys.prepare(trusted.host, MeshWanted("in3.mailwiz.internal", wireguard=False))
    trusted.path("/etc/mailwiz/internal/peers.pem").write_text(other.internal.pem)
    assert "its certificate is not the pinned one" in reach(trusted, tls_port, "in1.mailwiz.internal")


def test_a_peer_that_does_not_know_this_server_is_told_from_one_that_does(
    trusted: Rehearsal, tls_port: int
) -> None:
    pinned = trusted.path("/etc/mailwiz/internal/peers.pem").read_text()
    trusted.path("/etc/mailwiz/internal/key.pem").unlink()
    mesh_keys.prepare(trusted.host, MeshWanted("in1.mailwiz.internal", wireguard=False))
    trusted.path("/etc/mailwiz/internal/peers.pem").write_text(pinned)
    assert reach(trusted, tls_port, "in1.mailwiz.internal") != ""


def test_a_closed_port_and_one_that_hangs_up_are_told_apart(machine: Rehearsal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert reach(machine, port) == ""
    assert "no program listens" in reach(machine, port)


def test_udp_is_answered_until_it_is_stopped_and_the_port_is_free_then() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    answering = network_paths.Answering(port, 20.0)
    places = [Place("4", "127.0.0.1", port)]
    assert network_paths.knock_udp(places) == (Knock("4", answered=True),)
    with pytest.raises(OSError, match="in use"):
        network_paths.Answering(port, 1.0)
    answering.stop()
    network_paths.Answering(port, 1.0).stop()
    assert network_paths.knock_udp(places) == (Knock("4", answered=False),)


@pytest.mark.skipif(os.geteuid() != 0, reason="raw sockets want root")
def test_an_echo_comes_back_from_this_machine() -> None:
    here, nowhere = network_paths.measure([Peer("a", "127.0.0.1"), Peer("b", "240.0.0.1")])
    assert here.seconds is not None
    assert here.seconds < 0.5
    assert here.mtu == 1500
    assert nowhere == Echo("b", None)

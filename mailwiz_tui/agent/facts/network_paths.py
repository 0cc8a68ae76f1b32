"""The network paths from this server to others: open ports, echo times, packet sizes.

Echoes are ICMP echo requests (RFC 792, RFC 4443) with "do not fragment"; UDP is tried with a token that an agent
on the other server sends back. Nothing here changes anything on the server.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import ssl
import struct
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from ..core.host import Host
from ..protocol.paths import Echo, Knock, Peer, Place, Reached

SIZES = (1500, 1492, 1480, 1460, 1440, 1420, 1400, 1360, 1280)
"""IP packets that are tried, in bytes; the largest that comes back is what the path carries."""
_PATIENCE = 4.0
_ECHO_PATIENCE = 1.0
_PROBE_ALWAYS = 3
_IP_MTU_DISCOVER, _IPV6_MTU_DISCOVER = 10, 23
_INTERNAL = "/etc/mailwiz/internal"


def reach(host: Host, places: Sequence[Place]) -> tuple[Reached, ...]:
    """Whether TCP ports answer.

    With a name the port must speak TLS, show the pinned certificate of that name and accept this server's own.
    """
    with ThreadPoolExecutor(16) as pool:
        return tuple(pool.map(lambda place: _reach(host, place), places))


def measure(peers: Sequence[Peer]) -> tuple[Echo, ...]:
    """Echo times (the best of three) and packet sizes."""
    with ThreadPoolExecutor(16) as pool:
        return tuple(pool.map(_measure, peers))


class Answering:
    """Sends back what comes to a UDP port, until it is stopped or the time is over."""

    def __init__(self, port: int, seconds: float) -> None:
        self._stop = threading.Event()
        self._end = time.monotonic() + seconds
        try:
            self._listener = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            self._listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            place = "::"
        except OSError:
            self._listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            place = ""
        try:
            self._listener.bind((place, port))
        except OSError:
            self._listener.close()
            raise
        self._thread = threading.Thread(target=self._answer, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends it; the port is free again when this returns."""
        self._stop.set()
        self._thread.join(2)

    def _answer(self) -> None:
        with self._listener, contextlib.suppress(OSError):
            self._listener.settimeout(0.1)
            while not self._stop.is_set() and time.monotonic() < self._end:
                with contextlib.suppress(TimeoutError):
                    data, origin = self._listener.recvfrom(256)
                    self._listener.sendto(data, origin)


def knock_udp(places: Sequence[Place]) -> tuple[Knock, ...]:
    """Whether UDP ports send back what they get."""
    with ThreadPoolExecutor(16) as pool:
        return tuple(pool.map(_knock, places))


def _reach(host: Host, place: Place) -> Reached:
    begun, fault, refused = time.monotonic(), "", False
    try:
        with socket.create_connection((place.address, place.port), timeout=_PATIENCE) as plain:
            if place.name:
                with _trusting(host).wrap_socket(plain, server_hostname=place.name) as inside:
                    _still_open(inside)
    except ssl.SSLCertVerificationError as error:
        fault = f"its certificate is not the pinned one: {error.verify_message}"
    except ssl.SSLError as error:
        fault = f"TLS failed: {error.reason or error}"
    except ConnectionRefusedError:
        fault, refused = "the connection was refused: no program listens there", True
    except TimeoutError:
        fault = "no answer: a firewall drops it, or the link is down"
    except (ConnectionResetError, BrokenPipeError):
        fault = "the connection was closed at once: its service is down, or rejects this server"
    except OSError as error:
        fault = str(error.strerror or error)
    return Reached(place.id, round(time.monotonic() - begun, 4), fault, refused)


def _still_open(inside: ssl.SSLSocket) -> None:
    """With TLS 1.3 a refusal of our certificate comes only after the handshake: wait a moment for it."""
    inside.settimeout(0.5)
    try:
        if inside.recv(1) == b"":
            raise ConnectionResetError
    except TimeoutError:
        pass


def _trusting(host: Host) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(host.path(f"{_INTERNAL}/peers.pem"))
    context.load_cert_chain(host.path(f"{_INTERNAL}/identity.pem"))
    return context


def _knock(place: Place) -> Knock:
    address, token = place.address, secrets.token_bytes(16)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    answered = False
    with socket.socket(family, socket.SOCK_DGRAM) as knocker, contextlib.suppress(OSError):
        knocker.connect((address, place.port))
        for _ in range(4):
            knocker.send(token)
            knocker.settimeout(0.6)
            with contextlib.suppress(TimeoutError, ConnectionRefusedError):
                if knocker.recv(256) == token:
                    answered = True
                    break
    return Knock(place.id, answered)


def _measure(peer: Peer) -> Echo:
    address = peer.address
    times = [seconds for _ in range(3) if (seconds := _echo(address, 84)) is not None]
    if not times:
        return Echo(peer.id, None)
    mtu = next((size for size in SIZES if _echo(address, size) or _echo(address, size)), 0)
    return Echo(peer.id, round(min(times), 5), mtu)


def _echo(address: str, size: int) -> float | None:
    """Seconds until an echo of an IP packet of ``size`` bytes comes back, unfragmented; None where it does not."""
    six = ":" in address
    family, protocol = (socket.AF_INET6, socket.IPPROTO_ICMPV6) if six else (socket.AF_INET, socket.IPPROTO_ICMP)
    mark = secrets.token_bytes(8)
    data = mark + bytes(max(0, size - (48 if six else 28) - len(mark)))
    identity = int.from_bytes(os.urandom(2), "big")
    head = struct.pack("!BBHHH", 128 if six else 8, 0, 0, identity, 1)
    if not six:
        head = struct.pack("!BBHHH", 8, 0, _checksum(head + data), identity, 1)
    try:
        with socket.socket(family, socket.SOCK_RAW, protocol) as sender:
            if six:
                sender.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _PROBE_ALWAYS)
            else:
                sender.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PROBE_ALWAYS)
            sender.connect((address, 0))
            begun = time.monotonic()
            sender.send(head + data)
            while (left := begun + _ECHO_PATIENCE - time.monotonic()) > 0:
                sender.settimeout(left)
                received = sender.recv(2048)
                body = received if six else received[(received[0] & 0x0F) * 4 :]
                if len(body) > 8 and body[0] == (129 if six else 0) and body[8:16] == mark:
                    return time.monotonic() - begun
    except OSError:
        return None
    return None


def _checksum(data: bytes) -> int:
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF

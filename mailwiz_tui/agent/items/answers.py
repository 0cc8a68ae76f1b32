"""Whether a service answers, asked in its own protocol: systemd calls a unit active before its program listens."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import time
from collections.abc import Callable

from ..core.context import Context
from ..core.fault import AgentFault
from ..core.host import Host
from ..protocol.blueprint import Ask, Ready
from . import units

PATIENCE = 5.0
"""Seconds for one question."""
PAUSE = 0.2

Question = Callable[[socket.socket], str]


def ask(host: Host, item: Ready) -> str:
    """Why the service does not answer; empty where it does."""
    if item.ask is Ask.COMMAND:
        done = host.run(item.argv, timeout=PATIENCE * 2)
        return "" if done.ok else (done.text.split("\n")[-1] or f"{item.argv[0]} ended with {done.exit}")[:200]
    if item.ask is Ask.DNS:
        return _dns(item.at)
    try:
        with _connected(host, item.at) as channel:
            return _QUESTIONS[item.ask](channel)
    except TimeoutError:
        return f"no answer within {PATIENCE:.0f} s"
    except OSError as error:
        return error.strerror or str(error)


def wait(ctx: Context, item: Ready) -> None:
    """Waits until the service answers; raises ``AgentFault`` where its unit failed or its time is up."""
    limit, begun, told = item.limit, time.monotonic(), False
    unit = item.unit.removesuffix(".service")
    while reason := ask(ctx.host, item):
        waited = time.monotonic() - begun
        if waited > 1 and not told:
            told = True
            ctx.log(f"waiting until {item.service} answers: {reason}")
        if waited > limit or (told and _failed(ctx, item.unit)):
            raise AgentFault(
                f"{item.service} does not answer after {waited:.0f} s: {reason}",
                f"unit {unit}" if unit else item.at,
                f"on the server: journalctl {f'-u {unit} ' if unit else ''}-n 50",
            )
        time.sleep(PAUSE)
    if told:
        ctx.log(f"{item.service} answers after {time.monotonic() - begun:.1f} s")


def _failed(ctx: Context, unit: str) -> bool:
    return bool(unit) and units.properties(ctx, unit, fresh=True).get("ActiveState") == "failed"


def _connected(host: Host, place: str) -> socket.socket:
    """A connection to ``unix:/path`` or ``address:port``, an IPv6 address in brackets."""
    if place.startswith("unix:"):
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        channel.settimeout(PATIENCE)
        try:
            channel.connect(host.path(place.removeprefix("unix:")))
        except OSError:
            channel.close()
            raise
        return channel
    address, _, port = place.rpartition(":")
    return socket.create_connection((address.strip("[]"), int(port)), timeout=PATIENCE)


def _said(channel: socket.socket, *expected: bytes) -> str:
    """Empty where the next bytes begin with one of the words expected."""
    heard = channel.recv(512)
    if not heard:
        return "it closed the connection without an answer"
    if any(heard.startswith(word) for word in expected):
        return ""
    return f"it said {heard[:60].decode('latin-1').strip()!r}"


def _greets(*expected: bytes) -> Question:
    return lambda channel: _said(channel, *expected)


def _asked(question: bytes, *expected: bytes) -> Question:
    def ask_it(channel: socket.socket) -> str:
        channel.sendall(question)
        return _said(channel, *expected)

    return ask_it


def _milter(channel: socket.socket) -> str:
    """Option negotiation: SMFIC_OPTNEG, answered in kind (libmilter's mfdef.h)."""
    channel.sendall(struct.pack("!IcIII", 13, b"O", 6, 0x1FF, 0x1FFFFF))
    heard = b""
    while len(heard) < 5:
        more = channel.recv(512)
        if not more:
            return "it closed the connection without an answer"
        heard += more
    with contextlib.suppress(OSError):
        channel.sendall(struct.pack("!Ic", 1, b"Q"))
    return "" if heard[4:5] == b"O" else f"it said {heard[:60].decode('latin-1')!r} to a milter's negotiation"


_GREETING, _ERROR, _HOST_NOT_PRIVILEGED = b"\n", b"\xff", 1130
"""The first byte of MariaDB's packets after their header of 4 bytes, and an error's number."""


def _fastcgi(channel: socket.socket) -> str:
    """FCGI_GET_VALUES, answered by FCGI_GET_VALUES_RESULT (FastCGI specification 4.1)."""
    pair = b"\x0e\x00FCGI_MAX_CONNS"
    channel.sendall(struct.pack("!BBHHBx", 1, 9, 0, len(pair), 0) + pair)
    return _said(channel, b"\x01\x0a")


def _mysql(channel: socket.socket) -> str:
    """The greeting, or that this host may not come in: only the plan's other servers may, so it does listen."""
    heard = channel.recv(512)
    kind, code = heard[4:5], int.from_bytes(heard[5:7], "little")
    if kind == _GREETING or (kind == _ERROR and code == _HOST_NOT_PRIVILEGED):
        return ""
    return f"it rejected the connection with error {code}" if kind == _ERROR else "it sent no greeting"


def _imaps(channel: socket.socket) -> str:
    """The greeting inside TLS; whose certificate it shows is proved elsewhere."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(channel) as inside:
        return _said(inside, b"* OK")


def _dns(place: str) -> str:
    """A query for localhost, which a resolver answers by itself (RFC 6761 6.3), over UDP."""
    address, _, port = place.rpartition(":")
    query = struct.pack("!6H", 0x4D57, 0x0100, 1, 0, 0, 0) + b"\x09localhost\x00" + struct.pack("!2H", 1, 1)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as channel:
        channel.settimeout(PATIENCE / 2)
        try:
            channel.connect((address.strip("[]"), int(port)))
            channel.send(query)
            heard = channel.recv(512)
        except TimeoutError:
            return f"no answer within {PATIENCE / 2:.1f} s"
        except OSError as error:
            return error.strerror or str(error)
    return "" if heard[:2] == query[:2] and heard[2] & 0x80 else "the reply is not a DNS answer"


_QUESTIONS: dict[Ask, Question] = {
    Ask.TCP: lambda _: "",
    Ask.SMTP: _greets(b"220", b"4"),
    Ask.IMAP: _greets(b"* OK"),
    Ask.IMAPS: _imaps,
    Ask.MILTER: _milter,
    Ask.REDIS: _asked(b"PING\r\n", b"+PONG", b"-NOAUTH"),
    Ask.CLAMD: _asked(b"zPING\0", b"PONG"),
    Ask.SPAMD: _asked(b"PING SPAMC/1.2\r\n\r\n", b"SPAMD/"),
    Ask.HTTP: _asked(b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1."),
    Ask.FASTCGI: _fastcgi,
    Ask.MYSQL: _mysql,
    Ask.POLICY: _asked(b"request=smtpd_access_policy\n\n", b"action="),
}
"""What a connection is asked; the rest is no connection."""

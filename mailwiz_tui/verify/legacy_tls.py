"""A TLS ClientHello built by hand that offers one old version, and the server's answer to it.

A modern TLS library will not even offer TLS 1.0 or 1.1, so asking through it would prove nothing; the bytes
are put together here (RFC 2246 section 7.4.1.2, RFC 4346). Nothing but the first answer is read.
"""

from __future__ import annotations

import os
import socket
import struct

TLS_1_0 = 0x0301
TLS_1_1 = 0x0302

_CIPHERS = (0xC00A, 0xC009, 0xC014, 0xC013, 0x0039, 0x0033, 0x0035, 0x002F, 0x000A, 0x00FF)
_GROUPS = (0x001D, 0x0017, 0x0018, 0x0019)
_SIGNATURES = (0x0403, 0x0401, 0x0203, 0x0201)
_HANDSHAKE, _ALERT, _SERVER_HELLO = 22, 21, 2


def client_hello(version: int, name: str) -> bytes:
    """The record with a ClientHello whose highest version is ``version``, for the host ``name``."""
    host = name.encode("ascii")
    entry = b"\0" + _vector16(host)
    extensions = b"".join(
        struct.pack("!H", kind) + _vector16(body)
        for kind, body in (
            (0, _vector16(entry)),
            (10, _vector16(_shorts(_GROUPS))),
            (11, b"\x01\x00"),
            (13, _vector16(_shorts(_SIGNATURES))),
        )
    )
    body = struct.pack("!H", version) + os.urandom(32) + b"\0" + _vector16(_shorts(_CIPHERS)) + b"\x01\x00"
    body += _vector16(extensions)
    handshake = b"\x01" + len(body).to_bytes(3, "big") + body
    return struct.pack("!BHH", _HANDSHAKE, TLS_1_0, len(handshake)) + handshake


def accepted(connection: socket.socket, version: int, name: str) -> bool:
    """Whether the server agrees to ``version``; an alert or a closed connection is a refusal.

    Raises ``TimeoutError`` where the server says nothing at all.
    """
    try:
        connection.sendall(client_hello(version, name))
        answer = _exactly(connection, 11)
    except (ConnectionResetError, BrokenPipeError):
        return False
    if len(answer) < 11 or answer[0] != _HANDSHAKE or answer[5] != _SERVER_HELLO:
        return False
    return int.from_bytes(answer[9:11], "big") == version


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (part := connection.recv(size - len(data))):
        data += part
        if data[0] == _ALERT:
            break
    return data


def _vector16(data: bytes) -> bytes:
    return struct.pack("!H", len(data)) + data


def _shorts(values: tuple[int, ...]) -> bytes:
    return b"".join(struct.pack("!H", value) for value in values)

"""Copies a mailbox directly between two stores, over the private link with mutual TLS.

The old store listens on its internal address only while a mailbox is moved, and answers nobody but the new one,
which shows its internal certificate. Requests are JSON lines: ``list`` is answered by the tree, ``get`` by the
files asked for, each a line that tells its size and then its bytes.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from typing import BinaryIO

from ..core.fault import AgentFault
from ..core.host import Host
from ..protocol.moves import FetchMailbox, FetchProgress, OfferMailbox
from . import mail_tree, move_state, old_mail
from .mail_tree import Copy, Entry, Parts

_INTERNAL = "/etc/mailwiz/internal"
_SILENCE = 120.0
"""After this many seconds without data the other side counts as lost."""
_PIECE = 1 << 18
_offers: dict[str, Offer] = {}


class Offer:
    """Listens until it is closed, the move is taken over, or nobody has come for a while."""

    def __init__(self, host: Host, address: str, token: str, peer: str, place: tuple[str, int]) -> None:
        self._host, self._address, self._token, self._peer = host, address, token, peer
        self._context = _context(host, ssl.PROTOCOL_TLS_SERVER)
        self._listener = socket.create_server(place, family=socket.AF_INET6 if ":" in place[0] else socket.AF_INET)
        self._listener.settimeout(0.1)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def serves(self, token: str, peer: str) -> bool:
        """Whether it listens still, in that move and for that server."""
        return self._thread.is_alive() and (self._token, self._peer) == (token, peer)

    def close(self) -> None:
        """Nobody is answered any more, and the port is free, when this returns."""
        self._closed.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # accept() returns at once, not after its timeout
        self._thread.join(5)

    def _serve(self) -> None:
        last = time.monotonic()
        with self._listener:
            while not self._closed.is_set() and time.monotonic() - last < _SILENCE:
                try:
                    plain, _ = self._listener.accept()
                except TimeoutError:
                    continue
                except OSError:
                    return
                plain.settimeout(_SILENCE)
                with (
                    contextlib.suppress(OSError, ValueError, AgentFault, KeyError),
                    self._context.wrap_socket(plain, server_side=True) as inside,
                    inside.makefile("rwb", buffering=_PIECE) as stream,
                ):
                    if ("DNS", self._peer) in (inside.getpeercert() or {}).get("subjectAltName", ()):
                        # typeshed calls a stream of any own buffer size IOBase
                        self._answer(stream)  # type: ignore[arg-type]
                last = time.monotonic()

    def _answer(self, stream: BinaryIO) -> None:
        parts, known = Parts(""), dict[str, Entry]()
        while line := stream.readline():
            asked = json.loads(line)
            move_state.check(self._host, self._address, self._token)
            if asked["do"] == "list":
                there = move_state.places(self._host, self._address)
                old_mail.require(self._host, there.old)
                parts = there.of(there.source)
                entries = list(parts.walk(digests=bool(asked["digests"]))) if parts.home else []
                known = {entry.path: entry for entry in entries}
                _say(stream, {"there": bool(parts.home), "tree": mail_tree.as_raw(iter(entries))})
            else:
                for path in asked["paths"]:
                    if path in known:
                        _send(stream, parts, known[path])
            stream.flush()


def offer(host: Host, asked: OfferMailbox) -> None:
    """Lets another server fetch a mailbox from here until ``withdraw``."""
    address, token, peer = asked.address, asked.token, asked.peer
    move_state.check(host, address, token)
    given = _offers.get(address)
    if given is not None and given.serves(token, peer):
        return
    withdraw(address)
    try:
        _offers[address] = Offer(host, address, token, peer, (asked.place, asked.port))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise AgentFault("another mailbox is being moved from this store", "move",
                         "try again after that move") from None  # fmt: skip


def withdraw(address: str) -> None:
    """Ends an offer."""
    given = _offers.pop(address, None)
    if given is not None:
        given.close()


def fetch(host: Host, asked: FetchMailbox) -> Iterator[FetchProgress]:
    """Copies a mailbox from the store that offers it; says how far it is, and last of all what is here now.

    Without ``whole`` the messages only, while the mailbox is in use. With it everything, the source must rest,
    and both are compared. Raises AgentFault where anything is not the same in the end.
    """
    address, token, whole = asked.address, asked.token, asked.whole
    there = move_state.places(host, address)
    old_mail.require(host, there.old)
    parts = there.of(there.arriving)
    with move_state.held(host, address, token):
        try:
            with _reach(host, asked.peer, asked.place, asked.port) as stream:
                wanted = _list(stream, digests=whole)
                if wanted is None:
                    yield FetchProgress(done=True)
                    return
                owner = os.stat(os.path.dirname(os.path.dirname(os.path.dirname(there.arriving))))
                copy = Copy(parts, (owner.st_uid, owner.st_gid) if host.can_chown else None)
                missing = copy.prepare(wanted, whole=whole)
                yield from _get(host, address, token, stream, copy, wanted, missing)
                if whole:
                    _compare(stream, parts)
        except ValueError as error:
            raise AgentFault(
                f"the copy of {address} was interrupted: {error}", "move", "run the same command again"
            ) from None
        except OSError as error:
            what = f"the source store stopped answering: {error.strerror or error}"
            raise AgentFault(what, "move", "run the same command again") from None
        move_state.settle(there.arriving)
        size = sum(e.size for e in parts.walk() if e.kind == "f" and mail_tree.is_message(e.path))
        yield FetchProgress(messages=parts.messages(), bytes=size, done=True)


def _get(
    host: Host, address: str, token: str, stream: BinaryIO, copy: Copy, wanted: list[Entry], missing: list[Entry]
) -> Iterator[FetchProgress]:
    """Fetches what is missing; of a file with several names the content comes once."""
    absent = {entry.path for entry in missing}
    first = {
        e.same: e for e in reversed(wanted) if e.same and e.path not in absent and mail_tree.is_message(e.path)
    }
    fetched, further = [], []
    for entry in missing:
        shared = first.get(entry.same) if entry.same and mail_tree.is_message(entry.path) else None
        if shared is not None:
            further.append((shared, entry))
            continue
        fetched.append(entry)
        if entry.same:
            first[entry.same] = entry
    _say(stream, {"do": "get", "paths": [entry.path for entry in fetched]})
    stream.flush()
    told, done = 0.0, 0
    for entry in fetched:
        head = json.loads(stream.readline())
        if head["size"] < 0:
            continue
        move_state.check(host, address, token)
        arrives = Entry(**{**vars(entry), "size": head["size"], "time": head["time"]})
        copy.put(arrives, _content(stream, head["size"]))
        done += 1
        if time.monotonic() > told + 1:
            told = time.monotonic()
            yield FetchProgress(done, len(fetched))
    for shared, entry in further:
        with contextlib.suppress(FileNotFoundError):
            copy.another_name(shared, entry)


def _compare(stream: BinaryIO, arrived: Parts) -> None:
    wanted = _list(stream, digests=True) or []
    wrong = mail_tree.difference(wanted, list(arrived.walk(digests=True)))
    if wrong:
        raise ValueError(f"{len(wrong)} files differ between the two stores, such as {wrong[0]}")


def _list(stream: BinaryIO, *, digests: bool) -> list[Entry] | None:
    _say(stream, {"do": "list", "digests": digests})
    stream.flush()
    line = stream.readline()
    if not line:
        raise ValueError("the source store closed the connection")
    answer = json.loads(line)
    return mail_tree.from_raw(answer["tree"]) if answer["there"] else None


def _send(stream: BinaryIO, parts: Parts, entry: Entry) -> None:
    """A file as long as it is now; one that is gone is told so."""
    try:
        handle = open(parts.at(entry.path), "rb")  # noqa: SIM115
    except FileNotFoundError:
        _say(stream, {"size": -1})
        return
    with handle:
        about = os.fstat(handle.fileno())
        _say(stream, {"size": about.st_size, "time": about.st_mtime_ns})
        left = about.st_size
        while left:
            piece = handle.read(min(left, _PIECE))
            if not piece:
                raise ValueError("a file was truncated while it was read")
            stream.write(piece)
            left -= len(piece)


def _content(stream: BinaryIO, size: int) -> Iterator[bytes]:
    while size:
        piece = stream.read(min(size, _PIECE))
        if not piece:
            raise ValueError("the source store closed the connection")
        size -= len(piece)
        yield piece


def _say(stream: BinaryIO, value: dict[str, object]) -> None:
    stream.write(json.dumps(value).encode() + b"\n")


@contextlib.contextmanager
def _reach(host: Host, peer: str, place: str, port: int) -> Iterator[BinaryIO]:
    context = _context(host, ssl.PROTOCOL_TLS_CLIENT)
    with socket.create_connection((place, port), timeout=10) as plain:
        plain.settimeout(_SILENCE)
        with (
            context.wrap_socket(plain, server_hostname=peer) as inside,
            inside.makefile("rwb", buffering=_PIECE) as stream,
        ):
            yield stream  # type: ignore[misc]  # as in Offer: typeshed calls it IOBase


def _context(host: Host, side: ssl._SSLMethod) -> ssl.SSLContext:
    """TLS with exactly the plan's servers, each known by its certificate."""
    context = ssl.SSLContext(side)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_verify_locations(host.path(f"{_INTERNAL}/peers.pem"))
    context.load_cert_chain(host.path(f"{_INTERNAL}/identity.pem"))
    context.verify_mode = ssl.CERT_REQUIRED
    return context

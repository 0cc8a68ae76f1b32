"""Trust in host keys: known_hosts files as sshd(8) describes them, with the line of each entry.

asyncssh can match such files too, but cannot name file and line, fails on lines that OpenSSH skips, and loses
``@revoked`` entries of ``[host]:port`` when it falls back to the plain name.
"""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import hmac
import os
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import asyncssh

from mailwiz_tui.deploy.prompts import HostKey


class Marker(StrEnum):
    """What an entry says about its key."""

    TRUSTED = ""
    AUTHORITY = "@cert-authority"
    REVOKED = "@revoked"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a known_hosts file that could be read."""

    file: Path
    line: int
    marker: Marker
    hosts: str
    key: asyncssh.SSHKey

    @property
    def place(self) -> str:
        """``file:line``, for the operator."""
        return f"{self.file}:{self.line}"

    def matches(self, name: str) -> bool:
        """Whether the entry is about ``name`` (``host`` or ``[host]:port``, lower case)."""
        if self.hosts.startswith("|1|"):
            return _hash_matches(self.hosts, name)
        found = False
        for pattern in self.hosts.lower().split(","):
            if _pattern_matches(pattern.removeprefix("!"), name):
                if pattern.startswith("!"):
                    return False
                found = True
        return found


def _hash_matches(hosts: str, name: str) -> bool:
    try:
        salt, digest = (base64.b64decode(part, validate=True) for part in hosts[3:].split("|"))
    except ValueError:
        return False
    return hmac.compare_digest(hmac.new(salt, name.encode(), hashlib.sha1).digest(), digest)


def _pattern_matches(pattern: str, name: str) -> bool:
    # Square brackets belong to [host]:port here; only * and ? are wildcards.
    return fnmatch.fnmatchcase(name, pattern.replace("[", "[[]"))


@dataclass(frozen=True, slots=True)
class Known:
    """What the files say about one host; ``by_plain_name`` if only its name without the port is known."""

    trusted: tuple[Entry, ...] = ()
    authorities: tuple[Entry, ...] = ()
    revoked: tuple[Entry, ...] = ()
    unreadable: tuple[str, ...] = ()
    by_plain_name: bool = False

    @property
    def vouched(self) -> bool:
        """Whether any key or authority is trusted for the host."""
        return bool(self.trusted or self.authorities)

    def revoked_by(self, keys: Iterable[asyncssh.SSHKey]) -> Entry | None:
        """The first entry that revokes one of the keys."""
        offered = [key.public_data for key in keys]
        return next((e for e in self.revoked if e.key.public_data in offered), None)

    def trusts(self, keys: Iterable[asyncssh.SSHKey]) -> bool:
        """Whether one of the keys is trusted by name."""
        offered = {key.public_data for key in keys}
        return any(e.key.public_data in offered for e in self.trusted)


def host_name(host: str, port: int) -> str:
    """The name a host has in known_hosts: lower case, ``[host]:port`` unless the port is 22."""
    host = host.lower()
    return host if port == 22 else f"[{host}]:{port}"


def read(files: Iterable[Path]) -> tuple[list[Entry], tuple[str, ...]]:
    """All entries of the files in order; files that do not exist are skipped, as OpenSSH does.

    The second value names files that exist but cannot be read.
    """
    entries: list[Entry] = []
    unreadable: list[str] = []
    for file in files:
        try:
            text = file.read_text("utf-8", "surrogateescape")
        except FileNotFoundError:
            continue
        except OSError as error:
            unreadable.append(f"{file}: {error.strerror}")
            continue
        for number, line in enumerate(text.split("\n"), 1):
            entry = _entry(file, number, line)
            if entry:
                entries.append(entry)
    return entries, tuple(unreadable)


def _entry(file: Path, number: int, line: str) -> Entry | None:
    line = line.strip()
    if not line or line.startswith("#"):
        return None
    marker = Marker.TRUSTED
    if line.startswith("@"):
        word, _, line = line.partition(" ")
        try:
            marker = Marker(word)
        except ValueError:
            return None
    hosts, _, key_text = line.strip().partition(" ")
    try:
        key = asyncssh.import_public_key(key_text.strip())
    except (asyncssh.KeyImportError, ValueError):
        return None
    return Entry(file, number, marker, hosts, key)


def look_up(files: Iterable[Path], host: str, port: int) -> Known:
    """What the files say about ``host`` at ``port``.

    As OpenSSH does: a port other than 22 is looked up as ``[host]:port`` first; only where that is unknown do
    the keys of the plain name count. Revoked keys count under either name.
    """
    entries, unreadable = read(files)
    names = list(dict.fromkeys([host_name(host, port), host.lower()]))
    revoked = tuple(e for e in entries if e.marker is Marker.REVOKED and any(e.matches(n) for n in names))
    for name in names:
        trusted = tuple(e for e in entries if e.marker is Marker.TRUSTED and e.matches(name))
        authorities = tuple(e for e in entries if e.marker is Marker.AUTHORITY and e.matches(name))
        if trusted or authorities:
            return Known(trusted, authorities, revoked, unreadable, by_plain_name=name != names[0])
    return Known((), (), revoked, unreadable)


def append(file: Path, host: str, port: int, keys: Iterable[asyncssh.SSHKey]) -> None:
    """Stores keys the operator has confirmed: one line each, appended in one write; the file is made 0600.

    Raises OSError if the file cannot be written.
    """
    lines = b"".join(
        b"%s %s\n" % (host_name(host, port).encode(), b" ".join(key.export_public_key().split()[:2]))
        for key in keys
    )
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            lines = b"\n" + lines
        os.write(descriptor, lines)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def shown(keys: Iterable[asyncssh.SSHKey]) -> tuple[HostKey, ...]:
    """The keys as the operator compares them: algorithm and ``SHA256:…``."""
    return tuple(HostKey(key.get_algorithm(), key.get_fingerprint("sha256")) for key in keys)

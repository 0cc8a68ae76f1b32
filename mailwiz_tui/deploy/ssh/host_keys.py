"""Verifies the host key of a server before anything is sent to it.

Unknown keys are shown to the operator and stored only after a yes. A changed or revoked key is rejected; no option
accepts it: the operator edits the file that is named.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import asyncssh

from mailwiz_tui.deploy.prompts import Prompts
from mailwiz_tui.deploy.ssh import known_hosts
from mailwiz_tui.deploy.ssh.errors import SshError, SshErrorKind, printable
from mailwiz_tui.deploy.ssh.known_hosts import Known

Trust = tuple[Sequence[asyncssh.SSHKey], Sequence[asyncssh.SSHKey], Sequence[asyncssh.SSHKey]]
"""Trusted keys, authorities and revoked keys, in asyncssh's form."""

Fetch = Callable[[list[str]], Awaitable[asyncssh.SSHKey | None]]
"""Gets a server's host key for some algorithms, without logging in; None if it has no such key."""

_FAMILIES = (
    ["ssh-ed25519"],
    ["ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"],
    ["rsa-sha2-512", "rsa-sha2-256"],
)


@dataclass
class Gate:
    """The host-key check for one address. ``name`` and ``port`` are its entry in known_hosts."""

    server_id: str
    where: str
    name: str
    port: int
    files: tuple[Path, ...]
    store: Path | None
    fetch: Fetch
    prompts: Prompts
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def look_up(self) -> Known:
        """The present content of the files."""
        return known_hosts.look_up(self.files, self.name, self.port)

    async def trust(self) -> Trust:
        """The keys to accept for this connection; asks the operator about an unknown host.

        Raises SshError if the host is unknown and was declined, revoked, or cannot be stored.
        """
        known = self.look_up()
        if known.vouched:
            return _trust(known)
        async with self.lock:
            known = self.look_up()
            if not known.vouched:
                known = await self._introduce(known)
        return _trust(known)

    async def mismatch(self) -> SshError | None:
        """Why the server's keys were rejected, or None if no key of this host was known.

        That is the case if only an authority signed it, or if the known key belongs to the plain name and not to
        ``[name]:port``: then ``introduce`` asks the operator, as OpenSSH does.
        """
        known = self.look_up()
        offered = await self._offered()
        if revoked := self._revoked(known, offered):
            return revoked
        if known.by_plain_name or not known.trusted:
            return None
        places = ", ".join(e.place for e in known.trusted[:4])
        shown = ", ".join(f"{k.algorithm} {k.fingerprint}" for k in known_hosts.shown(offered))
        return SshError(
            f"the host key has changed: the server now sends {shown or 'an unknown type'}, but {places} has "
            "another key",
            self.where,
            "this may be an attack (man in the middle). If the server was reinstalled, check the fingerprint on "
            "its console "
            f"(ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub) and remove {places}",
            kind=SshErrorKind.HOST_KEY_CHANGED,
        )

    async def introduce(self) -> Trust:
        """Asks the operator about a host without a known key."""
        async with self.lock:
            known = self.look_up()
            if not known.trusted or known.by_plain_name:
                known = await self._introduce(known)
        return _trust(known)

    async def _introduce(self, known: Known) -> Known:
        if known.unreadable:
            raise SshError(
                f"cannot tell whether the host is known: {known.unreadable[0]}",
                self.where,
                "make the file readable for your user",
                kind=SshErrorKind.CONFIG,
            )
        offered = await self._offered()
        if revoked := self._revoked(known, offered):
            raise revoked
        if not offered:
            raise SshError("the server has no host key of a supported type", self.where)
        address = known_hosts.host_name(self.name, self.port)
        shown = known_hosts.shown(offered)
        if not await self.prompts.confirm_host_key(self.server_id, address, shown):
            raise SshError(
                f"the host key is unknown ({shown[0].algorithm} {shown[0].fingerprint}) and was not accepted",
                self.where,
                "compare it on the server's console, then accept it or add it to "
                f"{self.store or 'a known_hosts file'}",
                kind=SshErrorKind.HOST_KEY_UNKNOWN,
            )
        self._store(known, offered)
        return self.look_up()

    def _store(self, known: Known, keys: list[asyncssh.SSHKey]) -> None:
        if self.store is None:
            raise SshError(
                "the host key is unknown and there is no known_hosts file to store it in",
                self.where,
                "UserKnownHostsFile is none: set known_hosts in the inventory",
                kind=SshErrorKind.HOST_KEY_UNKNOWN,
            )
        try:
            known_hosts.append(self.store, self.name, self.port, keys)
        except OSError as error:
            raise SshError(
                f"the host key cannot be stored in {self.store}: {error.strerror}",
                self.where,
                "make that file writable, or set known_hosts in the inventory",
                kind=SshErrorKind.HOST_KEY_UNKNOWN,
            ) from None

    def _revoked(self, known: Known, offered: list[asyncssh.SSHKey]) -> SshError | None:
        entry = known.revoked_by(offered)
        if entry is None:
            return None
        return SshError(
            f"the server's host key is revoked by {entry.place}",
            self.where,
            "replace the server's host keys before you connect to it",
            kind=SshErrorKind.HOST_KEY_REVOKED,
        )

    async def _offered(self) -> list[asyncssh.SSHKey]:
        """Every host key the server has, one of each family."""
        keys: list[asyncssh.SSHKey] = []
        failure: Exception | None = None
        for family in _FAMILIES:
            try:
                key = await self.fetch(family)
            except asyncssh.KeyExchangeFailed as error:
                failure = error
                continue
            if key is not None:
                keys.append(key)
        if not keys and failure is not None:
            raise SshError(f"no host key algorithm in common: {printable(str(failure))}", self.where)
        return keys


def _trust(known: Known) -> Trust:
    return (
        [e.key for e in known.trusted],
        [e.key for e in known.authorities],
        [e.key for e in known.revoked],
    )

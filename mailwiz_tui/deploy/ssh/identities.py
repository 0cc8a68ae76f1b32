"""The private keys for a login, in the order they are offered.

A passphrase is asked only when the server has said that it would accept the key: the public half of an
encrypted key is known without it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncssh
from pydantic import SecretStr

from mailwiz_tui.deploy.ssh.client_config import ClientConfig
from mailwiz_tui.deploy.ssh.errors import SshError, SshErrorKind, printable

MOST_OFFERS = 5
"""sshd counts every key offered as an attempt (MaxAuthTries, 6 by default); one is left for a password."""

AskPassphrase = Callable[[str, int], Awaitable[SecretStr | None]]


class Keyring:
    """Private keys unlocked by this process; each passphrase is asked once."""

    def __init__(self) -> None:
        self._unlocked: dict[Path, asyncssh.SSHKey] = {}
        self._locks: dict[Path, asyncio.Lock] = {}

    def get(self, file: Path) -> asyncssh.SSHKey | None:
        """The key of this file if it was unlocked before."""
        return self._unlocked.get(file)

    async def unlock(self, file: Path, ask: AskPassphrase) -> asyncssh.SSHKey | None:
        """The private key of ``file``, asking for the passphrase up to three times. None if it was declined.

        Raises SshError if the file cannot be decrypted for another reason.
        """
        async with self._locks.setdefault(file, asyncio.Lock()):
            if file in self._unlocked:
                return self._unlocked[file]
            for attempt in range(1, 4):
                passphrase = await ask(str(file), attempt)
                if passphrase is None:
                    return None
                try:
                    key = await asyncio.to_thread(
                        asyncssh.read_private_key, str(file), passphrase.get_secret_value()
                    )
                except (asyncssh.KeyEncryptionError, asyncssh.KeyImportError, OSError) as error:
                    if _wrong_passphrase(error):
                        continue
                    raise _unreadable(file, error) from None
                self._unlocked[file] = key
                return key
            return None


def _wrong_passphrase(error: Exception) -> bool:
    """asyncssh's text depends on the key's format: “Incorrect passphrase”, “Unable to decrypt …”."""
    text = str(error).lower()
    return not isinstance(error, OSError) and "bcrypt" not in text and ("passphrase" in text or "decrypt" in text)


def _unreadable(file: Path, error: Exception) -> SshError:
    if "bcrypt" in str(error):
        what = f"this Python cannot decrypt {file}: the package bcrypt is not installed"
        advice = f"load the key into an agent: ssh-add {file}"
    else:
        what = f"the private key cannot be read: {printable(str(error))}"
        advice = f"try: ssh-keygen -y -f {file}"
    return SshError(what, str(file), advice, kind=SshErrorKind.IDENTITY)


class LockedKeyPair(asyncssh.SSHKeyPair):
    """An encrypted private key whose public half is known: it is unlocked when the server wants a signature."""

    _key_type = "local"

    def __init__(self, file: Path, public: asyncssh.SSHKey, keyring: Keyring, ask: AskPassphrase) -> None:
        super().__init__(
            public.algorithm,
            public.algorithm,
            public.sig_algorithms,
            public.sig_algorithms,
            public.public_data,
            None,
        )
        self._file = file
        self._keyring = keyring
        self._ask = ask

    async def sign_async(self, data: bytes) -> bytes:
        """The signature; ValueError if the operator declined, so that the next method is tried."""
        key = await self._keyring.unlock(self._file, self._ask)
        if key is None:
            raise ValueError("passphrase declined")
        return await asyncio.to_thread(key.sign, data, self.sig_algorithm)


class Identities:
    """The keys for one connection; ``next`` returns them one at a time."""

    def __init__(
        self,
        config: ClientConfig,
        explicit: Path | None,
        extra: Path | None,
        keyring: Keyring,
        ask: AskPassphrase,
    ) -> None:
        """``explicit``: the inventory's identity file; only it is offered then. ``extra``: tried last."""
        self._config = config
        self._explicit = explicit
        self._extra = extra
        self._keyring = keyring
        self._ask = ask
        self._agent: asyncssh.SSHAgentClient | None = None
        self._queue: list[asyncssh.SSHKeyPair] | None = None
        self.offered = 0
        self.skipped = 0
        self.unusable: list[str] = []

    async def next(self) -> asyncssh.SSHKeyPair | None:
        """The next key to offer, or None when there is none left."""
        if self._queue is None:
            pairs = await self._collect()
            self._queue, self.skipped = pairs[:MOST_OFFERS], max(0, len(pairs) - MOST_OFFERS)
        if not self._queue:
            return None
        self.offered += 1
        return self._queue.pop(0)

    def close(self) -> None:
        """Closes the connection to the agent."""
        if self._agent is not None:
            self._agent.close()
            self._agent = None

    async def _collect(self) -> list[asyncssh.SSHKeyPair]:
        agent = await self._agent_keys()
        files = (self._explicit,) if self._explicit else self._config.identity_files
        if self._extra and not self._explicit:
            files = (*files, self._extra)
        wanted: list[asyncssh.SSHKeyPair] = []
        local: list[asyncssh.SSHKeyPair] = []
        for file in files:
            public = public_half(file)
            held = [k for k in agent if public is not None and k.public_data == public.public_data]
            if held:
                wanted += held
            elif file.exists():
                local += await self._from_file(file, public)
        exclusive = self._explicit is not None or self._config.identities_only
        others = [] if exclusive else [k for k in agent if k not in wanted]
        return [*wanted, *others, *local]

    async def _agent_keys(self) -> list[asyncssh.SSHKeyPair]:
        if not self._config.identity_agent:
            return []
        try:
            self._agent = await asyncssh.connect_agent(self._config.identity_agent)
            return list(await self._agent.get_keys())
        except (OSError, ValueError) as error:
            self.unusable.append(f"the SSH agent did not answer: {printable(str(error))}")
            return []

    async def _from_file(self, file: Path, public: asyncssh.SSHKey | None) -> list[asyncssh.SSHKeyPair]:
        unlocked = self._keyring.get(file)
        try:
            return list(asyncssh.load_keypairs([unlocked] if unlocked else str(file)))
        except asyncssh.KeyEncryptionError:
            locked = True
        except asyncssh.KeyImportError as error:
            locked = "passphrase" in str(error).lower()
            if not locked:
                self.unusable.append(f"{file} is not a usable private key: {printable(str(error))}")
        except (OSError, ValueError) as error:
            locked = False
            self.unusable.append(f"{file} cannot be read: {printable(str(error))}")
        if not locked:
            return []
        if public is not None:
            return [LockedKeyPair(file, public, self._keyring, self._ask)]
        key = await self._keyring.unlock(file, self._ask)
        return list(asyncssh.load_keypairs([key])) if key else []


def public_half(file: Path) -> asyncssh.SSHKey | None:
    """The public key of an identity file, from ``FILE.pub`` or from the file itself, without a passphrase."""
    for candidate in (file, file.with_name(file.name + ".pub")):
        try:
            return asyncssh.read_public_key(str(candidate))
        except (OSError, ValueError):
            continue
    return None

"""Opens a connection to a server of the inventory: names, jump hosts, host keys, login."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncssh
from pydantic import SecretStr

from mailwiz_tui.deploy.prompts import Prompts
from mailwiz_tui.deploy.ssh.client_config import ClientConfig, client_config
from mailwiz_tui.deploy.ssh.connection import Connection
from mailwiz_tui.deploy.ssh.deadline import Deadline
from mailwiz_tui.deploy.ssh.errors import ConnectionLost, SshError, SshErrorKind
from mailwiz_tui.deploy.ssh.failures import login_refused, translate
from mailwiz_tui.deploy.ssh.host_keys import Gate, Trust
from mailwiz_tui.deploy.ssh.identities import Identities
from mailwiz_tui.deploy.ssh.login import Login
from mailwiz_tui.deploy.ssh.tunnels import Tunnels
from mailwiz_tui.fleet.jumps import Hop, parse_jumps
from mailwiz_tui.fleet.server import Server

CONNECT_SECONDS = 30.0
KEEPALIVE_SECONDS = 10
KEEPALIVE_MISSES = 3
MOST_HOPS = 8

# asyncssh logs command lines at INFO and packets at DEBUG; neither belongs on a screen or in a log.
_logger = logging.getLogger("asyncssh")
_logger.setLevel(logging.WARNING)
_logger.addHandler(logging.NullHandler())
_logger.propagate = False


@dataclass(frozen=True, slots=True)
class Target:
    """One machine to log in to: the server itself or a jump host on the way."""

    server: Server
    config: ClientConfig
    user: str
    host: str
    port: int
    identity: Path | None
    extra_identity: Path | None = None

    @property
    def where(self) -> str:
        """``user@host:port`` as messages name it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.user}@{host}:{self.port}"


async def connect(server: Server, prompts: Prompts, *, tunnels: Tunnels | None = None) -> Connection:
    """Connects and logs in, only to a host whose key is trusted by known_hosts or accepted by the operator.

    ``tunnels`` shares jump hosts, unlocked keys and passwords between connections; its owner closes it.
    Raises SshError (``kind`` tells which failure).
    """
    shared = tunnels or Tunnels()
    try:
        config = await client_config(server.openssh_alias or server.host)
        if server.openssh_alias:
            config = replace(config, hostname=server.host)
        target = Target(server, config, server.user, config.hostname, server.port, server.identity_file)
        jumps = server.proxy_jump or config.proxy_jump
        via = await _chain(server, jumps, prompts, shared)
        connection = await _open(target, via, prompts, shared)
    except BaseException:
        if tunnels is None:
            await shared.close()
        raise
    if tunnels is None:
        connection.on_close = shared.close
    return connection


async def _chain(
    server: Server, jumps: str, prompts: Prompts, tunnels: Tunnels, behind: tuple[str, ...] = ()
) -> Connection | None:
    """The connection to the last jump host, opening those before it; None for a direct connection.

    ``behind`` names the jump hosts of this chain, so that a loop is noticed.
    """
    try:
        hops = parse_jumps(jumps)
    except ValueError as error:
        raise SshError(str(error), server.id, "correct proxy_jump", kind=SshErrorKind.CONFIG) from None
    via: Connection | None = None
    passed = f"{server.known_hosts}"
    for hop in hops:
        if hop.text in behind or len(behind) + len(hops) > MOST_HOPS:
            raise SshError(
                f"the jump hosts form a loop, or are more than {MOST_HOPS}: {', '.join((*behind, hop.text))}",
                server.id,
                "look at ProxyJump in ~/.ssh/config",
                kind=SshErrorKind.CONFIG,
            )
        passed = f"{passed}>{hop.text}"
        via = await _hop(server, hop, passed, via, prompts, tunnels, (*behind, hop.text))
    return via


async def _hop(
    server: Server,
    hop: Hop,
    key: str,
    via: Connection | None,
    prompts: Prompts,
    tunnels: Tunnels,
    behind: tuple[str, ...],
) -> Connection:
    async def open_it() -> Connection:
        config = await client_config(hop.host)
        # As with ssh -J: the first hop may itself be behind another one in ~/.ssh/config.
        before = via or await _chain(server, config.proxy_jump, prompts, tunnels, behind)
        target = Target(
            Server(id=hop.text, host=hop.host, known_hosts=server.known_hosts),
            config,
            hop.user or config.user or server.user,
            config.hostname,
            hop.port or config.port,
            None,
            server.identity_file,
        )
        return await _open(target, before, prompts, tunnels)

    return await tunnels.hop(key, open_it)


async def _open(target: Target, via: Connection | None, prompts: Prompts, tunnels: Tunnels) -> Connection:
    """Checks the host key, then connects strictly and logs in."""
    gate = _gate(target, via, prompts, tunnels)
    trust = await gate.trust()
    for _ in range(2):
        try:
            return await _log_in(target, via, trust, prompts, tunnels)
        except asyncssh.HostKeyNotVerifiable:
            refusal = await gate.mismatch()
        except asyncssh.KeyExchangeFailed as error:
            # With a known key only its algorithms are asked for: a server without them has changed its key.
            if not trust[0] or "host key" not in str(error).lower():
                raise translate(error, target.where, target.host, target.port) from None
            refusal = await gate.mismatch()
        if refusal is not None:
            raise refusal
        trust = await gate.introduce()
    raise SshError("the host key changed while connecting", target.where, kind=SshErrorKind.HOST_KEY_CHANGED)


def _gate(target: Target, via: Connection | None, prompts: Prompts, tunnels: Tunnels) -> Gate:
    config, own = target.config, target.server.known_hosts
    users = (own,) if own else config.user_known_hosts
    name, port = (config.host_key_alias, 22) if config.host_key_alias else (target.host, target.port)

    async def fetch(algorithms: list[str]) -> asyncssh.SSHKey | None:
        async with tunnels.slot(target.where):
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await asyncssh.get_server_host_key(
                        target.host,
                        target.port,
                        server_host_key_algs=algorithms,
                        config=None,
                        **_path(target, via),
                    )
            except asyncssh.KeyExchangeFailed:
                raise
            except (OSError, asyncssh.Error) as error:
                raise translate(error, target.where, target.host, target.port, via.where if via else "") from None

    return Gate(
        target.server.id,
        target.where,
        name,
        port,
        users if own else (*users, *config.global_known_hosts),
        users[0] if users else None,
        fetch,
        prompts,
        tunnels.lock(f"host key {name} {port}"),
    )


def _path(target: Target, via: Connection | None) -> dict[str, Any]:
    """The transport: through a jump host, a ProxyCommand, or directly."""
    if via is not None:
        return {"tunnel": via.transport}
    command = target.config.proxy_command
    if not command:
        return {"tunnel": None}
    tokens = {"%h": target.host, "%p": str(target.port), "%r": target.user, "%n": target.server.host, "%%": "%"}
    for token, value in tokens.items():
        command = command.replace(token, value)
    return {"tunnel": None, "proxy_command": ["sh", "-c", f"exec {command}"]}


async def _log_in(
    target: Target, via: Connection | None, trust: Trust, prompts: Prompts, tunnels: Tunnels
) -> Connection:
    answers = tunnels.answers(target.where)
    for retry in range(3):
        deadline = Deadline(CONNECT_SECONDS)
        identities = _identities(target, prompts, tunnels, deadline)
        logins: list[Login] = []

        def client(
            identities: Identities = identities, deadline: Deadline = deadline, logins: list[Login] = logins
        ) -> Login:
            logins.append(Login(target.server.id, target.user, prompts, identities, answers, deadline))
            return logins[-1]

        try:
            async with tunnels.slot(target.where), deadline.running():
                ssh = await asyncssh.connect(
                    target.host,
                    target.port,
                    username=target.user,
                    client_factory=client,
                    known_hosts=trust,
                    host_key_alias=target.config.host_key_alias or None,
                    client_keys=None,
                    agent_path=None,
                    config=None,
                    preferred_auth=("publickey", "password", "keyboard-interactive"),
                    keepalive_interval=KEEPALIVE_SECONDS,
                    keepalive_count_max=KEEPALIVE_MISSES,
                    login_timeout=0,
                    **_path(target, via),
                )
            return Connection(ssh, target.server, target.user, target.where, prompts, answers)
        except (asyncssh.HostKeyNotVerifiable, asyncssh.KeyExchangeFailed):
            raise
        except asyncssh.PermissionDenied:
            tried = logins[-1].tried if logins else {}
            answers.password = None
            raise login_refused(target.where, target.user, tried, identities.unusable, identities.skipped) from None
        except (OSError, asyncssh.Error) as error:
            failure = translate(error, target.where, target.host, target.port, via.where if via else "")
            # sshd gives up after LoginGraceTime, which the operator may need for an answer: it is kept, try again.
            if isinstance(failure, ConnectionLost) and deadline.was_paused and retry < 2:
                continue
            raise failure from None
        finally:
            identities.close()
    raise ConnectionLost(target.where)


def _identities(target: Target, prompts: Prompts, tunnels: Tunnels, deadline: Deadline) -> Identities:
    if target.identity is not None and not _exists(target.identity):
        raise SshError(
            f"the identity file {target.identity} does not exist",
            target.where,
            "correct identity_file in the inventory",
            kind=SshErrorKind.IDENTITY,
        )

    async def ask(file: str, attempt: int) -> SecretStr | None:
        async with deadline.paused():
            return await prompts.passphrase(target.server.id, file, attempt)

    return Identities(target.config, target.identity, target.extra_identity, tunnels.keyring, ask)


def _exists(file: Path) -> bool:
    return file.exists() or file.with_name(file.name + ".pub").exists()

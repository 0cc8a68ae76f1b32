"""Starts a command as root: directly, or through sudo, whose password is written only to our own prompt.

sudo(8) prints the prompt given with ``-p`` to standard error and reads the password from standard input with
``-S``. Where no password is needed there is no prompt, and nothing is written that the command could take for
data. What login shells print first is skipped: the command's own output begins after a random token.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import shlex
from collections.abc import Awaitable, Callable

from pydantic import SecretStr

from mailwiz_tui.deploy.ssh.channel import Channel
from mailwiz_tui.deploy.ssh.errors import SshError, SshErrorKind, printable

START_SECONDS = 60
"""sudo waits for name resolution where a host cannot resolve its own name."""

AskSudo = Callable[[int], Awaitable[SecretStr | None]]
"""Asks for the password of sudo; the argument is the attempt, from 1."""

_NOISE_LIMIT = 256 * 1024
_REASONS: tuple[tuple[str, str, str], ...] = (
    (
        r"is not in the sudoers file|may not run sudo|not allowed to (?:execute|run)",
        "this user may not use sudo to become root",
        "add the user to the group sudo, or connect as root",
    ),
    (
        r"must have a tty|no tty present",
        "sudo requires a terminal",
        "remove requiretty from sudoers for this user",
    ),
    (
        r"incorrect password attempt|a password is required|Maximum \d+ tries",
        "sudo refused the password",
        "try again with the user's own password on that server",
    ),
    (
        r"sudo: (?:command )?not found|sudo: No such file|env: .?sudo",
        "sudo is not installed on the server",
        "connect as root, or install sudo first",
    ),
    (
        r"(?:account|password) (?:has )?expired|account is locked|Account or password is expired",
        "the account has expired or is locked",
        "ask the server's administrator to renew it",
    ),
)


class Launch:
    """The command line for one start, and the tokens that belong to it.

    ``command`` is a shell command in one line, without ``!`` (csh would take it for history).
    """

    def __init__(self, command: str, *, with_sudo: bool) -> None:
        if "\n" in command or "!" in command:
            raise ValueError("the command must be one line and contain no exclamation mark")
        half = secrets.token_hex(8)
        other = secrets.token_hex(8)
        self.ready = f"mailwiz-ready-{half}{other}\n".encode()
        # sudo prints %% as %: a shell that echoes its command line does not print the prompt itself.
        nonce = secrets.token_hex(12)
        self.prompt = f"[mailwiz%sudo-{nonce}]"
        escaped = self.prompt.replace("%", "%%")
        # The token is put together by printf, so a shell that echoes its commands does not print it.
        script = f"printf '%s%s\\n' mailwiz-ready-{half} {other}; exec {command}"
        started = f"exec sh -c {shlex.quote(script)}"
        if with_sudo:
            started = f"exec env LC_ALL=C sudo -S -p '{escaped}' -- sh -c {shlex.quote(script)}"
        self.argv = started


async def start(
    channel: Channel, launch: Launch, where: str, ask: AskSudo, kept: SecretStr | None
) -> SecretStr | None:
    """Waits until the command runs as root; its output is what is read next.

    ``kept`` is a password that was right before. Returns the password that sudo accepted, None if it asked for
    none. Raises SshError (the channel is closed then) and ConnectionLost.
    """
    try:
        return await _start(channel, launch, where, ask, kept)
    except BaseException:
        await channel.close()
        raise


async def _start(
    channel: Channel, launch: Launch, where: str, ask: AskSudo, kept: SecretStr | None
) -> SecretStr | None:
    ready = asyncio.create_task(_read_until(channel, launch.ready))
    answered, attempt, taken = 0, 0, None
    try:
        while True:
            growth = asyncio.create_task(channel.stderr_change())
            done, _ = await asyncio.wait(
                {ready, growth}, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED
            )
            growth.cancel()
            if ready in done:
                noise = ready.result()
                if noise is None:
                    channel.forget_stderr()
                    return taken
                raise await _refusal(channel, noise, where, attempt)
            if not done:
                raise SshError(
                    f"a command did not start within {START_SECONDS} s",
                    where,
                    f"log in by hand and try; the server printed: {printable(channel.stderr) or 'nothing'}",
                    kind=SshErrorKind.TIMEOUT,
                )
            if launch.prompt in channel.stderr_since(answered):
                answered = channel.stderr_total
                if kept is not None:
                    taken, kept = kept, None
                else:
                    attempt += 1
                    taken = await ask(attempt)
                if taken is None:
                    raise SshError(
                        "sudo asks for a password and none was given",
                        where,
                        "connect as root",
                        kind=SshErrorKind.SUDO,
                    )
                channel.write(taken.get_secret_value().encode() + b"\n")
                await channel.drain()
    finally:
        ready.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await ready


async def _read_until(channel: Channel, token: bytes) -> bytes | None:
    """Skips output up to and including the token and returns the rest; what was printed if the token never came."""
    seen = b""
    while True:
        data = await channel.read()
        seen += data
        at = seen.find(token)
        if at >= 0:
            channel.push_back(seen[at + len(token) :])
            return None
        if not data or len(seen) > _NOISE_LIMIT:
            return seen


async def _refusal(channel: Channel, noise: bytes, where: str, attempt: int) -> SshError:
    """Why the command did not start, from the output of sudo or the login shell."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(5):
            await channel.wait()
    said = re.sub(r"\[mailwiz%sudo-[0-9a-f]+\]", " ", channel.stderr)
    for pattern, what, advice in _REASONS:
        if re.search(pattern, said, re.IGNORECASE):
            return SshError(what, where, advice, kind=SshErrorKind.SUDO)
    if attempt:
        return SshError(
            f"sudo did not start the command: {printable(said) or 'it printed nothing'}",
            where,
            kind=SshErrorKind.SUDO,
        )
    text = printable(noise + b" " + said.encode())
    return SshError(
        f"the login shell did not run our command: {text or 'it ended without output'}",
        where,
        "give the account an ordinary shell, without ForceCommand",
        kind=SshErrorKind.SHELL,
    )

"""Printing and asking on a plain terminal."""

from __future__ import annotations

import asyncio
import getpass
import os
import sys
from pathlib import Path

from pydantic import SecretStr

from mailwiz_tui.deploy.prompts import HostKey, Prompts, RefusingPrompts


def say(line: str = "") -> None:
    """One line to standard output, at once."""
    print(line, flush=True)  # noqa: T201


def complain(message: str, advice: str = "") -> None:
    """One line to standard error: what is wrong and what to do."""
    print(f"mailwiz-tui: {message}{f' – {advice}' if advice else ''}", file=sys.stderr, flush=True)  # noqa: T201


def interactive() -> bool:
    """Whether somebody is there to answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str) -> bool:
    """A yes-or-no question; anything but ``y`` or ``yes`` is a no.

    Where standard input is data the terminal itself is asked (tty(4)).
    """
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)  # noqa: T201
    if sys.stdin.isatty():
        return _is_yes(sys.stdin.readline())
    with open("/dev/tty", encoding="utf-8", errors="replace") as terminal:
        return _is_yes(terminal.readline())


def ask_word(question: str) -> str:
    """A line from the terminal, without spaces around it."""
    print(question, end="", file=sys.stderr, flush=True)  # noqa: T201
    return sys.stdin.readline().strip()


def _is_yes(answer: str) -> bool:
    return answer.strip().lower() in {"y", "yes"}


def _controlling_terminal() -> bool:
    """Whether somebody sits at a terminal, whatever standard input is."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


class TerminalPrompts:
    """Asks on the terminal; passwords are not echoed.

    ``accept_new`` (``--accept-new-host-keys``) answers the question of an unknown host's keys and no other.
    """

    def __init__(self, *, accept_new: bool = False) -> None:
        self.accept_new = accept_new

    async def confirm_host_key(self, server_id: str, address: str, keys: tuple[HostKey, ...]) -> bool:
        """Shows each fingerprint and asks, unless that was answered on the command line."""
        accepted = "its host keys are stored (--accept-new-host-keys)" if self.accept_new else "its host keys"
        complain(f"{server_id} ({address}) is not known yet; {accepted}:")
        for key in keys:
            complain(f"  {key.algorithm}  {key.fingerprint}")
        if self.accept_new:
            return True
        return await asyncio.to_thread(ask, "Are these the right keys? They will be stored.")

    async def password(self, server_id: str, user: str, attempt: int) -> SecretStr | None:
        """Asks for the SSH password."""
        return await self._secret(f"Password of {user} on {server_id}: ")

    async def passphrase(self, server_id: str, key_file: str, attempt: int) -> SecretStr | None:
        """Asks for the passphrase of a key file."""
        return await self._secret(f"Passphrase of {Path(key_file)}: ")

    async def sudo_password(self, server_id: str, user: str, attempt: int) -> SecretStr | None:
        """Asks for the password that sudo wants."""
        return await self._secret(f"sudo password of {user} on {server_id}: ")

    async def given_secret(self, server_id: str, title: str) -> SecretStr | None:
        """Asks for a secret of the plan."""
        return await self._secret(f"{title[:1].upper()}{title[1:]} (kept on {server_id} only): ")

    async def _secret(self, question: str) -> SecretStr | None:
        answer = await asyncio.to_thread(getpass.getpass, question)
        return SecretStr(answer) if answer else None


def prompts(*, accept_new_host_keys: bool) -> Prompts:
    """Questions go to the terminal if there is one, also where standard input is data; else each is declined."""
    if interactive() or (sys.stderr.isatty() and _controlling_terminal()):
        return TerminalPrompts(accept_new=accept_new_host_keys)
    return RefusingPrompts(accept_new=accept_new_host_keys)

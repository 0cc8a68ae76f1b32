"""Where SMTP dialogues with port 25 start: on the operator's machine, or on a server if that is blocked."""

from __future__ import annotations

import asyncio
import inspect
import json
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mailwiz_tui.agent.protocol.probes import ProbeCommand, RunProbes
from mailwiz_tui.deploy.agent_link import Link
from mailwiz_tui.verify import dialog
from mailwiz_tui.verify.check import OPERATOR, Failed, plain
from mailwiz_tui.verify.dialog import CLOSED
from mailwiz_tui.verify.target import SMTP, Target

Step = str | list[str]
Carry = Callable[[list[Step]], Awaitable[list[list[Any]]]]


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's reply; ``code`` is ``CLOSED`` where none came."""

    code: int
    text: str

    @property
    def accepted(self) -> bool:
        """Whether the reply is positive (2xx)."""
        return 200 <= self.code < 400

    @property
    def refused(self) -> bool:
        """Whether the reply is a permanent rejection (5xx)."""
        return 500 <= self.code < 600

    @property
    def later(self) -> bool:
        """Whether the reply is a deferral (4xx: greylisting, RFC 6647, or a local failure)."""
        return 400 <= self.code < 500

    @property
    def enhanced(self) -> str:
        """The subject and detail of the enhanced status code, such as ``7.1`` (RFC 3463)."""
        first = self.text.split(" ")[0]
        parts = first.split(".")
        return ".".join(parts[1:]) if len(parts) == 3 and first.replace(".", "").isdigit() else ""

    def __str__(self) -> str:
        said = " / ".join(self.text.split("\n"))
        return said if self.code == CLOSED else f"{self.code} {said}"


@dataclass(frozen=True, slots=True)
class SmtpRoute:
    """A route to port 25 of a server; ``vantage`` is where it starts, ``why`` says why not from the operator."""

    carry: Carry
    vantage: str = OPERATOR
    why: str = ""

    async def talk(self, *steps: Step) -> list[Reply]:
        """The replies to the greeting and to each step of one connection; raises ``OSError``, ``Failed``."""
        return [Reply(int(code), str(text)) for code, text in await self.carry(list(steps))]


def spec(target: Target, steps: Sequence[Step]) -> dict[str, Any]:
    """What ``dialog.talk`` needs for a dialogue with port 25."""
    host, port = target.at(SMTP)
    return {"host": host, "port": port, "pem": target.pem, "seconds": target.seconds, "steps": list(steps)}


def local(target: Target) -> SmtpRoute:
    """From this machine."""

    async def carry(steps: list[Step]) -> list[list[Any]]:
        return await asyncio.to_thread(dialog.talk, spec(target, steps))

    return SmtpRoute(carry)


def remote(target: Target, link: Link, server_id: str, why: str) -> SmtpRoute:
    """From a server, which runs the same dialogue with its own Python; it contains no secret."""
    source = inspect.getsource(dialog)

    async def carry(steps: list[Step]) -> list[list[Any]]:
        argv = ("python3", "-I", "-c", source, json.dumps(spec(target, steps)))
        probe = ProbeCommand("dialog", argv, target.seconds * (dialog.ACCEPTANCE + 1) + 5)
        (answer,) = await link.ask(RunProbes((probe,)))
        try:
            found = json.loads(answer.output.splitlines()[-1])
        except (ValueError, IndexError) as error:
            raise Failed(f"the dialogue from {server_id} gave no result (exit {answer.exit})") from error
        if "error" in found:
            raise Failed(f"from {server_id}: {found['error']}")
        replies: list[list[Any]] = found["replies"]
        return replies

    return SmtpRoute(carry, server_id, why)


async def find(target: Target, links: dict[str, Link]) -> SmtpRoute:
    """The route from here if port 25 answers, else from another server, else from the server itself.

    Many access networks block outgoing port 25; that says nothing about the server. Raises ``Failed`` if there is
    no route.
    """
    try:
        await asyncio.to_thread(_reach, target)
    except OSError as error:
        why = f"port 25 cannot be reached from this machine ({plain(error)})"
    else:
        return local(target)
    for server_id in sorted(links, key=lambda s: s == target.server_id):
        route = remote(target, links[server_id], server_id, f"{why}, so the check was made from {server_id}")
        try:
            replies = await route.talk("QUIT")
        except (Failed, OSError):
            continue
        if replies[0].accepted:
            return route
    raise Failed(f"{why}, nor from any server", "On the server: nft list ruleset; systemctl status postfix.")


def _reach(target: Target) -> None:
    with socket.create_connection(target.at(SMTP), timeout=min(5.0, target.seconds)):
        pass

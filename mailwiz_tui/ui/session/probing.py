"""Reads servers' facts before an installation, and puts the result in words for the server picker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mailwiz_tui.deploy.prompts import Prompts
from mailwiz_tui.fleet.facts import Facts
from mailwiz_tui.fleet.server import Server
from mailwiz_tui.stack.compile import PROGRAMS
from mailwiz_tui.ui.session.backends import Prober, error_sentence
from mailwiz_tui.ui.terminal.symbols import size_text

PORTS = (25, 53, 80, 143, 443, 465, 587, 993, 4190)
"""The ports of a mail server; other programs that listen on them are shown."""


@dataclass(slots=True)
class ProbeOutcome:
    """The result of connecting to a server: ``state`` is a key of ``symbols.PROBE_MARKS``."""

    state: str = "unknown"
    sentence: str = ""
    facts: Facts | None = None


class Probes:
    """Connects to servers in parallel; ``learn`` receives their facts, ``changed`` is called at each result."""

    def __init__(self, prober: Prober, learn: Callable[[Server, Facts], None], changed: Callable[[], None]) -> None:
        self.prober = prober
        self.outcomes: dict[str, ProbeOutcome] = {}
        self._learn = learn
        self._changed = changed
        self._tasks: set[asyncio.Task[None]] = set()

    def ask(self, servers: Sequence[Server], prompts: Prompts) -> None:
        """Connect to servers and read their facts; those in progress are skipped."""
        for server in servers:
            if self.outcomes.get(server.id, ProbeOutcome()).state == "checking":
                continue
            self.outcomes[server.id] = ProbeOutcome("checking", "connecting…")
            task = asyncio.create_task(self._ask(server, prompts), name=f"probe {server.id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._changed()

    async def _ask(self, server: Server, prompts: Prompts) -> None:
        try:
            facts = await self.prober(server, prompts)
        except Exception as error:
            self.outcomes[server.id] = ProbeOutcome(probe_failure(error), error_sentence(error))
        else:
            unsuitable = unfit(facts)
            self._learn(server, facts)
            self.outcomes[server.id] = ProbeOutcome(
                "unfit" if unsuitable else "ok", unsuitable or summary(facts), facts
            )
        self._changed()

    async def close(self) -> None:
        """Cancel all connections in progress."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def summary(facts: Facts) -> str:
    """A server's facts in one line."""
    root = next((d for d in facts.disks if d.mount == "/"), None)
    system = facts.os_name.replace("GNU/Linux ", "") or f"{facts.os_id} {facts.os_version}".strip()
    parts = [system, facts.architecture]
    parts.append(f"{size_text(facts.memory_total)} RAM" if facts.memory_total else "")
    parts.append(f"{size_text(root.free)} free" if root else "")
    foreign = [m.name for m in facts.mail_software if m.owner == "other"]
    parts.append(f"has {', '.join(foreign)}, not configured by mailwiz-tui" if foreign else "")
    others = (s for s in facts.listeners if s.process and not s.ours and s.process not in PROGRAMS)
    used = sorted({listener.port for listener in others if listener.port in PORTS})
    parts.append(f"ports in use: {', '.join(map(str, used))}" if used else "")
    return ", ".join(part for part in parts if part)


def probe_failure(error: Exception) -> str:
    """The key of ``symbols.PROBE_MARKS`` for a failed connection."""
    known = {"host-key-unknown": "unknown-key", "host-key-changed": "changed-key", "auth": "refused"}
    return known.get(str(getattr(error, "kind", "")), "failed")


def unfit(facts: Facts) -> str:
    """Why nothing can be installed on a server, or empty."""
    if facts.os_id and (facts.os_id != "debian" or facts.codename not in ("trixie", "bookworm")):
        return f"{facts.os_name or facts.os_id} is not supported; Debian 13 or 12 is needed"
    if facts.privilege == "none":
        return "this user is neither root nor allowed to use sudo"
    return ""

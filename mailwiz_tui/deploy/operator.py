"""The operator's identity as servers record it, so that an own run is recognised.

A name and a host alone do not tell two controllers apart (``root@localhost``), so a random id goes with them. It is
kept in the state folder (``program_folders.state_home``); where it cannot be kept, name and host decide.
"""

from __future__ import annotations

import contextlib
import getpass
import re
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

from mailwiz_tui.agent.protocol.runs import RunHolder
from mailwiz_tui.deploy.sanitize import clean_text
from mailwiz_tui.plan.files import write_new
from mailwiz_tui.plan.program_folders import state_home

_ID = re.compile(r"[0-9a-f]{32}\Z")


@dataclass(frozen=True, slots=True)
class Operator:
    """``by`` is ``user@host``, for reading; ``controller`` the random id of the state folder, or empty."""

    by: str
    controller: str = ""

    def owns(self, run: RunInProgress) -> bool:
        """Whether a run was started from here."""
        if self.controller and run.controller:
            return self.controller == run.controller
        return bool(run.by) and self.by == run.by


@dataclass(frozen=True, slots=True)
class RunInProgress:
    """A run in progress as its server reports it; ``age`` is its running time in seconds."""

    run_id: str
    by: str = ""
    controller: str = ""
    age: float = 0.0

    @classmethod
    def of(cls, holder: RunHolder) -> RunInProgress:
        """From the agent's report, in which runs of an older version have fewer fields."""
        return cls(holder.run, clean_text(holder.by), holder.controller, max(0.0, holder.age))

    def words(self, *, own: bool) -> str:
        """The run that is followed, for the operator."""
        return "following your own run" if own else f"following a run of {self.by or 'another operator'}"


def this_operator(folder: Path | None = None) -> Operator:
    """Who runs this program; the id is kept in ``folder`` (default: the state folder), made where it is missing."""
    return Operator(_name(), _controller((folder or state_home()) / "controller-id"))


def _name() -> str:
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (OSError, KeyError):
        return socket.gethostname()


def _controller(path: Path) -> str:
    """The id in a file of mode 0600; two programs that start at once agree on the first one written."""
    fresh = secrets.token_hex(16)
    with contextlib.suppress(OSError):
        with contextlib.suppress(FileExistsError):
            write_new(path, fresh)
            return fresh
        kept = path.read_text(encoding="ascii", errors="replace").strip()
        return kept if _ID.match(kept) else ""
    return ""

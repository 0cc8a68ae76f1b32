"""Requests that prove something of a server: programs that are run, services that are asked, a turn to do so."""

from __future__ import annotations

from dataclasses import dataclass

from .blueprint import Ready
from .request import Request


@dataclass(frozen=True)
class ProbeCommand:
    """A program to run; ``timeout`` in seconds."""

    id: str
    argv: tuple[str, ...]
    timeout: float = 20.0


@dataclass(frozen=True)
class ProbeAnswer:
    """The end of a program: its exit code, None where it took too long, and the last of what it printed."""

    id: str
    exit: int | None
    output: str


@dataclass(frozen=True)
class RunProbes(Request[tuple[ProbeAnswer, ...]]):
    """Runs programs side by side; the answers are in their order."""

    probes: tuple[ProbeCommand, ...]


@dataclass(frozen=True)
class AskServices(Request[tuple[str, ...]]):
    """Why each service does not answer, empty where it does, in their order."""

    services: tuple[Ready, ...]


@dataclass(frozen=True)
class Turn:
    """Whether another verification is under way, of any operator."""

    busy: bool


@dataclass(frozen=True)
class TakeTurn(Request[Turn]):
    """Begins a verification, unless another one is under way."""


@dataclass(frozen=True)
class EndTurn(Request[None]):
    """Ends the verification that this connection began."""

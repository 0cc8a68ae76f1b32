"""A failure that an operator can act on: what went wrong, where, and what to do."""

from __future__ import annotations


class AgentFault(Exception):  # noqa: N818 - a value for the operator
    """Raised by the agent's parts; it crosses the connection as three sentences, never as a traceback."""

    def __init__(self, what: str, where: str = "", advice: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.advice = advice

"""The one shape of an error that an operator can act on."""

from __future__ import annotations


class OperatorError(Exception):
    """What went wrong, where (a server, a file; may be empty), and what to do; one line each, free of secrets."""

    transient: bool = False
    """Whether trying again later, with nothing changed by the operator, may succeed."""

    def __init__(self, what: str, where: str = "", advice: str = "") -> None:
        super().__init__(what, where, advice)
        self.what, self.where, self.advice = what, where, advice

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        return f"{where}{self.what}" + (f" ({self.advice})" if self.advice else "")

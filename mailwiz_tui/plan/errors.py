"""The base of errors that an operator can act on."""

from __future__ import annotations


class OperatorError(Exception):
    """What failed, where (a server, a file; may be empty), and what to do; one line each, without secrets."""

    transient: bool = False
    """Whether another attempt later may succeed without any change by the operator."""

    def __init__(self, what: str, where: str = "", advice: str = "") -> None:
        super().__init__(what, where, advice)
        self.what, self.where, self.advice = what, where, advice

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        return f"{where}{self.what}" + (f" ({self.advice})" if self.advice else "")

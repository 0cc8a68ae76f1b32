"""The result of a check: what it proves, its outcome, and what to do if it failed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mailwiz_tui.verify.obstacle import Obstacle


class CheckState(StrEnum):
    """The outcome of a check; ``not-run`` means that it could not be made, and ``detail`` says why."""

    PASSED = "passed"
    WARNING = "warning"
    FAILED = "failed"
    NOT_RUN = "not-run"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One check on one server.

    ``id`` is stable (``smtp.open-relay``), ``proves`` a sentence, ``detail`` what was seen (for a failure:
    expected and got), ``advice`` what to do, ``vantage`` where it was made from (``operator`` or the server's id).
    ``obstacles`` say what it means for mail, where that is known (``verdict.py`` collects them).
    """

    id: str
    server_id: str
    state: CheckState
    proves: str
    detail: str = ""
    advice: str = ""
    vantage: str = "operator"
    seconds: float = 0.0
    obstacles: tuple[Obstacle, ...] = ()

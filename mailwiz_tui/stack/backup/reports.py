"""The output of the backup program: progress and results, a JSON object on each line. Runs on servers."""

from __future__ import annotations

import json
from typing import Any


class Failure(Exception):  # noqa: N818 - it is one of the program's two results
    """What failed, and what to do."""

    def __init__(self, what: str, advice: str = "") -> None:
        super().__init__(what)
        self.what, self.advice = what, advice


def tell(event: str, **values: Any) -> None:
    """One line of progress; ``done`` and ``failed`` are the last one's events."""
    print(json.dumps({"event": event, **values}), flush=True)  # noqa: T201 - the controller reads it


def step(text: str) -> None:
    """The present activity."""
    tell("step", text=text)

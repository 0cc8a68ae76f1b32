"""Prints check results: the ones that passed in a line, the others with what was seen and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mailwiz_tui.commands.terminal import say
from mailwiz_tui.verify.result import CheckResult, CheckState

if TYPE_CHECKING:
    from mailwiz_tui.install.engine import Engine

_SYMBOLS = {
    CheckState.PASSED: "ok  ",
    CheckState.WARNING: "warn",
    CheckState.FAILED: "FAIL",
    CheckState.NOT_RUN: "skip",
}


def print_result(result: CheckResult) -> None:
    """One line for a result, and one more each for what was seen and what to do where it did not pass."""
    say(f"{_SYMBOLS[result.state]} {result.server_id} {result.id}: {result.proves}")
    if result.state is CheckState.PASSED:
        return
    if result.detail:
        say(f"       seen: {result.detail}")
    if result.advice:
        say(f"       do:   {result.advice}")


def summary(results: Sequence[CheckResult]) -> str:
    """How many checks ended in which way, in words."""
    counts = {state: sum(r.state is state for r in results) for state in CheckState}
    words = [f"{counts[CheckState.PASSED]} passed", f"{counts[CheckState.FAILED]} failed"]
    if counts[CheckState.WARNING]:
        words.append(f"{counts[CheckState.WARNING]} warnings")
    if counts[CheckState.NOT_RUN]:
        words.append(f"{counts[CheckState.NOT_RUN]} not made")
    return ", ".join(words)


def all_passed(results: Sequence[CheckResult]) -> bool:
    """Whether the installation is verified: something was checked, and nothing failed."""
    return bool(results) and not any(r.state is CheckState.FAILED for r in results)


async def verify_and_print(engine: Engine, *, to: str = "", resolver: str = "") -> bool:
    """Run all checks, print each as it ends, and say whether all passed."""
    from mailwiz_tui.verify.run import verify

    results = await verify(engine, on_result=print_result, to=to, resolver=resolver or None)
    say(summary(results))
    return all_passed(results)

"""Prints check results: those that passed in a line, the others with what to do; last the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mailwiz_tui.commands.terminal import say
from mailwiz_tui.verify.result import CheckResult, CheckState
from mailwiz_tui.verify.verdict import Verdict, verdict

if TYPE_CHECKING:
    from mailwiz_tui.deploy.engine_api import EngineApi

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


def print_verdict(found: Verdict) -> None:
    """First what keeps mail away, then what works, then what is recommended."""
    for told in found.grave:
        say(f"! {told}")
    say(found.works)
    for told in found.recommended:
        say(told)


def all_passed(results: Sequence[CheckResult]) -> bool:
    """Whether the installation is verified: something was checked, and nothing failed."""
    return bool(results) and not any(r.state is CheckState.FAILED for r in results)


async def verify_and_print(engine: EngineApi, *, to: str = "", resolver: str = "") -> bool:
    """Run all checks, print each as it ends, and say whether all passed."""
    from mailwiz_tui.verify.run import verify

    results = await verify(engine, on_result=print_result, to=to, resolver=resolver or None)
    print_verdict(verdict(results))
    return all_passed(results)

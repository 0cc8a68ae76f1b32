"""A check and how it runs: on its own, timed, and with an outcome in words."""

from __future__ import annotations

import asyncio
import imaplib
import inspect
import smtplib
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace

from mailwiz_tui.agent.protocol.clean import clean_line
from mailwiz_tui.verify.result import CheckResult, CheckState

OPERATOR = "operator"
MOST_SECONDS = 90.0
"""How long one check may take before it counts as failed."""
SECOND_TRIES = 3
"""How many checks that got no answer are repeated: running all of them at once may have overloaded the server."""

Action = Callable[[], str] | Callable[[], Awaitable[str]]
Report = Callable[[CheckResult], None]


class OutcomeError(Exception):
    """An outcome other than passed; ``advice`` replaces the check's own where it is given."""

    state = CheckState.FAILED

    def __init__(self, detail: str, advice: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.advice = advice


class Failed(OutcomeError):  # noqa: N818
    """The check failed: what it should prove is not true."""


class Warned(OutcomeError):  # noqa: N818
    """A warning: the check could not prove its sentence, or passed with a remark."""

    state = CheckState.WARNING


class NotRun(OutcomeError):  # noqa: N818
    """The check could not be made."""

    state = CheckState.NOT_RUN


@dataclass(frozen=True, slots=True)
class Check:
    """A check that has not been made yet.

    ``action`` returns what was seen where all is right, else raises an ``OutcomeError``; it may block (it then
    runs in a thread) or be a coroutine function. ``advice`` is what to do where it does not pass.
    """

    id: str
    proves: str
    action: Action
    advice: str = ""
    vantage: str = OPERATOR


async def perform(check: Check, server_id: str, *, most_seconds: float = MOST_SECONDS) -> CheckResult:
    """Run a check; an exception becomes its result, and the text of servers is cleaned."""
    return (await _attempt(check, server_id, most_seconds))[0]


async def perform_all(
    checks: Iterable[Check], server_id: str, report: Report, *, limit: asyncio.Semaphore | None = None
) -> list[CheckResult]:
    """Carry checks out side by side, at most as many at once as ``limit`` lets, and report each as it ends.

    A few that got no answer in time are repeated when the others have ended: a busy server is not a broken one.
    """
    gate = limit or asyncio.Semaphore(4)
    results: dict[int, CheckResult] = {}
    unanswered: list[tuple[int, Check]] = []

    async def one(number: int, check: Check) -> None:
        async with gate:
            results[number], answered = await _attempt(check, server_id)
        if answered:
            report(results[number])
        else:
            unanswered.append((number, check))

    await asyncio.gather(*(one(number, check) for number, check in enumerate(checks)))
    for number, check in unanswered:
        if len(unanswered) <= SECOND_TRIES:
            async with gate:
                results[number] = _at_last(await perform(check, server_id))
        report(results[number])
    return [results[number] for number in sorted(results)]


def _at_last(result: CheckResult) -> CheckResult:
    if result.state is not CheckState.PASSED:
        return result
    detail = "; ".join(text for text in (result.detail, "answered at the second try") if text)
    return replace(result, detail=detail)


async def _attempt(check: Check, server_id: str, most_seconds: float = MOST_SECONDS) -> tuple[CheckResult, bool]:
    """The result, and whether there was any answer in time."""
    started, answered = time.monotonic(), True
    state, detail, advice = CheckState.PASSED, "", ""
    try:
        async with asyncio.timeout(most_seconds):
            if inspect.iscoroutinefunction(check.action):
                detail = await check.action()
            else:
                detail = str(await asyncio.to_thread(check.action))
    except OutcomeError as outcome:
        state, detail, advice = outcome.state, outcome.detail, outcome.advice or check.advice
    except TimeoutError as error:
        answered, said = False, str(error) or f"no answer within {most_seconds:.0f} s"
        state, detail, advice = CheckState.FAILED, f"expected an answer, got none ({said})", check.advice
    except Exception as error:
        state, detail, advice = CheckState.FAILED, plain(error), check.advice
    seconds = round(time.monotonic() - started, 2)
    detail = clean_line(" ".join(detail.split()))
    return CheckResult(check.id, server_id, state, check.proves, detail, advice, check.vantage, seconds), answered


def plain(error: BaseException) -> str:
    """The text of an exception for an operator, without Python's decoration."""
    if isinstance(error, ssl.SSLCertVerificationError):
        said = error.verify_message
        return f"the certificate is not the one that the server reported over SSH, or it is not valid now: {said}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or error}"
    if isinstance(error, smtplib.SMTPResponseException):
        said = (
            error.smtp_error.decode("utf-8", "replace") if isinstance(error.smtp_error, bytes) else error.smtp_error
        )
        return f"the server answered {error.smtp_code} {said}"
    if isinstance(error, imaplib.IMAP4.error):
        said = error.args[0] if error.args else ""
        return f"the server answered {said.decode('utf-8', 'replace') if isinstance(said, bytes) else said}"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused: no program listens there, or the firewall or fail2ban refuses it"
    if isinstance(error, TimeoutError):
        return "no answer in time: a firewall drops it, or the server is busy"
    text = " ".join(str(error).split())
    return text or type(error).__name__

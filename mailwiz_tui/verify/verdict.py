"""The verdict on an installation, for screens and command line: first what blocks mail, then what works."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mailwiz_tui.plan.words import counted, listed
from mailwiz_tui.verify.causes import Cause, causes
from mailwiz_tui.verify.obstacle import Concern, Obstacle, sentences
from mailwiz_tui.verify.result import CheckResult, CheckState

EFFECTS: tuple[tuple[str, Concern, str], ...] = (
    ("smtp.open-relay", Concern.SAFETY, "Strangers can send mail through the server"),
    ("submission.login-required", Concern.SAFETY, "Strangers can send mail through the server"),
    ("server.ssh", Concern.OTHER, "The server cannot be asked"),
    ("mail-in.", Concern.INCOMING, "Mail from outside does not arrive"),
    ("smtp.reached", Concern.INCOMING, "Mail from outside cannot arrive"),
    ("mail-out.", Concern.OUTGOING, "Users cannot send mail"),
    ("auth.imap.login", Concern.CLIENTS, "Users cannot read their mail"),
    ("tls.shared-name", Concern.CLIENTS, "Mail programs do not accept the certificate"),
    ("tls.tlsa", Concern.INCOMING, "Hosts that verify by DANE do not deliver"),
    ("web.challenges", Concern.OTHER, "The certificate cannot be issued or renewed on every server"),
    ("cluster.store", Concern.CLIENTS, "No server has the mailboxes"),
)
"""What a failed check means for mail, by the beginning of its id; any other is "not as planned"."""
_WORKS = (
    ("mail-in.", "accepted on port 25"),
    ("mail-out.", "submitted by users"),
    ("auth.imap.login", "read over IMAP"),
)


class Grade(StrEnum):
    """``bad``: a check failed; ``hindered``: none failed, but something outside the servers is missing;

    else ``good``.
    """

    GOOD = "good"
    HINDERED = "hindered"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``obstacles`` are whole sentences, the gravest first; ``works`` is what works in spite of them.

    ``causes`` are sentences about services that do not answer and the checks that fail with them.
    """

    grade: Grade
    obstacles: tuple[tuple[Concern, str], ...]
    works: str
    counts: str
    causes: tuple[str, ...] = ()

    @property
    def grave(self) -> tuple[str, ...]:
        """The common causes of failures, then the obstacles that are more than a recommendation."""
        found = (told for concern, told in self.obstacles if concern is not Concern.RECOMMENDED)
        return (*self.causes, *found)

    @property
    def recommended(self) -> tuple[str, ...]:
        """The recommended records: mail works without them."""
        return tuple(told for concern, told in self.obstacles if concern is Concern.RECOMMENDED)


def verdict(results: Sequence[CheckResult]) -> Verdict:
    """The verdict on the results. Without results nothing is known to work."""
    failed = [r for r in results if r.state is CheckState.FAILED]
    found = causes(results)
    told = sentences([*(o for r in results for o in r.obstacles), *_failures(failed, found)])
    grave = any(concern is not Concern.RECOMMENDED for concern, _ in told)
    grade = Grade.BAD if failed or not results else Grade.HINDERED if grave else Grade.GOOD
    counts = summary(results)
    told_causes = tuple(cause.sentence for cause in found)
    return Verdict(grade, tuple(told), _works(results, counts, grave=grave), counts, told_causes)


def summary(results: Iterable[CheckResult]) -> str:
    """The number of checks by outcome, in words."""
    states = [r.state for r in results]
    words = [f"{states.count(CheckState.PASSED)} passed", f"{states.count(CheckState.FAILED)} failed"]
    if warned := states.count(CheckState.WARNING):
        words.append(counted(warned, "warning"))
    if not_run := states.count(CheckState.NOT_RUN):
        words.append(f"{not_run} not made")
    return ", ".join(words)


def _failures(failed: Iterable[CheckResult], known_causes: Sequence[Cause]) -> list[Obstacle]:
    """What failed checks mean for mail; a service that is the cause is named instead of its checks."""
    found = []
    explained = {(r.id, r.server_id): cause for cause in known_causes for r in cause.results}
    for result in failed:
        if result.obstacles:
            continue
        known = next((known for known in EFFECTS if result.id.startswith(known[0])), None)
        concern, effect = known[1:] if known else (Concern.OTHER, "Not as planned")
        if cause := explained.get((result.id, result.server_id)):
            if known:
                found.append(Obstacle(concern, effect, cause.subject, "does not answer"))
            continue
        found.append(Obstacle(concern, effect, f"the check {result.id} ({result.server_id})", "failed"))
    return found


def _works(results: Sequence[CheckResult], counts: str, *, grave: bool) -> str:
    """One sentence; it names only what was tried and failed nowhere."""
    if not results:
        return "No check was made."
    parts = []
    for prefix, told in _WORKS:
        states = {r.state for r in results if r.id.startswith(prefix)}
        if CheckState.PASSED in states and CheckState.FAILED not in states:
            parts.append(told)
    if not parts:
        return f"Checks: {counts}."
    where = "On the server itself" if grave else "The mail server works:"
    return f"{where} mail is {listed(parts)}; checks: {counts}."

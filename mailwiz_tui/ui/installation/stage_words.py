"""The text at the top of the dashboard: the stage, and for a failure where, why, and what to do."""

from __future__ import annotations

from collections import Counter

from mailwiz_tui.deploy.events import ServerPhase
from mailwiz_tui.plan.words import counted
from mailwiz_tui.ui.installation.installation import Installation, Stage
from mailwiz_tui.ui.installation.server_run import ServerRun
from mailwiz_tui.ui.terminal.symbols import Tone, range_text
from mailwiz_tui.ui.terminal.text import in_rows
from mailwiz_tui.verify.result import CheckState
from mailwiz_tui.verify.verdict import verdict

REASON_ROWS = 2
"""A longer reason is cut here; the log has it in full."""
REMOVED_ROWS = 3
AGAIN = "r retries (finished steps are not repeated), e shows the error in the log"
WITHOUT = "r retries, k skips this optional step, e shows the error in the log"


def stage_words(run: Installation, *, width: int, plain: bool) -> tuple[str, Tone]:
    """One to seven rows of ``width`` columns, and their tone; a long reason is cut, the keys' help is not."""
    good, bad, busy = ("*", "x", ">") if plain else ("✓", "✗", "▸")
    match run.stage:
        case Stage.IDLE | Stage.INSTALLING:
            return _installing(run, bad, busy)
        case Stage.VERIFYING:
            return f"{busy} installed; running the checks…", Tone.BUSY
        case Stage.FAILED:
            if run.error:
                what, _, advice = run.error.partition(" – ")
                failure = in_rows(f"{bad} failed: {what}", width, REASON_ROWS)
                return "\n".join([failure, *_todo(advice, width), "  r retries"]), Tone.BAD
            return _failed(run, bad, width), Tone.BAD
        case Stage.DONE:
            text, tone = _done(run, good, bad, width)
            return "\n".join(
                [text, *(in_rows(f"! {sentence}", width, REMOVED_ROWS) for sentence in run.removed_servers[:1])]
            ), tone
    return "", Tone.IDLE


def _installing(run: Installation, bad: str, busy: str) -> tuple[str, Tone]:
    model = run.model
    attached = next((r for r in model.servers.values() if r.busy and r.attached), None)
    sentence = f"attached: {attached.attached}" if attached else "installing"
    if len(model.servers) > 1:
        done = sum(r.good for r in model.servers.values())
        sentence += f": {done} of {counted(len(model.servers), 'server')} done"
    left = model.remaining()
    if left is not None:
        sentence += f"; {range_text(*left)} left, estimated from earlier runs"
    lines, tone = [f"{busy} {sentence}"], Tone.BUSY
    for failed in model.failed:
        keys = "r retries it, k skips the step" if failed.stuck_at and failed.stuck_at.optional else "r retries it"
        lines.append(f"{bad} {_what(failed)}; the others continue, {keys}")
        tone = Tone.BAD
    quiet = model.quietest()
    notice = model.quiet_notice(quiet) if quiet else ""
    if quiet and notice:
        lines.append(f"  {quiet.server_id}: {notice}")
        tone = tone if tone is Tone.BAD else Tone.WARN
    return "\n".join(lines[:4]), tone


def _what(failed: ServerRun) -> str:
    where = f" in “{failed.failed_step}”" if failed.failed_step else ""
    if failed.phase is ServerPhase.LOST:
        return f"{failed.server_id}: connection lost{where}; its state is unknown"
    return f"{failed.server_id} failed{where}"


def _todo(advice: str, width: int) -> list[str]:
    return [in_rows(f"  What to do: {advice}", width, REASON_ROWS)] if advice else []


def _failed(run: Installation, bad: str, width: int) -> str:
    first, *more = run.model.failed
    lines = [f"{bad} {_what(first)}" + (f", and {', '.join(r.server_id for r in more)} too" if more else "")]
    if first.detail:
        lines.append(in_rows(f"  Why: {first.detail}", width, REASON_ROWS))
    lines += _todo(first.advice, width)
    stuck = first.stuck_at
    lines.append(f"  {WITHOUT if stuck and stuck.optional else AGAIN}")
    return "\n".join(lines)


def _done(run: Installation, good: str, bad: str, width: int) -> tuple[str, Tone]:
    if run.verify_error:
        return f"{bad} installed, but the checks could not run: {run.verify_error}", Tone.BAD
    if run.watched_only:
        whose = "your own" if run.own else "another operator's"
        return f"{good} installed; you followed {whose} installation. Enter opens the monitor", Tone.GOOD
    if run.skipped:
        return _without(run, bad), Tone.WARN
    what = "installed" if run.changed else "no changes were needed"
    found = verdict(run.results)
    grave = in_rows(f"  {found.grave[0]}", width, REASON_ROWS) if found.grave else ""
    if run.verified and not grave:
        return f"{good} {what}; {_checks(run)}. Enter shows the results", Tone.GOOD
    if run.verified:
        return (
            f"! {what}, but not everything works:\n{grave}\n  {_checks(run)}. Enter shows the results",
            Tone.WARN,
        )
    failed = sum(1 for r in run.results if r.state is CheckState.FAILED)
    of_all = f"{failed} of {counted(len(run.results), 'check')}"
    result = f"{bad} installed, but {of_all} failed. Enter shows which and what to do"
    return "\n".join(line for line in (result, grave) if line), Tone.BAD


def _checks(run: Installation) -> str:
    states = Counter(result.state for result in run.results)
    warnings, not_run = states[CheckState.WARNING], states[CheckState.NOT_RUN]
    said = f"{counted(states[CheckState.PASSED], 'check')} passed"
    said += f", {counted(warnings, 'warning')}" if warnings else ""
    return said + (f", {not_run} not run" if not_run else "")


def _without(run: Installation, bad: str) -> str:
    """The text for an installation with skipped steps; checks of what they configure may have failed."""
    titles = [f"“{title}”" for steps in run.skipped.values() for title in steps]
    failed = sum(1 for r in run.results if r.state is CheckState.FAILED)
    return (
        f"! installed without {' and '.join(titles)}, which you skipped\n"
        f"  {bad if failed else '!'} {failed} of {counted(len(run.results), 'check')} failed; Enter shows which\n"
        "  The next installation tries the skipped steps again"
    )

"""What only the server itself can tell: the state of its units, and what its daemons say about their configuration.

All of it is asked in one round trip; the probes come from the blueprint.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mailwiz_tui.agent.protocol.clean import clean_line
from mailwiz_tui.agent.protocol.probes import AskServices, ProbeAnswer, ProbeCommand, RunProbes
from mailwiz_tui.agent.protocol.runs import AskRunStatus
from mailwiz_tui.deploy.agent_link import Link
from mailwiz_tui.stack.blueprint import Blueprint, Probe, Ready
from mailwiz_tui.stack.probes import unit_active
from mailwiz_tui.verify.causes import ANSWERS
from mailwiz_tui.verify.result import CheckResult, CheckState


def wanted(blueprint: Blueprint) -> list[Probe]:
    """The blueprint's probes, and one for each unit that should run and has no probe."""
    found = list(blueprint.probes)
    have = {probe.id for probe in found}
    for unit in blueprint.units():
        probe = unit_active(unit.name, f"the unit {unit.name} is active")
        if unit.running and not unit.masked and probe.id not in have:
            found.append(probe)
            have.add(probe.id)
    return found


async def run(blueprint: Blueprint, link: Link) -> list[CheckResult]:
    """Run every probe on the server. Raises the errors of the link."""
    probes = wanted(blueprint)
    asked = RunProbes(tuple(ProbeCommand(probe.id, probe.argv) for probe in probes))
    answers = {answer.id: answer for answer in await link.ask(asked)}
    return [judge(probe, blueprint.server_id, answers.get(probe.id)) for probe in probes]


def services(asked: Sequence[Ready]) -> AskServices:
    """The question whether services answer."""
    return AskServices(tuple(asked))


async def answering(blueprint: Blueprint, link: Link) -> list[CheckResult]:
    """Whether each service answers in its own protocol, one result a unit. Raises the errors of the link."""
    asked = blueprint.ready()
    if not asked:
        return []
    reasons: dict[str, list[str]] = {}
    for ready, reason in zip(asked, await link.ask(services(asked)), strict=True):
        told = reasons.setdefault(ready.unit, [])
        if reason:
            told.append(clean_line(f"{ready.service}: {reason}"))
    return [
        CheckResult(
            f"{ANSWERS}{unit.removesuffix('.service').removesuffix('@-') or 'accounts'}",
            blueprint.server_id,
            CheckState.FAILED if told else CheckState.PASSED,
            f"{_names(asked, unit)} answers.",
            "; ".join(told),
            f"on {blueprint.server_id}: journalctl -u {unit.removesuffix('.service')} -n 50" if told else "",
            blueprint.server_id,
        )
        for unit, told in reasons.items()
    ]


def _names(asked: tuple[Ready, ...], unit: str) -> str:
    return next(ready.service for ready in asked if ready.unit == unit).partition(" (port")[0]


async def skipped_steps(blueprint: Blueprint, link: Link) -> list[CheckResult]:
    """A failure for each optional step that the last installation skipped. Raises the errors of the link."""
    end = (await link.ask(AskRunStatus())).end
    left_out = end.skipped if end else ()
    titles = {step.id: step.title for step in blueprint.steps}
    return [
        CheckResult(
            f"installed.{step_id}",
            blueprint.server_id,
            CheckState.FAILED,
            f"The step “{titles[step_id]}” was carried out.",
            "the last installation skipped it",
            "run `mailwiz-tui apply PLAN`: it tries the step again",
            blueprint.server_id,
        )
        for step_id in left_out
        if step_id in titles
    ]


def judge(probe: Probe, server_id: str, answer: ProbeAnswer | None) -> CheckResult:
    """The result of a probe from its answer."""
    state, detail = CheckState.PASSED, ""
    if answer is None:
        state, detail = CheckState.NOT_RUN, "the agent gave no answer to this probe"
    else:
        detail = _fault(probe, answer.exit, answer.output)
        if detail:
            state = CheckState.FAILED
    advice = probe.advice if state is not CheckState.PASSED else ""
    return CheckResult(probe.id, server_id, state, _sentence(probe.proves), clean_line(detail), advice, server_id)


def _fault(probe: Probe, code: int | None, output: str) -> str:
    told = " / ".join(output.split("\n")[-4:]) or "no output"
    if code is None:
        return f"expected {_command(probe.argv)} to end in time, but it did not"
    if code != probe.exit_code:
        return f"expected exit code {probe.exit_code} of {_command(probe.argv)}, got {code}: {told}"
    if probe.expect and not re.search(probe.expect, output):
        return f"expected {probe.expect} in the output of {_command(probe.argv)}, got: {told}"
    if probe.refuse and (found := re.search(probe.refuse, output)):
        line = next((text for text in output.split("\n") if found[0].split("\n")[0] in text), found[0])
        return f"expected nothing like {probe.refuse} from {_command(probe.argv)}, got: {line}"
    return ""


def _command(argv: Sequence[str]) -> str:
    return f"`{' '.join(argv)[:80]}`"


def _sentence(text: str) -> str:
    text = text.strip()
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"

"""Makes the form's widgets from the questions of the plan."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import lru_cache
from typing import Any

from mailwiz_tui.plan.findings import Finding, Severity
from mailwiz_tui.plan.model import Role
from mailwiz_tui.plan.spec import FieldKind, FieldSpec, StepSpec
from mailwiz_tui.plan.steps import SERVER_ANSWERS, STEPS
from mailwiz_tui.plan.suggestions import suggest_roles
from mailwiz_tui.plan.support import unsupported
from mailwiz_tui.plan.throwaway import stand_in, throwaway
from mailwiz_tui.ui.session.session import Session
from mailwiz_tui.ui.widgets.choice_row import Option
from mailwiz_tui.ui.widgets.form_field import FormField
from mailwiz_tui.ui.wizard import cluster_disks


def make_field(spec: FieldSpec, session: Session, *, plain: bool) -> FormField:
    """The widget for a question, with the draft's answer."""
    stacked = _alone(spec)
    field = FormField(
        spec.path,
        spec.label,
        spec.help,
        kind=spec.kind.value,
        value=session.value(spec.path),
        options=options_of(spec, session),
        placeholder=placeholder_of(spec, session),
        stacked=stacked,
        plain=plain,
    )
    field.display = spec.is_shown(session.value)
    return field


def options_of(spec: FieldSpec, session: Session) -> list[Option]:
    """A question's options: struck out if the rules forbid them, dim if they are not available or discouraged."""
    options = []
    for value, label, help_text in _choices(spec):
        text = f"{label}: {help_text}" if _alone(spec) and help_text else label
        forbidden_reason = "" if value == session.value(spec.path) else session.forbidden_reason(spec.path, value)
        later = not forbidden_reason and why_not_choice(spec, value, session) != ""
        options.append(Option(value, text, forbidden_reason, later))
    return options


def why_not_choice(spec: FieldSpec, value: object, session: Session) -> str:
    """Why an option is not available: by the rules, in this version, or because of the servers' facts."""
    forbidden_reason = session.forbidden_reason(spec.path, value)
    if forbidden_reason:
        return forbidden_reason
    later = unavailable(spec.path, value, session)
    return later.message if later is not None else session.discouraged_reason(spec.path, value)


def help_of(spec: FieldSpec, session: Session) -> str:
    """The help row: the meaning of the chosen option, else the field's help; then why some options are dim."""
    value = session.value(spec.path)
    chosen = next((c for c in spec.choices if c.value == value), None)
    text = chosen.help if chosen is not None and chosen.help and not _alone(spec) else spec.help
    if spec.path == cluster_disks.PATH:
        return cluster_disks.disks_in_words(session) or text
    if spec.kind not in (FieldKind.CHOICE, FieldKind.BOOL):
        return text
    later = [label for v, label, _ in _choices(spec) if unavailable(spec.path, v, session) is not None]
    if later and spec.kind is FieldKind.CHOICE:
        text += f"{'' if text.endswith('.') else '.'} Dim: not available in this version ({', '.join(later)})."
    for v, label, _ in _choices(spec):
        if v != value and label not in later and (reason := session.discouraged_reason(spec.path, v)):
            text += f" {label[:1].upper()}{label[1:]}: {reason}."
    return text


def _choices(spec: FieldSpec) -> list[tuple[str | int | bool, str, str]]:
    """Value, label and help of each option; a switch has yes and no."""
    if spec.kind is FieldKind.BOOL:
        return [(True, "yes", ""), (False, "no", "")]
    return [(c.value, c.label, c.help) for c in spec.choices]


def placeholder_of(spec: FieldSpec, session: Session) -> str:
    """The placeholder of an empty field: the suggestion that Enter accepts, or an example."""
    suggestion = session.draft.suggestion(spec.path)
    if suggestion:
        return suggestion
    if spec.path == cluster_disks.PATH and (disks := cluster_disks.common_disks(session)):
        return f"e.g. {disks[0].name}"
    if spec.path == "cluster.witness" and (voter := _first_voter(session)):
        return f"e.g. {voter}"
    return f"e.g. {spec.example}" if spec.example else ""


def _first_voter(session: Session) -> str:
    """The first server of the plan that holds no mail; empty if each does."""
    raw = (server for server in session.servers() if server.get("roles") != [Role.ALL_IN_ONE.value])
    return next((str(server.get("id", "")) for server in raw), "")


def unavailable(path: str, value: object, session: Session) -> Finding | None:
    """A warning if this version can plan an answer together with the others, but not install it."""
    answer = value if isinstance(value, (str, int, bool)) else str(value)
    found = _unsupported_at(path, answer, json.dumps(session.draft.raw(), default=str, sort_keys=True))
    return Finding(found.path, found.message, Severity.WARNING, found.advice) if found else None


@lru_cache(maxsize=512)
def _unsupported_at(path: str, value: str | int | bool, answers: str) -> Finding | None:
    given = json.loads(answers)
    divided = {key: given[key] for key in SERVER_ANSWERS if key in given}
    for raw in (given, stand_in(divided), stand_in({})):
        if plan := throwaway(_with(raw, path, value)):
            return next((f for f in unsupported(plan) if f.path == path), None)
    return None


def _with(raw: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    changed = deepcopy(raw)
    table = changed
    *parents, last = path.split(".")
    for part in parents:
        below = table.get(part)
        table[part] = table = below if isinstance(below, dict) else {}
    table[last] = value
    return changed


def propose_answers(step: StepSpec, session: Session) -> None:
    """Before a step is shown for the first time, propose values that other answers determine.

    If a default cannot be installed in this version, the first choice that can be is proposed.
    """
    if session.state_of(step.id) != "empty":
        return
    further: dict[str, object] = {}
    for spec in step.fields:
        if spec.kind is FieldKind.CHOICE and not session.draft.answered(spec.path):
            fitting = [c.value for c in spec.choices if unavailable(spec.path, c.value, session) is None]
            if fitting and session.value(spec.path) not in fitting:
                further[spec.path] = fitting[0]
        elif spec.kind is FieldKind.SERVERS:
            further.update(suggest_roles(session.value, [server.id for server in session.inventory.servers]))
    session.draft.propose(step.id, further)


def step_of_field(spec: FieldSpec) -> StepSpec | None:
    """The step of a question."""
    return next((s for s in STEPS if spec in s.fields), None)


def _alone(spec: FieldSpec) -> bool:
    """Whether a choice is the only question of its step, so that each option has room for its help."""
    step = step_of_field(spec)
    return spec.kind is FieldKind.CHOICE and step is not None and len(step.fields) == 1

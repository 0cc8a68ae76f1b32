"""The registry of the eight steps, in order, for the wizard, the help and the README."""

from __future__ import annotations

from mailwiz_tui.plan.questions import architecture, domains, outcome, roles, security, services, storage
from mailwiz_tui.plan.spec import Choice, FieldKind, FieldSpec, ShownWhen, StepSpec

__all__ = [
    "SERVER_ANSWERS",
    "STEPS",
    "Choice",
    "FieldKind",
    "FieldSpec",
    "ShownWhen",
    "StepSpec",
    "field_at",
    "step",
    "step_of",
]

STEPS: tuple[StepSpec, ...] = (
    architecture.STEP,
    roles.STEP,
    domains.STEP,
    security.STEP,
    services.STEP,
    storage.STEP,
    outcome.DNS,
    outcome.INSTALL,
)
SERVER_ANSWERS = ("architecture", "servers")
"""The keys that decide about servers and their roles."""


def step(step_id: str) -> StepSpec:
    """The step with this id; raises KeyError."""
    found = next((s for s in STEPS if s.id == step_id), None)
    if found is None:
        raise KeyError(step_id)
    return found


def step_of(path: str) -> StepSpec | None:
    """The step of a key, or None for paths that are not a key (a file's name)."""
    return next((s for s in STEPS if s.owns_path(path)), None)


def field_at(path: str) -> FieldSpec | None:
    """The question about a key; for a key inside a list, the question about the list. None if there is none."""
    for spec in STEPS:
        for field in spec.fields:
            if path == field.path or path.startswith(field.path + "."):
                return field
    return None

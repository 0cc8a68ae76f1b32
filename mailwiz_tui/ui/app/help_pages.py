"""The text of F1: the focused field first, then the step and its other fields, wrapped and indented."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from mailwiz_tui.ui.terminal.text import wrap

if TYPE_CHECKING:
    from mailwiz_tui.plan.spec import FieldSpec, StepSpec

INDENT = 2
KEY = 11


def step_page(
    step: StepSpec, focused: FieldSpec | None, why_not: Callable[[FieldSpec, object], str], width: int
) -> str:
    """The help of a step; ``why_not`` returns why an option cannot be chosen with the present answers."""
    parts = []
    if focused is not None:
        parts += [field_page(focused, why_not, width), _heading(f"About this step: {step.title}")]
    parts.append(wrapped(step.help or step.summary, width))
    others = [field for field in step.fields if field is not focused]
    if others:
        parts.append(_heading("Other fields of this step" if focused else "The fields of this step"))
        parts += [field_page(field, why_not, width) for field in others]
    return "\n\n".join(parts)


def field_page(field: FieldSpec, why_not: Callable[[FieldSpec, object], str], width: int) -> str:
    """One field: its help, the reason, the meaning of each option, an example, and its key in the plan file."""
    lines = [field.label.upper(), wrapped(field.help, width, INDENT)]
    if field.why:
        lines.append(wrapped(field.why, width, INDENT))
    for choice in field.choices:
        reason = why_not(field, choice.value)
        said = " ".join(part for part in (choice.help, choice.why) if part)
        said += f" Not available now: {reason}." if reason else ""
        lines.append(wrapped(f"- {choice.label}: {said}", width, INDENT, further=INDENT + 2))
    if field.example and not field.choices:
        lines.append(wrapped(f"Example: {field.example}", width, INDENT))
    lines.append(wrapped(f"In the plan file: {field.path}", width, INDENT))
    return "\n".join(lines)


def key_page(title: str, keys: Iterable[tuple[str, str]], width: int) -> str:
    """Keys with their help, one below the other."""
    rows = [
        textwrap.fill(text, width, initial_indent=f"  {key:<{KEY}}", subsequent_indent=" " * (KEY + INDENT))
        for key, text in keys
    ]
    return "\n".join([_heading(title), *rows])


def wrapped(text: str, width: int, indent: int = 0, *, further: int | None = None) -> str:
    """Text wrapped to a width; blank lines between paragraphs stay."""
    first, later = " " * indent, " " * (indent if further is None else further)
    return "\n".join(row for paragraph in text.split("\n") for row in wrap(paragraph, width, first, later) or [""])


def _heading(text: str) -> str:
    return f"── {text} ──"

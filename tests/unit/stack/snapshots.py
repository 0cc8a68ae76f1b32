"""What the tests' plans put on servers, kept as text: whole for one situation, as a difference for the others.

``golden/NAME.txt`` holds a text whole. ``golden/NAME.diff`` tells how a text differs from that of another
situation: a unified diff whose hunks are headed by the step or item that they are in, not by line numbers, so that
a setting that changes everywhere changes one golden file. A text that equals the other one has no file.
``UPDATE_GOLDEN=1`` writes them again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from difflib import SequenceMatcher, unified_diff
from pathlib import Path, PurePath

import pytest

from mailwiz_tui.stack.blueprint import Blueprint, File, Step
from mailwiz_tui.stack.programs import module

GOLDEN = Path(__file__).parent / "golden"
NOTHING = "(nothing)\n"
CONTEXT = 2


def part(blueprint: Blueprint, component: str) -> str:
    """The steps of a blueprint that belong to a component."""
    return "\n".join(_shown(step) for step in blueprint.steps if step.component == component)


def compare(name: str, text: str, other: str = "") -> None:
    """``text`` is what the golden files tell of ``name``; its difference is told from ``other``."""
    wanted = stored(text, other)
    paths = {suffix: GOLDEN / f"{name}{suffix}" for suffix in (".txt", ".diff")}
    if os.environ.get("UPDATE_GOLDEN"):
        for suffix, path in paths.items():
            path.unlink(missing_ok=True)
            if suffix in wanted:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(wanted[suffix].encode())
    found = {suffix: path.read_bytes().decode() for suffix, path in paths.items() if path.exists()}
    if found != wanted:
        pytest.fail(_told(name, found, wanted), pytrace=False)


def stored(text: str, other: str) -> dict[str, str]:
    """What is kept of a text, by suffix: the shorter of the whole text and its difference from ``other``."""
    if text == other:
        return {}
    if not other:
        return {".txt": text}
    difference = "".join(f"{line}\n" for line in _difference(other.split("\n"), text.split("\n")))
    if not text:
        return {".diff": NOTHING}
    return {".diff": difference} if len(difference) < len(text) else {".txt": text}


def _told(name: str, found: dict[str, str], wanted: dict[str, str]) -> str:
    kept, now = ([*files, *"".join(files.values()).splitlines()] for files in (found, wanted))
    lines = unified_diff(kept, now, f"golden/{name}", f"{name} now", lineterm="", n=CONTEXT)
    return "\n".join([*lines, "", "If this is meant: UPDATE_GOLDEN=1, and read the difference in git."])


def _difference(old: list[str], new: list[str]) -> Iterator[str]:
    for group in SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(CONTEXT):
        yield f"@@ {_heading(old[: group[0][1] + 1])} @@"
        for kind, start, end, new_start, new_end in group:
            if kind == "equal":
                yield from (f" {line}" for line in old[start:end])
                continue
            yield from (f"-{line}" for line in old[start:end])
            yield from (f"+{line}" for line in new[new_start:new_end])


def _heading(lines: list[str]) -> str:
    """The kind and name of the nearest step or item that begins in these lines."""
    begins = next((line for line in reversed(lines) if line.startswith(("--- ", "=== "))), "--- the beginning")
    return " ".join(begins.split(" ")[1:3])


def _shown(step: Step) -> str:
    lines = [f"=== step {step.id}: {step.title}" + (" (lockout)" if step.lockout else "")]
    for item in step.items:
        if isinstance(item, File):
            after = f" + {item.append}" if item.append else ""
            lines.append(f"--- file {item.path} {item.owner}:{item.group} {item.mode:04o}{after}")
            lines.append(_content(item).rstrip("\n"))
        else:
            lines.append(f"--- {item.kind} {item}")
    lines += [f"--- validator {' '.join(argv)}" for argv in step.validators]
    return "\n".join(lines) + "\n"


def _content(item: File) -> str:
    """A module of this package is shown by its name: its source is beside the component and has its own tests."""
    path = PurePath(item.path)
    try:
        same = path.suffix == ".py" and item == module(path.parent.name, path.stem)
    except FileNotFoundError:
        same = False
    return f"(stack/{path.parent.name}/{path.name})" if same else item.content

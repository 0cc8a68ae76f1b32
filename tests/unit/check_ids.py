"""The ids of the checks that the modules of verify/ make; those of probes are in blueprints."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mailwiz_tui.verify
from mailwiz_tui.verify import smtp
from mailwiz_tui.verify.smtp_route import SmtpRoute, Step
from mailwiz_tui.verify.target import Target

MAKERS = ("Check", "CheckResult", "fail")
"""Whose first argument is the id of a check."""


def ids_of(path: Path) -> Iterator[str]:
    """The ids of checks that a module makes; ``*`` stands for a part that depends on plan or server."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    known: dict[str, str] = {}
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            known[node.targets[0].id] = text(node.value, {})
    for node in nodes:
        if isinstance(node, ast.Call) and node.args and called(node) in MAKERS:
            yield text(node.args[0], known)


def called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")


def text(node: ast.expr, known: dict[str, str]) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in node.values)
    return known.get(node.id, "") if isinstance(node, ast.Name) else ""


async def silent(steps: list[Step]) -> list[list[Any]]:
    return []


def known_ids() -> list[str]:
    """Of all checks but the probes; those of port 25 are asked, because a table has their names."""
    target = Target("mx1", "192.0.2.1", "mail.example.com", "example.com", "", virus_scanner=True)
    found = {check.id for check in smtp.checks(target, SmtpRoute(silent), "probe@example.com")}
    for path in Path(mailwiz_tui.verify.__path__[0]).glob("*.py"):
        found |= {check for check in ids_of(path) if check.strip("*")}
    return sorted(found - {"smtp.*"})

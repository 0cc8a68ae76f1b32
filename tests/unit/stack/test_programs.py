"""Programs of servers: every module that one imports is shipped with it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Blueprint
from mailwiz_tui.stack.compile import compile_server

from . import cases

DEBIAN = {"Milter", "dns", "pymysql"}
"""Modules of Debian's packages that components ask for (python3-milter, python3-dnspython, python3-pymysql)."""
PLANS: dict[str, dict[str, Any]] = {
    "rspamd": {"backup": {"target": "/srv/backup"}},
    "spamassassin": {"services": {"antispam": "spamassassin"}},
    "smart host": {"network": {"relay_host": "[smtp.example.net]:587", "relay_user": "acme"}},
    "nfs": {
        "storage": {
            "type": "nfs",
            "path": "/srv/mail",
            "nfs_server": "nfs.example.com",
            "nfs_export": "/export/mail",
        }
    },
}


def blueprints() -> Iterator[tuple[str, Blueprint]]:
    """Servers of every kind that runs programs of ours."""
    for name, changes in PLANS.items():
        yield name, compile_server(cases.plan(**changes), "mx1", cases.facts())
    plan = cases.distributed(backup={"target": "/srv/backup"})
    for server in plan.servers:
        yield f"distributed {server.id}", compile_server(plan, server.id, cases.distributed_facts())


@pytest.mark.parametrize(("name", "blueprint"), [pytest.param(*pair, id=pair[0]) for pair in blueprints()])
def test_every_imported_module_is_shipped_and_every_launcher_finds_its_module(
    name: str, blueprint: Blueprint
) -> None:
    files = blueprint.files()
    modules = {path: text.content for path, text in files.items() if path.startswith(layout.LIB_DIR)}
    seen = 0
    for path, text in modules.items():
        if path.endswith(".py"):
            seen += 1
            for wanted in imports(path, text):
                assert wanted in modules, f"{path} imports {wanted}, which {name} is not given"
        elif "runpy.run_module" in text:
            started = text.split("runpy.run_module('mailwiz.")[1].split("'")[0].replace(".", "/")
            assert f"{layout.LIB_DIR}/{started}.py" in modules
    assert seen


def imports(path: str, text: str) -> Iterator[str]:
    """The paths of our own modules that a module imports; others are Python's or Debian's."""
    folder = path.rsplit("/", 1)[0]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names = [node.module or ""]
        elif isinstance(node, ast.ImportFrom):
            base = folder if node.level == 1 else folder.rsplit("/", 1)[0]
            found = [node.module.replace(".", "/")] if node.module else [alias.name for alias in node.names]
            yield from (f"{base}/{module}.py" for module in found)
            continue
        else:
            continue
        for module in names:
            top = module.partition(".")[0]
            assert top in sys.stdlib_module_names or top in DEBIAN, f"{path} imports {module}"

"""The house's rules: imports go one way, and each heavy library lives in one room only."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import mailwiz_tui

PACKAGE = Path(mailwiz_tui.__file__).parent
ALLOWED = {
    "plan": set(),
    "fleet": {"plan"},
    "stack": {"fleet", "plan"},
    "dns": {"fleet", "plan"},
    "install": {"dns", "stack", "fleet", "plan"},
    "verify": {"install", "dns", "stack", "fleet", "plan"},
    "lab": {"fleet", "plan"},
    "commands": {"ui", "verify", "install", "dns", "stack", "fleet", "plan", "lab"},
    "ui": {"verify", "install", "dns", "stack", "fleet", "plan", "lab"},
}
LIBRARIES = {
    "textual": ("ui/",),
    "asyncssh": ("install/ssh/",),
    "dns": ("dns/", "lab/"),
    "dkim": ("verify/",),
}


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_one_way(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0]
    if room.endswith(".py"):
        return
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "mailwiz_tui" and len(parts) > 1 and parts[1] != room:
            assert parts[1] in ALLOWED[room], f"{room} must not import {name}"


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_heavy_library_lives_in_one_room(library: str) -> None:
    for path in sources():
        inside = str(path.relative_to(PACKAGE))
        if inside.startswith(LIBRARIES[library]):
            continue
        assert library not in {name.split(".")[0] for name in imported(path)}, f"{inside} imports {library}"


def test_the_agent_needs_only_the_standard_library() -> None:
    for path in (PACKAGE / "install" / "agent").rglob("*.py"):
        for name in imported(path):
            top = name.split(".")[0]
            assert top in sys.stdlib_module_names or name.startswith("mailwiz_tui.install.agent"), (
                f"{path.name} imports {name}"
            )


def loaded_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["install.engine", "verify.run", "stack.compile", "dns.records"])
def test_the_engine_loads_without_the_screens(module: str) -> None:
    assert "textual" not in loaded_after(f"import mailwiz_tui.{module}")


def test_the_command_line_starts_without_heavy_libraries() -> None:
    modules = loaded_after("import mailwiz_tui.cli as c; c.build_parser()")
    assert not modules & {"textual", "asyncssh", "pydantic", "dns", "cryptography"}


def test_every_module_says_what_it_is_for() -> None:
    silent = [str(p.relative_to(PACKAGE)) for p in sources() if not ast.get_docstring(ast.parse(p.read_text()))]
    assert silent == []

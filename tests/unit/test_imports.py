"""The house's rules: imports go one way, and each heavy library lives in one room only."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import mailwiz_tui

PACKAGE = Path(mailwiz_tui.__file__).parent
BELOW_DEPLOY = {"dns", "stack", "topology", "fleet", "plan"}
BELOW_VERIFY = {"deploy", "agent.protocol", *BELOW_DEPLOY}
ALLOWED = {
    "plan": set(),
    "fleet": {"plan"},
    "topology": {"fleet", "plan"},
    "stack": {"agent.protocol", "topology", "fleet", "plan"},
    "dns": {"topology", "fleet", "plan"},
    "agent": set(),
    "deploy": {"agent.protocol", *BELOW_DEPLOY},
    "manage": BELOW_VERIFY,
    "verify": BELOW_VERIFY,
    "lab": {"fleet", "plan"},
    "commands": {"ui", "verify", "manage", "deploy", "lab", *BELOW_DEPLOY},
    "ui": {"verify", "manage", "deploy", "lab", *BELOW_DEPLOY},
}
LIBRARIES = {
    "textual": ("ui/",),
    "asyncssh": ("deploy/ssh/",),
    "dns": ("dns/", "lab/", "stack/mta_sts/dane_policy.py"),
    "dkim": ("verify/",),
}


def sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported(path: Path) -> frozenset[str]:
    found: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
    return frozenset(found)


def test_imports_go_one_way() -> None:
    """Of the agent the rest sees ``agent/protocol`` alone: what both sides say, and what both do to it."""
    wrong = []
    for path in sources():
        room = path.relative_to(PACKAGE).parts[0]
        if room.endswith(".py"):
            continue
        for name in imported(path):
            parts = name.split(".")
            outside = parts[0] == "mailwiz_tui" and len(parts) > 1 and parts[1] != room
            if outside and not {parts[1], ".".join(parts[1:3])} & ALLOWED[room]:
                wrong.append(f"{path.relative_to(PACKAGE)}: {room} must not import {name}")
    assert wrong == []


def test_each_heavy_library_lives_in_one_room() -> None:
    wrong = []
    for path in sources():
        inside = str(path.relative_to(PACKAGE))
        tops = {name.split(".")[0] for name in imported(path)}
        wrong += [
            f"{inside} imports {library}"
            for library, rooms in LIBRARIES.items()
            if library in tops and not inside.startswith(rooms)
        ]
    assert wrong == []


def test_the_engine_is_known_by_its_protocol() -> None:
    """Whoever makes one imports it; the rest is given an ``EngineApi``. The monitor only loads it early."""
    makers = {"commands/workspace.py", "ui/session/backends.py", "ui/app/navigation.py"}
    engine = "mailwiz_tui.deploy.engine"
    assert {str(path.relative_to(PACKAGE)) for path in sources() if engine in arrows()[module_name(path)]} == makers


def asks_the_plan(node: ast.AST) -> bool:
    """Whether a node of the source asks which architecture a plan has, or which roles its servers were given."""
    match node:
        case ast.Name(id="Architecture") | ast.alias(name="Architecture"):
            return True
        case ast.Attribute(value=ast.Name(id="facts"), attr="architecture"):
            return False  # the processor's
        case ast.Attribute(attr="architecture" | "linked" | "servers_with" | "distributed"):
            return True
        case ast.Constant(value="architecture" | "single" | "distributed" | "ha-cluster"):
            return True
    return False


def test_only_the_plan_and_the_topology_know_architectures() -> None:
    """Whoever else needs to know asks the topology for the capability that it relies on."""
    knowing = ("plan/", "topology/", "ui/wizard/chosen_servers.py", "agent/facts/facts.py")
    asking = [
        f"{path.relative_to(PACKAGE)}:{getattr(node, 'lineno', 0)}"
        for path in sources()
        if not str(path.relative_to(PACKAGE)).startswith(knowing)
        for node in ast.walk(parsed(path))
        if asks_the_plan(node)
    ]
    assert asking == []


@pytest.mark.parametrize("component", ["postfix", "dovecot"])
def test_components_are_known_neither_to_postfix_nor_to_dovecot(component: str) -> None:
    """They find what components add to them in ``Context.mail`` (stack/mail_parts.py)."""
    stack = PACKAGE / "stack"
    others = {path.name for path in stack.iterdir() if path.is_dir()} - {component}
    known = [
        f"{path.relative_to(PACKAGE)} imports {node.module}: {', '.join(name.name for name in node.names)}"
        for path in (stack / component).rglob("*.py")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ImportFrom) and node.module
        for name in (f"{node.module}.{imported.name}" for imported in node.names)
        if name.startswith("mailwiz_tui.stack.") and name.split(".")[2] in others
    ]
    assert known == []


def test_the_agent_needs_only_the_standard_library() -> None:
    for path in (PACKAGE / "agent").rglob("*.py"):
        for name in imported(path):
            top = name.split(".")[0]
            assert top in sys.stdlib_module_names or name.startswith("mailwiz_tui.agent"), (
                f"{path.name} imports {name}"
            )


def test_the_agent_and_the_wire_to_it_are_typed() -> None:
    """Requests, answers and items are types of ``agent/protocol``, so neither end needs ``Any``."""
    untyped = [
        f"{path.relative_to(PACKAGE)}:{node.lineno}"
        for path in (*sorted((PACKAGE / "agent").rglob("*.py")), PACKAGE / "deploy" / "agent_link.py")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Name) and node.id == "Any"
    ]
    assert untyped == []


def test_no_string_names_an_operation_of_the_agent() -> None:
    """Whoever asks makes a request of a class; a name in a string would be checked by nobody."""
    named = {
        node.name
        for path in (PACKAGE / "agent" / "protocol").glob("*.py")
        for node in parsed(path).body
        if isinstance(node, ast.ClassDef) and any(isinstance(base, ast.Subscript) for base in node.bases)
    }
    assert len(named) > 50
    told = [
        f"{path.relative_to(PACKAGE)}:{node.lineno} says {node.value}"
        for path in sources()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Constant) and node.value in named
    ]
    assert told == []


def test_only_the_link_sends_what_is_not_a_request() -> None:
    """``Call`` is what a request becomes on the wire: made in one place."""
    makers = {
        str(path.relative_to(PACKAGE))
        for path in sources()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Call"
    }
    assert makers == {"deploy/agent_link.py"}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")


@cache
def arrows() -> dict[str, set[str]]:
    """Which modules of the house each of them imports, at its top, in a function or for its types."""
    modules = {module_name(path): path for path in sources()}
    found: dict[str, set[str]] = {name: set() for name in modules}
    for name, path in modules.items():
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Import):
                found[name].update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
                source = ".".join([*above, *([node.module] if node.module else [])])
                inside = (f"{source}.{alias.name}" for alias in node.names)
                found[name].update(module if module in modules else source for module in inside)
    return {name: (targets & modules.keys()) - {name} for name, targets in found.items()}


def test_no_modules_import_each_other_in_a_circle() -> None:
    left = arrows()
    while ends := {name for name, targets in left.items() if not targets & left.keys()}:
        left = {name: targets for name, targets in left.items() if name not in ends}
    while starts := left.keys() - {target for targets in left.values() for target in targets}:
        left = {name: targets for name, targets in left.items() if name not in starts}
    assert {name: sorted(targets & left.keys()) for name, targets in left.items()} == {}


def loaded_after(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["deploy.engine", "verify.run", "stack.compile", "dns.records"])
def test_the_engine_loads_without_the_screens(module: str) -> None:
    assert "textual" not in loaded_after(f"import mailwiz_tui.{module}")


def test_the_command_line_starts_without_heavy_libraries() -> None:
    modules = loaded_after("import mailwiz_tui.cli as c; c.build_parser()")
    assert not modules & {"textual", "asyncssh", "pydantic", "dns", "cryptography"}


def test_every_module_says_what_it_is_for() -> None:
    silent = [str(p.relative_to(PACKAGE)) for p in sources() if not ast.get_docstring(parsed(p))]
    assert silent == []

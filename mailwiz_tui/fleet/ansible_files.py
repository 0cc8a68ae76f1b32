"""Variables beside an Ansible inventory: ``group_vars/`` and ``host_vars/``, in YAML or JSON."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import yaml

from mailwiz_tui.fleet.entry import Faults
from mailwiz_tui.plan.files import FileError, read_text


class Unavailable:
    """A value that only Ansible can evaluate (encrypted, or a template); ``why`` is the reason for the operator."""

    def __init__(self, why: str) -> None:
        self.why = why


class _Loader(yaml.SafeLoader):
    """Plain values only; ``!vault`` becomes Unavailable, ``!unsafe`` its text, any other tag is an error."""


def _vault(loader: yaml.SafeLoader, node: yaml.Node) -> Unavailable:
    return Unavailable("is encrypted with Ansible Vault")


def _unsafe(loader: yaml.SafeLoader, node: yaml.Node) -> str:
    return str(loader.construct_scalar(node)) if isinstance(node, yaml.ScalarNode) else ""


_Loader.add_constructor("!vault", _vault)
_Loader.add_constructor("!vault-encrypted", _vault)
_Loader.add_constructor("!unsafe", _unsafe)


def parse_yaml(text: str, name: str, faults: Faults) -> Any:
    """The value of a YAML text; None and a finding with line and column if it is not YAML."""
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}" if mark else name
        faults.add(where, f"is not YAML: {error.problem or error.context}", "indent with spaces, consistently")
    except yaml.YAMLError as error:
        faults.add(name, f"is not YAML: {error}")
    except (RecursionError, MemoryError):
        faults.add(name, "is nested too deeply to be an inventory")
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError) as error:
        faults.add(name, f"is not YAML: {error}")
    return None


def variables(folder: Path, kind: str, name: str, faults: Faults) -> dict[str, Any]:
    """The variables of ``group_vars/NAME`` or ``host_vars/NAME`` (a file, also .yml .yaml .json, or a folder)."""
    base = folder / kind
    merged: dict[str, Any] = {}
    for candidate in (base / name, base / f"{name}.yml", base / f"{name}.yaml", base / f"{name}.json"):
        try:
            if candidate.is_dir():
                files = sorted(f for f in candidate.iterdir() if f.is_file() and not f.name.startswith("."))
            else:
                files = [candidate] if candidate.is_file() else []
        except (OSError, ValueError):
            continue
        for file in files:
            merged |= _file(file, folder, faults)
    return merged


def _file(file: Path, folder: Path, faults: Faults) -> dict[str, Any]:
    name = str(file.relative_to(folder))
    try:
        text = read_text(file)
    except FileError as fault:
        faults.add(name, fault.message, fault.advice)
        return {}
    if text.startswith("$ANSIBLE_VAULT"):
        return {}
    value = parse_yaml(text, name, faults)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        faults.add(name, "must have variables: lines of name: value")
        return {}
    return {str(k): v for k, v in value.items() if isinstance(k, Hashable)}

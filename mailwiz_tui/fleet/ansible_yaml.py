"""Ansible's YAML inventories: groups with ``hosts``, ``vars`` and ``children``, nested to any depth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mailwiz_tui.fleet.ansible_files import parse_yaml
from mailwiz_tui.fleet.ansible_groups import Groups, expand
from mailwiz_tui.fleet.entry import Faults
from mailwiz_tui.plan.explain import printable, quoted

MOST_GROUPS = 10000
_KEYS = ("hosts", "vars", "children")


def read_yaml(text: str, name: str, faults: Faults) -> Groups:
    """The groups of a YAML inventory; faults have the path of keys."""
    groups = Groups()
    groups.group("all")
    value = parse_yaml(text, name, faults)
    if value is None:
        if not faults.found:
            faults.add(name, "has no hosts")
        return groups
    if not isinstance(value, Mapping):
        faults.add(name, f"must be groups with hosts, not {quoted(value)}", "begin with all: and hosts: below it")
        return groups
    queue: list[tuple[str, Any, str]] = [(str(key), group, str(key)) for key, group in value.items()]
    seen = 0
    while queue:
        group_name, group, path = queue.pop(0)
        seen += 1
        if seen > MOST_GROUPS:
            faults.add(name, f"has more than {MOST_GROUPS} groups")
            break
        queue += _group(group_name, group, printable(path, 120), groups, faults)
    return groups


def _group(name: str, value: Any, path: str, groups: Groups, faults: Faults) -> list[tuple[str, Any, str]]:
    """Adds one group; returns the groups inside it."""
    group = groups.group(name)
    if value is None:
        return []
    if not isinstance(value, Mapping):
        faults.add(path, f"must be a group, not {quoted(value)}", "a group has hosts:, vars: and children:")
        return []
    for key in value:
        if key not in _KEYS:
            faults.add(f"{path}.{key}", "is not a part of a group", "a group has hosts:, vars: and children:")
    _variables(value.get("vars"), f"{path}.vars", group.variables, faults)
    _hosts(name, value.get("hosts"), f"{path}.hosts", groups, faults)
    children = _names(value.get("children"), f"{path}.children", faults)
    for child in children:
        group.children.setdefault(child, f"{path}.children.{child}")
    return [(child, inner, f"{path}.children.{child}") for child, inner in children.items()]


def _hosts(group: str, value: Any, path: str, groups: Groups, faults: Faults) -> None:
    for pattern, inner in _names(value, path, faults).items():
        variables: dict[str, Any] = {}
        _variables(inner, f"{path}.{pattern}", variables, faults)
        try:
            for host in expand(pattern):
                groups.add_host(group, host, f"{path}.{host}", dict(variables))
        except ValueError as error:
            faults.add(f"{path}.{pattern}", str(error))


def _names(value: Any, path: str, faults: Faults) -> dict[str, Any]:
    """A mapping of names; a single name or nothing is accepted too, as in Ansible."""
    if value is None:
        return {}
    if isinstance(value, str):
        return {value: None}
    if not isinstance(value, Mapping):
        faults.add(
            path, f"must be names with a colon after each, not {quoted(value)}", "write mx1: on a line of its own"
        )
        return {}
    return {str(key): inner for key, inner in value.items()}


def _variables(value: Any, path: str, into: dict[str, Any], faults: Faults) -> None:
    if value is None:
        return
    if not isinstance(value, Mapping):
        faults.add(path, f"must be variables, not {quoted(value)}", "write name: value, one on each line")
        return
    into.update({str(key): inner for key, inner in value.items()})

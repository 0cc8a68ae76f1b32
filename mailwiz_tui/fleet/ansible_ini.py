"""Ansible's INI inventories: ``[group]``, ``[group:children]``, ``[group:vars]``, hosts and their variables."""

from __future__ import annotations

import ast
import re
import shlex
from typing import Any

from mailwiz_tui.fleet.ansible_groups import Groups, expand
from mailwiz_tui.fleet.entry import Faults
from mailwiz_tui.plan.explain import quoted

_SECTION = re.compile(r"\[([^:\]\s]+)(?::([^\]\s]+))?\]\s*(?:[#;].*)?$")
_PORT = re.compile(r"(.+?):([0-9]{1,5})$")


def read_ini(text: str, name: str, faults: Faults) -> Groups:
    """The groups of an INI inventory; each fault has its line. ``name`` is the file's."""
    groups = Groups()
    groups.group("all")
    section, kind = "ungrouped", "hosts"
    for number, raw in enumerate(text.split("\n"), 1):
        line, place = raw.strip(), f"{name}:{number}"
        if not line or line[0] in "#;":
            continue
        if line.startswith("[") and not _is_address(line):
            match = _SECTION.match(line)
            if match is None:
                faults.add(
                    place, f"{quoted(line)} is not a group", "write [group], [group:vars] or [group:children]"
                )
                kind = "skip"
                continue
            section, kind = match.group(1), match.group(2) or "hosts"
            if kind not in ("hosts", "vars", "children"):
                faults.add(place, f"{quoted(kind)} is not a part of a group", "a group has :vars and :children")
                kind = "skip"
                continue
            groups.group(section)
        elif kind == "hosts":
            _hosts(line, place, section, groups, faults)
        elif kind == "children":
            groups.group(section).children.setdefault(line.split("#")[0].strip(), place)
        elif kind == "vars":
            key, equals, value = line.partition("=")
            if not equals or not key.strip():
                faults.add(place, f"{quoted(line)} is not a variable", "write name=value")
                continue
            groups.group(section).variables[key.strip()] = _literal(value.strip())
    for group in list(groups.groups.values()):
        for child, place in group.children.items():
            if child not in groups.groups:
                faults.add(place, f"there is no group {quoted(child)}", f"add a section [{child}]")
    return groups


def _is_address(line: str) -> bool:
    """Whether a line in brackets is an IPv6 address with a port, not a section."""
    return line.partition("]")[0].count(":") > 1


def _hosts(line: str, place: str, group: str, groups: Groups, faults: Faults) -> None:
    try:
        words = shlex.split(line, comments=True)
    except ValueError as error:
        faults.add(place, f"the quotes do not match: {error}", 'write name="a value"')
        return
    if not words:
        return
    variables: dict[str, Any] = {}
    for word in words[1:]:
        key, equals, value = word.partition("=")
        if not equals or not key:
            faults.add(
                place, f"{quoted(word)} is not a variable", "write name=value after the host, one host on each line"
            )
            continue
        variables[key] = _literal(value)
    try:
        pattern, port = _port(words[0])
        if port:
            variables.setdefault("ansible_port", port)
        for host in expand(pattern):
            groups.add_host(group, host, place, dict(variables))
    except ValueError as error:
        faults.add(place, str(error))


def _port(pattern: str) -> tuple[str, int]:
    """A host pattern and its port: ``host:2222``, ``[2001:db8::1]:2222``."""
    if pattern.startswith("["):
        host, bracket, rest = pattern[1:].partition("]")
        if bracket and ":" in host and rest[:1] in ("", ":") and host.count(":") > 1:
            return host, int(rest[1:]) if rest[1:].isascii() and rest[1:].isdigit() else 0
    match = _PORT.match(pattern)
    if match and "]" not in match.group(2) and (":" not in match.group(1) or match.group(1).endswith("]")):
        return match.group(1), int(match.group(2))
    if match and "[" in match.group(1) and match.group(1).count("[") == match.group(1).count("]"):
        return match.group(1), int(match.group(2))
    return pattern, 0


def _literal(text: str) -> Any:
    """A value in the way of Ansible's INI reader: a Python literal if it is one, else the text."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return text
    return value if isinstance(value, str | int | bool) else text

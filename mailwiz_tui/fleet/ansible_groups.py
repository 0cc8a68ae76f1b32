"""Hosts and groups of an Ansible inventory, before variables are merged; and host ranges like ``mx[01:03]``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mailwiz_tui.plan.explain import quoted

MOST_HOSTS = 5000
_RANGE = re.compile(r"\[([0-9]+|[A-Za-z]):([0-9]+|[A-Za-z])(?::([0-9]+))?\]")


@dataclass
class Group:
    """A group: its hosts, the groups inside it, its variables, each with the place in the file."""

    name: str
    hosts: list[str] = field(default_factory=list)
    children: dict[str, str] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)


@dataclass
class Groups:
    """The content of an inventory file; ``places`` has the first place of each host."""

    groups: dict[str, Group] = field(default_factory=dict)
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def group(self, name: str) -> Group:
        """The group of this name, created at its first mention."""
        return self.groups.setdefault(name, Group(name))

    def add_host(self, group: str, host: str, place: str, variables: dict[str, Any]) -> None:
        """Puts a host into a group; variables of several mentions add up. Raises ValueError at 5000 hosts."""
        if host not in self.places and len(self.places) >= MOST_HOSTS:
            raise ValueError(f"more than {MOST_HOSTS} hosts")
        self.places.setdefault(host, place)
        members = self.group(group).hosts
        if host not in members:
            members.append(host)
        self.variables.setdefault(host, {}).update(variables)

    def order(self) -> list[str]:
        """The groups from the outermost in: parents before children, alphabetical within a level, ``all`` first.

        Groups that contain themselves are broken open at the first repetition.
        """
        depth: dict[str, int] = dict.fromkeys(self.groups, 0)
        depth["all"] = -1
        # A longest path has at most as many edges as there are groups; more rounds mean a loop.
        for _ in range(len(self.groups)):
            deeper = False
            for group in self.groups.values():
                for child in group.children:
                    if child in depth and depth[child] < depth[group.name] + 1 <= len(self.groups):
                        depth[child] = depth[group.name] + 1
                        deeper = True
            if not deeper:
                break
        return sorted(depth, key=lambda name: (depth[name], name))

    def members(self) -> dict[str, set[str]]:
        """The groups of each host, including the parents of its groups."""
        parents: dict[str, set[str]] = {}
        for group in self.groups.values():
            for child in group.children:
                parents.setdefault(child, set()).add(group.name)
        above: dict[str, set[str]] = {}
        for name in self.groups:
            found, queue = {name}, [name]
            while queue:
                for parent in parents.get(queue.pop(), ()):
                    if parent not in found:
                        found.add(parent)
                        queue.append(parent)
            above[name] = found
        of_host: dict[str, set[str]] = {}
        for group in self.groups.values():
            for host in group.hosts:
                of_host.setdefault(host, {"all"}).update(above[group.name])
        return of_host


def expand(pattern: str) -> Iterator[str]:
    """The hosts of a pattern with ranges: ``mx[01:03].example.com``, ``db-[a:c]``, ``n[0:10:5]``.

    Raises ValueError for a range that runs backwards, mixes letters and numbers, or is too long.
    """
    match = _RANGE.search(pattern)
    if match is None:
        if "[" in pattern and ":" in pattern.partition("[")[2].partition("]")[0] and not pattern.startswith("["):
            raise ValueError(f"{quoted(pattern)} has an invalid range; write [01:10] or [a:f]")
        yield pattern
        return
    before, after = pattern[: match.start()], pattern[match.end() :]
    for value in _values(match, pattern):
        for rest in expand(after):
            yield f"{before}{value}{rest}"


def _values(match: re.Match[str], pattern: str) -> list[str]:
    first, last, step_text = match.group(1), match.group(2), match.group(3)
    if len(first) > 9 or len(last) > 9 or len(step_text or "") > 9:
        raise ValueError(f"{quoted(pattern)} has a range that is too long")
    step = int(step_text) if step_text else 1
    if first.isdigit() and last.isdigit():
        low, high = int(first), int(last)
        width = len(first) if first.startswith("0") and len(first) > 1 else 0
        if width and len(last) != len(first):
            raise ValueError(f"{quoted(pattern)}: both ends of a range with leading zeros need the same length")
    elif first.isalpha() and last.isalpha():
        low, high, width = ord(first), ord(last), -1
    else:
        raise ValueError(f"{quoted(pattern)}: a range goes from number to number or from letter to letter")
    if low > high or step < 1:
        raise ValueError(f"{quoted(pattern)} has a range that runs backwards")
    if (high - low) // step >= MOST_HOSTS:
        raise ValueError(f"{quoted(pattern)} means more than {MOST_HOSTS} hosts")
    numbers = range(low, high + 1, step)
    return [chr(n) for n in numbers] if width < 0 else [str(n).zfill(width) for n in numbers]

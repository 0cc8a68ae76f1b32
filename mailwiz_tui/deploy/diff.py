"""What an installation would change on a server, as the agent reports it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mailwiz_tui.agent.protocol.runs import StepDiff
from mailwiz_tui.deploy.sanitize import clean_line, clean_text
from mailwiz_tui.plan.words import counted


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: for a file its unified diff (secrets masked), for packages their names with ``+``.

    ``kind`` is that of the blueprint's item (``file``, ``packages``, ``unit`` …), ``action`` what will be done,
    ``note`` why or what about it.
    """

    step_id: str
    step_title: str
    kind: str
    name: str
    action: str
    diff: tuple[str, ...] = ()
    note: str = ""

    @property
    def headline(self) -> str:
        """The change in one line."""
        if self.kind == "packages":
            return f"install {counted(len(self.diff), 'package')}" + (f" ({self.note})" if self.note else "")
        return f"{self.action} {self.kind} {self.name}" + (f" ({self.note})" if self.note else "")


@dataclass(frozen=True, slots=True)
class ServerDiff:
    """All differences of one server, in the order of the steps."""

    server_id: str
    changes: tuple[Change, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing would change."""
        return not self.changes

    @property
    def packages(self) -> tuple[str, ...]:
        """The packages that would be installed."""
        return tuple(name.lstrip("+") for c in self.changes if c.kind == "packages" for name in c.diff)

    @property
    def files(self) -> tuple[str, ...]:
        """The files that would be written or removed."""
        return tuple(c.name for c in self.changes if c.kind in ("file", "absent"))

    def lines(self) -> list[str]:
        """The whole as text: a headline for each change, and what differs below it."""
        text: list[str] = []
        step = ""
        for change in self.changes:
            if change.step_id != step:
                step = change.step_id
                text.append(f"== {change.step_title}")
            text.append(change.headline)
            if change.kind == "packages":
                text.append("  " + " ".join(name.lstrip("+") for name in change.diff))
            text += change.diff if change.kind != "packages" else ()
        return text

    @classmethod
    def of(cls, server_id: str, steps: Iterable[StepDiff]) -> ServerDiff:
        """From the agent's answer; every text is cleaned."""
        changes = [
            Change(
                step_id=clean_text(step.id),
                step_title=clean_text(step.title),
                kind=clean_text(found.kind),
                name=clean_text(found.name),
                action=clean_text(found.action),
                diff=tuple(clean_line(line) for line in found.lines),
                note=clean_text(found.note),
            )
            for step in steps
            for found in step.changes
        ]
        return cls(server_id, tuple(changes))

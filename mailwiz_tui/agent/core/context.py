"""What carrying out, or only comparing, a blueprint works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ..protocol.blueprint import AgentBlueprint, File
from .files import digest, look, tree_digest
from .host import Host
from .journal import Journal
from .secrets import Secrets
from .state import State


@dataclass
class Context:
    """One blueprint on one host. ``predict`` is for a dry run: files count as if they were written already."""

    host: Host
    blueprint: AgentBlueprint
    state: State
    secrets: Secrets
    run_id: str = ""
    journal: Journal | None = None
    predict: bool = False
    wanted: dict[str, File] = field(default_factory=dict)
    installed: dict[str, str] | None = None
    units: dict[str, dict[str, str]] = field(default_factory=dict)
    started: dict[str, tuple[str, float, int]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        host: Host,
        blueprint: AgentBlueprint,
        *,
        run_id: str = "",
        journal: Journal | None = None,
        predict: bool = False,
    ) -> Context:
        """A context for a blueprint."""
        secrets = Secrets(host, blueprint.secrets, make=not predict)
        context = cls(host, blueprint, State(host), secrets, run_id, journal, predict)
        context.wanted = {i.path: i for step in blueprint.steps for i in step.items if isinstance(i, File)}
        return context

    def log(self, text: str) -> None:
        """A line for the run's journal; nothing in a dry run."""
        if self.journal:
            self.journal.log(self.secrets.masked(text))

    @property
    def say(self) -> Callable[[str], None]:
        """``log`` as a callback."""
        return self.log

    def text_of(self, item: File) -> str | None:
        """The text a file shall have: its content, and behind it the operator's own file where one is named."""
        text = self.secrets.fill(item.content)
        return None if text is None else text + self.appended(item)

    def appended(self, item: File) -> str:
        """What the operator's own file adds to a file; empty where there is none."""
        found = look(self.host, item.append) if item.append else None
        if found is None or not found.content:
            return ""
        text = found.content.decode("utf-8", "replace")
        return f"\n# From {item.append}:\n{text}" + ("" if text.endswith("\n") else "\n")

    def content_digest(self, path: str) -> str:
        """The digest of what is at a path; in a dry run, of what the blueprint will put there."""
        if self.predict and path in self.wanted:
            text = self.text_of(self.wanted[path])
            return "to be written" if text is None else digest(text.encode())
        if self.predict:
            below = [p for p in self.wanted if p.startswith(path.rstrip("/") + "/")]
            if any(self.content_digest(p) != tree_digest(self.host, p) for p in below):
                return "to be written"
        return tree_digest(self.host, path)

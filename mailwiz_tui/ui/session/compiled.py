"""The blueprints of the present plan, cached until plan or facts change: each takes 0.1 s to compile."""

from __future__ import annotations

from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.stack.blueprint import Blueprint
from mailwiz_tui.ui.session.backends import error_sentence


class Compiled:
    """Blueprints by server; a sentence with the reason if one cannot be compiled."""

    def __init__(self) -> None:
        self._of: tuple[Plan, FactsFile] | None = None
        self._made: dict[str, Blueprint | str] = {}

    def missing(self, plan: Plan, known: FactsFile) -> list[str]:
        """The servers whose blueprint is not compiled yet."""
        self._forget_old(plan, known)
        return [server.id for server in plan.servers if server.id not in self._made]

    def get(self, plan: Plan, known: FactsFile, server_id: str) -> Blueprint | str:
        """A server's blueprint, compiled now if needed."""
        self._forget_old(plan, known)
        if server_id not in self._made:
            from mailwiz_tui.stack.compile import compile_server

            try:
                self._made[server_id] = compile_server(plan, server_id, known)
            except Exception as error:
                self._made[server_id] = error_sentence(error)
        return self._made[server_id]

    def _forget_old(self, plan: Plan, known: FactsFile) -> None:
        if self._of is None or self._of[0] != plan or self._of[1] is not known:
            self._of, self._made = (plan, known), {}

"""The connections between the servers of a plan, and a test of the network between them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from mailwiz_tui.plan.model import Plan
from mailwiz_tui.stack import traffic
from mailwiz_tui.stack.flows import flows_of
from mailwiz_tui.ui.app.actions import bindings_for
from mailwiz_tui.ui.dialogs.dialog import Dialog
from mailwiz_tui.ui.logs.log_buffer import LogBuffer
from mailwiz_tui.ui.session.backends import error_sentence
from mailwiz_tui.ui.terminal.text import wrap
from mailwiz_tui.ui.widgets.log_panel import LogPanel
from mailwiz_tui.ui.widgets.no_markup import NoMarkup

if TYPE_CHECKING:
    from mailwiz_tui.deploy.engine_api import EngineApi


KEYS = "F5 tests the network between the servers, ↑↓ scroll, Esc goes back"
_WIDTH = 74
"""Columns inside the frame in a terminal of 80 columns."""


class TrafficDialog(Dialog[None]):
    """Fills the window: one block for each service; F5 tests the network between the servers."""

    harmless = None
    help_text = "Which servers connect to which, on which ports, and why. F5 tests the network between the servers."

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("traffic")]
    scopes: ClassVar[tuple[str, ...]] = ("traffic",)

    def __init__(self, plan: Plan, engine: EngineApi, *, plain: bool) -> None:
        super().__init__("Connections between the servers")
        self._plan = plan
        self._engine = engine
        self._plain = plain
        self._buffer = LogBuffer(limit=1_000_000)
        self._testing: asyncio.Task[None] | None = None
        for line in lines(plan, plain=plain):
            self._append(line)

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield NoMarkup(self.heading, id="dialog-title")
            yield LogPanel(id="lines")
            yield NoMarkup(KEYS, id="traffic-keys", classes="dim")

    def on_mount(self) -> None:
        panel = self.query_one(LogPanel)
        panel.show(self._buffer)
        self.call_after_refresh(panel.to_top)
        panel.focus()

    async def on_unmount(self) -> None:
        if self._testing is not None:
            self._testing.cancel()
        await self._engine.close()

    def action_try_network(self) -> None:
        """Test the network between the servers; nothing is changed on them."""
        if self._testing is None or self._testing.done():
            self.query_one("#traffic-keys", NoMarkup).show("Testing the network between the servers…")
            self._testing = asyncio.create_task(self._try(), name="try network")

    async def _try(self) -> None:
        try:
            await self._ask()
        finally:
            if self.is_attached:
                self.query_one("#traffic-keys", NoMarkup).show(KEYS)

    async def _ask(self) -> None:
        self._say("")
        try:
            reports = await self._engine.survey()
        except Exception as error:
            self._say(f"{self._sign(good=False)} {error_sentence(error)}")
            return
        tested = {name for report in reports for name in (report.first, report.second)}
        for report in reports:
            self._say(f"{self._sign(good=report.good)} {report.line}")
            if finding := report.finding:
                advice = f" – {finding.advice}" if finding.advice else ""
                self._say(f"    ! {finding.message}{advice}")
        for server in self._plan.servers:
            if server.id not in tested:
                self._say(
                    f"{self._sign(good=False)} {server.id} was not reached over SSH, so its paths were not tested"
                )

    def _say(self, *said: str) -> None:
        for line in said:
            self._append(line)
        if self.is_attached:
            panel = self.query_one(LogPanel)
            panel.follow()

    def _append(self, line: str) -> None:
        for part in wrap(line, _WIDTH, further="      ") or [""]:
            self._buffer.append(part)

    def _sign(self, *, good: bool) -> str:
        return ("*" if self._plain else "✓") if good else ("x" if self._plain else "✗")


def lines(plan: Plan, *, plain: bool) -> list[str]:
    """The flows of a plan, one block for each service: port, reason, sources and targets."""
    arrow = "->" if plain else "→"
    found: list[str] = []
    for service, flows in _by_service(flows_of(plan)):
        first = flows[0]
        if first.public:
            found += [f"{service} {first.port}/{first.protocol}: every server to every other, on public addresses"]
        else:
            found += [f"{service} {first.port}/{first.protocol}: {first.reason}"]
            for sources, targets in _grouped(flows):
                found += [f"    {', '.join(sources)} {arrow} {', '.join(targets)}"]
        found += [""]
    found += ["Each server's firewall opens a port only to these sources. All use TLS."]
    return found


def _by_service(flows: Sequence[traffic.Flow]) -> Iterator[tuple[str, list[traffic.Flow]]]:
    for service in dict.fromkeys(flow.service for flow in flows):
        yield service, [flow for flow in flows if flow.service == service]


def _grouped(flows: Sequence[traffic.Flow]) -> list[tuple[list[str], list[str]]]:
    """Flows grouped by target: sources with the same targets share a row."""
    reached: dict[str, list[str]] = {}
    for flow in flows:
        reached.setdefault(flow.source_id, []).append(flow.target_id)
    by_targets: dict[tuple[str, ...], list[str]] = {}
    for source, targets in reached.items():
        by_targets.setdefault(tuple(targets), []).append(source)
    return [(sources, list(targets)) for targets, sources in by_targets.items()]

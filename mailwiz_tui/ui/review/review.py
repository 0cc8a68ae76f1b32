"""The review: faults and warnings, each with a jump to its field; then what will be installed."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from mailwiz_tui.plan.findings import Finding, Severity
from mailwiz_tui.plan.model import Plan, PlanServer
from mailwiz_tui.plan.steps import STEPS
from mailwiz_tui.plan.words import counted
from mailwiz_tui.ui.app.actions import bindings_for
from mailwiz_tui.ui.app.main_screen import MainScreen
from mailwiz_tui.ui.dialogs.adopt_dialog import AdoptDialog
from mailwiz_tui.ui.dialogs.dialog import ConfirmDialog
from mailwiz_tui.ui.dialogs.lines_dialog import LinesDialog
from mailwiz_tui.ui.review.plan_words import replaced_files
from mailwiz_tui.ui.review.review_problems import problems
from mailwiz_tui.ui.review.review_rows import LABEL, answers, brief, details, field_name, pair
from mailwiz_tui.ui.session.backends import error_sentence
from mailwiz_tui.ui.session.compiled import Compiled
from mailwiz_tui.ui.session.probing import ProbeOutcome, summary
from mailwiz_tui.ui.session.session import Session
from mailwiz_tui.ui.terminal.symbols import PROBE_MARKS
from mailwiz_tui.ui.terminal.text import safe_line
from mailwiz_tui.ui.widgets.no_markup import NoMarkup

COMPILE_DELAY = 0.02
FOLD = "server:"
"""Prefix of a server's id in a row's path: Enter shows or hides the details of that server."""


class ReviewScreen(MainScreen):
    """One list: problems first (Enter goes to the field), then the plan, server by server."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("review")]
    scopes: tuple[str, ...] = ("review",)
    heading = "Review"
    help_text = (
        "Problems come first; Enter on a problem goes to its field. Faults (✗) prevent an installation, warnings "
        "(!) do not. Below them is what will be done on each server; with several servers, Enter on a server "
        "shows or hides its details.\n\n"
        "Compare connects and shows every difference without changing anything. Install asks for confirmation, "
        "then starts. Running an installation again is safe: it changes only what differs from the plan."
    )

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._paths: list[str] = []
        self._comparing: asyncio.Task[None] | None = None
        self._unfolded: set[str] = set()
        self._compiled = Compiled()
        self._compiling = False

    def page(self) -> ComposeResult:
        with Vertical(id="review"):
            yield NoMarkup("", id="verdict")
            yield OptionList(id="review-list", markup=False, compact=True)

    def on_mount(self) -> None:
        self.draw()
        self.query_one(OptionList).focus()

    def session_changed(self) -> None:
        self.draw()

    def on_resize(self) -> None:
        """Sentences are wrapped to the width."""
        self.draw()

    def faults(self) -> list[Finding]:
        """The problems that prevent an installation."""
        return [f for f in problems(self.session) if f.severity is Severity.FAULT]

    def draw(self) -> None:
        """Draw verdict and list."""
        found = problems(self.session)
        count = len([f for f in found if f.severity is Severity.FAULT])
        verdict = self.query_one("#verdict", NoMarkup)
        warned = len(found) - count
        if count:
            verdict.show(
                f"{'x' if self.wizard.plain else '✗'} not ready: {counted(count, 'fault')}; Enter goes to the field"
            )
        else:
            extra = f", {counted(warned, 'warning')}" if warned else ""
            verdict.show(f"{'*' if self.wizard.plain else '✓'} ready to install{extra}; F8 installs, F5 compares")
        verdict.set_class(bool(count), "bad")
        verdict.set_class(not count, "good")
        rows: list[tuple[str, Text]] = [(f.path, self._problem(f)) for f in found]
        plan = self.session.plan()
        if plan is not None:
            rows += [(path, text) for path, text in self._summary(plan)]
        self._paths = [path for path, _ in rows]
        chooser = self.query_one(OptionList)
        at = chooser.highlighted or 0
        chooser.clear_options()
        chooser.add_options([Option(text) for _, text in rows])
        chooser.highlighted = min(at, len(rows) - 1) if rows else None

    def _problem(self, finding: Finding) -> Text:
        fault = finding.severity is Severity.FAULT
        sign = ("x" if self.wizard.plain else "✗") if fault else "!"
        colours = self.app.theme_variables
        colour = colours.get("error" if fault else "warning", "").removeprefix("ansi_")
        text = Text(overflow="fold")
        text.append(f"{sign} {field_name(finding.path)}: ", style=f"bold {colour}".strip())
        text.append(safe_line(finding.message))
        if finding.advice and finding.message != "is missing":
            text.append(f" – {safe_line(finding.advice)}")
        return text

    def _summary(self, plan: Plan) -> list[tuple[str, Text]]:
        found = [(path, pair(label, value, self.size.width)) for path, label, value in answers(plan)]
        for server in plan.servers:
            found += self._server(plan, server)
        return found

    def _server(self, plan: Plan, server: PlanServer) -> list[tuple[str, Text]]:
        """Rows about one server: its state and what will be done there; folded to one line with several servers."""
        known = self.session.inventory.get(server.id)
        facts = self.session.known.facts(server.id)
        where = f" ({known.user}@{known.host})" if known else ""
        text = pair("Server", f"{server.id}{where}: {', '.join(server.roles)}", self.size.width)
        probe = self.session.probes.outcomes.get(server.id, ProbeOutcome())
        if probe.state not in ("unknown", "ok"):
            said = f"{PROBE_MARKS[probe.state].text(plain=self.wizard.plain)}: {safe_line(probe.sentence)}"
        else:
            said = safe_line(summary(facts)) if facts else "not checked yet: F5 connects"
        text.append(f"\n{' ' * LABEL}{said}")
        width = self.size.width
        folded = len(plan.servers) > 1 and server.id not in self._unfolded
        path = f"{FOLD}{server.id}" if len(plan.servers) > 1 else "servers"
        if folded and server.id in self._compiled.missing(plan, self.session.known):
            self._compile_soon()
            return [(path, text)]
        compiled = self._compiled.get(plan, self.session.known, server.id)
        if isinstance(compiled, str):
            return [(path, text), ("servers", pair("", safe_line(compiled), width))]
        if folded:
            text.append(f"\n{' ' * LABEL}{brief(compiled)}")
        rows = [] if folded else details(compiled, width)
        rows += [pair("  ! note", finding, width) for finding in compiled.findings]
        return [(path, text), *(("servers", row) for row in rows)]

    def _compile_next(self) -> None:
        """Compile one server at a time, so that keys are processed in between; draw after the last one."""
        self._compiling = False
        plan, known = self.session.plan(), self.session.known
        if plan is None or not self.is_mounted:
            return
        if missing := self._compiled.missing(plan, known):
            self._compiled.get(plan, known, missing[0])
        if missing[1:]:
            self._compile_soon()
        else:
            self.draw()

    def _compile_soon(self) -> None:
        if not self._compiling:
            self._compiling = True
            self.set_timer(COMPILE_DELAY, self._compile_next)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        path = self._paths[event.option_index]
        if path.startswith(FOLD):
            self._unfolded ^= {path.removeprefix(FOLD)}
            self.draw()
        elif path:
            self.wizard.show_path(path)

    def why_not(self, action_id: str) -> str:
        if action_id in ("review.install", "review.compare") and self.faults():
            return "repair the faults marked with ✗ first; Enter goes to the field"
        if action_id == "review.compare" and self._comparing is not None and not self._comparing.done():
            return "the servers are already being compared"
        if action_id == "review.compare" and self.session.ongoing.busy:
            return "an installation is running"
        return ""

    def action_back(self) -> None:
        """Go back to the last step."""
        self.wizard.show_step(STEPS[-1].id)

    def action_install(self) -> None:
        """Ask for confirmation, then start."""
        if self.session.ongoing.busy:
            self.wizard.show_dashboard()
            return
        plan = self.session.plan()
        if self.refused("review.install") or plan is None:
            return
        self._ask_to_adopt(plan, [s.id for s in plan.servers if self.session.foreign_software(s.id)])

    def _ask_to_adopt(self, plan: Plan, waiting: list[str]) -> None:
        """Ask about each server with foreign mail software, then for the last confirmation."""
        if not waiting:
            self._ask_to_install(plan)
            return
        server_id, *others = waiting

        def answered(yes: bool | None) -> None:
            if not yes:
                self.tell(f"{server_id} is not changed; choose a bare server instead, or press F8 again")
                return
            self.session.adopted.add(server_id)
            self._ask_to_adopt(plan, others)

        software = self.session.foreign_software(server_id)
        compiled = self._compiled.get(plan, self.session.known, server_id)
        names = [name.split()[0] for name in software]
        files = [] if isinstance(compiled, str) else replaced_files(compiled, names)
        self.app.push_screen(AdoptDialog(server_id, software, files), answered)

    def _ask_to_install(self, plan: Plan) -> None:
        names = ", ".join(s.id for s in plan.servers)

        def answered(yes: bool | None) -> None:
            if yes:
                self._start(plan)

        self.app.push_screen(
            ConfirmDialog(
                f"Install on {names}?",
                "Packages are installed and services configured. Replaced configuration files are kept as "
                "backups under /var/lib/mailwiz/backup. Only what differs from the plan is changed.",
                yes="Install",
                no="Not yet",
            ),
            answered,
        )

    def _start(self, plan: Plan) -> None:
        async def start() -> None:
            await self.session.drop_installation()
            self.session.ongoing.install(plan, self.wizard.prompts, self.wizard.stage_changed)
            self.wizard.show_dashboard()

        self.run_worker(start(), group="start-installation", exit_on_error=True)

    def action_compare(self) -> None:
        """Connect and show every difference."""
        if self.refused("review.compare"):
            return
        self._comparing = asyncio.create_task(self._compare(), name="compare")
        self.query_one("#verdict", NoMarkup).show("Comparing with the servers; nothing is changed…")

    async def _compare(self) -> None:
        plan = self.session.plan()
        if plan is None:
            return
        lines: list[str] = []
        try:
            engine = self.session.make_engine(plan, self.wizard.prompts)
            try:
                for server_id, diff in (await engine.diff()).items():
                    lines.append(f"── {server_id}: {'nothing to do' if diff.empty else 'would change'}")
                    lines.extend(diff.lines())
            finally:
                await engine.close()
        except Exception as error:
            lines.append(error_sentence(error))
        self.session.load_known()
        if self.is_attached:
            self._comparing = None
            self.draw()
            self.app.push_screen(LinesDialog("What an installation would change", lines))

"""The review: what is wrong or worth knowing, each with a jump to its field; then what will happen."""

from __future__ import annotations

import asyncio
import textwrap
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from mailwiz_tui.plan.findings import Finding, Severity
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.plan.steps import STEPS
from mailwiz_tui.plan.support import unsupported
from mailwiz_tui.stack.blueprint import Blueprint
from mailwiz_tui.ui.actions import bindings_for
from mailwiz_tui.ui.backends import error_sentence
from mailwiz_tui.ui.plan_words import happens_on, replaced_files
from mailwiz_tui.ui.probing import ProbeOutcome, summary
from mailwiz_tui.ui.screens.adopt_dialog import AdoptDialog
from mailwiz_tui.ui.screens.dialog import ConfirmDialog
from mailwiz_tui.ui.screens.lines_dialog import LinesDialog
from mailwiz_tui.ui.screens.main_screen import MainScreen
from mailwiz_tui.ui.session import Session
from mailwiz_tui.ui.symbols import PROBE_MARKS
from mailwiz_tui.ui.text import safe_line
from mailwiz_tui.ui.widgets.no_markup import NoMarkup

LABEL = 14


class ReviewScreen(MainScreen):
    """One list: problems first (Enter goes to the field), then the plan in words, server by server."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("review")]
    scopes: tuple[str, ...] = ("review",)
    heading = "Review"
    help_text = (
        "Problems come first; Enter on one goes to its field. Faults (✗) stop an installation, warnings (!) do "
        "not. Below stands what will be done on each server.\n\n"
        "Compare connects and shows every difference without changing anything. Install asks once more, then "
        "starts. Running an installation again is safe: what is right already is left alone."
    )

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._paths: list[str] = []
        self._comparing: asyncio.Task[None] | None = None

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
        """Further rows of a sentence stand under its first one, so they depend on the width."""
        self.draw()

    def problems(self) -> list[Finding]:
        """Everything in the way of installing, faults first, then what is worth knowing."""
        plan = self.session.plan()
        found = self.session.findings()
        if plan is not None:
            known = {(f.path, f.message) for f in found}
            found += [f for f in unsupported(plan) if (f.path, f.message) not in known]
            missing = [s.id for s in plan.servers if self.session.inventory.get(s.id) is None]
            found += [
                Finding(
                    "servers", f"{name} is not in the inventory", advice="choose another, or add it (F6 in step 2)"
                )
                for name in missing
            ]
            found += [f for server in plan.servers for f in self._foreign(server.id)]
            if not plan.servers and not any(f.path.startswith("servers") for f in found):
                found.append(Finding("servers", "no server is chosen", advice="choose one in step 2"))
        return sorted(found, key=lambda f: f.severity is not Severity.FAULT)

    def _foreign(self, server_id: str) -> list[Finding]:
        software = self.session.foreign_software(server_id)
        if not software:
            return []
        message = f"{server_id} has {', '.join(software)}, set up by somebody else"
        return [Finding("servers", message, Severity.WARNING, "F8 shows what is there before it is replaced")]

    def faults(self) -> list[Finding]:
        """The problems that stop an installation."""
        return [f for f in self.problems() if f.severity is Severity.FAULT]

    def draw(self) -> None:
        """Draw verdict and list."""
        problems = self.problems()
        count = len([f for f in problems if f.severity is Severity.FAULT])
        verdict = self.query_one("#verdict", NoMarkup)
        warned = len(problems) - count
        if count:
            verdict.show(
                f"{'x' if self.wizard.plain else '✗'} not ready: {count} to settle first; Enter goes to the field"
            )
        else:
            extra = f", {warned} worth knowing" if warned else ""
            verdict.show(f"{'*' if self.wizard.plain else '✓'} ready to install{extra}; F8 installs, F5 compares")
        verdict.set_class(bool(count), "bad")
        verdict.set_class(not count, "good")
        rows: list[tuple[str, Text]] = [(f.path, self._problem(f)) for f in problems]
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
        text.append(f"{sign} {_place(finding.path)}: ", style=f"bold {colour}".strip())
        text.append(safe_line(finding.message))
        if finding.advice and finding.message != "is missing":
            text.append(f" – {safe_line(finding.advice)}")
        return text

    def _summary(self, plan: Plan) -> list[tuple[str, Text]]:
        security = plan.security
        rows = [
            ("architecture", "Architecture", plan.architecture.value),
            ("domain.primary_domain", "Domains", ", ".join(plan.all_domains())),
            ("domain.hostname", "Mail host", plan.domain.hostname),
            ("security.tls.provider", "Certificates", security.tls.provider.value),
            (
                "security.dkim.enabled",
                "DKIM",
                f"selector {security.dkim.selector}, {security.dkim.key_size} bits"
                if security.dkim.enabled
                else "off",
            ),
            ("security.spf.policy", "SPF", security.spf.policy.value),
            ("security.dmarc.policy", "DMARC", security.dmarc.policy.value),
            ("services.antispam", "Filter", plan.services.antispam.value),
            ("storage.type", "Mailboxes", f"{plan.storage.type.value} in {plan.storage.path}"),
        ]
        found = [(path, _pair(label, value, self.size.width)) for path, label, value in rows]
        for server in plan.servers:
            found += [("servers", text) for text in self._server(plan, server.id)]
        return found

    def _server(self, plan: Plan, server_id: str) -> list[Text]:
        """Rows on one server: how it is, then what will be done there, in words."""
        known = self.session.inventory.get(server_id)
        facts = self.session.known.facts(server_id)
        roles = next((", ".join(s.roles) for s in plan.servers if s.id == server_id), "")
        where = f" ({known.user}@{known.host})" if known else ""
        text = _pair("Server", f"{server_id}{where}: {roles}", self.size.width)
        probe = self.session.probes.get(server_id, ProbeOutcome())
        if probe.state not in ("unknown", "ok"):
            said = f"{PROBE_MARKS[probe.state].text(plain=self.wizard.plain)}: {safe_line(probe.sentence)}"
        else:
            said = safe_line(summary(facts)) if facts else "not asked yet"
        text.append(f"\n              {said}")
        width = self.size.width
        try:
            blueprint = self._blueprint(plan, server_id)
        except Exception as error:
            return [text, _pair("", safe_line(error_sentence(error)), width)]
        rows = [_pair(f"  {label}", sentence, width) for label, sentence in happens_on(blueprint)]
        return [text, *rows, *(_pair("  ! note", finding, width) for finding in blueprint.findings)]

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        index = event.option_index
        if self._paths[index]:
            self.wizard.show_path(self._paths[index])

    def why_not(self, action_id: str) -> str:
        if action_id in ("review.install", "review.compare") and self.faults():
            return "the problems marked with ✗ come first; Enter goes to the field"
        if action_id == "review.compare" and self._comparing is not None and not self._comparing.done():
            return "the servers are being compared already"
        if action_id == "review.compare" and self.session.running:
            return "an installation is running"
        return ""

    def action_back(self) -> None:
        """Back to the last step."""
        self.wizard.show_step(STEPS[-1].id)

    def action_install(self) -> None:
        """Ask once more, then start."""
        if self.session.running:
            self.wizard.show_dashboard()
            return
        plan = self.session.plan()
        if self.refused("review.install") or plan is None:
            return
        self._ask_to_adopt(plan, [s.id for s in plan.servers if self.session.foreign_software(s.id)])

    def _ask_to_adopt(self, plan: Plan, waiting: list[str]) -> None:
        """Ask about each server with somebody else's mail software, then the last question."""
        if not waiting:
            self._ask_to_install(plan)
            return
        server_id, *others = waiting

        def answered(yes: bool | None) -> None:
            if not yes:
                self.tell(f"{server_id} is left alone; choose a bare server instead, or F8 once more")
                return
            self.session.adopted.add(server_id)
            self._ask_to_adopt(plan, others)

        software = self.session.foreign_software(server_id)
        files = replaced_files(self._blueprint(plan, server_id), [name.split()[0] for name in software])
        self.app.push_screen(AdoptDialog(server_id, software, files), answered)

    def _blueprint(self, plan: Plan, server_id: str) -> Blueprint:
        from mailwiz_tui.stack.compile import compile_server

        return compile_server(plan, server_id, self.session.known)

    def _ask_to_install(self, plan: Plan) -> None:
        names = ", ".join(s.id for s in plan.servers)

        def answered(yes: bool | None) -> None:
            if yes:
                self._start(plan)

        self.app.push_screen(
            ConfirmDialog(
                f"Install on {names}?",
                "Packages are installed and services configured. Configuration files found there are kept as "
                "backups under /var/lib/mailwiz/backup. Whatever is right already is left alone.",
                yes="Install",
                no="Not yet",
            ),
            answered,
        )

    def _start(self, plan: Plan) -> None:
        async def start() -> None:
            await self.session.drop_installation()
            self.session.install(plan, self.wizard.prompts, self.wizard.stage_changed)
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
                    lines.append(f"── {server_id}: {'nothing to do' if diff.empty else 'differs'}")
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


def _pair(label: str, value: str, width: int) -> Text:
    """A label and what it is, whose further rows stand under the first."""
    text = Text(overflow="fold")
    text.append(f"{label:<{LABEL}}", style="bold")
    rows = textwrap.wrap(safe_line(value), max(20, width - LABEL - 4), break_on_hyphens=False)
    text.append(f"\n{' ' * LABEL}".join(rows))
    return text


def _place(path: str) -> str:
    """A finding's place in the words of the forms: the field's label, else its path."""
    for step in STEPS:
        for field in step.fields:
            if path == field.path:
                return f"{step.title}, {field.label}"
    return path

"""Step 7: every DNS record with its reason; copies and saves records, fetches keys, compares with the live DNS."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button

from mailwiz_tui.dns.export import as_zone
from mailwiz_tui.plan.files import replace_file
from mailwiz_tui.plan.steps import FieldSpec
from mailwiz_tui.plan.words import counted
from mailwiz_tui.ui.app.actions import bindings_for
from mailwiz_tui.ui.dialogs.dialog import save_dialog
from mailwiz_tui.ui.session.backends import error_sentence
from mailwiz_tui.ui.session.session import Session
from mailwiz_tui.ui.widgets.no_markup import NoMarkup
from mailwiz_tui.ui.widgets.record_list import RecordList
from mailwiz_tui.ui.widgets.step_list import StepList
from mailwiz_tui.ui.widgets.step_strip import StepStrip
from mailwiz_tui.ui.wizard.fields import make_field
from mailwiz_tui.ui.wizard.step_screen import StepScreen


class DnsScreen(StepScreen):
    """The records as a list."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("dns")]
    scopes: tuple[str, ...] = ("step", "dns")
    step_id = "dns"
    beside = False

    def __init__(self, session: Session, focus: str = "") -> None:
        super().__init__(session, focus)
        self._fetching: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._found = ""
        self._failure = ""

    def page(self) -> ComposeResult:
        yield StepStrip(self.spec.number)
        with Horizontal(id="columns"):
            yield StepList(self.spec.number)
            with Vertical(id="form"):
                for spec in self.fields():
                    yield make_field(spec, self.session, plain=self.wizard.plain)
                yield NoMarkup("", id="dns-note")
                yield RecordList(id="records")
                with Horizontal(id="navigation"):
                    yield Button("Back (F7)", id="go-back", compact=True)
                    yield Button(self.next_label, id="go-next", compact=True)

    def fields(self) -> Iterable[FieldSpec]:
        return self.spec.fields

    def _focus_start(self) -> None:
        self.focus_extra()

    def focus_extra(self) -> None:
        self.query_one(RecordList).focus()

    def after_fields(self) -> None:
        self.focus_extra()

    def on_option_list_option_selected(self, event: RecordList.OptionSelected) -> None:
        """Enter on a record: go to the next step."""
        event.stop()
        self.action_next_step()

    def refresh_form(self) -> None:
        super().refresh_form()
        records, note = self.session.records()
        if records and not note:
            pending = [r for r in records if r.pending]
            required = sum(1 for r in records if r.required)
            note = f"{counted(len(records), 'record')}, {required} required."
            if pending:
                note += f" {len(pending)} without a key or address: F5 generates the keys on the servers."
            if unplanned := self.session.unplanned_domains():
                note += (
                    f" In the accounts, but not in the plan: {', '.join(unplanned)}. Publish the records at the "
                    "end of the list, and add the domain in step 3."
                )
        if self._fetching is not None and not self._fetching.done():
            note = "Connecting to the servers and generating keys…"
        elif self._looking is not None:
            note = "Looking up every record in the DNS…"
        elif self._failure:
            note = f"{'x' if self.wizard.plain else '✗'} {self._failure}"
        elif self._found:
            note = f"In the DNS: {self._found}."
        self.query_one("#dns-note", NoMarkup).show(note)
        self.query_one(RecordList).show(records, self.session.published.of, plain=self.wizard.plain)

    def why_not(self, action_id: str) -> str:
        records, note = self.session.records()
        if action_id in ("dns.copy", "dns.save") and not records:
            return note
        if action_id == "dns.compare":
            return note if not records else "a lookup is already running" if self._looking is not None else ""
        if action_id == "dns.refresh":
            if not records:
                return note
            if not self.session.chosen_ids():
                return "no server is chosen (step 2)"
            if self._fetching is not None and not self._fetching.done():
                return "keys are already being fetched"
        return super().why_not(action_id)

    def action_fetch_keys(self) -> None:
        """Connect, read facts, generate missing keys on the servers, and show the records with them."""
        if self.refused("dns.refresh"):
            return
        self._failure = ""
        self._fetching = asyncio.create_task(self._fetch(), name="prepare")
        self.refresh_form()

    async def _fetch(self) -> None:
        session = self.session
        try:
            plan = session.draft.plan()
            engine = session.make_engine(plan, self.wizard.prompts)
            try:
                session.known = await engine.prepare()
            finally:
                await engine.close()
        except Exception as error:
            self._failed(error)
        finally:
            self._fetching = None
            if self.is_attached:
                self.refresh_form()

    def _failed(self, error: Exception) -> None:
        """Show the error until the next attempt; as a notification if another screen is shown."""
        self._failure = error_sentence(error)
        if not self.is_attached:
            self.app.notify(self._failure, severity="error", markup=False, timeout=8)

    def action_compare_records(self) -> None:
        """Look up every record in the DNS and mark it."""
        if self.refused("dns.compare"):
            return
        self._failure = ""
        self._looking = asyncio.create_task(self._look_up(), name="look up records")
        self.refresh_form()

    async def _look_up(self) -> None:
        try:
            self._found = await self.session.published.look_up(
                self.session.records()[0], self.session.asked_resolver
            )
        except Exception as error:
            self._failed(error)
        finally:
            self._looking = None
            if self.is_attached:
                self.refresh_form()

    def action_copy_value(self) -> None:
        """Send the record's value to the terminal's clipboard (OSC 52)."""
        record = self.query_one(RecordList).chosen
        if self.refused("dns.copy"):
            return
        if record is None or record.pending:
            self.tell("This record has no value yet; F5 gets its key or address from the servers")
            return
        self.app.copy_to_clipboard(record.value)
        self.tell(f"The value of {record.name} {record.type} was sent to the terminal's clipboard")

    def action_save_zone(self) -> None:
        """Write all records as a zone file."""
        if self.refused("dns.save"):
            return

        def write(path: Path) -> None:
            replace_file(path, as_zone(self.session.records()[0]).encode(), 0o644)

        def named(name: str | None) -> None:
            if name:
                self.tell(f"Written to {name}")

        domain = str(self.session.value("domain.primary_domain") or "mail")
        default = Path.cwd() / f"{domain}.zone"
        self.app.push_screen(save_dialog("Save the records as a zone file", "", default, write), named)

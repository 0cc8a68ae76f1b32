"""A step of the wizard, drawn from its ``StepSpec``; each answer is in the draft as soon as it is given."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.css.query import NoMatches
from textual.widget import Widget
from textual.widgets import Button

from mailwiz_tui.plan.findings import Finding, Severity
from mailwiz_tui.plan.steps import STEPS, FieldKind, FieldSpec, StepSpec, field_at
from mailwiz_tui.ui.actions import bindings_for
from mailwiz_tui.ui.fields import (
    help_of,
    make_field,
    options_of,
    placeholder_of,
    settle_defaults,
    unavailable,
    why_not_choice,
)
from mailwiz_tui.ui.help_pages import step_page
from mailwiz_tui.ui.screens.main_screen import MainScreen
from mailwiz_tui.ui.screens.steps_dialog import StepsDialog
from mailwiz_tui.ui.session import Session
from mailwiz_tui.ui.widgets.dns_preview import DnsPreview
from mailwiz_tui.ui.widgets.form_field import FormField
from mailwiz_tui.ui.widgets.no_markup import NoMarkup
from mailwiz_tui.ui.widgets.step_list import StepList
from mailwiz_tui.ui.widgets.step_strip import StepStrip
from mailwiz_tui.ui.widgets.title_bar import TitleBar

PREVIEW_DELAY = 0.3
REFRESH_DELAY = 0.04


class StepScreen(MainScreen):
    """One step. Subclasses name their ``step_id`` and may add widgets below the fields."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("step")]
    scopes: tuple[str, ...] = ("step",)
    step_id: ClassVar[str] = ""
    beside: ClassVar[bool] = True
    """Whether the DNS preview stands beside the form where there is room."""

    def __init__(self, session: Session, focus: str = "") -> None:
        super().__init__(session)
        self.spec: StepSpec = next(s for s in STEPS if s.id == self.step_id)
        self.heading = f"{self.spec.number}. {self.spec.title}"
        self._focus_path = focus
        self._preview_due = False
        self._refresh_due = False
        self._told = ""
        settle_defaults(self.spec, session)

    def help_words(self) -> str:
        """The field with the focus first, then the step's long help and its other fields."""
        return step_page(self.spec, self.focused_field(), self._why_not_choice, self.help_width)

    def focused_field(self) -> FieldSpec | None:
        """The question that the focus is in, if it is in one."""
        inside = self.focused.ancestors_with_self if self.focused is not None else ()
        field = next((w for w in inside if isinstance(w, FormField)), None)
        return field_at(field.path) if field is not None else None

    def _why_not_choice(self, field: FieldSpec, value: object) -> str:
        return "" if value == self.session.value(field.path) else why_not_choice(field, value, self.session)

    def note(self) -> str:
        name = self.session.path.name
        if self.session.save_error:
            return "NOT SAVED"
        if self.session.saved_at is None:
            return name
        return f"{name} saved {time.strftime('%H:%M:%S', time.localtime(self.session.saved_at))}"

    def page(self) -> ComposeResult:
        yield StepStrip(self.spec.number)
        with Horizontal(id="columns"):
            yield StepList(self.spec.number)
            with VerticalScroll(id="form", can_focus=False):
                yield NoMarkup(self.spec.summary, id="summary", classes="dim")
                yield NoMarkup("", id="step-findings")
                for spec in self.fields():
                    yield make_field(spec, self.session, plain=self.wizard.plain)
                yield from self.extras()
                with Horizontal(id="navigation"):
                    if self.spec.number > 1:
                        yield Button("Back (F7)", id="go-back", compact=True)
                    yield Button(self.next_label, id="go-next", compact=True)
            if self.beside:
                yield DnsPreview(id="beside")

    def fields(self) -> Iterable[FieldSpec]:
        """The fields drawn by this screen; some steps draw lists with widgets of their own."""
        return self.spec.fields

    def extras(self) -> Iterable[Widget]:
        """Further widgets below the fields."""
        return ()

    @property
    def next_label(self) -> str:
        """What the button at the end says."""
        return "Next (F8)" if self.spec.number < len(STEPS) else "Review (F8)"

    def on_mount(self) -> None:
        self.session.touched.update(s.path for s in self.fields() if self.session.draft.answered(s.path))
        for field in self.query(FormField):
            field.checked = field.path in self.session.touched
        self.refresh_form()
        self._focus_start()
        self._preview()

    def _focus_start(self) -> None:
        fields = [f for f in self.query(FormField) if f.display]
        wanted = next((f for f in fields if f"{self._focus_path}.".startswith(f"{f.path}.")), None)
        if wanted is not None:
            self._touch(wanted)
            self.refresh_form()
        chosen = wanted or next(iter(fields), None)
        if chosen is not None:
            chosen.control.focus()
        else:
            self.focus_extra()
        if wanted is None:
            form = self.query_one("#form", VerticalScroll)
            self.call_after_refresh(form.scroll_home, animate=False)

    def focus_extra(self) -> None:
        """Focus what stands in place of fields."""
        self.query_one("#go-next", Button).focus()

    def session_changed(self) -> None:
        """Draw what depends on answers and servers anew."""
        if self.is_mounted:
            self.refresh_form()
            self._preview()

    def refresh_form(self) -> None:
        """Show findings, hidden fields, step states and the time of saving, as the draft has them now."""
        session = self.session
        findings = session.findings()
        specs = {spec.path: spec for spec in self.fields()}
        for field in self.query(FormField):
            spec = specs.get(field.path)
            if spec is None:
                continue
            field.display = spec.is_shown(session.value)
            field.show_placeholder(placeholder_of(spec, session))
            field.show_help(help_of(spec, session))
            if spec.kind in (FieldKind.CHOICE, FieldKind.BOOL):
                field.show_options(options_of(spec, session))
            shown = [] if self._hushed(field) else [f for f in findings if _concerns(f, field.path)]
            chosen = field.kind in ("choice", "bool")
            missing = unavailable(field.path, session.value(field.path), session) if chosen else None
            field.show_findings([*shown, missing] if missing else shown)
        self._show_states(findings)
        self.show_step_findings(findings)
        self.query_one(TitleBar).show(note=self.note())

    def show_step_findings(self, findings: list[Finding]) -> None:
        """Show findings of this step that belong to no single field."""

    def _hushed(self, field: FormField) -> bool:
        """Whether faults of a field are kept back: nobody was there yet, or it is being typed into."""
        if not (field.touched or field.path in self.session.touched):
            return True
        typing = field.has_focus_within and field.kind not in ("choice", "bool")
        return typing and not field.in_error and not field.checked

    def _own_state(self, findings: list[Finding]) -> str:
        """How this step stands, agreeing with what the form shows: what is kept back there is no fault here."""
        state = self.session.state_of(self.step_id)
        if state != "errors":
            return state
        hushed = [f.path for f in self.query(FormField) if self._hushed(f)]
        told = [f for f in findings if f.severity is Severity.FAULT and self.spec.owns_path(f.path)]
        told = [f for f in told if not any(_concerns(f, path) for path in hushed)]
        return "errors" if told else "empty"

    def _show_states(self, findings: list[Finding]) -> None:
        own = self._own_state(findings)
        states = [(s.number, s.title, own if s.id == self.step_id else self.session.state_of(s.id)) for s in STEPS]
        self.query_one(StepStrip).show(states, plain=self.wizard.plain)
        self.query_one(StepList).show(states, plain=self.wizard.plain)

    def on_form_field_edited(self, event: FormField.Edited) -> None:
        """An answer changed: into the draft at once."""
        event.stop()
        if event.value == self.session.value(event.field.path):
            return
        event.field.checked = False
        self.session.set(event.field.path, event.value)
        if self.session.save_error and self.session.save_error != self._told:
            self._told = self.session.save_error
            self.tell(f"The draft cannot be saved: {self._told}", problem=True)
        if event.field.kind in ("choice", "bool"):
            self.session.touched.add(event.field.path)
        self.answer_changed(event.field)

    def answer_changed(self, field: FormField) -> None:
        """Draw what follows from the answer, once for several keys that come together."""
        if not self._refresh_due:
            self._refresh_due = True
            self.set_timer(REFRESH_DELAY, self._refresh_now)
        self._preview()

    def _refresh_now(self) -> None:
        self._refresh_due = False
        if self.is_mounted:
            self.refresh_form()

    def on_form_field_left(self, event: FormField.Left) -> None:
        """Validate on leaving; after Enter go on to what follows."""
        event.stop()
        if event.submitted:
            self.field_entered(event.field)
        elif self.is_current:
            self._touch(event.field)
            self.refresh_form()

    def field_entered(self, field: FormField) -> None:
        """Enter in a field: take what it offers, validate, and go on to what follows."""
        self._take_typed(field)
        self._touch(field)
        self._take_suggestion(field)
        self.refresh_form()
        self.go_on(field)

    def _touch(self, field: FormField) -> None:
        field.touched = field.checked = True
        self.session.touched.add(field.path)

    def _take_typed(self, field: FormField) -> None:
        """Keys whose messages are still on their way count too."""
        if field.kind in ("choice", "bool"):
            return
        value = field.value
        if value != self.session.value(field.path) and not (
            value in ("", []) and not self.session.value(field.path)
        ):
            self.on_form_field_edited(FormField.Edited(field, value))

    def _take_suggestion(self, field: FormField) -> None:
        """Enter in an empty field takes over what its placeholder offers, where an answer is needed."""
        spec = self.spec.field(field.path)
        suggestion = self.session.draft.suggestion(field.path)
        if spec is not None and spec.required and suggestion and not self.session.value(field.path):
            self.session.set(field.path, suggestion)
            field.show_value(suggestion)
            self.answer_changed(field)

    def go_on(self, field: FormField) -> None:
        """Focus what follows the field; from the last one go to the next step."""
        if field.in_error:
            return
        fields = [f for f in self.query(FormField) if f.display]
        at = fields.index(field)
        if at + 1 < len(fields):
            self.set_focus(fields[at + 1].control)
        else:
            self.after_fields()

    def after_fields(self) -> None:
        """The last field was accepted."""
        self.action_next_step()

    def _preview(self) -> None:
        if not self._preview_due and self.beside:
            self._preview_due = True
            self.set_timer(PREVIEW_DELAY, self._draw_preview)

    def _draw_preview(self) -> None:
        self._preview_due = False
        if not self.is_mounted:
            return
        try:
            preview = self.query_one(DnsPreview)
        except NoMatches:
            return
        if preview.display and self.has_class("-wide"):
            preview.show(*self.session.records(), self.session.published.of, plain=self.wizard.plain)

    def on_resize(self) -> None:
        """A wider window may have room for the preview now."""
        self._preview()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "go-next":
            event.stop()
            self.action_next_step()
        elif event.button.id == "go-back":
            event.stop()
            self.action_previous_step()

    def action_next_step(self) -> None:
        """Go on; faults stay marked and are listed again in the review."""
        for field in self.query(FormField):
            self.session.touched.add(field.path)
        self.session.finish_step(self.step_id)
        if self.spec.number < len(STEPS):
            self.wizard.show_step(STEPS[self.spec.number].id)
        else:
            self.wizard.show_review()

    def action_previous_step(self) -> None:
        """Go back; every answer is in the draft already."""
        if self.spec.number > 1:
            self.wizard.show_step(STEPS[self.spec.number - 2].id)
        else:
            from mailwiz_tui.ui.screens.start import StartScreen

            self.wizard.show(StartScreen(self.session))

    def action_steps(self) -> None:
        """Choose any step."""

        def chosen(step_id: str | None) -> None:
            if step_id == "review":
                self.wizard.show_review()
            elif step_id:
                self.wizard.show_step(step_id)

        states = [(s.id, s.number, s.title, self.session.state_of(s.id)) for s in STEPS]
        self.app.push_screen(StepsDialog(states, self.spec.number, plain=self.wizard.plain), chosen)

    def action_dns_preview(self) -> None:
        """Show the records over the form; closing comes back here."""
        from mailwiz_tui.ui.screens.dns_dialog import DnsDialog

        self.app.push_screen(DnsDialog(*self.session.records(), self.session.published.of, plain=self.wizard.plain))

    def action_review(self) -> None:
        """Show what is missing."""
        self.wizard.show_review()


def _concerns(finding: Finding, path: str) -> bool:
    return finding.path == path or finding.path.startswith(f"{path}.")

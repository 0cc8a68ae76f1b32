"""A form of questions: each answer goes to the draft at once, each finding to its field."""

from __future__ import annotations

from collections.abc import Iterable

from mailwiz_tui.plan.findings import Finding, Severity
from mailwiz_tui.plan.steps import FieldKind, FieldSpec, StepSpec, field_at
from mailwiz_tui.ui.app.main_screen import MainScreen
from mailwiz_tui.ui.session.session import Session
from mailwiz_tui.ui.widgets.form_field import FormField
from mailwiz_tui.ui.wizard.fields import help_of, options_of, placeholder_of, propose_answers, unavailable

REFRESH_DELAY = 0.04


class FormScreen(MainScreen):
    """The questions of a step. Subclasses lay out the fields and define what follows the last one."""

    def __init__(self, session: Session, spec: StepSpec) -> None:
        super().__init__(session)
        self.spec = spec
        self._refresh_due = False
        self.unfolded = any(session.draft.answered(field.path) for field in spec.fields if field.further)
        """Whether the further fields are shown."""
        propose_answers(spec, session)

    def refresh_form(self) -> None:
        """Show everything that depends on the answers of the present draft."""
        self.refresh_fields(self.session.findings())

    def fields(self) -> Iterable[FieldSpec]:
        """The fields drawn by this screen; some steps draw lists with their own widgets."""
        return self.spec.fields

    def focused_field(self) -> FieldSpec | None:
        """The question of the focused field, or None."""
        inside = self.focused.ancestors_with_self if self.focused is not None else ()
        field = next((w for w in inside if isinstance(w, FormField)), None)
        return field_at(field.path) if field is not None else None

    def refresh_fields(self, findings: list[Finding]) -> None:
        """Show each field with its options, help and findings, or hide it, by the present draft."""
        session = self.session
        specs = {spec.path: spec for spec in self.fields()}
        for field in self.query(FormField):
            spec = specs.get(field.path)
            if spec is None:
                continue
            field.display = spec.is_shown(session.value) and (not spec.further or self.unfolded)
            field.show_placeholder(placeholder_of(spec, session))
            field.show_help(help_of(spec, session))
            if spec.kind in (FieldKind.CHOICE, FieldKind.BOOL):
                field.show_options(options_of(spec, session))
            shown = [] if self._withheld(field) else [f for f in findings if _concerns(f, field.path)]
            chosen = field.kind in ("choice", "bool")
            missing = unavailable(field.path, session.value(field.path), session) if chosen else None
            field.show_findings([*shown, missing] if missing else shown)

    def _withheld(self, field: FormField) -> bool:
        """Whether faults of a field are not shown: it was not visited, or it is being typed into."""
        if not (field.touched or field.path in self.session.touched):
            return True
        typing = field.has_focus_within and field.kind not in ("choice", "bool")
        return typing and not field.in_error and not field.checked

    def own_state(self, findings: list[Finding]) -> str:
        """The state of this step, consistent with the form: faults that the form does not show do not count."""
        state = self.session.state_of(self.spec.id)
        if state != "errors":
            return state
        withheld = [f.path for f in self.query(FormField) if self._withheld(f)]
        shown = [f for f in findings if f.severity is Severity.FAULT and self.spec.owns_path(f.path)]
        shown = [f for f in shown if not any(_concerns(f, path) for path in withheld)]
        return "errors" if shown else "empty"

    def on_form_field_edited(self, event: FormField.Edited) -> None:
        """Store a changed answer in the draft at once."""
        event.stop()
        event.field.stored = event.value
        if event.value == self.session.value(event.field.path):
            return
        event.field.checked = False
        self.session.set(event.field.path, event.value)
        if event.field.kind in ("choice", "bool"):
            self.session.touched.add(event.field.path)
        self.answer_changed(event.field)

    def answer_changed(self, field: FormField) -> None:
        """Redraw what depends on the answer, once for several keys in quick succession."""
        if not self._refresh_due:
            self._refresh_due = True
            self.set_timer(REFRESH_DELAY, self._refresh_now)

    def _refresh_now(self) -> None:
        self._refresh_due = False
        if self.is_mounted:
            self.refresh_form()

    def on_form_field_left(self, event: FormField.Left) -> None:
        """Validate when the focus leaves; after Enter go to the next field."""
        event.stop()
        if event.submitted:
            self.field_entered(event.field)
        elif self.is_current:
            self.touch(event.field)
            self.refresh_form()

    def field_entered(self, field: FormField) -> None:
        """Enter in a field: accept its suggestion, validate, and go to the next field."""
        self._take_typed(field)
        self.touch(field)
        self._take_suggestion(field)
        self.refresh_form()
        self.go_on(field)

    def touch(self, field: FormField) -> None:
        """Mark a field as visited: its faults are shown from now on."""
        field.touched = field.checked = True
        self.session.touched.add(field.path)

    def _take_typed(self, field: FormField) -> None:
        """Store the field's present value, also if its change message was not processed yet."""
        value, known = field.value, self.session.value(field.path)
        if value == field.stored:
            return
        if field.kind in ("choice", "bool"):
            news = value is not None and value != known
        else:
            news = value != known and not (value in ("", []) and not known)
        if news:
            self.on_form_field_edited(FormField.Edited(field, value))

    def take_focused(self) -> None:
        """Store the focused field's value before a key leaves the form."""
        inside = self.focused.ancestors_with_self if self.focused is not None else ()
        for field in inside:
            if isinstance(field, FormField):
                self._take_typed(field)

    def _take_suggestion(self, field: FormField) -> None:
        """Accept the step's proposals, and the suggestion of a required field that is empty."""
        self.session.accept(self.spec.id)
        spec = self.spec.field(field.path)
        suggestion = self.session.draft.suggestion(field.path)
        if spec is not None and spec.required and suggestion and not self.session.value(field.path):
            self.session.set(field.path, suggestion)
            field.show_value(suggestion)
            self.answer_changed(field)

    def go_on(self, field: FormField) -> None:
        """Focus the next visible field; after the last one call ``after_fields``."""
        if field.in_error:
            return
        fields = [f for f in self.query(FormField) if f.display]
        at = fields.index(field)
        if at + 1 < len(fields):
            self.set_focus(fields[at + 1].control)
        else:
            self.after_fields()

    def after_fields(self) -> None:
        """Called when Enter was pressed in the last field."""


def _concerns(finding: Finding, path: str) -> bool:
    return finding.path == path or finding.path.startswith(f"{path}.")

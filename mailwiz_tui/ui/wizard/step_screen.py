"""The screen of a step, drawn from its ``StepSpec``: form, list of steps, and a preview of the DNS records."""

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

from mailwiz_tui.plan.findings import Finding
from mailwiz_tui.plan.steps import STEPS, FieldSpec, step
from mailwiz_tui.ui.app.actions import bindings_for
from mailwiz_tui.ui.app.help_pages import step_page
from mailwiz_tui.ui.dialogs.steps_dialog import StepsDialog
from mailwiz_tui.ui.session.session import Session
from mailwiz_tui.ui.widgets.dns_preview import DnsPreview
from mailwiz_tui.ui.widgets.form_field import FormField
from mailwiz_tui.ui.widgets.no_markup import NoMarkup
from mailwiz_tui.ui.widgets.step_list import StepList
from mailwiz_tui.ui.widgets.step_strip import StepStrip
from mailwiz_tui.ui.widgets.title_bar import TitleBar
from mailwiz_tui.ui.wizard.fields import make_field, why_not_choice
from mailwiz_tui.ui.wizard.form_screen import FormScreen

PREVIEW_DELAY = 0.3


class StepScreen(FormScreen):
    """One step. Subclasses set ``step_id`` and may add widgets below the fields."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("step")]
    scopes: tuple[str, ...] = ("step",)
    step_id: str = ""
    beside: ClassVar[bool] = True
    """Whether the DNS preview is shown beside the form in a wide window."""

    def __init__(self, session: Session, focus: str = "", step_id: str = "") -> None:
        self.step_id = step_id or self.step_id
        super().__init__(session, step(self.step_id))
        self.heading = f"{self.spec.number}. {self.spec.title}"
        self._focus_path = focus
        self._preview_due = False

    def help_words(self) -> str:
        """The focused field first, then the step's help and its other fields."""
        return step_page(self.spec, self.focused_field(), self._why_not_choice, self.help_width)

    def _why_not_choice(self, field: FieldSpec, value: object) -> str:
        return "" if value == self.session.value(field.path) else why_not_choice(field, value, self.session)

    def note(self) -> str:
        name = self.session.path.name
        if self.session.draft.unsaved:
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
                yield from self._questions()
                yield from self.extras()
                with Horizontal(id="navigation"):
                    if self.spec.number > 1:
                        yield Button("Back (F7)", id="go-back", compact=True)
                    yield Button(self.next_label, id="go-next", compact=True)
            if self.beside:
                yield DnsPreview(id="beside")

    def _questions(self) -> Iterable[Widget]:
        """The fields; further fields come last, behind a button that shows them."""
        further = [spec for spec in self.fields() if spec.further]
        for spec in self.fields():
            if further and spec is further[0]:
                yield Button("", id="fold", compact=True)
            yield make_field(spec, self.session, plain=self.wizard.plain)

    def extras(self) -> Iterable[Widget]:
        """Further widgets below the fields."""
        return ()

    @property
    def next_label(self) -> str:
        """The label of the last button."""
        return "Next (F8)" if self.spec.number < len(STEPS) else "Review (F8)"

    def on_mount(self) -> None:
        self.session.touched.update(s.path for s in self.fields() if self.session.draft.answered(s.path))
        for field in self.query(FormField):
            field.checked = field.path in self.session.touched
        self.refresh_form()
        self._focus_start()
        self.call_after_refresh(self._draw_preview)

    def _focus_start(self) -> None:
        if any(f"{self._focus_path}.".startswith(f"{spec.path}.") for spec in self.fields() if spec.further):
            self.unfolded = True
            self.refresh_form()
        fields = [f for f in self.query(FormField) if f.display]
        wanted = next((f for f in fields if f"{self._focus_path}.".startswith(f"{f.path}.")), None)
        if wanted is not None:
            self.touch(wanted)
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
        """Set the focus on a step without fields."""
        self.query_one("#go-next", Button).focus()

    def session_changed(self) -> None:
        """Redraw everything that depends on answers and servers."""
        if self.is_mounted:
            self.refresh_form()
            self._preview()

    def plan_changed_outside(self) -> None:
        """Show the file's values in the fields; what is being typed stays."""
        if not self.is_mounted:
            return
        self.take_focused()
        for field in self.query(FormField):
            field.show_value(self.session.value(field.path))
        self.session_changed()

    def refresh_form(self) -> None:
        """Show fields, step states, findings and the time of saving from the present draft."""
        findings = self.session.findings()
        if any(
            finding.path.startswith(spec.path) for finding in findings for spec in self.fields() if spec.further
        ):
            self.unfolded = True
        self.refresh_fields(findings)
        self._label_fold()
        self._show_states(findings)
        self.show_step_findings(findings)
        self.query_one(TitleBar).show(note=self.note())
        self.show_save_problem()

    def _label_fold(self) -> None:
        """Set the button's label: the names of the further fields, or "Fewer settings"."""
        names = ", ".join(spec.label.lower() for spec in self.fields() if spec.further)
        for button in self.query("#fold").results(Button):
            button.label = "Fewer settings" if self.unfolded else f"More: {names}"

    def show_step_findings(self, findings: list[Finding]) -> None:
        """Show findings of this step that are about no single field."""

    def _show_states(self, findings: list[Finding]) -> None:
        own = self.own_state(findings)
        states = [(s.number, s.title, own if s.id == self.step_id else self.session.state_of(s.id)) for s in STEPS]
        self.query_one(StepStrip).show(states, plain=self.wizard.plain)
        self.query_one(StepList).show(states, plain=self.wizard.plain)

    def answer_changed(self, field: FormField) -> None:
        super().answer_changed(field)
        self._preview()

    def after_fields(self) -> None:
        self.action_next_step()

    def _preview(self) -> None:
        """Redraw the preview after ``PREVIEW_DELAY``, once for all keys in that time."""
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
        """Draw the preview if the window is wide enough now."""
        self._preview()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "go-next":
            event.stop()
            self.action_next_step()
        elif event.button.id == "go-back":
            event.stop()
            self.action_previous_step()
        elif event.button.id == "fold":
            event.stop()
            self._fold()

    def _fold(self) -> None:
        """Show the further fields and focus the first, or hide them."""
        self.unfolded = not self.unfolded
        self.refresh_form()
        first = next((spec.path for spec in self.fields() if spec.further), "")
        field = next((field for field in self.query(FormField) if field.path == first), None)
        if self.unfolded and field is not None:
            field.control.focus()

    def action_next_step(self) -> None:
        """Go to the next step; faults stay marked, and the review lists them."""
        self.take_focused()
        for field in self.query(FormField):
            self.session.touched.add(field.path)
        self.session.finish_step(self.step_id)
        if self.spec.number < len(STEPS):
            self.wizard.show_step(STEPS[self.spec.number].id)
        else:
            self.wizard.show_review()

    def action_previous_step(self) -> None:
        """Go to the previous step; every answer is already in the draft."""
        self.take_focused()
        if self.spec.number > 1:
            self.wizard.show_step(STEPS[self.spec.number - 2].id)
        else:
            from mailwiz_tui.ui.app.start import StartScreen

            self.wizard.show(StartScreen(self.session))

    def action_steps(self) -> None:
        """Choose any step."""
        self.take_focused()

        def chosen(step_id: str | None) -> None:
            if step_id == "review":
                self.wizard.show_review()
            elif step_id:
                self.wizard.show_step(step_id)

        states = [(s.id, s.number, s.title, self.session.state_of(s.id)) for s in STEPS]
        self.app.push_screen(StepsDialog(states, self.spec.number, plain=self.wizard.plain), chosen)

    def action_dns_preview(self) -> None:
        """Show the records in a dialog over the form."""
        self.take_focused()
        from mailwiz_tui.ui.dialogs.dns_dialog import DnsDialog

        self.app.push_screen(DnsDialog(*self.session.records(), self.session.published.of, plain=self.wizard.plain))

    def action_review(self) -> None:
        """Show the review."""
        self.take_focused()
        self.wizard.show_review()

"""One question of a form: label, control, and a row of help that gives way to an error.

Validated on leaving; once in error, on each key. The value goes to the draft at each change. Help takes one row;
where it is longer it is shown whole while the field has the focus, as errors always are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import DescendantBlur
from textual.message import Message

from mailwiz_tui.plan.findings import Finding, Severity
from mailwiz_tui.ui.widgets.choice_row import ChoiceRow, Option
from mailwiz_tui.ui.widgets.entry import Entry
from mailwiz_tui.ui.widgets.no_markup import NoMarkup

Value = str | bool | int | list[str] | None


def text_of(value: object) -> str:
    """A draft's value as it is typed; lists are separated by commas."""
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value)
    return str(value)


@runtime_checkable
class Form(Protocol):
    """A screen that takes Enter in a field at once."""

    def field_entered(self, field: FormField) -> None:
        """Validate the field and go on."""


class FormField(Vertical):
    """A labelled control. ``path`` is the plan's key, ``kind`` one of text, int, list, choice, bool.

    ``touched``: the operator was here. ``checked``: what stands in it was looked at since the last key. ``taken``:
    the value that the program put here, or took over last; what differs from it was typed since.
    """

    class Edited(Message):
        """The operator changed the value."""

        def __init__(self, field: FormField, value: Value) -> None:
            super().__init__()
            self.field = field
            self.value = value

    class Left(Message):
        """The focus left the field, or Enter was pressed in it."""

        def __init__(self, field: FormField, *, submitted: bool) -> None:
            super().__init__()
            self.field = field
            self.submitted = submitted

    def __init__(
        self,
        path: str,
        label: str,
        help_text: str,
        *,
        kind: str = "text",
        value: object = None,
        options: Sequence[Option] = (),
        placeholder: str = "",
        stacked: bool = False,
        plain: bool = False,
    ) -> None:
        super().__init__()
        self.path = path
        self.label = label
        self.help_text = help_text
        self.kind = kind
        self.touched = False
        self.checked = False
        self.in_error = False
        self._value = value
        self._posted = text_of(value)
        self._placeholder = placeholder
        self._plain = plain
        self._stacked = stacked
        self._options = tuple(options)
        self._refusal = ""
        self.control: Entry | ChoiceRow = self._make_control()
        self.taken = self.value
        self.control.on_enter = self._entered

    def compose(self) -> ComposeResult:
        with Horizontal(classes="row"):
            yield NoMarkup(self.label, classes="label")
            yield self.control
        yield NoMarkup(self.help_text, classes="note")

    def _make_control(self) -> Entry | ChoiceRow:
        if self.kind in ("choice", "bool"):
            options = self._options or (Option(True, "yes"), Option(False, "no"))
            return ChoiceRow(options, self._value, stacked=self._stacked, plain=self._plain)
        return Entry(text_of(self._value), placeholder=self._placeholder)

    @property
    def value(self) -> Value:
        """What the control holds now."""
        if isinstance(self.control, Entry):
            return self._parse(self.control.value)
        chosen = self.control.value
        return chosen if isinstance(chosen, (str, bool, int)) else None

    def show_value(self, value: object) -> None:
        """Show a value that came from the draft, not from the keyboard."""
        control = self.control
        if isinstance(control, ChoiceRow):
            control.choose(value)
        elif self._parse(control.value) != self._parse(text_of(value)):
            self._posted = text_of(value)
            with control.prevent(Entry.Changed):
                control.value = self._posted
        self.taken = self.value

    def show_placeholder(self, text: str) -> None:
        """Show what is taken if the field stays empty."""
        if isinstance(self.control, Entry):
            self.control.placeholder = text

    def show_help(self, text: str) -> None:
        """Change the help; ``show_findings`` draws it."""
        self.help_text = text

    def show_options(self, options: Sequence[Option]) -> None:
        """Show which options are possible with the other answers as they are now."""
        if isinstance(self.control, ChoiceRow):
            self.control.show_options(options)

    def show_findings(self, findings: Sequence[Finding]) -> None:
        """Put the first finding in place of the help, or the help back."""
        fault = next((f for f in findings if f.severity is Severity.FAULT), None)
        shown = fault or next(iter(findings), None)
        self.in_error = fault is not None
        if isinstance(self.control, Entry):
            self.control.select_on_focus = fault is None
        self.set_class(fault is not None, "-fault")
        self.set_class(fault is None and shown is not None, "-warning")
        note = self.query_one(".note", NoMarkup)
        if self._refusal:
            note.show(self._refusal)
            return
        if shown is None:
            note.show(self.help_text)
            return
        sign = ("x" if self._plain else "✗") if fault else "!"
        advice = f" – {shown.advice}" if shown.advice and shown.message != "is missing" else ""
        note.show(f"{sign} {shown.message}{advice}")

    def _parse(self, text: str) -> Value:
        if self.kind == "list":
            return [part.strip() for part in text.replace(";", ",").replace(" ", ",").split(",") if part.strip()]
        text = text.strip()
        if self.kind == "int" and text.lstrip("-").isascii() and text.lstrip("-").isdigit():
            return int(text)
        return text

    def on_input_changed(self, event: Entry.Changed) -> None:
        """Textual tells of the first value too, which nobody typed."""
        event.stop()
        if event.value != self._posted:
            self._posted = event.value
            self.post_message(self.Edited(self, self._parse(event.value)))

    def on_choice_row_changed(self, event: ChoiceRow.Changed) -> None:
        event.stop()
        value = event.value
        self._refusal = ""
        self.touched = True
        self.post_message(self.Edited(self, value if isinstance(value, (str, bool, int)) else None))

    def on_choice_row_refused(self, event: ChoiceRow.Refused) -> None:
        """Say why an option was passed over, until the field is left or another key is pressed."""
        event.stop()
        self._refusal = f"{event.option.label} is not possible: {event.option.why_not}"
        self.query_one(".note", NoMarkup).show(self._refusal)

    def _entered(self) -> None:
        """Enter: a form that takes it at once moves the focus before the next key is looked at."""
        form = self.screen
        if isinstance(form, Form):
            form.field_entered(self)
        else:
            self.post_message(self.Left(self, submitted=True))

    def on_descendant_blur(self, event: DescendantBlur) -> None:
        self._refusal = ""
        self.post_message(self.Left(self, submitted=False))

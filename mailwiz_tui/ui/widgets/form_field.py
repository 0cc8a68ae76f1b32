"""One field of a form: label, control, and a row of help, which an error replaces.

It is validated when the focus leaves; in error, at each key. The value goes to the draft at each change. Help has
one row; longer help is shown in full while the field has the focus, errors always are.
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
    """A draft's value as text; lists are separated by commas."""
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return ", ".join(str(item) for item in value)
    return str(value)


@runtime_checkable
class Form(Protocol):
    """A screen that handles Enter in a field at once."""

    def field_entered(self, field: FormField) -> None:
        """Validate the field and go to the next."""


class FormField(Vertical):
    """A labelled control. ``path`` is the plan's key, ``kind`` one of text, int, list, choice, bool.

    ``touched``: the operator visited the field. ``checked``: its value was validated since the last key.
    ``stored``: the value that the program last set or stored; a different value was typed since.
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
        self.stored = self.value
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
        """The control's present value."""
        if isinstance(self.control, Entry):
            return self._parse(self.control.value)
        chosen = self.control.value
        return chosen if isinstance(chosen, (str, bool, int)) else None

    def show_value(self, value: object) -> None:
        """Show a value from the draft."""
        control = self.control
        if isinstance(control, ChoiceRow):
            control.choose(value)
        elif self._parse(control.value) != self._parse(text_of(value)):
            self._posted = text_of(value)
            with control.prevent(Entry.Changed):
                control.value = self._posted
        self.stored = self.value

    def show_placeholder(self, text: str) -> None:
        """Show the value that an empty field gets."""
        if isinstance(self.control, Entry):
            self.control.placeholder = text

    def show_help(self, text: str) -> None:
        """Change the help; ``show_findings`` draws it."""
        self.help_text = text

    def show_options(self, options: Sequence[Option]) -> None:
        """Show the options, of which some are impossible with the present answers."""
        if isinstance(self.control, ChoiceRow):
            self.control.show_options(options)

    def show_findings(self, findings: Sequence[Finding]) -> None:
        """Show the first finding in place of the help, or the help."""
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
        """Ignore the initial value, which Textual reports as a change, too."""
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
        """Show why an option was skipped, until the focus leaves or another option is chosen."""
        event.stop()
        self._refusal = f"{event.option.label} is not possible: {event.option.why_not}"
        self.query_one(".note", NoMarkup).show(self._refusal)

    def _entered(self) -> None:
        """Enter: a ``Form`` moves the focus before the next key is processed."""
        form = self.screen
        if isinstance(form, Form):
            form.field_entered(self)
        else:
            self.post_message(self.Left(self, submitted=True))

    def on_descendant_blur(self, event: DescendantBlur) -> None:
        self._refusal = ""
        self.post_message(self.Left(self, submitted=False))

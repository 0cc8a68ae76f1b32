"""Dialogs with several fields: all faults are shown at once, each below its field."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Button

from mailwiz_tui.ui.dialogs.dialog import Dialog
from mailwiz_tui.ui.widgets.entry import Entry
from mailwiz_tui.ui.widgets.no_markup import NoMarkup

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """A labelled field: its initial value, the placeholder that says what an empty one means, its help for F1."""

    name: str
    label: str
    value: str = ""
    placeholder: str = ""
    help: str = ""
    password: bool = False


class FormDialog(Dialog[T], Generic[T]):
    """Rows of fields. ``faults`` validates all of them, ``made`` makes the dialog's result from them."""

    prefix = "field"
    rows: Sequence[Row] = ()
    explanation = ""
    ok = "Add"

    def __init__(self, title: str) -> None:
        super().__init__(title)
        self._refused = False

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield NoMarkup(self.heading, id="dialog-title")
            with VerticalScroll(id="dialog-body", can_focus=False):
                for row in self.rows:
                    with Horizontal(classes="form-row"):
                        yield NoMarkup(row.label, classes="label")
                        yield Entry(
                            row.value,
                            placeholder=row.placeholder,
                            password=row.password,
                            id=f"{self.prefix}-{row.name}",
                        )
                    yield NoMarkup("", id=f"fault-{row.name}", classes="row-fault")
                if self.explanation:
                    yield NoMarkup(self.explanation, id="dialog-text")
            with Horizontal(id="buttons"):
                yield Button("Cancel", id="answer-close", compact=True)
                yield Button(self.ok, id="answer-ok", compact=True)

    def help_words(self) -> str:
        """The dialog's help, with that of each field."""
        rows = "\n".join(
            f"{row.label}: {row.help or row.placeholder}" for row in self.rows if row.help or row.placeholder
        )
        return "\n\n".join(part for part in (super().help_words(), self.explanation, rows) if part)

    def submit_answer(self) -> str:
        return "ok"

    def entry(self, name: str) -> Entry:
        """The field of a row."""
        return self.query_one(f"#{self.prefix}-{name}", Entry)

    def text(self, name: str) -> str:
        """The text of a field."""
        return self.entry(name).value.strip()

    def faults(self) -> Mapping[str, str]:
        """The faults, by the name of the row."""
        return {}

    def made(self) -> T:
        """The result, once there are no faults."""
        raise NotImplementedError

    def answered(self, answer: str) -> None:
        if answer != "ok":
            self.dismiss(self.harmless)
            return
        faults = self._show_faults()
        if faults:
            self._refused = True
            first = self.entry(next(row.name for row in self.rows if row.name in faults))
            first.select_on_focus = False  # the operator corrects it, rather than type it again
            self.set_focus(first)
        else:
            self.dismiss(self.made())

    def on_input_changed(self, event: Entry.Changed) -> None:
        """After a refusal, validate at each key."""
        event.stop()
        if self._refused:
            self._show_faults()

    def _show_faults(self) -> Mapping[str, str]:
        faults = self.faults()
        sign = "x" if self.app.has_class("-ascii") else "✗"
        for row in self.rows:
            area, fault = self.query_one(f"#fault-{row.name}", NoMarkup), faults.get(row.name, "")
            area.show(f"{sign} {fault}" if fault else "")
            area.set_class(bool(fault), "-shown")
            self.entry(row.name).set_class(bool(fault), "-fault")
        return faults


def fault_of(check: Callable[[], object]) -> str:
    """The text of the ValueError that ``check`` raises; empty if it raises none."""
    try:
        check()
    except ValueError as error:
        return str(error)
    return ""

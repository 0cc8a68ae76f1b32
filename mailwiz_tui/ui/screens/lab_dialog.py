"""Boots disposable Debian hosts on this machine and returns their inventory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Button

from mailwiz_tui.ui.backends import error_sentence
from mailwiz_tui.ui.screens.dialog import Dialog
from mailwiz_tui.ui.symbols import elapsed_text
from mailwiz_tui.ui.widgets.no_markup import NoMarkup

LAB_HOSTS = 3
WHAT_IT_DOES = (
    f"The lab boots {LAB_HOSTS} bare Debian hosts on this machine, with a DNS server for *.test domains and an "
    "outside mail host. They are real systems in namespaces; `mailwiz-tui lab down` removes every trace. "
    "The first time takes a few minutes (Debian is downloaded), later about ten seconds."
)


class LabDialog(Dialog["Path | None"]):
    """Says what is missing, or boots the hosts with progress; the inventory's path, or None."""

    harmless = None

    def __init__(self) -> None:
        super().__init__("Rehearse on lab hosts", WHAT_IT_DOES)
        self._said = ""
        self._began: float | None = None
        self._task: asyncio.Task[None] | None = None

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield NoMarkup(self.heading, id="dialog-title")
            with VerticalScroll(id="dialog-body", can_focus=False):
                yield NoMarkup(self.body, id="dialog-text")
                yield NoMarkup("", id="lab-progress", classes="strong")
                yield NoMarkup("", id="dialog-error")
            with Horizontal(id="buttons"):
                yield Button("Not now", id="answer-close", compact=True)
                yield Button("Boot the hosts", id="answer-ok", compact=True)

    def buttons(self) -> Sequence[tuple[str, str]]:
        return (("close", "Not now"), ("ok", "Boot the hosts"))

    def on_mount(self) -> None:
        self.set_interval(0.5, self._tick)
        self.run_worker(self._look(), group="lab-missing", exit_on_error=False)

    async def _look(self) -> None:
        missing = await asyncio.to_thread(_missing)
        button = self.query_one("#answer-ok", Button)
        if missing:
            button.disabled = True
            self.query_one("#dialog-error", NoMarkup).show("The lab cannot start here:\n" + "\n".join(missing))
            self.query_one("#answer-close", Button).focus()
        else:
            button.focus()

    def answered(self, answer: str) -> None:
        if answer != "ok":
            self.dismiss(None)
            return
        if self._began is None:
            self._began = time.monotonic()
            self.query_one("#answer-ok", Button).disabled = True
            self._task = asyncio.create_task(self._boot(), name="lab up")

    async def _boot(self) -> None:
        try:
            inventory = await asyncio.to_thread(_boot, self._report)
        except Exception as error:
            self._began = None
            if self.is_attached:
                self.query_one("#dialog-error", NoMarkup).show(error_sentence(error))
                self.query_one("#lab-progress", NoMarkup).show("")
                self.query_one("#answer-ok", Button).disabled = False
            return
        if self.is_attached:
            self.dismiss(inventory)

    def _report(self, sentence: str) -> None:
        self._said = sentence

    def _tick(self) -> None:
        if self._began is not None:
            passed = elapsed_text(time.monotonic() - self._began)
            self.query_one("#lab-progress", NoMarkup).show(f"\n{passed}  {self._said or 'starting'}")


def _missing() -> list[str]:
    from mailwiz_tui.lab.lab import Lab

    return list(Lab().missing())


def _boot(report: Callable[[str], None]) -> Path:
    from mailwiz_tui.lab.lab import Lab

    return Lab().up(LAB_HOSTS, report=report).inventory

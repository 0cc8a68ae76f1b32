"""Boots disposable Debian hosts on this machine, with progress in the dialog or in the background."""

from __future__ import annotations

import asyncio

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Button

from mailwiz_tui.ui.dialogs.dialog import Dialog
from mailwiz_tui.ui.session import lab_boot
from mailwiz_tui.ui.session.lab_boot import LAB_HOSTS, BootState, LabBoot
from mailwiz_tui.ui.session.session import Session
from mailwiz_tui.ui.widgets.no_markup import NoMarkup

WHAT_IT_DOES = (
    f"The lab boots {LAB_HOSTS} bare Debian hosts on this machine, with a DNS server for *.test domains and an "
    "outside mail host. They are real Debian systems in namespaces; `mailwiz-tui lab down` removes everything. "
    "The first boot takes a few minutes (it downloads Debian), later boots about 10 seconds."
)


class LabDialog(Dialog[None]):
    """Shows what is missing for a lab, starts a boot, and shows its progress."""

    harmless = None
    help_text = (
        "Esc or “In the background” closes the dialog and the hosts continue to boot: a line on every screen shows "
        "the progress, and l on the start screen opens this dialog again. “Stop the boot” stops it and removes the "
        "hosts that it made."
    )

    def __init__(self, session: Session) -> None:
        super().__init__("Rehearse on lab hosts", WHAT_IT_DOES)
        self._session = session
        self._drawn: BootState | None = None

    @property
    def boot(self) -> LabBoot | None:
        """The boot in progress, or the last one."""
        return self._session.lab

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

    def buttons(self) -> tuple[tuple[str, str], ...]:
        if self.boot is not None and self.boot.running:
            return (("close", "In the background"), ("stop", "Stop the boot"))
        return (("close", "Not now"), ("ok", "Boot the hosts"))

    def on_mount(self) -> None:
        self.set_interval(0.25, self._tick)
        if self.boot is not None and self.boot.running:
            self._tick()
        else:
            self._session.lab = None
            self.run_worker(self._look(), group="lab-missing", exit_on_error=False)

    async def _look(self) -> None:
        missing = await asyncio.to_thread(lab_boot.lab_missing)
        button = self.query_one("#answer-ok", Button)
        if missing:
            button.disabled = True
            self._say("The lab cannot start on this machine:\n" + "\n".join(missing))
            self.query_one("#answer-close", Button).focus()
        else:
            button.focus()

    def answered(self, answer: str) -> None:
        running = self.boot is not None and self.boot.running
        if answer != "ok":
            self.dismiss(None)
        elif running and self.boot is not None:
            self.boot.stop()
            self._tick()
        else:
            self._say("")
            self._session.boot_lab()
            self._tick()
            self.query_one("#answer-close", Button).focus()

    def _say(self, problem: str) -> None:
        self.query_one("#dialog-error", NoMarkup).show(problem)

    def _tick(self) -> None:
        boot = self.boot
        if boot is None:
            return
        self.query_one("#lab-progress", NoMarkup).show(f"\n{boot.line}" if boot.running else "")
        if boot.state is self._drawn:
            return
        self._drawn = boot.state
        close, ok = (self.query_one(f"#answer-{name}", Button) for name in ("close", "ok"))
        ok.disabled = boot.state is BootState.STOPPING
        close.label, ok.label = "Not now", "Boot the hosts"
        if boot.running:
            close.label, ok.label = "In the background", "Stop the boot"
        elif boot.state is BootState.READY:
            self.dismiss(None)
        elif boot.state is BootState.FAILED:
            self._say(boot.error)
        else:
            self._say("Stopped. The hosts of this boot were removed.")
        for button in (close, ok):
            button.refresh(layout=True)  # Textual keeps the width of the previous label
        if self.focused is None:
            close.focus()

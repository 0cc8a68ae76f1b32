"""Step 3: the domains, and the mail host name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import BindingType
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Button

from mailwiz_tui.plan.findings import Finding
from mailwiz_tui.plan.steps import FieldKind, FieldSpec
from mailwiz_tui.ui.app.actions import bindings_for
from mailwiz_tui.ui.widgets.choice_row import Option
from mailwiz_tui.ui.widgets.form_field import FormField
from mailwiz_tui.ui.widgets.no_markup import NoMarkup
from mailwiz_tui.ui.wizard.step_screen import StepScreen

LIST_PATH = "domain.additional_domains"
KINDS = (Option("mailbox", "mailboxes here"), Option("relay", "relay to another host"))


class DomainsScreen(StepScreen):
    """The additional domains are groups of three fields, added by F5; an empty name removes one."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("domains")]
    scopes: tuple[str, ...] = ("step", "domains")
    step_id = "domains"
    _edited = False

    def fields(self) -> Iterable[FieldSpec]:
        return (f for f in self.spec.fields if f.kind is not FieldKind.DOMAINS)

    def extras(self) -> Iterable[Widget]:
        yield Vertical(*self._groups(), id="further-domains")
        yield Button("Add another domain (F5)", id="add-domain", compact=True)

    def domains(self) -> list[dict[str, object]]:
        """The additional domains from the draft."""
        raw = self.session.value(LIST_PATH)
        return [dict(d) for d in raw if isinstance(d, dict)] if isinstance(raw, list) else []

    def _groups(self) -> list[FormField]:
        return [field for i, domain in enumerate(self.domains()) for field in self._group(i, domain)]

    def _group(self, index: int, domain: dict[str, object]) -> list[FormField]:
        base, plain = f"{LIST_PATH}.{index}", self.wizard.plain
        return [
            FormField(
                f"{base}.name",
                f"Domain {index + 2}",
                "Empty the name to remove this domain.",
                value=domain.get("name", ""),
                placeholder="example.org",
                plain=plain,
            ),
            FormField(
                f"{base}.kind",
                "  Its mail",
                "Store its mail here, or relay it to a host.",
                kind="choice",
                value=domain.get("kind", "mailbox"),
                options=KINDS,
                plain=plain,
            ),
            FormField(
                f"{base}.relay_host",
                "  Next hop",
                "The host that has the mailboxes, as name or name:port.",
                value=domain.get("relay_host", ""),
                placeholder="mail.internal.example.org",
                plain=plain,
            ),
        ]

    def plan_changed_outside(self) -> None:
        """Rebuild the form if another program added or removed additional domains."""
        shown = {
            field.path.split(".")[2] for field in self.query(FormField) if field.path.startswith(f"{LIST_PATH}.")
        }
        if len(shown) == len(self.domains()):
            super().plan_changed_outside()
        elif self.is_mounted:
            self.take_focused()
            self.wizard.show_step(self.step_id)

    def refresh_form(self) -> None:
        super().refresh_form()
        findings = [f for f in self.session.findings() if f.path.startswith(LIST_PATH)]
        domains = self.domains()
        for field in self.query(FormField):
            parts = field.path.split(".")
            if not field.path.startswith(f"{LIST_PATH}."):
                continue
            index, key = int(parts[2]), parts[3]
            domain = domains[index] if index < len(domains) else {}
            if key == "relay_host":
                field.display = domain.get("kind") == "relay"
            here = [
                f for f in findings if f.path == field.path or (key == "name" and f.path == f"{LIST_PATH}.{index}")
            ]
            seen = field.touched or field.path in self.session.touched
            field.show_findings(here if seen and domain else [])

    def show_step_findings(self, findings: list[Finding]) -> None:
        general = [f for f in findings if f.path in ("domain", LIST_PATH) and "domain" in self.session.touched]
        area = self.query_one("#step-findings", NoMarkup)
        area.show("\n".join(f"! {f.message}" for f in general))
        area.set_class(bool(general), "-shown")

    def on_form_field_edited(self, event: FormField.Edited) -> None:
        if not event.field.path.startswith(f"{LIST_PATH}."):
            super().on_form_field_edited(event)
            return
        event.stop()
        event.field.stored = event.value
        _, _, index, key = event.field.path.split(".")
        domains = self.domains()
        while len(domains) <= int(index):
            domains.append({"name": "", "kind": "mailbox"})
        domains[int(index)][key] = event.value
        if key == "kind" and event.value != "relay":
            domains[int(index)].pop("relay_host", None)
        self._store(domains)
        self.answer_changed(event.field)

    def _store(self, domains: list[dict[str, object]]) -> None:
        self._edited = True
        self.session.set(LIST_PATH, domains)

    def on_unmount(self) -> None:
        """Remove groups whose name was emptied here."""
        if not self._edited:
            return
        domains = self.domains()
        named = [d for d in domains if str(d.get("name", "")).strip()]
        if named != domains:
            self._store(named)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "add-domain":
            event.stop()
            self.call_next(self.action_add_domain)
            return
        super().on_button_pressed(event)

    async def action_add_domain(self) -> None:
        """Add an empty group and go to its name."""
        domains = self.domains()
        area = self.query_one("#further-domains", Vertical)
        shown = len(area.query(FormField)) // 3
        if shown > len(domains):
            area.query(FormField)[3 * (shown - 1)].control.focus()
            return
        group = self._group(shown, {"name": "", "kind": "mailbox"})
        group[2].display = False
        await area.mount_all(group)
        group[0].control.focus()

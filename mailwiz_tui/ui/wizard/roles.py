"""Step 2: the servers and their roles."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widget import Widget
from textual.widgets import Button

from mailwiz_tui.fleet.server import Server
from mailwiz_tui.plan.findings import Finding
from mailwiz_tui.plan.model import Role
from mailwiz_tui.plan.steps import FieldKind, FieldSpec
from mailwiz_tui.ui.app.actions import bindings_for
from mailwiz_tui.ui.dialogs.dialog import TextDialog
from mailwiz_tui.ui.dialogs.form_dialog import fault_of
from mailwiz_tui.ui.dialogs.server_dialog import ServerDialog
from mailwiz_tui.ui.widgets.form_field import FormField
from mailwiz_tui.ui.widgets.no_markup import NoMarkup
from mailwiz_tui.ui.widgets.server_list import Chosen, ServerList
from mailwiz_tui.ui.widgets.server_picker import ServerPicker
from mailwiz_tui.ui.widgets.step_list import StepList
from mailwiz_tui.ui.widgets.step_strip import StepStrip
from mailwiz_tui.ui.wizard.chosen_servers import ChosenServers
from mailwiz_tui.ui.wizard.fields import make_field
from mailwiz_tui.ui.wizard.step_screen import StepScreen

MAX_NOTES = 3


class RolesScreen(StepScreen):
    """Servers from the inventory; a single server gets its role automatically."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("roles")]
    scopes: tuple[str, ...] = ("step", "roles")
    step_id = "roles"
    beside = False

    @property
    def servers(self) -> ChosenServers:
        """The plan's servers in the present draft."""
        return ChosenServers(self.session)

    def page(self) -> ComposeResult:
        yield StepStrip(self.spec.number)
        with Horizontal(id="columns"):
            yield StepList(self.spec.number)
            with VerticalScroll(id="form", can_focus=False):
                yield NoMarkup(self.spec.summary, id="summary", classes="dim")
                yield ServerPicker(layout=self.servers.arrangement, plain=self.wizard.plain)
                yield NoMarkup("", id="step-findings")
                for spec in self.fields():
                    yield make_field(spec, self.session, plain=self.wizard.plain)
                with Horizontal(id="navigation"):
                    yield Button("Back (F7)", id="go-back", compact=True)
                    yield Button(self.next_label, id="go-next", compact=True)

    def fields(self) -> Iterable[FieldSpec]:
        return (f for f in self.spec.fields if f.kind is not FieldKind.SERVERS)

    def extras(self) -> Iterable[Widget]:
        return ()

    def _focus_start(self) -> None:
        self.focus_extra()

    def focus_extra(self) -> None:
        if self.session.inventory.servers:
            self.query_one(ServerList).focus()
        else:
            self.query_one("#go-next", Button).focus()

    def focused_field(self) -> FieldSpec | None:
        return super().focused_field() or self.spec.field("servers")

    def refresh_form(self) -> None:
        super().refresh_form()
        servers = list(self.session.inventory.servers)
        known = {s.id for s in servers}
        servers += [Server(id=i, host="not in the inventory") for i in self.servers.shown() if i and i not in known]
        self.query_one(ServerPicker).show(servers, self.servers.shown(), self.session.probes.outcomes)

    def show_step_findings(self, findings: list[Finding]) -> None:
        notes = [f.line for f in self.session.inventory_findings]
        if not self.session.inventory.servers and not notes:
            notes.append(
                "The inventory is empty: F6 adds a server by hand; the start screen can use ~/.ssh/config."
            )
        own = [f for f in findings if f.path.startswith("servers")] if self.servers.shown() else []
        listed = self.query_one(ServerList)
        current = listed.current.id if listed.current else ""
        outcome = self.session.probes.outcomes.get(current)
        if outcome is not None and not listed.fits(current):
            notes.append(f"{current}: {outcome.sentence}")
        notes += [f.message + (f" – {f.advice}" if f.advice else "") for f in own]
        area = self.query_one("#step-findings", NoMarkup)
        if len(notes) > MAX_NOTES:
            notes[MAX_NOTES - 1 :] = [f"{len(notes) - MAX_NOTES + 1} more; F4 lists them all"]
        area.show("\n".join(f"! {note}" for note in notes))
        area.set_class(bool(notes), "-shown")

    def on_server_list_moved(self, event: ServerList.Moved) -> None:
        """Show the full result of the server under the cursor."""
        self.show_step_findings(self.session.findings())

    def on_server_list_toggled(self, event: ServerList.Toggled) -> None:
        chosen = self.servers.shown()
        if self.servers.single:
            kept = chosen.get(event.server_id, Chosen({Role.ALL_IN_ONE}))
            chosen = {event.server_id: kept}
        elif event.server_id in chosen:
            del chosen[event.server_id]
        else:
            chosen[event.server_id] = self.servers.fresh()
        self._choose(chosen)

    def on_server_list_role_toggled(self, event: ServerList.RoleToggled) -> None:
        chosen = self.servers.shown()
        entry = chosen.setdefault(event.server_id, Chosen())
        before = set(entry.roles)
        self.servers.toggle(entry, event.role)
        if entry.roles == before:
            self.tell(f"{event.server_id} holds mail, so it has every role; 3 lets it only vote")
            return
        self._choose(chosen)

    def _choose(self, chosen: dict[str, Chosen]) -> None:
        """Write another choice of servers or roles, and show the witness that follows from it."""
        self.servers.choose(chosen)
        for field in self.query(FormField):
            if field.path == "cluster.witness":
                field.show_value(self.session.value(field.path))
        self.refresh_form()

    def on_form_field_edited(self, event: FormField.Edited) -> None:
        previous = self.servers.network
        super().on_form_field_edited(event)
        if self.servers.network != previous:
            self.servers.change_network(previous)

    def action_next_step(self) -> None:
        """Store the proposed internal addresses, then go to the next step."""
        stored = {str(raw.get("id", "")): str(raw.get("internal_ip", "") or "") for raw in self.session.servers()}
        chosen = self.servers.shown()
        if any(entry.internal_ip != stored[server_id] for server_id, entry in chosen.items()):
            self.servers.store(chosen)
        super().action_next_step()

    def on_server_list_internal_ip(self, event: ServerList.InternalIp) -> None:
        chosen = self.servers.shown()
        if event.server_id not in chosen:
            self.tell("Choose the server first (Space)")
            return
        private = self.servers.private_addresses(event.server_id)
        seen = f"On its interfaces: {', '.join(private)}." if private else "F5 reads the server's addresses."

        def take(text: str) -> str:
            why_not = fault_of(lambda: ipaddress.ip_address(text))
            return f"{text} is not an IP address" if why_not else ""

        def given(text: str | None) -> None:
            if text:
                chosen[event.server_id].internal_ip = text
                self.servers.store(chosen)
                self.refresh_form()

        now = chosen[event.server_id].internal_ip
        self.app.push_screen(TextDialog(f"Internal IP of {event.server_id}", seen, now, ok="Set", take=take), given)

    def on_server_list_submitted(self, event: ServerList.Submitted) -> None:
        self.session.accept(self.step_id)
        fields = [f for f in self.query(FormField) if f.display]
        if fields:
            fields[0].control.focus()
        else:
            self.query_one("#go-next", Button).focus()
            if self.servers.shown():
                self.action_next_step()

    def why_not(self, action_id: str) -> str:
        if action_id == "roles.probe" and not self.session.inventory.servers:
            return "the inventory is empty; F6 adds a server"
        if action_id == "roles.traffic" and (self.servers.single or len(self.servers.shown()) < 2):
            return "there is only one server; choose several, and an architecture with several servers"
        return super().why_not(action_id)

    def action_probe(self) -> None:
        """Connect to the chosen servers, or to all if none is chosen."""
        if self.refused("roles.probe"):
            return
        chosen = self.servers.shown()
        servers = [s for s in self.session.inventory.servers if s.id in chosen or not chosen]
        self.session.probes.ask(servers, self.wizard.prompts)

    def action_traffic(self) -> None:
        """Show the connections between the chosen servers, with a test of the network."""
        if self.refused("roles.traffic"):
            return
        plan = self.servers.plan()
        if plan is None:
            self.tell("The servers' ids, roles or addresses have faults; F4 lists them", problem=True)
            return
        from mailwiz_tui.ui.dialogs.traffic_dialog import TrafficDialog

        engine = self.session.make_engine(plan, self.wizard.prompts)
        self.app.push_screen(TrafficDialog(plan, engine, plain=self.wizard.plain))

    def action_add_server(self) -> None:
        """Add a server by hand to the inventory and choose it."""

        def added(server: Server | None) -> None:
            if server is None:
                return
            self.session.add_server(server)
            if not self.servers.shown() or not self.servers.single:
                chosen = self.servers.shown()
                chosen[server.id] = self.servers.fresh()
                self._choose(chosen)
            self.refresh_form()
            self.query_one(ServerList).focus()

        self.app.push_screen(ServerDialog({s.id for s in self.session.inventory.servers}), added)

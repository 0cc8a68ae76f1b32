"""Step 2: which servers, and what each of them does."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Button

from mailwiz_tui.fleet.server import Server
from mailwiz_tui.plan.findings import Finding
from mailwiz_tui.plan.model import Role
from mailwiz_tui.plan.steps import FieldKind, FieldSpec
from mailwiz_tui.ui.actions import bindings_for
from mailwiz_tui.ui.fields import make_field
from mailwiz_tui.ui.screens.dialog import TextDialog
from mailwiz_tui.ui.screens.server_dialog import ServerDialog
from mailwiz_tui.ui.screens.step_screen import StepScreen
from mailwiz_tui.ui.widgets.form_field import FormField
from mailwiz_tui.ui.widgets.no_markup import NoMarkup
from mailwiz_tui.ui.widgets.server_picker import Chosen, ServerList, ServerPicker
from mailwiz_tui.ui.widgets.step_list import StepList
from mailwiz_tui.ui.widgets.step_strip import StepStrip

MAX_NOTES = 3


class RolesScreen(StepScreen):
    """Servers from the inventory; with one server the role is clear and set by itself."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("roles")]
    scopes: tuple[str, ...] = ("step", "roles")
    step_id = "roles"
    beside = False

    @property
    def single(self) -> bool:
        """Whether one server does everything."""
        return self.session.value("architecture") in (None, "single")

    def page(self) -> ComposeResult:
        yield StepStrip(self.spec.number)
        with Horizontal(id="columns"):
            yield StepList(self.spec.number)
            with Vertical(id="form"):
                yield NoMarkup(self.spec.summary, id="summary", classes="dim")
                yield ServerPicker(single=self.single, plain=self.wizard.plain)
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

    def on_mount(self) -> None:
        self._choose_the_only_one()
        super().on_mount()

    def _choose_the_only_one(self) -> None:
        servers = self.session.inventory.servers
        if self.single and len(servers) == 1 and not self.session.servers():
            self._store({servers[0].id: Chosen({Role.ALL_IN_ONE})})

    def _focus_start(self) -> None:
        self.focus_extra()

    def focus_extra(self) -> None:
        if self.session.inventory.servers:
            self.query_one(ServerList).focus()
        else:
            self.query_one("#go-next", Button).focus()

    def focused_field(self) -> FieldSpec | None:
        return super().focused_field() or self.spec.field("servers")

    def chosen(self) -> dict[str, Chosen]:
        """The plan's servers as the picker shows them."""
        found: dict[str, Chosen] = {}
        for raw in self.session.servers():
            roles = raw.get("roles")
            known = {r.value for r in Role}
            names = [str(r) for r in roles] if isinstance(roles, list) else []
            found[str(raw.get("id", ""))] = Chosen(
                {Role(r) for r in names if r in known}, str(raw.get("internal_ip", "") or "")
            )
        return found

    def _store(self, chosen: dict[str, Chosen]) -> None:
        order = [s.id for s in self.session.inventory.servers]
        ids = sorted(chosen, key=lambda i: order.index(i) if i in order else len(order))
        servers: list[dict[str, object]] = []
        for server_id in ids:
            entry: dict[str, object] = {"id": server_id}
            entry["roles"] = [r.value for r in Role if r in chosen[server_id].roles]
            if chosen[server_id].internal_ip:
                entry["internal_ip"] = chosen[server_id].internal_ip
            servers.append(entry)
        self.session.set("servers", servers)
        self.session.touched.add("servers")

    def refresh_form(self) -> None:
        super().refresh_form()
        servers = list(self.session.inventory.servers)
        known = {s.id for s in servers}
        servers += [Server(id=i, host="not in the inventory") for i in self.chosen() if i and i not in known]
        self.query_one(ServerPicker).show(servers, self.chosen(), self.session.probes)

    def show_step_findings(self, findings: list[Finding]) -> None:
        notes = [f.line for f in self.session.inventory_findings]
        if not self.session.inventory.servers and not notes:
            notes.append("No servers are known yet: F6 adds one by hand; the start screen can read ~/.ssh/config.")
        own = [f for f in findings if f.path.startswith("servers")] if self.chosen() else []
        for server_id, outcome in self.session.probes.items():
            if outcome.state not in ("unknown", "asking", "ok"):
                notes.append(f"{server_id}: {outcome.sentence}")
        notes += [f.message + (f" – {f.advice}" if f.advice else "") for f in own]
        area = self.query_one("#step-findings", NoMarkup)
        if len(notes) > MAX_NOTES:
            notes[MAX_NOTES - 1 :] = [f"{len(notes) - MAX_NOTES + 1} more; F4 lists them all"]
        area.show("\n".join(f"! {note}" for note in notes))
        area.set_class(bool(notes), "-shown")

    def on_server_list_toggled(self, event: ServerList.Toggled) -> None:
        chosen = self.chosen()
        if event.server_id in chosen:
            del chosen[event.server_id]
        elif self.single:
            chosen = {event.server_id: Chosen({Role.ALL_IN_ONE})}
        else:
            chosen[event.server_id] = Chosen()
        self._store(chosen)
        self.refresh_form()

    def on_server_list_role_toggled(self, event: ServerList.RoleToggled) -> None:
        chosen = self.chosen()
        entry = chosen.setdefault(event.server_id, Chosen())
        entry.roles ^= {event.role}
        self._store(chosen)
        self.refresh_form()

    def on_server_list_internal_ip(self, event: ServerList.InternalIp) -> None:
        chosen = self.chosen()
        if event.server_id not in chosen:
            self.tell("Choose the server first (Space)")
            return
        outcome = self.session.probes.get(event.server_id)
        facts = outcome.facts if outcome else None
        private = [a.ip for a in facts.addresses if not a.is_global] if facts else []
        seen = f"On its interfaces: {', '.join(private)}." if private else "F5 asks the server which it has."

        def given(text: str | None) -> None:
            if text:
                try:
                    ipaddress.ip_address(text)
                except ValueError:
                    self.tell(f"{text} is no IP address", problem=True)
                    return
                chosen[event.server_id].internal_ip = text
                self._store(chosen)
                self.refresh_form()

        number = self.session.chosen_ids().index(event.server_id)
        suggested = self.session.draft.suggestion(f"servers.{number}.internal_ip")
        now = chosen[event.server_id].internal_ip or suggested or next(iter(private), "")
        self.app.push_screen(TextDialog(f"Internal IP of {event.server_id}", seen, now, ok="Set"), given)

    def on_server_list_submitted(self, event: ServerList.Submitted) -> None:
        fields = [f for f in self.query(FormField) if f.display]
        if fields:
            fields[0].control.focus()
        else:
            self.query_one("#go-next", Button).focus()
            if self.chosen():
                self.action_next_step()

    def why_not(self, action_id: str) -> str:
        if action_id == "roles.probe" and not self.session.inventory.servers:
            return "there is no server to ask; F6 adds one"
        return super().why_not(action_id)

    def action_probe(self) -> None:
        """Ask the chosen servers, or all if none is chosen yet."""
        if self.refused("roles.probe"):
            return
        chosen = self.chosen()
        servers = [s for s in self.session.inventory.servers if s.id in chosen or not chosen]
        self.session.probe(servers, self.wizard.prompts)

    def action_add_server(self) -> None:
        """Add a server by hand to the inventory and choose it."""

        def added(server: Server | None) -> None:
            if server is None:
                return
            self.session.add_server(server)
            if not self.chosen() or not self.single:
                chosen = self.chosen()
                chosen[server.id] = Chosen({Role.ALL_IN_ONE} if self.single else set())
                self._store(chosen)
            self.refresh_form()
            self.query_one(ServerList).focus()

        self.app.push_screen(ServerDialog({s.id for s in self.session.inventory.servers}), added)

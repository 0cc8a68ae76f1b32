"""Chooses servers of the inventory: filter as you type, roles in a matrix, what asking each brought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Key
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from mailwiz_tui.fleet.server import Server
from mailwiz_tui.plan.model import Role
from mailwiz_tui.ui.session import ProbeOutcome
from mailwiz_tui.ui.symbols import PROBE_MARKS
from mailwiz_tui.ui.text import safe_line
from mailwiz_tui.ui.widgets.entry import Entry
from mailwiz_tui.ui.widgets.no_markup import NoMarkup

ROLE_COLUMNS: tuple[tuple[Role, str], ...] = (
    (Role.MX_INBOUND, "1 in"),
    (Role.MX_OUTBOUND, "2 out"),
    (Role.MAIL_STORAGE, "3 store"),
    (Role.ANTISPAM, "4 spam"),
    (Role.ALL_IN_ONE, "5 all"),
)


@dataclass(slots=True)
class Chosen:
    """A chosen server's part in the plan."""

    roles: set[Role] = field(default_factory=set)
    internal_ip: str = ""


class ServerList(ScrollView, can_focus=True):
    """Two rows a server: choice, name, address and roles; below them what asking it brought."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", show=False),
        Binding("down", "move(1)", show=False),
        Binding("pageup", "move(-8)", show=False),
        Binding("pagedown", "move(8)", show=False),
        Binding("space", "choose", show=False),
        Binding("enter", "submit", show=False),
    ]

    class Toggled(Message):
        """A server was chosen or left out."""

        def __init__(self, server_id: str) -> None:
            super().__init__()
            self.server_id = server_id

    class RoleToggled(Message):
        """A role of a server was set or cleared."""

        def __init__(self, server_id: str, role: Role) -> None:
            super().__init__()
            self.server_id = server_id
            self.role = role

    class InternalIp(Message):
        """The operator wants to give the server's internal address."""

        def __init__(self, server_id: str) -> None:
            super().__init__()
            self.server_id = server_id

    class Submitted(Message):
        """Enter: the choice is made."""

    class Typed(Message):
        """A character that belongs to the filter."""

        def __init__(self, character: str) -> None:
            super().__init__()
            self.character = character

    def __init__(self, *, single: bool, plain: bool) -> None:
        super().__init__(id="server-list")
        self.single = single
        self.plain = plain
        self.servers: list[Server] = []
        self.chosen: Mapping[str, Chosen] = {}
        self.probes: Mapping[str, ProbeOutcome] = {}
        self.index = 0

    @property
    def current(self) -> Server | None:
        """The server under the cursor."""
        return self.servers[self.index] if self.servers else None

    def show(
        self, servers: Sequence[Server], chosen: Mapping[str, Chosen], probes: Mapping[str, ProbeOutcome]
    ) -> None:
        """Show servers; the cursor stays on the same one if it is still there."""
        here = self.current.id if self.current else ""
        self.servers = list(servers)
        self.chosen = chosen
        self.probes = probes
        ids = [s.id for s in self.servers]
        self.index = ids.index(here) if here in ids else min(self.index, max(0, len(ids) - 1))
        self.virtual_size = Size(0, 2 * len(self.servers))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        row = y + self.scroll_offset.y
        number, second = divmod(row, 2)
        base = self.rich_style
        width = self.size.width
        if number >= len(self.servers):
            return Strip.blank(width, base)
        server = self.servers[number]
        text = self._facts_row(server) if second else self._head_row(server)
        style = base
        if number == self.index and not second:
            style = base + Style(bold=True, reverse=self.has_focus)
        elif second:
            style = base + Style(dim=True)
        return Strip([Segment(set_cell_size(text, width), style)], width)

    def _head_row(self, server: Server) -> str:
        chosen = self.chosen.get(server.id)
        box = ("(*)" if self.single else "[x]") if chosen else ("( )" if self.single else "[ ]")
        port = f":{server.port}" if server.port != 22 else ""
        who = safe_line(f"{server.user}@{server.host}{port}")
        head = f"{box} {set_cell_size(safe_line(server.id), 16)} "
        if self.single:
            return head + who + ("   all-in-one" if chosen else "")
        held = chosen.roles if chosen else set()
        dot = "." if self.plain else "·"
        roles = " ".join(f"{label[2:] if role in held else dot:<5}" for role, label in ROLE_COLUMNS)
        address = f" {chosen.internal_ip}" if chosen and chosen.internal_ip else ""
        return head + set_cell_size(who, 22) + " " + roles + address

    def _facts_row(self, server: Server) -> str:
        outcome = self.probes.get(server.id, ProbeOutcome())
        mark = PROBE_MARKS[outcome.state].text(plain=self.plain)
        said = f": {safe_line(outcome.sentence)}" if outcome.sentence else ""
        return f"    {mark}{said}"

    def action_move(self, by: int) -> None:
        if by < 0 and self.index == 0:
            self.app.action_focus_previous()
            return
        if by > 0 and self.index >= len(self.servers) - 1:
            self.app.action_focus_next()
            return
        self.index = max(0, min(len(self.servers) - 1, self.index + by))
        top = 2 * self.index
        if top < self.scroll_offset.y:
            self.scroll_to(y=top, animate=False, immediate=True)
        elif top + 2 > self.scroll_offset.y + self.size.height:
            self.scroll_to(y=top + 2 - self.size.height, animate=False, immediate=True)
        self.refresh()

    def action_choose(self) -> None:
        if self.current is not None:
            self.post_message(self.Toggled(self.current.id))

    def action_submit(self) -> None:
        if self.current is not None and not self.chosen:
            self.post_message(self.Toggled(self.current.id))
        self.post_message(self.Submitted())

    def on_key(self, event: Key) -> None:
        """Digits set and clear roles, i asks for the internal IP; whatever else is typed filters."""
        typed = event.character
        if typed is None or not typed.isprintable() or typed.isspace():
            return
        event.stop()
        if self.single or typed not in "12345i":
            self.post_message(self.Typed(typed))
        elif self.current is not None and typed == "i":
            self.post_message(self.InternalIp(self.current.id))
        elif self.current is not None:
            self.post_message(self.RoleToggled(self.current.id, ROLE_COLUMNS[int(typed) - 1][0]))


class ServerPicker(Vertical):
    """Filter, heading and list."""

    def __init__(self, *, single: bool, plain: bool) -> None:
        super().__init__()
        self.single = single
        self.plain = plain
        self._servers: list[Server] = []
        self._chosen: Mapping[str, Chosen] = {}
        self._probes: Mapping[str, ProbeOutcome] = {}

    def compose(self) -> ComposeResult:
        yield Entry(placeholder="type to filter by name, address or tag", id="server-filter")
        yield NoMarkup("", id="server-heading", classes="dim")
        yield ServerList(single=self.single, plain=self.plain)

    def show(
        self, servers: Sequence[Server], chosen: Mapping[str, Chosen], probes: Mapping[str, ProbeOutcome]
    ) -> None:
        """Show the inventory and what was chosen of it."""
        self._servers, self._chosen, self._probes = list(servers), chosen, probes
        self._draw()

    def _draw(self) -> None:
        words = self.query_one("#server-filter", Entry).value.lower().split()
        found = [s for s in self._servers if all(w in _haystack(s) for w in words)]
        self.query_one(ServerList).show(found, self._chosen, self._probes)
        many = f"{len(found)} of {len(self._servers)} servers, {len(self._chosen)} chosen"
        hint = "Space chooses one" if self.single else "Space chooses, 1-5 set roles, i internal IP"
        self.query_one("#server-heading", NoMarkup).show(f"{many}   {hint}")

    def on_input_changed(self, event: Entry.Changed) -> None:
        event.stop()
        self._draw()

    def on_server_list_typed(self, event: ServerList.Typed) -> None:
        """Typing in the list filters."""
        event.stop()
        entry = self.query_one("#server-filter", Entry)
        entry.focus()
        entry.value += event.character
        entry.cursor_position = len(entry.value)

    def on_input_submitted(self, event: Entry.Submitted) -> None:
        event.stop()
        self.query_one(ServerList).focus()


def _haystack(server: Server) -> str:
    return " ".join((server.id, server.host, server.user, *server.tags)).lower()

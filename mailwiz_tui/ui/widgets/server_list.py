"""The list of the inventory's servers, which draws only visible rows, so that a hundred servers are fast."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.events import Key
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from mailwiz_tui.fleet.server import Server
from mailwiz_tui.plan.model import Role
from mailwiz_tui.ui.session.probing import ProbeOutcome
from mailwiz_tui.ui.terminal.symbols import PROBE_MARKS
from mailwiz_tui.ui.terminal.text import fit, safe_line

ROLE_COLUMNS: tuple[tuple[Role, str], ...] = (
    (Role.MX_INBOUND, "1 in"),
    (Role.MX_OUTBOUND, "2 out"),
    (Role.MAIL_STORAGE, "3 store"),
    (Role.ANTISPAM, "4 spam"),
)
MATRIX = " ".join(head for _, head in ROLE_COLUMNS)
BOX = 4
WHO = 12
ADDRESS = 10


@dataclass(slots=True)
class Chosen:
    """A chosen server's roles and internal address."""

    roles: set[Role] = field(default_factory=set)
    internal_ip: str = ""


class Layout(StrEnum):
    """The kind of choice: one server, several with roles, or a cluster of servers that hold mail or vote."""

    ONE = "one"
    ROLES = "roles"
    CLUSTER = "cluster"


class ServerList(ScrollView, can_focus=True):
    """Two rows for each server: choice, name, address and roles; below them the result of checking it.

    ``on_typed`` gets a character for the filter before the next key is processed. All keys are handled here and
    none is a binding: a binding is found only on the way up to the application, so a role's key typed right after
    an arrow would act before the cursor has moved.
    """

    class Toggled(Message):
        """A server was chosen or deselected."""

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
        """The operator wants to set the server's internal address."""

        def __init__(self, server_id: str) -> None:
            super().__init__()
            self.server_id = server_id

    class Moved(Message):
        """Another server is under the cursor."""

    class Submitted(Message):
        """Enter: the choice is complete."""

    def __init__(self, *, layout: Layout, plain: bool) -> None:
        super().__init__(id="server-list")
        self.arrangement = layout
        self.plain = plain
        self.servers: list[Server] = []
        self.chosen: Mapping[str, Chosen] = {}
        self.probes: Mapping[str, ProbeOutcome] = {}
        self.index = 0
        self.on_typed: Callable[[str], None] = lambda character: None
        self._longest = 0
        self._longest_who = 0

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
        self._longest = max((cell_len(safe_line(server_id)) for server_id in ids), default=0)
        self._longest_who = max((cell_len(_who(server)) for server in self.servers), default=0)
        self.virtual_size = Size(0, 2 * len(self.servers))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        row = y + self.scroll_offset.y
        number, second = divmod(row, 2)
        base = self.rich_style
        width = self._width
        if number >= len(self.servers):
            return Strip.blank(width, base)
        server = self.servers[number]
        text = self._facts_row(server) if second else self._head_row(server)
        style = base
        if number == self.index and not second:
            style = base + Style(bold=True, reverse=self.has_focus)
        elif second:
            style = base + Style(dim=True)
        return Strip([Segment(fit(text, width), style)], width)

    @property
    def _id_width(self) -> int:
        """Columns for the servers' ids: as many as the longest needs, if the rest of the row has room."""
        rest = BOX + 1 + WHO + (1 + len(MATRIX) + 1 + self._address_width if self.matrix else 17)
        return max(8, min(self._longest, self._width - rest))

    @property
    def _who_width(self) -> int:
        """Columns for user and host: as many as the longest needs, if the matrix has room."""
        rest = BOX + self._id_width + 2 + len(MATRIX) + 1 + self._address_width
        return max(WHO, min(self._longest_who, self._width - rest))

    @property
    def _address_width(self) -> int:
        return max((len(entry.internal_ip) for entry in self.chosen.values()), default=0) or ADDRESS

    @property
    def matrix(self) -> bool:
        """Whether the servers' roles are shown in columns."""
        return self.arrangement is not Layout.ONE

    def heading(self) -> tuple[int, str]:
        """The position of the role columns, and their heads; (0, "") if there are none."""
        return (BOX + self._id_width + 1 + self._who_width + 1, MATRIX) if self.matrix else (0, "")

    def fits(self, server_id: str) -> bool:
        """Whether the result of checking a server fits on its row; true before the width is known."""
        server = next((s for s in self.servers if s.id == server_id), None)
        return server is None or not self._width or cell_len(self._facts_row(server)) <= self._width

    def _head_row(self, server: Server) -> str:
        chosen = self.chosen.get(server.id)
        one = self.arrangement is Layout.ONE
        box = ("(*)" if one else "[x]") if chosen else ("( )" if one else "[ ]")
        who = _who(server)
        head = f"{box} {fit(safe_line(server.id), self._id_width)} "
        if one:
            return head + who + ("   all-in-one" if chosen else "")
        address = chosen.internal_ip if chosen else ""
        held = chosen.roles if chosen else set()
        if self.arrangement is Layout.CLUSTER and Role.ALL_IN_ONE in held:
            held = {role for role, _ in ROLE_COLUMNS}
        dot = "." if self.plain else "·"
        roles = " ".join(fit(label[2:] if role in held else dot, len(label)) for role, label in ROLE_COLUMNS)
        if Role.ALL_IN_ONE in held:
            roles = set_cell_size("all-in-one: press 1-4", len(MATRIX))
        return head + fit(who, self._who_width) + " " + roles + " " + address

    def _facts_row(self, server: Server) -> str:
        outcome = self.probes.get(server.id, ProbeOutcome())
        mark = PROBE_MARKS[outcome.state].text(plain=self.plain)
        said = f": {safe_line(outcome.sentence)}" if outcome.sentence else ""
        return f"    {mark}{said}"

    def action_move(self, by: int) -> None:
        if by == -1 and self.index == 0:
            self.app.action_focus_previous()
            return
        if by == 1 and self.index >= len(self.servers) - 1:
            self.app.action_focus_next()
            return
        self.index = max(0, min(len(self.servers) - 1, self.index + by))
        self._scroll_to_cursor()
        self.refresh()
        self.post_message(self.Moved())

    def on_resize(self) -> None:
        """Keep the server under the cursor visible."""
        self._scroll_to_cursor()

    def _scroll_to_cursor(self) -> None:
        top = 2 * self.index
        if top < self.scroll_offset.y:
            self.scroll_to(y=top, animate=False, immediate=True)
        elif top + 2 > self.scroll_offset.y + self.size.height:
            self.scroll_to(y=top + 2 - self.size.height, animate=False, immediate=True)

    @property
    def _width(self) -> int:
        """Columns of a row, without the scroll bar."""
        return self.scrollable_content_region.width

    def action_choose(self) -> None:
        if self.current is not None:
            self.post_message(self.Toggled(self.current.id))

    def action_submit(self) -> None:
        if self.current is not None and not self.chosen:
            self.post_message(self.Toggled(self.current.id))
        self.post_message(self.Submitted())

    def on_key(self, event: Key) -> None:
        """Arrows move, Space chooses, digits set and clear roles, i asks for the internal IP; letters filter."""
        end = len(self.servers)
        moves = {"up": -1, "down": 1, "pageup": -8, "pagedown": 8, "home": -end, "end": end}
        typed = event.character
        if event.key in moves:
            self.action_move(moves[event.key])
        elif event.key == "space":
            self.action_choose()
        elif event.key == "enter":
            self.action_submit()
        elif typed is None or not typed.isprintable():
            return
        else:
            self._typed(typed)
        event.stop()

    def _typed(self, typed: str) -> None:
        ours = "1234i" if self.matrix else ""
        if typed not in ours:
            self.on_typed(typed)
        elif self.current is not None and typed == "i":
            self.post_message(self.InternalIp(self.current.id))
        elif self.current is not None:
            self.post_message(self.RoleToggled(self.current.id, ROLE_COLUMNS[int(typed) - 1][0]))


def _who(server: Server) -> str:
    port = f":{server.port}" if server.port != 22 else ""
    return safe_line(f"{server.user}@{server.host}{port}")

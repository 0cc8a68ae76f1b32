"""Chooses servers of the inventory: a filter, and a list with roles and the result of checking each server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.app import ComposeResult
from textual.containers import Vertical

from mailwiz_tui.fleet.server import Server
from mailwiz_tui.plan.model import Role
from mailwiz_tui.plan.words import counted
from mailwiz_tui.ui.session.probing import ProbeOutcome
from mailwiz_tui.ui.terminal.text import wrap
from mailwiz_tui.ui.widgets.entry import Entry
from mailwiz_tui.ui.widgets.no_markup import NoMarkup
from mailwiz_tui.ui.widgets.server_list import Chosen, Layout, ServerList

WORK: tuple[tuple[Role, str], ...] = (
    (Role.MX_INBOUND, "receives"),
    (Role.MX_OUTBOUND, "sends"),
    (Role.MAIL_STORAGE, "stores mail"),
    (Role.ANTISPAM, "filters"),
)
NAMES = 3


def overview(chosen: Mapping[str, Chosen], width: int = 0) -> str:
    """The servers of each role: ``receives: a1, b1 · sends: none``.

    With a width it names fewer servers, or only their number, so that it fits into two rows.
    """
    for names in range(NAMES, -1, -1):
        said = _overview(chosen, names)
        if not width or len(wrap(said, max(20, width))) <= 2:
            break
    return said


def cluster_overview(chosen: Mapping[str, Chosen]) -> str:
    """What the servers of a cluster do: ``hold mail: mx1, mx2 · vote: mx3 (receives, filters)``."""
    holders = [server_id for server_id, entry in chosen.items() if Role.ALL_IN_ONE in entry.roles]
    voters = [_voter(server_id, entry) for server_id, entry in chosen.items() if server_id not in holders]
    return f"hold mail: {', '.join(holders) or 'none'} · only vote: {', '.join(voters) or 'none'}"


def _voter(server_id: str, entry: Chosen) -> str:
    also = [work for role, work in WORK if role in entry.roles]
    return f"{server_id} ({', '.join(also)})" if also else server_id


def _overview(chosen: Mapping[str, Chosen], names: int) -> str:
    parts = []
    for role, work in WORK:
        holders = [server_id for server_id, entry in chosen.items() if role in entry.roles]
        parts.append(f"{work}: {_some(holders, names)}" if holders else f"{work}: none")
    idle = [server_id for server_id, entry in chosen.items() if not entry.roles]
    if idle:
        parts.append(f"without a role: {_some(idle, names)}")
    return " · ".join(parts)


def _some(ids: Sequence[str], names: int) -> str:
    if len(ids) <= names:
        return ", ".join(ids)
    return f"{', '.join(ids[:names])} and {len(ids) - names} more" if names else str(len(ids))


class ServerPicker(Vertical):
    """Filter, heading and list."""

    def __init__(self, *, layout: Layout, plain: bool) -> None:
        super().__init__(classes="-cluster" if layout is Layout.CLUSTER else "")
        self.arrangement = layout
        self.plain = plain
        self._servers: list[Server] = []
        self._chosen: Mapping[str, Chosen] = {}
        self._probes: Mapping[str, ProbeOutcome] = {}
        self._found = 0

    def compose(self) -> ComposeResult:
        yield Entry(placeholder="type to filter by name, address or tag", select=False, id="server-filter")
        yield NoMarkup("", id="server-heading", classes="dim")
        yield ServerList(layout=self.arrangement, plain=self.plain)
        yield NoMarkup("", id="server-overview")

    def show(
        self, servers: Sequence[Server], chosen: Mapping[str, Chosen], probes: Mapping[str, ProbeOutcome]
    ) -> None:
        """Show the inventory with the chosen servers."""
        self._servers, self._chosen, self._probes = list(servers), chosen, probes
        self._draw()

    def _draw(self) -> None:
        words = self.query_one("#server-filter", Entry).value.lower().split()
        found = [s for s in self._servers if all(w in _haystack(s) for w in words)]
        self.query_one(ServerList).show(found, self._chosen, self._probes)
        self._found = len(found)
        self._draw_heading()
        whole = self.query_one("#server-overview", NoMarkup)
        whole.display = self.arrangement is not Layout.ONE and bool(self._chosen)
        if whole.display and self.arrangement is Layout.CLUSTER:
            whole.show(cluster_overview(self._chosen))
        elif whole.display:
            whole.show(overview(self._chosen, self.size.width))

    def _draw_heading(self) -> None:
        """Draw the number of servers, and the key or the heads of the role columns."""
        many = f"{self._found} of {counted(len(self._servers), 'server')}, {len(self._chosen)} chosen"
        hint = "   Space chooses one"
        at, roles = self.query_one(ServerList).heading()
        if roles:
            hint = " " * max(1, at - len(many)) + roles + " i internal IP"
        self.query_one("#server-heading", NoMarkup).show(f"{many}{hint}")

    def on_resize(self) -> None:
        """The columns depend on the width."""
        self.call_after_refresh(self._draw)

    def on_input_changed(self, event: Entry.Changed) -> None:
        event.stop()
        self._draw()

    def on_mount(self) -> None:
        self.query_one(ServerList).on_typed = self._typed
        self.query_one("#server-filter", Entry).on_enter = self._filtered

    def _typed(self, character: str) -> None:
        """Typing in the list moves the focus to the filter at once, so that keys typed ahead arrive there."""
        entry = self.query_one("#server-filter", Entry)
        self.screen.set_focus(entry)
        entry.value += character
        entry.cursor_position = len(entry.value)

    def _filtered(self) -> None:
        """Enter in the filter: focus the list."""
        self.screen.set_focus(self.query_one(ServerList))


def _haystack(server: Server) -> str:
    return " ".join((server.id, server.host, server.user, *server.tags)).lower()

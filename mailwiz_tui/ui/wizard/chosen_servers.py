"""The plan's servers for step 2: their roles, and an internal address for each server that needs one."""

from __future__ import annotations

from typing import Any

from mailwiz_tui.plan.internal_ips import next_on_link, on_link, private_ones
from mailwiz_tui.plan.model import Architecture, Plan, Role
from mailwiz_tui.plan.steps import SERVER_ANSWERS
from mailwiz_tui.plan.throwaway import stand_in, throwaway
from mailwiz_tui.ui.session.session import Session
from mailwiz_tui.ui.widgets.server_list import Chosen, Layout
from mailwiz_tui.ui.wizard import cluster_roles


class ChosenServers:
    """Reads the plan's servers from a session's draft and writes them back; it has no state of its own."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def arrangement(self) -> Layout:
        """Whether the plan has one server, several with roles, or a cluster."""
        kinds: dict[str, Layout] = {Architecture.DISTRIBUTED: Layout.ROLES, Architecture.HA_CLUSTER: Layout.CLUSTER}
        return kinds.get(str(self._session.value("architecture")), Layout.ONE)

    @property
    def single(self) -> bool:
        """Whether one server does everything."""
        return self.arrangement is Layout.ONE

    def shown(self) -> dict[str, Chosen]:
        """The plan's servers for the picker, with the proposed internal addresses."""
        return self.completed(self.held())

    def fresh(self) -> Chosen:
        """A newly chosen server: it does everything, unless servers have roles or others hold the mail."""
        if self.arrangement is Layout.CLUSTER:
            return Chosen(cluster_roles.roles_of_next(self.held()))
        return Chosen(set() if self.arrangement is Layout.ROLES else {Role.ALL_IN_ONE})

    def toggle(self, entry: Chosen, role: Role) -> None:
        """Set or clear a role of a server."""
        if self.arrangement is Layout.CLUSTER:
            entry.roles = cluster_roles.toggled(entry.roles, role)
        else:
            entry.roles = (entry.roles ^ {role}) - {Role.ALL_IN_ONE}

    def choose(self, chosen: dict[str, Chosen]) -> None:
        """Write another choice of servers or roles, and keep the witness of a cluster among those that vote."""
        self.store(self.completed(chosen))
        if self.arrangement is not Layout.CLUSTER:
            return
        named = str(self._session.value("cluster.witness") or "")
        if (now := cluster_roles.witness(self.held(), named)) != named:
            self._session.set("cluster.witness", now or None)

    def held(self) -> dict[str, Chosen]:
        """The plan's servers from the draft."""
        found: dict[str, Chosen] = {}
        for raw in self._session.servers():
            roles = raw.get("roles")
            known = {r.value for r in Role}
            names = [str(r) for r in roles] if isinstance(roles, list) else []
            found[str(raw.get("id", ""))] = Chosen(
                {Role(r) for r in names if r in known}, str(raw.get("internal_ip", "") or "")
            )
        return found

    def store(self, chosen: dict[str, Chosen]) -> None:
        """Write the choice; servers that were in the plan keep their position and their unchanged values."""
        known = {str(raw.get("id", "")): raw for raw in self._session.servers()}
        order = [s.id for s in self._session.inventory.servers]
        new = sorted(
            (i for i in chosen if i not in known), key=lambda i: order.index(i) if i in order else len(order)
        )
        servers: list[dict[str, object]] = []
        for server_id in [*(i for i in known if i in chosen), *new]:
            entry, roles = {"id": server_id, **known.get(server_id, {})}, chosen[server_id].roles
            if server_id in new or {str(r) for r in _listed(entry.get("roles"))} != {r.value for r in roles}:
                entry["roles"] = [r.value for r in Role if r in roles]
            if chosen[server_id].internal_ip:
                entry["internal_ip"] = chosen[server_id].internal_ip
            elif entry.get("internal_ip"):
                del entry["internal_ip"]
            servers.append(entry)
        self._session.set("servers", servers)
        self._session.touched.add("servers")

    def completed(self, chosen: dict[str, Chosen]) -> dict[str, Chosen]:
        """The same, with an internal address for each server that has none, if there are several servers."""
        if not self.single:
            for server_id, entry in chosen.items():
                entry.internal_ip = entry.internal_ip or self._fitting(server_id, chosen)
        return chosen

    def _fitting(self, server_id: str, chosen: dict[str, Chosen]) -> str:
        """An internal address for a server: its own in an existing network, else a free one."""
        if self.network == "existing":
            return next(iter(self.private_addresses(server_id)), "")
        return next_on_link({entry.internal_ip for entry in chosen.values() if entry.internal_ip})

    @property
    def network(self) -> str:
        """The kind of network between the servers (``network.private``)."""
        return str(self._session.value("network.private"))

    def change_network(self, previous: str) -> None:
        """Propose addresses of the new kind of network; changing back restores the previous addresses.

        Addresses that the operator typed stay: those neither proposed by the wizard nor found on an interface.
        """
        chosen = self.held()
        known = self._session.addresses
        known[previous] = {server_id: entry.internal_ip for server_id, entry in chosen.items()}
        again = known.get(self.network, {})
        for server_id, entry in chosen.items():
            proposed = on_link(entry.internal_ip) if previous == "wireguard" else self._found(server_id, entry)
            if server_id in again:
                entry.internal_ip = again[server_id]
            elif proposed or not entry.internal_ip:
                entry.internal_ip = ""
        self.store(self.completed(chosen))

    def _found(self, server_id: str, entry: Chosen) -> bool:
        return entry.internal_ip in self.private_addresses(server_id)

    def plan(self) -> Plan | None:
        """A plan with the servers and the network between them, even if other answers are missing."""
        if plan := self._session.plan():
            return plan
        raw: dict[str, Any] = {key: self._session.value(key) for key in SERVER_ANSWERS if self._session.value(key)}
        for table, key in (("network", "private"), ("services", "antispam"), ("services", "antivirus")):
            if (value := self._session.value(f"{table}.{key}")) is not None:
                raw[table] = {**raw.get(table, {}), key: value}
        return throwaway(stand_in(raw))

    def private_addresses(self, server_id: str) -> list[str]:
        """The private addresses on a server's interfaces; empty if its facts are unknown."""
        facts = self._session.known.facts(server_id)
        return private_ones(facts.addresses) if facts else []


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []

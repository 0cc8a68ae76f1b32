"""The cluster of a drill: what it lacks to be whole, and by which addresses its servers reach each other."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mailwiz_tui.agent.protocol.cluster import AskCluster, ClusterState
from mailwiz_tui.agent.protocol.probes import ProbeCommand, RunProbes
from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.deploy.gather import gather_servers
from mailwiz_tui.deploy.work import EngineError
from mailwiz_tui.plan.errors import OperatorError
from mailwiz_tui.topology.servers import client_addresses, places, server_of, voters

PATIENCE = 15.0
"""Seconds for a server to answer; one that was just reset has a connection that nobody answers on."""
_BOOT = ProbeCommand("boot", ("cat", "/proc/sys/kernel/random/boot_id"))


@dataclass(frozen=True, slots=True)
class Views:
    """The cluster as each server sees it; ``silent`` has why others do not answer."""

    seen: Mapping[str, ClusterState]
    silent: Mapping[str, str]

    @property
    def best(self) -> ClusterState | None:
        """The view of a server that is connected to the majority."""
        return next((view for view in self.seen.values() if view.quorate), None)

    @property
    def store(self) -> str:
        """The server with the store; empty if there is none now."""
        return self.best.store if self.best else ""


async def look(engine: EngineApi, without: str = "") -> Views:
    """Asks all servers but ``without``. Raises ``EngineError`` for a plan whose store does not move."""
    ids = [server.id for server in voters(engine.plan) if server.id != without]
    if not ids:
        raise EngineError(
            "a drill needs mailboxes that move between servers",
            "PLAN",
            "in this plan each mailbox stays on its server (architecture ha-cluster has such mailboxes)",
        )

    async def ask(server_id: str) -> ClusterState:
        async with asyncio.timeout(PATIENCE):
            return await (await engine.link(server_id)).ask(AskCluster())

    seen: dict[str, ClusterState] = {}
    silent: dict[str, str] = {}
    for server_id, answer in (await gather_servers(ids, ask)).items():
        if isinstance(answer, ClusterState):
            seen[server_id] = answer
        elif isinstance(answer, (OperatorError, TimeoutError)):
            silent[server_id] = getattr(answer, "what", "") or f"no answer within {PATIENCE:.0f} s"
        else:
            raise answer
    return Views(seen, silent)


def lacking(engine: EngineApi, views: Views) -> list[str]:
    """What the cluster lacks, a phrase each; empty if it is whole."""
    found = [f"{server_id} does not answer: {why}" for server_id, why in views.silent.items()]
    if views.best is None:
        return [*found, "no majority of the servers is connected"]
    if not views.store:
        found.append("the mailboxes are on no server")
    found += _nodes(engine, views.best)
    if len(stores := sorted({view.store for view in views.seen.values() if view.store})) > 1:
        found.append(f"the servers do not agree where the mailboxes are: {' or '.join(stores)}")
    for server_id, view in views.seen.items():
        if not view.quorate:
            found.append(f"{server_id} sees no majority of the servers")
        if view.volume and not view.volume.complete:
            copied = f", {view.volume.percent} % copied" if view.volume.percent is not None else ""
            found.append(f"the volume is not complete on both servers, as {server_id} sees it{copied}")
    return found


def failures(views: Views) -> list[str]:
    """What failed to start or stop in the last minutes, in Pacemaker's words; it may run again."""
    return list(dict.fromkeys(failure for view in views.seen.values() for failure in view.failures))


def _nodes(engine: EngineApi, best: ClusterState) -> Iterator[str]:
    known = {node.name: node for node in best.nodes}
    holders = {place.id for place in places(engine.plan)}
    for server in voters(engine.plan):
        node = known.get(server.id)
        if node is None or not node.online:
            yield f"{server.id} is not connected to the others"
        elif node.standby:
            yield f"{server.id} is drained"
        elif server.id in holders and not node.ready:
            yield f"{server.id} must not take the mailboxes over"


def to_bring_back(engine: EngineApi, views: Views) -> list[str]:
    """The servers that are connected, and could take the mailboxes over but for a drain or a move."""
    holders = {place.id for place in places(engine.plan)}
    nodes = views.best.nodes if views.best else ()
    return [n.name for n in nodes if n.name in holders and n.online and (n.standby or not n.ready)]


async def boot_of(engine: EngineApi, server_id: str) -> str:
    """What is different after each start of a server; empty if it does not answer."""
    try:
        async with asyncio.timeout(PATIENCE):
            (answer,) = await (await engine.link(server_id)).ask(RunProbes((_BOOT,)))
    except (OperatorError, TimeoutError):
        return ""
    return answer.output.strip() if answer.exit == 0 else ""


def peer_addresses(engine: EngineApi, server_id: str) -> tuple[str, ...]:
    """Every address of the other servers, internal and public, that is not the server's own or the clients'."""
    own = {*_addresses(engine, server_id), *client_addresses(engine.plan)}
    others = [server.id for server in voters(engine.plan) if server.id != server_id]
    found = dict.fromkeys(address for other in others for address in _addresses(engine, other))
    return tuple(address for address in found if address not in own)


def _addresses(engine: EngineApi, server_id: str) -> Iterator[str]:
    listed, facts = engine.inventory.get(server_id), engine.known.facts(server_id)
    told = [server_of(engine.plan, server_id).internal_ip]
    if listed:
        told += [listed.host, listed.public_ipv4, listed.public_ipv6]
    if facts:
        told += [facts.public_ipv4, facts.public_ipv6, *(address.ip for address in facts.addresses)]
    for text in told:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            continue
        if not (address.is_loopback or address.is_link_local or address.is_unspecified):
            yield str(address)

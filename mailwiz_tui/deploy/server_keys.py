"""Which keys a server has to make before it is installed, and whose public halves are still missing for it."""

from __future__ import annotations

from mailwiz_tui.agent.protocol.keys import DkimWanted, MeshWanted, PrepareKeys, TlsWanted
from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.plan.model import Plan, PrivateNetwork, TlsProvider
from mailwiz_tui.plan.published import public_names
from mailwiz_tui.stack import traffic
from mailwiz_tui.stack.accounts.clients import database_clients
from mailwiz_tui.stack.certificate import self_signed_days
from mailwiz_tui.topology.derive import topology_of
from mailwiz_tui.topology.servers import linked, places, server_of


def keys_wanted(plan: Plan, server_id: str) -> PrepareKeys:
    """What a server makes where it is missing: its DKIM key, its first certificate, its identity among peers."""
    security = plan.security
    dkim: tuple[DkimWanted, ...] = ()
    if topology_of(plan, server_id).signs:
        dkim = (DkimWanted(plan.dkim_selector(server_id), security.dkim.key_size),)
    tls = None
    if security.tls.provider is not TlsProvider.CUSTOM:
        names = public_names(plan, server_of(plan, server_id))
        tls = TlsWanted(tuple(names), self_signed_days(security.tls.provider))
    return PrepareKeys(dkim, tls, _mesh_wanted(plan, server_id))


def _mesh_wanted(plan: Plan, server_id: str) -> MeshWanted | None:
    """The peers' public keys that a server needs; None if the plan has no private link."""
    if not linked(plan):
        return None
    made = plan.network.private is PrivateNetwork.WIREGUARD
    clients = {client.name: client.subject(server_id) for client in database_clients(plan, server_id)}
    store = any(place.id == server_id for place in places(plan))
    further = (traffic.MOVING_STORE_NAME,) if store else ()
    return MeshWanted(traffic.internal_name(server_id), made, clients, further)


def strangers(plan: Plan, known: FactsFile, server_id: str) -> list[str]:
    """The other servers that were never prepared for this plan: a server could not let them in."""
    if not linked(plan):
        return []
    return [s.id for s in plan.servers if s.id != server_id and not _has_peer_keys(plan, known, s.id)]


def _has_peer_keys(plan: Plan, known: FactsFile, server_id: str) -> bool:
    record = known.servers.get(server_id)
    wireguard = plan.network.private is PrivateNetwork.WIREGUARD
    clients = {client.name for client in database_clients(plan, server_id)}
    return bool(
        record and record.internal and (record.wireguard or not wireguard) and clients <= record.clients.keys()
    )

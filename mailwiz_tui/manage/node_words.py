"""The state of a cluster in words, and whether all of it is well."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict

from mailwiz_tui.agent.protocol.cluster import ClusterState, NodeState, VolumeState
from mailwiz_tui.manage.nodes import View


def well(views: Mapping[str, View]) -> bool:
    """Whether every server answers, the store is somewhere, and both disks have all of it."""
    return all(isinstance(view, ClusterState) and _well(view) for view in views.values())


def _well(view: ClusterState) -> bool:
    present = all(node.online and not node.standby for node in view.nodes)
    complete = view.volume is None or view.volume.complete
    return view.quorate and bool(view.store) and present and complete and not view.failures


def lines(views: Mapping[str, View]) -> Iterator[str]:
    """The state, a line each: the store first, then each server, then what failed."""
    seen = [view for view in views.values() if isinstance(view, ClusterState)]
    best = next((view for view in seen if view.quorate), None)
    if best is None:
        yield "No majority of the servers is connected: the mailboxes are nowhere."
    else:
        yield from _store(best, seen)
    for server_id, view in views.items():
        yield _server(server_id, view, best)
    for failure in dict.fromkeys(failure for view in seen for failure in view.failures):
        yield f"failed: {failure}"


def _store(best: ClusterState, seen: list[ClusterState]) -> Iterator[str]:
    if not best.store:
        yield "The mailboxes are on no server now; a take-over ends within seconds."
        return
    since = max((view.since for view in seen), default=0.0)
    yield f"The mailboxes are on {best.store}{f' since {_moment(since)}' if since else ''}."


def _moment(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def as_json(views: Mapping[str, View]) -> str:
    """The state as JSON: ``{"version": 1, "well": true, "servers": {"ID": {...}}}``."""
    told = {
        server_id: asdict(view) if isinstance(view, ClusterState) else {"error": view.what}
        for server_id, view in views.items()
    }
    return json.dumps({"version": 1, "well": well(views), "servers": told}, indent=2)


def _server(server_id: str, view: View, best: ClusterState | None) -> str:
    if not isinstance(view, ClusterState):
        return f"  {server_id}: does not answer: {view.what}"
    parts = [_place(server_id, best or view)]
    if not view.quorate:
        parts.append("sees no majority")
    if view.volume:
        parts.append(volume_words(view.volume))
    return f"  {server_id}: {', '.join(parts)}"


def _place(server_id: str, view: ClusterState) -> str:
    node = next((node for node in view.nodes if node.name == server_id), None)
    if node is None or not node.online:
        return "not connected to the others"
    if node.standby:
        return "drained"
    if view.store == server_id:
        return "active"
    return _passive(node, view)


def _passive(node: NodeState, view: ClusterState) -> str:
    return "can take over" if node.ready else "votes"


def volume_words(volume: VolumeState) -> str:
    """The volume as one of its servers sees it."""
    if volume.percent is not None:
        rest = f", about {volume.remaining} left" if volume.remaining else ""
        return f"{volume.percent} % of the volume copied{rest}"
    if volume.complete:
        return "volume complete on both servers"
    return f"volume: {volume.disk} here, {volume.peer_disk} on the other server ({volume.connection})"

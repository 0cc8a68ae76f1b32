"""Moves the store away from a server, takes the server out and lets it back in (crm_attribute(8))."""

from __future__ import annotations

import time

from ..core.fault import AgentFault
from ..core.host import Host, require
from ..protocol.cluster import ClusterState
from . import state

LIMIT = 120.0
PAUSE = 0.5
_STATUS = "mailwiz-tui node status PLAN shows what is missing"


def give_away(host: Host) -> ClusterState:
    """Moves the store to the other server and waits until it runs there. Raises ``AgentFault`` where it cannot."""
    before = state.look(host)
    if before.store != before.node:
        return _ready(host, before.node, ready=False)
    _takes_over(before)
    _ready(host, before.node, ready=False)
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        now = state.look(host)
        if now.store and now.store != before.node:
            return now
        time.sleep(PAUSE)
    _ready(host, before.node, ready=True)
    raise AgentFault(f"the store did not start on the other server within {LIMIT:.0f} s", before.node, _STATUS)


def drain(host: Host) -> ClusterState:
    """Moves the store away, then stops everything that Pacemaker runs here."""
    before = give_away(host)
    _attribute(host, before.node, "standby", "on")
    require(host.run(["crm_resource", "--wait", "--timeout=60"], timeout=90), "not all of it stopped", before.node)
    return state.look(host)


def bring_back(host: Host) -> ClusterState:
    """Lets the server take part again; it copies what it missed by itself."""
    own = state.look(host).node
    _attribute(host, own, "standby", "off")
    return _ready(host, own, ready=True)


def _takes_over(before: ClusterState) -> None:
    """Raises ``AgentFault`` unless another server can take the store over now."""
    others = [node for node in before.nodes if node.name != before.node]
    if not any(node.online and node.ready and not node.standby for node in others):
        raise AgentFault("no other server can take the store over now", before.node, _STATUS)
    if before.volume is None or not before.volume.complete:
        words = f"{before.volume.percent} % are copied" if before.volume and before.volume.percent else ""
        raise AgentFault(
            f"the other server does not have all of the volume{': ' if words else ''}{words}",
            before.node,
            "wait until it is copied; " + _STATUS,
        )


def _ready(host: Host, node: str, *, ready: bool) -> ClusterState:
    _attribute(host, node, state.READY, "yes" if ready else "no")
    return state.look(host)


def _attribute(host: Host, node: str, name: str, value: str) -> None:
    argv = ["crm_attribute", "--node", node, "--name", name, "--update", value]
    require(host.run(argv, timeout=30), f"{name} cannot be set to {value}", node)

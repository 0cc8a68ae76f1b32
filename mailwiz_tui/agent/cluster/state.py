"""The state of the cluster, from Pacemaker (crm_mon(8)) and DRBD (/proc/drbd)."""

from __future__ import annotations

import re
import time
import xml.etree.ElementTree as ET

from ..core.fault import AgentFault
from ..core.host import Host
from ..protocol.cluster import ClusterState, NodeState, VolumeState

READY = "mailwiz-ready"
GROUP = "store"
MARK = "mailwiz-store-here.service"
_DRBD = "/proc/drbd"
_VOLUME = re.compile(r"cs:(\S+) ro:\S+ ds:(\S+)/(\S+)")
_COPY = re.compile(r"sync'ed:\s*([\d.]+)%.*?finish: (\S+)", re.DOTALL)


def look(host: Host) -> ClusterState:
    """The state now. Raises ``AgentFault`` if Pacemaker does not answer."""
    done = host.run(["crm_mon", "--one-shot", "--output-as=xml"], timeout=20)
    if not done.ok:
        raise AgentFault(
            f"Pacemaker does not answer: {done.text.splitlines()[-1] if done.text else 'no output'}",
            "crm_mon",
            "on the server: systemctl status corosync pacemaker",
        )
    told = ET.fromstring(done.output)  # noqa: S314 - Pacemaker's, on the same server
    store = _store(told)
    own = host.run(["crm_node", "-n"], timeout=15).text.strip()
    return ClusterState(
        own,
        _quorate(told),
        _nodes(told),
        store,
        _since(host) if store == own else 0.0,
        volume(host),
        _failures(told),
    )


def volume(host: Host) -> VolumeState | None:
    """The volume as DRBD shows it; None on a server without one."""
    try:
        with open(host.path(_DRBD), encoding="utf-8") as shown:
            text = shown.read()
    except OSError:
        return None
    if not (found := _VOLUME.search(text)):
        return None
    copied = _COPY.search(text)
    percent, remaining = (float(copied[1]), copied[2]) if copied else (None, "")
    return VolumeState(found[1], found[2], found[3], percent, remaining)


def _quorate(told: ET.Element) -> bool:
    current = told.find("summary/current_dc")
    return current is not None and current.get("with_quorum") == "true"


def _nodes(told: ET.Element) -> tuple[NodeState, ...]:
    ready = {
        node.get("name", "")
        for node in told.findall("node_attributes/node")
        if any(a.get("name") == READY and a.get("value") == "yes" for a in node.findall("attribute"))
    }
    return tuple(
        NodeState(
            name := node.get("name", ""), node.get("online") == "true", node.get("standby") == "true", name in ready
        )
        for node in told.findall("nodes/node")
    )


def _store(told: ET.Element) -> str:
    """The server where all of the group runs."""
    group = next((g for g in told.iter("group") if g.get("id") == GROUP), None)
    resources = group.findall("resource") if group is not None else []
    places = {node.get("name", "") for resource in resources for node in resource.findall("node")}
    whole = bool(resources) and all(
        resource.get("role") == "Started" and resource.find("node") is not None for resource in resources
    )
    return places.pop() if whole and len(places) == 1 else ""


def _failures(told: ET.Element) -> tuple[str, ...]:
    found = told.findall("failures/failure")
    return tuple(
        f"{f.get('op_key', '')} on {f.get('node', '')}: {f.get('exitreason') or f.get('exitstatus', '')}"
        for f in found
    )


def _since(host: Host) -> float:
    """When the last part of the store started, by systemd's clock."""
    done = host.run(["systemctl", "show", "-p", "ActiveEnterTimestampMonotonic", "--value", "--", MARK], timeout=15)
    try:
        micro = int(done.text.strip() or 0)
    except ValueError:
        return 0.0
    return time.time() - time.clock_gettime(time.CLOCK_MONOTONIC) + micro / 1e6 if micro else 0.0

"""What is wrong with a store that moves, as one of its servers sees it."""

from __future__ import annotations

import time
from collections.abc import Iterator

from mailwiz_tui.verify.alerts import Alert, Severity
from mailwiz_tui.verify.sample import Cluster, Node, Volume

_STATUS = "`mailwiz-tui node status PLAN` shows what each server sees"
COPYING = "until then only this server has all mail; it is copied by itself"


def cluster_alerts(cluster: Cluster | None) -> Iterator[Alert]:
    """All alerts of one server; None is a server that could not tell."""
    if cluster is None:
        yield Alert(
            Severity.FAILURE,
            "the state of the cluster cannot be read: Pacemaker (cluster manager) does not answer",
            "on the server: systemctl status corosync pacemaker",
        )
        return
    if not cluster.quorate:
        yield Alert(
            Severity.FAILURE,
            f"{cluster.node} is not connected to a majority of the servers, so it cannot have the mailboxes",
            f"is the network between the servers up? {_STATUS}",
        )
        return
    if not cluster.store:
        yield _shared(
            "no server has the mailboxes: nobody can read or submit mail, incoming messages stay in the queue",
            f"a take-over ends within seconds; {_STATUS}",
        )
    for node in cluster.nodes:
        yield from _node(node)
    if cluster.volume and cluster.store in ("", cluster.node):
        yield from _volume(cluster.volume)
    for failure in cluster.failures:
        yield _shared(
            f"a part of the cluster failed: {failure}",
            "on that server: journalctl -u pacemaker -n 50 says why; crm_resource --cleanup forgets a failure "
            "that is repaired",
            Severity.WARNING,
        )


def place_words(cluster: Cluster) -> str:
    """Where the mailboxes are, for one line about a server."""
    if not cluster.store:
        return "the mailboxes are on no server"
    if cluster.store != cluster.node:
        return f"the mailboxes are on {cluster.store}"
    return f"active{since_words(cluster)}"


def since_words(cluster: Cluster) -> str:
    """Since when a server has the mailboxes, by the clock here; empty where only another server knows."""
    if not cluster.since:
        return ""
    return f" since {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(cluster.since))}"


def volume_words(volume: Volume) -> str:
    """The replicated volume as one of its servers sees it."""
    if volume.percent is not None:
        rest = f", about {volume.remaining} left" if volume.remaining else ""
        return f"{volume.percent:.1f} % of the volume copied{rest}"
    if volume.complete:
        return "volume complete on both servers"
    return f"volume {volume.disk} here, {volume.peer_disk} on the other server ({volume.connection})"


def _shared(what: str, advice: str, severity: Severity = Severity.FAILURE) -> Alert:
    """An alert that every server tells."""
    return Alert(severity, what, advice, shared=True)


def _node(node: Node) -> Iterator[Alert]:
    if not node.online:
        yield _shared(
            f"{node.name} is not connected to the other servers: it neither votes nor takes the mailboxes over",
            f"is {node.name} up, and does the network reach it? It takes part again by itself",
        )
    elif node.standby:
        yield _shared(
            f"{node.name} is drained, so it takes no mailboxes over",
            f"`mailwiz-tui node return PLAN {node.name}` lets it take part again",
            Severity.WARNING,
        )


def _volume(volume: Volume) -> Iterator[Alert]:
    if volume.complete:
        return
    copying = volume.percent is not None
    yield Alert(
        Severity.WARNING if copying else Severity.FAILURE,
        f"the mailboxes are not complete on both servers: {volume_words(volume)}",
        COPYING
        if copying
        else f"new mail is on one disk only; {_STATUS}, cat /proc/drbd on the server says what DRBD does",
    )

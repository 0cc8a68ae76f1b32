"""A cluster in the monitor: what is wrong with it in words, which server is active, and what the JSON tells."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from mailwiz_tui.verify.alerts import Severity
from mailwiz_tui.verify.cluster_alerts import cluster_alerts
from mailwiz_tui.verify.health import Health
from mailwiz_tui.verify.health_report import report
from mailwiz_tui.verify.sample import Cluster, Sample

SINCE = time.mktime((2026, 12, 1, 10, 31, 0, 0, 0, -1))
VOLUME = {"connection": "Connected", "disk": "UpToDate", "peer_disk": "UpToDate"}
LOST = {**VOLUME, "connection": "WFConnection", "peer_disk": "DUnknown"}
COPYING = {
    **VOLUME,
    "connection": "SyncSource",
    "peer_disk": "Inconsistent",
    "percent": 62.54,
    "remaining": "0:04:10",
}


def node(name: str, **changes: bool) -> dict[str, Any]:
    return {"name": name, "online": True, "standby": False, "ready": name != "n3", **changes}


def cluster(**changes: Any) -> Cluster:
    """mx1 has the mailboxes, all is well, seen from mx1."""
    told = {"node": "n1", "quorate": True, "nodes": [node("n1"), node("n2"), node("n3")], "store": "n1"}
    return Cluster.model_validate({**told, "since": SINCE, "volume": VOLUME, **changes})


def health(told: Cluster | None) -> Health:
    return Health("n1", SINCE, Sample(cluster=told), clustered=True)


def test_a_sound_cluster_has_no_alert() -> None:
    assert health(cluster()).alerts == []
    assert list(cluster_alerts(cluster(node="n3", since=0.0, volume=None))) == []


@pytest.mark.parametrize(
    ("changes", "severity", "begin"),
    [
        ({"quorate": False}, Severity.FAILURE, "n1 is not connected to a majority of the servers"),
        ({"store": "", "since": 0.0}, Severity.FAILURE, "no server has the mailboxes: nobody can read"),
        ({"nodes": [node("n1"), node("n2", online=False)]}, Severity.FAILURE, "n2 is not connected to the other"),
        (
            {"nodes": [node("n1"), node("n2", standby=True)]},
            Severity.WARNING,
            "n2 is drained, so it takes no mailboxes",
        ),
        (
            {"volume": COPYING},
            Severity.WARNING,
            "the mailboxes are not complete on both servers: 62.5 % of the volume copied, about 0:04:10 left",
        ),
        (
            {"volume": LOST},
            Severity.FAILURE,
            "the mailboxes are not complete on both servers: volume UpToDate here, DUnknown on the other server",
        ),
        (
            {"failures": ["dovecot_start_0 on n2: not running"]},
            Severity.WARNING,
            "a part of the cluster failed: dovecot_start_0 on n2: not running",
        ),
    ],
)
def test_each_trouble_is_told_in_words(changes: dict[str, Any], severity: Severity, begin: str) -> None:
    (alert,) = health(cluster(**changes)).alerts
    assert alert.severity is severity
    assert alert.what.startswith(begin)
    assert alert.advice


def test_a_server_that_cannot_tell_is_no_sound_one() -> None:
    (alert,) = health(None).alerts
    assert alert.what.startswith("the state of the cluster cannot be read")
    assert Health("n1", SINCE, Sample()).alerts == []


def test_the_volume_is_told_by_the_server_that_has_the_mailboxes() -> None:
    assert list(cluster_alerts(cluster(node="n2", volume={**COPYING, "disk": "Inconsistent"}))) == []


def test_the_line_says_who_is_active_since_when() -> None:
    assert health(cluster()).line.endswith("active since 2026-12-01 10:31:00")
    assert health(cluster(node="n2", since=0.0)).line.endswith("the mailboxes are on n1")
    assert health(cluster(store="")).line.endswith("the mailboxes are on no server")


def test_the_json_tells_the_cluster() -> None:
    nodes = [node("n1"), node("n2", online=False), node("n3", standby=True)]
    told = json.loads(report(health(cluster(nodes=nodes, volume=COPYING))).json)["cluster"]
    assert told == {
        "majority": True,
        "active": "n1",
        "since": SINCE,
        "volume_complete": False,
        "volume_percent": 62.54,
        "disconnected": ["n2"],
        "drained": ["n3"],
        "failures": [],
    }
    assert json.loads(report(health(None)).json)["cluster"] is None

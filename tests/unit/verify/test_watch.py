"""What is judged of a running server, in words, and how a watch goes on where it left off."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pytest

from mailwiz_tui.agent.protocol.watch import Look, LookAround
from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.stack.blueprint import Blueprint, Port, Scope, Step, Unit
from mailwiz_tui.verify.alerts import Severity, alerts, drift
from mailwiz_tui.verify.sample import Sample
from mailwiz_tui.verify.watch import Watcher
from tests.doubles import EngineDouble
from tests.unit.fake_link import FakeLink

HEALTHY: dict[str, Any] = {
    "at": 1_000_000.0,
    "units": [{"name": "postfix.service", "active": "active", "sub": "running"}],
    "listeners": [{"protocol": "tcp", "address": "0.0.0.0", "port": 25, "process": "master"}],
    "queue": {"count": 0},
    "bans": {"sshd": 2},
    "certificate": {"not_after": 1_000_000.0 + 90 * 86400},
    "disks": [{"mount": "/", "total": 1000, "free": 500}],
    "memory": {"total": 1000, "available": 500},
    "log": {"place": "cursor c1", "lines": [[1.0, "postfix/smtpd", "connect \x1b]0;owned\x07"]], "minutes": []},
    "run": {"active": "", "by": ""},
}
PORTS = (("tcp", 25),)


def sample(**changes: Any) -> Sample:
    """A healthy server with changes."""
    return Sample.model_validate({**HEALTHY, **changes})


def test_a_healthy_server_has_no_trouble() -> None:
    assert alerts(sample(), PORTS) == []
    assert sample().banned == 2
    assert sample().certificate_days == 90


def test_a_restart_is_no_news_after_a_day() -> None:
    unit = {"name": "x.service", "active": "active", "restarts": 1, "restarted": 1_000_000.0 - 86500}
    assert alerts(sample(units=[unit]), ()) == []


@pytest.mark.parametrize(
    ("changes", "severity", "said"),
    [
        ({"units": [{"name": "dovecot.service", "active": "inactive"}]}, Severity.FAILURE, "nobody can read mail"),
        (
            {"units": [{"name": "x.service", "active": "failed", "result": "oom-kill"}]},
            Severity.FAILURE,
            "(oom-kill)",
        ),
        (
            {
                "units": [
                    {
                        "name": "x.service",
                        "active": "active",
                        "restarts": 3,
                        "restarted": 999_700.0,
                        "cause": "oom-kill",
                    }
                ]
            },
            Severity.WARNING,
            "x crashed and restarted by itself 3 times, last 5 min ago: the kernel killed it",
        ),
        ({"listeners": []}, Severity.FAILURE, "nothing listens on port 25"),
        ({"queue": {"count": 3, "oldest": 1_000_000.0 - 7200}}, Severity.WARNING, "deferred for 2 h"),
        ({"queue": {"count": 3, "oldest": 1_000_000.0 - 36000}}, Severity.FAILURE, "deferred for 10 h"),
        ({"queue": {"count": 101, "reason": "timed out"}}, Severity.WARNING, "most often: timed out"),
        ({"queue": None}, Severity.WARNING, "the queue cannot be read"),
        ({"disks": [{"mount": "/", "total": 100, "free": 8}]}, Severity.WARNING, "92% full"),
        ({"disks": [{"mount": "/", "total": 100, "free": 2}]}, Severity.FAILURE, "98% full"),
        ({"memory": {"total": 100, "available": 1}}, Severity.WARNING, "memory"),
        ({"certificate": {"not_after": 1_000_000.0 + 10 * 86400}}, Severity.WARNING, "ends in 10 days"),
        ({"certificate": {"not_after": 1_000_000.0 - 5}}, Severity.FAILURE, "expired"),
        (
            {"mesh": [{"name": "in1", "age": 30}, {"name": "in2", "age": 600}]},
            Severity.FAILURE,
            "in2 has been silent",
        ),
        ({"mesh": [{"name": "in1"}]}, Severity.FAILURE, "in1 has never been up"),
        ({"mesh": None}, Severity.WARNING, "state of the private link cannot be read"),
    ],
)
def test_each_trouble_is_said_with_advice(changes: dict[str, Any], severity: Severity, said: str) -> None:
    found = alerts(sample(**changes), PORTS)
    assert len(found) == 1
    assert found[0].severity is severity
    assert said in found[0].what
    assert found[0].advice


def test_the_worst_comes_first() -> None:
    found = alerts(sample(queue=None, listeners=[]), PORTS)
    assert [t.severity for t in found] == [Severity.FAILURE, Severity.WARNING]


def test_what_a_server_says_is_cleaned() -> None:
    log = sample().log
    assert log is not None
    assert log.lines == ((1.0, "postfix/smtpd", "connect"),)


def test_drift_names_what_differs() -> None:
    assert drift((), ()) == []
    found = drift(("a MX", "b TXT", "c TXT", "d TXT"), ("e A",))
    assert found[0].what.endswith("a MX, b TXT, c TXT and 1 more")
    assert "not published in the DNS: e A" in found[1].what


class WatchedLink(FakeLink):
    """Notes what it is asked."""

    def __init__(self) -> None:
        super().__init__(LookAround.by(self._look))
        self.looks: list[LookAround] = []
        self.domains: tuple[str, ...] | None = None

    def _look(self, request: LookAround) -> Look:
        self.looks.append(request)
        return replace(LookAround.answer(HEALTHY), account_domains=self.domains)


class FakeEngine(EngineDouble):
    """One server with one unit."""

    def __init__(self) -> None:
        super().__init__(Plan.model_validate({"servers": [{"id": "mx1", "roles": ["all-in-one"]}], "domain": {
            "primary_domain": "example.com", "hostname": "mail.example.com"}}))  # fmt: skip
        self.connection = WatchedLink()
        self.learnt: Collection[str] | None = None

    def blueprints(self) -> dict[str, Blueprint]:
        items = (Unit("postfix.service"), Unit("exim4.service", running=False, masked=True))
        return {"mx1": Blueprint("mx1", (Step("s", "S", "c", items),), ports=(Port(25, "smtp", Scope.PUBLIC),))}

    async def link(self, server_id: str) -> WatchedLink:
        return self.connection

    def learn_account_domains(self, domains: Collection[str] | None) -> bool:
        changed, self.learnt = self.learnt != domains, domains
        return changed


async def test_a_watch_goes_on_in_the_log_where_it_left_off() -> None:
    engine = FakeEngine()
    watcher = Watcher(engine)
    await watcher.look("mx1")
    await watcher.look("mx1")
    assert [look.place for look in engine.connection.looks] == ["", "cursor c1"]
    assert engine.connection.looks[0].units == ("postfix.service",)
    assert (await watcher.look("mx1")).ports == PORTS


async def test_a_domain_of_the_accounts_alone_and_one_of_the_plan_alone_are_troubles() -> None:
    engine = FakeEngine()
    engine.connection.domains = ("shop.test",)
    health = await Watcher(engine).look("mx1")
    assert engine.learnt == ("shop.test",)
    absent, unplanned = health.alerts
    assert absent.severity is Severity.FAILURE
    assert absent.what.startswith("example.com is in the plan but missing or inactive in the accounts")
    assert unplanned.severity is Severity.WARNING
    assert unplanned.what.startswith("shop.test is in the accounts (admin panel) but not in the plan")
    assert "step 3" in unplanned.advice
    engine.connection.domains = ("example.com",)
    assert (await Watcher(engine).look("mx1")).alerts == []


async def test_the_dns_is_compared_anew_once_the_accounts_have_other_domains() -> None:
    engine = FakeEngine()
    watcher = Watcher(engine)
    for domains, changed in (("shop.test",), True), (("shop.test",), False), (("example.com",), True):
        watcher.records_changed.clear()
        engine.connection.domains = domains
        await watcher.look("mx1")
        assert watcher.records_changed.is_set() == changed


async def test_a_watch_asks_for_the_links_to_the_other_servers_by_their_keys() -> None:
    engine = FakeEngine()
    servers = [
        {"id": name, "roles": ["mail-storage"], "internal_ip": f"10.80.0.{n}"}
        for n, name in ((1, "mx1"), (2, "mx2"))
    ]
    engine.plan = Plan.model_validate(
        engine.plan.model_dump() | {"architecture": "distributed", "servers": servers}
    )
    engine.known = FactsFile.model_validate({"servers": {"mx1": {"wireguard": "one"}, "mx2": {"wireguard": "two"}}})
    await Watcher(engine).look("mx1")
    assert engine.connection.looks[0].peers == {"mx2": "two"}


async def test_only_servers_of_a_cluster_are_asked_for_it() -> None:
    engine = FakeEngine()
    assert not (await Watcher(engine).look("mx1")).clustered
    servers = [{"id": f"mx{n}", "roles": ["all-in-one"], "internal_ip": f"10.80.0.{n}"} for n in (1, 2)]
    engine.plan = Plan.model_validate(engine.plan.model_dump() | {"architecture": "ha-cluster", "servers": servers})
    assert (await Watcher(engine).look("mx1")).clustered
    assert [look.cluster for look in engine.connection.looks] == [False, True]

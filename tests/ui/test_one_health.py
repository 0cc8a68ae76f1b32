"""Screen, lines and JSON of the monitor are drawn from one model, and say the same."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from mailwiz_tui.agent.protocol.probes import ProbeAnswer, RunProbes
from mailwiz_tui.agent.protocol.watch import Look, LookAround
from mailwiz_tui.commands.monitor import MonitorLines
from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.stack.blueprint import Blueprint, Port, Probe, Scope, Step, Unit
from mailwiz_tui.verify.health import Health
from mailwiz_tui.verify.watch import DnsDrift, Watcher
from tests.doubles import EngineDouble
from tests.ui.fakes import ONE_SERVER, Script, known_server
from tests.ui.grid import screen_text, until
from tests.ui.make import MakeApp
from tests.ui.test_monitor import NOW, monitor, sample, settle
from tests.unit.fake_link import FakeLink

RENEWED = NOW + 89.9 * 86400
ITEMS = (Unit("postfix.service"), Unit("dovecot.service"))
PROBES = (
    Probe("postfix.config", "Postfix accepts its configuration.", ("postfix", "check"), advice="run postfix check"),
    Probe("dovecot.config", "Dovecot accepts its configuration.", ("doveconf",)),
)
BLUEPRINT = Blueprint("mx1", (Step("s", "S", "c", ITEMS),), ports=(Port(25, "smtp", Scope.PUBLIC),), probes=PROBES)


class Link(FakeLink):
    """The agent of a server; ``told`` is its sample, ``broken`` are the probes that fail."""

    def __init__(self) -> None:
        super().__init__(LookAround.by(self._look), RunProbes.by(self._probe))
        self.told = sample(certificate={"not_after": RENEWED})
        self.broken: list[str] = []

    def _look(self, request: LookAround) -> Look:
        return LookAround.answer(self.told.model_dump(mode="json", exclude={"plan_drift"}))

    def _probe(self, request: RunProbes) -> tuple[ProbeAnswer, ...]:
        return tuple(ProbeAnswer(p.id, int(p.id in self.broken), "active") for p in request.probes)


class Engine(EngineDouble):
    """A server that is known from before the renewal of its certificate."""

    def __init__(self) -> None:
        super().__init__(ONE_SERVER)
        server = known_server()
        assert server.tls is not None
        tls = server.tls.model_copy(update={"not_after": NOW + 3 * 86400})
        self.known = FactsFile(servers={"mx1": server.model_copy(update={"tls": tls})})
        self.connection = Link()

    def blueprints(self) -> dict[str, Blueprint]:
        return {"mx1": BLUEPRINT}

    async def link(self, server_id: str) -> Link:
        return self.connection

    def learn_account_domains(self, domains: Collection[str] | None) -> bool:
        """Nothing is kept."""
        return False


class OfflineWatcher(Watcher):
    """Asks the server, but not the DNS."""

    async def drift(self) -> DnsDrift:
        return DnsDrift(fine=14, missing=("example.com MX",))


@pytest.fixture
def engine() -> Engine:
    return Engine()


async def lines(engine: Engine, capsys: pytest.CaptureFixture[str]) -> str:
    """What ``monitor --plain --once`` prints."""
    await MonitorLines(OfflineWatcher(engine), ["mx1"], as_json=False).show()
    return capsys.readouterr().out


async def test_the_dns_is_compared_after_the_accounts_were_asked_for_their_domains(
    engine: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    order: list[str] = []

    class SlowWatcher(OfflineWatcher):
        async def look(self, server_id: str) -> Health:
            await asyncio.sleep(0.05)
            order.append("accounts")
            return await super().look(server_id)

        async def drift(self) -> DnsDrift:
            order.append("DNS")
            return await super().drift()

    watcher = SlowWatcher(engine)
    shown = MonitorLines(watcher, ["mx1"], as_json=False)
    await shown.show()
    await shown.show()
    watcher.records_changed.set()
    await shown.show()
    assert order == ["accounts", "DNS", "accounts", "accounts", "DNS"]
    assert "1 not as planned" in capsys.readouterr().out


async def printed(engine: Engine, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What ``monitor --json --once`` prints."""
    await MonitorLines(OfflineWatcher(engine), ["mx1"], as_json=True).show()
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


async def looked(engine: Engine) -> Health:
    """One look after one round of checks."""
    watcher = OfflineWatcher(engine)
    await watcher.check("mx1")
    return await watcher.look("mx1")


async def shown(engine: Engine, script: Script, make_app: MakeApp, plan: Path, wanted: str) -> str:
    """The monitor's screen, as soon as it lists a text as wrong, and that list."""
    script.watcher = OfflineWatcher(engine)
    app = make_app(plan)
    async with app.run_test(size=(140, 50)) as pilot:
        screen = await monitor(pilot, app)
        screen.monitoring.look_now()
        await until(pilot, lambda: wanted in str(screen.monitoring.everything()), wanted)
        await settle(pilot, screen)
        text = screen_text(app)
        await pilot.press("a")
        await until(pilot, lambda: app.screen is not screen, "the list")
        return text + screen_text(app)


async def test_a_renewed_certificate_counts_from_what_the_server_says_now(
    engine: Engine, make_app: MakeApp, filled: Path, script: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "certificate valid 90 days" in await lines(engine, capsys)
    assert (await printed(engine, capsys))["certificate_days"] == pytest.approx(89.9)
    screen = await shown(engine, script, make_app, filled, "not published in the DNS")
    assert " 90 d " in screen
    assert "the certificate ends" not in screen


async def test_all_three_say_the_same_is_wrong(
    engine: Engine, make_app: MakeApp, filled: Path, script: Script, capsys: pytest.CaptureFixture[str]
) -> None:
    down = [
        {"name": "postfix.service", "active": "active"},
        {"name": "dovecot.service", "active": "failed", "result": "exit-code"},
    ]
    engine.connection.told = sample(units=down, certificate={"not_after": NOW + 5 * 86400})
    engine.connection.broken = ["postfix.config", "dovecot.config", "unit.dovecot"]
    plain, told = await lines(engine, capsys), await printed(engine, capsys)
    screen = await shown(engine, script, make_app, filled, "postfix.config")
    wrong = [
        "dovecot does not run (exit-code): nobody can read mail",
        "the certificate ends in 5 days",
        "postfix.config: expected exit code 0 of `postfix check`, got 1",
    ]
    alerts = [": ".join(filter(None, (a["check"], a["what"]))) for a in told["alerts"]]
    assert len(alerts) == len(wrong), "what follows from a unit that is down is not told again"
    for sentence, alert in zip(wrong, alerts, strict=True):
        assert alert.startswith(sentence)
        assert f"mx1: FAIL {sentence}" in plain
        assert sentence in " ".join(screen.split())
    assert "DNS: WARN not published in the DNS: example.com MX" in plain
    assert told["dns"]["missing"] == ["example.com MX"]
    assert "not published in the DNS: example.com MX" in screen


async def test_the_names_of_the_json_stay(engine: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    told = await printed(engine, capsys)
    assert list(told) == [
        "server_id",
        "at",
        "results",
        "queue",
        "bans",
        "disk_free",
        "memory_available",
        "certificate_days",
        "restarts",
        "alerts",
        "dns",
        "cluster",
    ]
    assert told["results"][0]["id"] == "postfix.config"
    assert told["results"][0]["state"] == "passed"
    assert (told["queue"], told["bans"]) == (0, 3)
    assert told["alerts"] == []


async def test_during_an_installation_nothing_is_called_wrong(engine: Engine) -> None:
    engine.connection.told = sample(units=[{"name": "postfix.service"}], run={"active": "r1", "by": "anna"})
    health = await looked(engine)
    assert health.alerts == []
    assert "an installation is in progress" in health.line

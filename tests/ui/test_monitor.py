"""The monitor: healthy, degraded, empty, filtered, unreachable, and an installation of somebody else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from textual.pilot import Pilot

from mailwiz_tui.deploy.events import ServerChanged, ServerPhase
from mailwiz_tui.deploy.operator import this_operator
from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.ui.app.application import MailwizApp
from mailwiz_tui.ui.app.start import StartScreen
from mailwiz_tui.ui.installation.dashboard import DashboardScreen
from mailwiz_tui.ui.monitoring.mail_trail import MailFilter, MailTrail
from mailwiz_tui.ui.monitoring.monitor import MonitorScreen
from mailwiz_tui.ui.widgets.server_detail import BARS, PLAIN_BARS, sparkline
from mailwiz_tui.verify.sample import Sample
from mailwiz_tui.verify.watch import DnsDrift
from tests.ui.fakes import Script, health, known_server
from tests.ui.grid import check_golden, grid, screen_text, size_ids, until
from tests.ui.make import MakeApp
from tests.ui.test_looking import PLANS

NOW = 1_795_390_140.0
CLUSTERED = ("mx1", "store1", "filter1")
UNITS = (
    "unbound",
    "redis-server@rspamd",
    "rspamd",
    "mariadb",
    "dovecot",
    "postfix",
    "fail2ban",
    "mailwiz-firewall",
)
MAIL = (
    ("postfix/smtpd", "4F1FD27E297: client=mx.outside.test[198.51.100.50]"),
    ("postfix/cleanup", "4F1FD27E297: message-id=<66ac426a@outside.test>"),
    (
        "rspamd",
        "<4db8f4>; proxy; rspamd_task_write_log: id: <66ac426a@outside.test>, qid: <4F1FD27E297>, F (no action)",
    ),
    ("postfix/qmgr", "4F1FD27E297: from=<anna@outside.test>, size=707, nrcpt=1 (queue active)"),
    ("postfix/smtpd", "BED7527E2A3: client=other.example[192.0.2.9]"),
    ("dovecot", "lmtp(ben@example.com): sieve: msgid=<66ac426a@outside.test>: stored mail into mailbox 'INBOX'"),
    (
        "postfix/lmtp",
        "4F1FD27E297: to=<ben@example.com>, relay=private/dovecot-lmtp, dsn=2.0.0, status=sent (250 ok)",
    ),
    ("postfix/smtpd", "NOQUEUE: reject: RCPT from x[192.0.2.7]: 554 5.7.1 <a@b.example>: Relay access denied"),
)


def sample(**changes: Any) -> Sample:
    """A healthy server that saw a little mail."""
    told: dict[str, Any] = {
        "at": NOW,
        "cpus": 2,
        "units": [{"name": f"{u}.service", "active": "active", "sub": "running"} for u in UNITS],
        "listeners": [{"protocol": "tcp", "address": "0.0.0.0", "port": p} for p in (22, 25, 465, 587, 993)],
        "queue": {"count": 0},
        "bans": {"sshd": 3, "postfix": 0},
        "certificate": {"not_after": NOW + 82.3 * 86400},
        "disks": [{"mount": "/", "total": 40 << 30, "free": 17 << 30}],
        "memory": {"total": 4 << 30, "available": 2 << 30},
        "log": {
            "place": "cursor c1",
            "lines": [[NOW - 60 + i, program, text] for i, (program, text) in enumerate(MAIL)],
            "minutes": [[int(NOW) // 60 * 60 - 60 * i, "in", (i * 7) % 13] for i in range(30)]
            + [[int(NOW) // 60 * 60 - 300, "out", 4], [int(NOW) // 60 * 60 - 120, "rejected", 9]],
        },
        "run": {"active": "", "by": ""},
    }
    return Sample.model_validate({**told, **changes})


def degraded() -> Sample:
    """A server whose dovecot is down and whose queue is old."""
    good = sample().model_dump()
    units = [
        {**u, "active": "failed", "result": "exit-code"} if u["name"].startswith("dovecot") else u
        for u in good["units"]
    ]
    return sample(
        units=units,
        listeners=[x for x in good["listeners"] if x["port"] != 993],
        queue={
            "count": 12,
            "deferred": 12,
            "oldest": NOW - 7300,
            "reason": "connect to private/dovecot-lmtp: refused",
        },
    )


async def monitor(pilot: Pilot[Any], app: MailwizApp) -> MonitorScreen:
    """Open the monitor from the start screen, by its key."""
    app.session.known = FactsFile(servers={"mx1": known_server()})
    await until(pilot, lambda: isinstance(app.screen, StartScreen) and app.focused is not None, "start")
    await pilot.press("m")
    await until(pilot, lambda: isinstance(app.screen, MonitorScreen) and app.focused is not None, "monitor")
    assert isinstance(app.screen, MonitorScreen)
    await settle(pilot, app.screen)
    return app.screen


async def settle(pilot: Pilot[Any], screen: MonitorScreen) -> None:
    """Let everything be laid out, then draw once more."""
    for _ in range(3):
        await pilot.pause()
        screen.tick()


@size_ids
async def test_a_healthy_server(
    size: tuple[int, int], make_app: MakeApp, filled: Path, script: Script, update_golden: bool
) -> None:
    script.samples = {"mx1": sample()}
    app = make_app(filled)
    async with app.run_test(size=size) as pilot:
        await monitor(pilot, app)
        assert "no problems on 1 server" in screen_text(app)
        assert "8/8" in screen_text(app)
        await check_golden(pilot, f"monitor-healthy-{size[0]}x{size[1]}", update=update_golden)


@size_ids
async def test_a_degraded_server_says_what_to_do_at_the_top(
    size: tuple[int, int], make_app: MakeApp, filled: Path, script: Script, update_golden: bool
) -> None:
    script.samples = {"mx1": degraded()}
    script.drift = DnsDrift(fine=12, wrong=("_dmarc.example.com TXT",), missing=("example.com MX",))
    app = make_app(filled)
    async with app.run_test(size=size) as pilot:
        screen = await monitor(pilot, app)
        shown = screen_text(app)
        assert "dovecot does not run (exit-code): nobody can read mail" in shown
        assert "What to do: on the server: journalctl -u dovecot" in shown
        assert "✗ 993 down" in shown
        await check_golden(pilot, f"monitor-degraded-{size[0]}x{size[1]}", update=update_golden)
        await pilot.press("a")
        await until(
            pilot,
            lambda: "not published in the DNS: example.com MX" in screen_text(app),
            "everything that is wrong",
        )
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen, "back")


@size_ids
async def test_before_the_first_answer_and_without_mail(
    size: tuple[int, int], make_app: MakeApp, filled: Path, script: Script, update_golden: bool
) -> None:
    app = make_app(filled)
    async with app.run_test(size=size) as pilot:
        screen = await monitor(pilot, app)
        assert "checking the servers…" in screen_text(app)
        quiet = sample(log={"place": "since 1"})
        script.samples = {"mx1": quiet}
        screen.monitoring.servers["mx1"].take(health(quiet), screen.monitoring.clock())
        screen.monitoring.revision += 1
        await settle(pilot, screen)
        assert "no mail in the last hour" in screen_text(app)
        await check_golden(pilot, f"monitor-empty-{size[0]}x{size[1]}", update=update_golden)


@size_ids
async def test_the_log_of_one_mail_by_its_message_id(
    size: tuple[int, int], make_app: MakeApp, filled: Path, script: Script, update_golden: bool
) -> None:
    script.samples = {"mx1": sample()}
    app = make_app(filled)
    async with app.run_test(size=size) as pilot:
        screen = await monitor(pilot, app)
        await pilot.press("ampersand")
        await pilot.press(*"66ac426a", "enter")
        await settle(pilot, screen)
        assert "6 of 8 lines" in screen.active_log.panel.status()
        panel = screen.active_log.panel
        shown = " ".join(panel.buffer.lines[number] for number in panel.rows.numbers())
        assert "client=mx.outside.test" in shown
        assert "status=sent" in grid(app)
        assert "BED7527E2A3" not in shown
        await check_golden(pilot, f"monitor-filtered-{size[0]}x{size[1]}", update=update_golden)


async def test_a_server_that_cannot_be_reached_keeps_what_was_known(
    make_app: MakeApp, filled: Path, script: Script
) -> None:
    script.samples = {"mx1": sample()}
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await monitor(pilot, app)
        script.samples = {"mx1": OSError("connection refused")}
        await pilot.press("f5")
        await until(pilot, lambda: "unreachable" in screen_text(app), "the state")
        assert "cannot be reached: connection refused" in screen_text(app)
        assert "8/8" in screen_text(app)
        script.samples = {"mx1": sample()}
        screen.monitoring.look_now()
        await until(pilot, lambda: "no problems" in screen_text(app), "well again")


async def test_an_installation_of_another_operator_is_one_key_away(
    make_app: MakeApp, filled: Path, script: Script
) -> None:
    script.samples = {"mx1": sample(run={"active": "20261122T1", "by": "anna@desk"})}
    script.events = [ServerChanged("mx1", ServerPhase.ATTACHED, "following a run of anna@desk")]
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await monitor(pilot, app)
        assert "an installation by anna@desk is running; i shows it" in screen_text(app)
        await pilot.press("i")
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen), "the dashboard")
        assert app.session.ongoing.installation is not None
        assert app.session.ongoing.installation.watched_only


async def test_ones_own_installation_is_called_so(make_app: MakeApp, filled: Path, script: Script) -> None:
    me = this_operator()
    script.samples = {"mx1": sample(run={"active": "r", "by": me.by, "controller": me.controller})}
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await monitor(pilot, app)
        assert "mx1: your own installation is running; i shows it" in screen_text(app)


async def test_hostile_answers_do_no_harm(make_app: MakeApp, filled: Path, script: Script) -> None:
    evil = "\x1b]0;owned\x07[/bold] [red]\x9b2J\u202e"
    script.samples = {
        "mx1": sample(
            units=[{"name": f"post{evil}fix.service", "active": "failed", "result": evil}],
            queue={"count": 1, "oldest": NOW - 99999, "reason": evil},
            bans={evil: 4},
            log={"place": "x", "lines": [[NOW, evil, evil + "A" * (1 << 20)]], "minutes": [[1, evil, 3]]},
            run={"active": "x", "by": evil},
        )
    }
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await monitor(pilot, app)
        await pilot.press("a")
        await pilot.pause()
        assert not [c for c in grid(app) if (ord(c) < 32 and c != "\n") or c in "\x9b\u202e"]


async def test_without_a_complete_plan_the_monitor_says_why_not(make_app: MakeApp, plan_path: Path) -> None:
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, StartScreen) and app.focused is not None, "start")
        await pilot.press("m")
        await pilot.pause()
        assert isinstance(app.screen, StartScreen)
        assert app.screen.why_not("start.monitor").startswith("the plan is not complete")


def test_a_trail_joins_what_belongs_to_one_mail() -> None:
    trail = MailTrail()
    lines = [f"{program}: {text}" for program, text in MAIL]
    lines.append("postfix/smtp: 4F1FD27E297: to=<x@y.example>, status=sent (250 queued as 77AA88BB99)")
    for line in lines:
        trail.learn(line)
    for text in ("66ac426a@outside.test", "<66ac426a@outside.test>", "4f1fd27e297", "77AA88BB99"):
        assert sum(MailFilter(text, trail).matches(line) for line in lines) == 7, text
    assert sum(MailFilter("!66ac426a", trail).matches(line) for line in lines) == len(lines) - 3
    assert [line for line in lines if MailFilter("relay access", trail).matches(line)] == [lines[7]]
    assert not any(MailFilter("nothing-like-it", trail).matches(line) for line in lines)


def test_a_trail_is_bounded() -> None:
    trail = MailTrail()
    for number in range(60_000):
        trail.learn(f"postfix/cleanup: {number:011d}: client=x")
    assert len(trail._groups) <= 40_000


@given(st.lists(st.text(max_size=80), max_size=20), st.text(max_size=12))
def test_a_trail_takes_any_line(lines: list[str], wanted: str) -> None:
    trail = MailTrail()
    for line in lines:
        trail.learn(line)
    for line in lines:
        MailFilter(wanted, trail).matches(line)


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=60), st.booleans())
def test_a_sparkline_shows_zero_as_the_lowest_and_more_as_more(values: list[int], plain: bool) -> None:
    bars = PLAIN_BARS if plain else BARS
    line = sparkline(values, plain=plain)
    assert len(line) == len(values)
    for value, bar in zip(values, line, strict=True):
        assert (bar == bars[0]) == (value == 0)
    if max(values):
        assert line[values.index(max(values))] == bars[-1]


def prepare_cluster(plan_path: Path) -> None:
    """A plan of two servers that hold mail and a witness."""
    plan_path.write_text(PLANS["cluster with a witness"])


async def test_a_sound_cluster_names_the_active_server_at_the_top(
    make_app: MakeApp, plan_path: Path, script: Script
) -> None:
    prepare_cluster(plan_path)
    for name in CLUSTERED:
        since = NOW - 3600 if name == "mx1" else 0.0
        script.samples[name] = sample(cluster={"quorate": True, "store": "mx1", "node": name, "since": since})
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await monitor(pilot, app)
        wanted = "no problems on 3 servers; active: mx1 since 2026-11-22 22:29:00"
        await until(pilot, lambda: wanted in screen_text(app), wanted)


@size_ids
async def test_a_cluster_says_which_server_is_active(
    size: tuple[int, int], make_app: MakeApp, plan_path: Path, script: Script, update_golden: bool
) -> None:
    """What every server tells in the same words is told once."""
    prepare_cluster(plan_path)
    nodes = [{"name": n, "online": n != "filter1", "standby": False, "ready": True} for n in CLUSTERED]
    seen = {"quorate": True, "nodes": nodes, "store": "mx1"}
    copying = {"connection": "SyncSource", "disk": "UpToDate", "peer_disk": "Inconsistent", "percent": 40.0}
    for name in CLUSTERED:
        volume = copying if name == "mx1" else None
        told = {**seen, "node": name, "since": NOW - 3600 if name == "mx1" else 0.0, "volume": volume}
        script.samples[name] = sample(cluster=told)
    app = make_app(plan_path)
    async with app.run_test(size=size) as pilot:
        screen = await monitor(pilot, app)
        await until(pilot, lambda: all(w.sample for w in screen.monitoring.servers.values()), "three samples")
        await settle(pilot, screen)
        lost = [alert for _, alert in screen.monitoring.everything() if "filter1 is not connected" in alert.what]
        assert len(lost) == 1
        assert "active since 2026-11-22 22:29:00" in screen_text(app), grid(app)
        await check_golden(pilot, f"monitor-cluster-{size[0]}x{size[1]}", update=update_golden)

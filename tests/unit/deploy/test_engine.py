"""The engine with the real agent over a real SSH connection to a rehearsed machine."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mailwiz_tui.agent.core.lock import read_holder
from mailwiz_tui.agent.protocol.probes import ProbeAnswer, ProbeCommand, RunProbes
from mailwiz_tui.agent.protocol.request import Ping, Request
from mailwiz_tui.agent.protocol.runs import AskRunStatus, FollowRun, StartRun
from mailwiz_tui.deploy.agent_link import AgentError, AgentLink
from mailwiz_tui.deploy.events import LogLine, Progress, ServerChanged, ServerPhase, StepChanged, StepPhase
from mailwiz_tui.deploy.pool import Pool
from mailwiz_tui.deploy.prompts import RefusingPrompts
from mailwiz_tui.deploy.ssh import ConnectionLost
from mailwiz_tui.deploy.work import EngineError
from mailwiz_tui.fleet.facts_store import load_facts
from mailwiz_tui.plan.findings import PlanError
from mailwiz_tui.plan.model import Architecture
from mailwiz_tui.stack.blueprint import Command, File, Packages, Unit
from mailwiz_tui.verify import server_checks
from tests.unit.agent.rehearsal import Rehearsal, blueprint, step
from tests.unit.deploy.conftest import NewEngine, RehearsedHost


async def until(predicate: Callable[[], bool], seconds: float = 120.0) -> None:
    async with asyncio.timeout(seconds):
        while not predicate():  # noqa: ASYNC110 - what is waited for happens in another process
            await asyncio.sleep(0.01)


SMALL = blueprint(
    step(Packages(("alpha", "beta")), name="packages"),
    step(File("/etc/a", "pw = {{secret:db}}\n", mode=0o600), Unit("x.service", restart_on=("/etc/a",)), name="x"),
    secrets=("db",),
)


async def test_apply_installs_and_a_second_apply_starts_no_run(new_engine: NewEngine, machine: Rehearsal) -> None:
    engine = new_engine(SMALL)
    outcome = (await engine.apply())["mx1"]
    assert (outcome.state, outcome.changed, outcome.reason) == (ServerPhase.DONE, True, "")
    finished = [
        (e.step_id, e.phase) for e in engine.events if isinstance(e, StepChanged) and e.phase.value != "pending"
    ]
    assert finished == [
        ("packages", StepPhase.RUNNING),
        ("packages", StepPhase.CHANGED),
        ("x", StepPhase.RUNNING),
        ("x", StepPhase.CHANGED),
    ]
    assert any(isinstance(e, Progress) and e.done == 100 for e in engine.events)
    runs = os.listdir(machine.host.state("runs"))
    machine.forget_calls()
    again = new_engine(SMALL)
    outcome = (await again.apply())["mx1"]
    assert (outcome.state, outcome.changed) == (ServerPhase.UNCHANGED, False)
    assert outcome.line == "mx1: no changes"
    assert os.listdir(machine.host.state("runs")) == runs
    assert machine.calls() == []


async def test_diff_shows_everything_changes_nothing_and_hides_secrets(
    new_engine: NewEngine, machine: Rehearsal
) -> None:
    engine = new_engine(SMALL)
    diff = (await engine.diff())["mx1"]
    text = "\n".join(diff.lines())
    assert not diff.empty
    assert diff.packages == ("alpha", "beta")
    assert diff.files == ("/etc/a",)
    assert "+pw = ●●●" in text
    assert "enable and start unit x.service" in text
    assert machine.calls() == []
    assert not machine.path("/etc/a").exists()
    await engine.apply()
    assert (await engine.diff())["mx1"].empty


async def test_prepare_keeps_facts_and_public_halves_only(
    new_engine: NewEngine, machine: Rehearsal, tmp_path: Path
) -> None:
    known = await new_engine(SMALL).prepare()
    record = known.servers["mx1"]
    assert record.facts.codename == "trixie"
    (key,) = record.dkim
    assert (key.selector, key.bits) == ("mail", 2048)
    assert record.tls is not None
    assert record.tls.subject_names == ("mail.example.com",)
    private = machine.path("/var/lib/rspamd/dkim/mail.key")
    assert "PRIVATE KEY" in private.read_text()
    assert private.stat().st_mode & 0o777 == 0o600
    kept = (tmp_path / "plan.facts.json").read_text()
    assert key.public_key in kept
    assert "PRIVATE" not in kept
    again = await new_engine(SMALL).prepare()
    assert again.servers["mx1"].dkim == record.dkim
    assert again.servers["mx1"].tls == record.tls
    assert load_facts(tmp_path / "plan.facts.json").servers["mx1"].dkim == record.dkim


async def test_a_killed_controller_is_followed_up_by_the_next_apply(
    new_engine: NewEngine, machine: Rehearsal, host: RehearsedHost
) -> None:
    block = machine.touch("apt-blocks")
    first = new_engine(SMALL)
    task = asyncio.create_task(first.apply())
    await until((machine.root / "apt-started").exists)
    task.cancel()
    host.cut()
    second = new_engine(SMALL)
    following = asyncio.create_task(second.apply())
    await until(
        lambda: any(isinstance(e, ServerChanged) and e.phase is ServerPhase.ATTACHED for e in second.events)
    )
    block.unlink()
    outcome = (await following)["mx1"]
    assert (outcome.state, outcome.changed) == (ServerPhase.DONE, True)
    installs = [c for c in machine.calls() if " install " in c and "alpha" in c]
    assert len(installs) == 1, "the first run's apt-get was followed, not started again"


async def test_a_cut_connection_is_taken_up_again_without_losing_or_doubling_a_line(
    new_engine: NewEngine, machine: Rehearsal, host: RehearsedHost
) -> None:
    lines = "; ".join(f"echo line-{n}" for n in range(200))
    gate = machine.touch("hold")
    script = f"{lines}; while [ -e {gate} ]; do sleep 0.02; done; {lines.replace('line', 'after')}"
    engine = new_engine(blueprint(step(Command("c", ("sh", "-c", script)))))
    task = asyncio.create_task(engine.apply())
    for _ in range(3):
        await until(lambda: any(isinstance(e, LogLine) and e.text == "line-199" for e in engine.events))
        host.cut()
    gate.unlink()
    assert (await task)["mx1"].state is ServerPhase.DONE
    texts = [e.text for e in engine.events if isinstance(e, LogLine) and e.text.startswith(("line-", "after-"))]
    assert texts == [f"line-{n}" for n in range(200)] + [f"after-{n}" for n in range(200)]
    assert any(isinstance(e, ServerChanged) and e.phase is ServerPhase.RECONNECTING for e in engine.events)


async def test_a_server_that_stays_away_is_lost_and_its_run_goes_on(
    new_engine: NewEngine, machine: Rehearsal, host: RehearsedHost
) -> None:
    block = machine.touch("apt-blocks")
    engine = new_engine(SMALL, give_up_after=0.3)
    task = asyncio.create_task(engine.apply())
    await until((machine.root / "apt-started").exists)
    await host.close()
    outcome = (await task)["mx1"]
    assert outcome.state is ServerPhase.LOST
    assert "continues" in outcome.advice
    block.unlink()
    await host.listen()
    assert (await new_engine(SMALL).apply())["mx1"].good


@pytest.mark.parametrize("comes_back", [True, False])
async def test_a_line_cut_while_the_run_begins_is_taken_up_or_told_as_lost(
    new_engine: NewEngine,
    machine: Rehearsal,
    host: RehearsedHost,
    monkeypatch: pytest.MonkeyPatch,
    comes_back: bool,
) -> None:
    """Whether the run began is not known then: it may go on there, so nothing else may be said."""
    ask = AgentLink.ask
    cut: list[Any] = []

    async def cut_at_start(link: AgentLink, request: Request[object]) -> object:
        if isinstance(request, StartRun) and not cut:
            cut.append(request)
            await ask(link, request)
            await host.close()
            if comes_back:
                asyncio.get_running_loop().call_later(0.4, lambda: cut.append(asyncio.ensure_future(host.listen())))
            raise ConnectionLost("mx1")
        return await ask(link, request)

    monkeypatch.setattr(AgentLink, "ask", cut_at_start)
    engine = new_engine(SMALL, give_up_after=30 if comes_back else 0.3)
    outcome = (await engine.apply())["mx1"]
    phases = [event.phase for event in engine.events if isinstance(event, ServerChanged)]
    if comes_back:
        assert outcome.good
        assert phases[-1 - phases[::-1].index(ServerPhase.RECONNECTING) :][1] is ServerPhase.INSTALLING
        return
    assert outcome.state is ServerPhase.LOST
    assert "continues" in outcome.advice
    await host.listen()


async def test_a_killed_run_is_finished_by_the_next_apply(new_engine: NewEngine, machine: Rehearsal) -> None:
    machine.touch("apt-blocks")
    engine = new_engine(SMALL)
    task = asyncio.create_task(engine.apply())
    await until((machine.root / "apt-started").exists)
    link = await engine.link("mx1")
    status = await link.ask(AskRunStatus())
    assert status.state == "active"
    pid = read_holder(machine.host)["pid"]
    assert isinstance(pid, int)
    os.kill(pid, signal.SIGKILL)
    outcome = (await task)["mx1"]
    assert outcome.state is ServerPhase.FAILED
    assert "interrupted" in outcome.reason
    assert outcome.failed_step == "packages"
    (machine.root / "apt-blocks").unlink()
    assert (await new_engine(SMALL).apply())["mx1"].state is ServerPhase.DONE
    assert not machine.path("/usr/sbin/policy-rc.d").exists()


async def test_a_failed_step_is_the_outcome_with_its_reason(new_engine: NewEngine, machine: Rehearsal) -> None:
    bad = blueprint(step(File("/etc/a", "x"), name="conf", validators=(("sh", "-c", "echo 'fatal: bad'; exit 1"),)))
    outcome = (await new_engine(bad).apply())["mx1"]
    assert (outcome.state, outcome.failed_step) == (ServerPhase.FAILED, "conf")
    assert "fatal: bad" in outcome.reason
    assert not machine.path("/etc/a").exists()


async def test_a_lockout_step_is_confirmed_over_a_new_connection(
    new_engine: NewEngine, machine: Rehearsal, host: RehearsedHost
) -> None:
    fw = blueprint(step(File("/etc/fw", "new"), name="fw", lockout=True))
    before = len(host.commands)
    assert (await new_engine(fw).apply())["mx1"].state is ServerPhase.DONE
    assert len(host.commands) - before == 2, "the second one came for the confirmation"
    assert machine.path("/etc/fw").read_text() == "new"


async def test_a_lockout_step_that_no_new_connection_confirms_is_undone(
    new_engine: NewEngine, machine: Rehearsal, host: RehearsedHost
) -> None:
    machine.path("/etc/fw").write_text("old")
    engine = new_engine(blueprint(step(File("/etc/fw", "new"), name="fw", lockout=True)), gate_seconds=1.0)
    await engine.link("mx1")
    host.lets_in = False
    outcome = (await engine.apply())["mx1"]
    assert outcome.state is ServerPhase.FAILED
    assert "undone" in outcome.reason
    assert machine.path("/etc/fw").read_text() == "old"
    assert any(isinstance(e, LogLine) and "new connection" in e.text and "failed" in e.text for e in engine.events)


async def test_one_server_failing_does_not_stop_the_other(new_engine: NewEngine, host: RehearsedHost) -> None:
    away = host.server("mx2").model_copy(update={"port": 1})
    engine = new_engine(SMALL, servers=(host.server(), away))
    engine.plan.architecture = Architecture.SINGLE
    outcomes = await engine.apply()
    assert outcomes["mx1"].state is ServerPhase.DONE
    assert outcomes["mx2"].state is ServerPhase.FAILED
    assert outcomes["mx2"].reason


async def test_attach_follows_only_what_runs(new_engine: NewEngine, machine: Rehearsal) -> None:
    assert await new_engine(SMALL).attach() == {}
    block = machine.touch("apt-blocks")
    task = asyncio.create_task(new_engine(SMALL).apply())
    await until((machine.root / "apt-started").exists)
    watcher = new_engine(SMALL)
    watching = asyncio.create_task(watcher.attach())
    await until(lambda: any(isinstance(e, StepChanged) for e in watcher.events))
    block.unlink()
    assert (await watching)["mx1"].state is ServerPhase.DONE
    assert (await task)["mx1"].state is ServerPhase.DONE


async def test_what_cannot_be_installed_is_refused_before_connecting(
    new_engine: NewEngine, host: RehearsedHost
) -> None:
    engine = new_engine(SMALL)
    engine.plan.architecture = Architecture.HA_CLUSTER
    with pytest.raises(PlanError):
        await engine.apply()
    stranger = new_engine(SMALL)
    stranger.plan.servers[0].id = "mx9"
    with pytest.raises(EngineError, match="mx9"):
        await stranger.apply()
    assert host.connections == []


async def test_a_foreign_system_is_refused_before_any_change(new_engine: NewEngine, machine: Rehearsal) -> None:
    machine.path("/etc/os-release").write_text('ID=ubuntu\nVERSION_ID="24.04"\nPRETTY_NAME="Ubuntu 24.04"\n')
    outcome = (await new_engine(SMALL).apply())["mx1"]
    assert outcome.state is ServerPhase.FAILED
    assert "Ubuntu 24.04" in outcome.reason
    assert not machine.path("/var/lib/rspamd").exists()
    assert machine.calls() == []


async def test_hostile_text_from_a_server_reaches_nobody_raw(new_engine: NewEngine) -> None:
    noise = r"printf '\033]0;owned\007\033[2J[bold]x[/]\r  50%%\r 100%%\n\302\2331mred\n'; exit 7"
    engine = new_engine(blueprint(step(Command("c", ("sh", "-c", noise)))))
    outcome = (await engine.apply())["mx1"]
    texts = [e.text for e in engine.events if isinstance(e, LogLine)] + [outcome.reason]
    assert all(c.isprintable() for text in texts for c in text)
    assert " 100%" in texts


@dataclass(frozen=True)
class FormatDisk(Request[None]):
    """What no agent does."""


async def test_the_agent_says_what_it_cannot_do(host: RehearsedHost, machine: Rehearsal) -> None:
    pool = Pool(RefusingPrompts(), root=str(machine.root))
    link = await pool.link(host.server())
    assert await link.ask(Ping()) == "pong"
    with pytest.raises(AgentError, match="no operation"):
        await link.ask(FormatDisk())
    with pytest.raises(AgentError, match="no run"):
        async for _ in link.follow(FollowRun("no-such-run")):
            pass
    assert await link.ask(Ping()) == "pong"
    probes = (ProbeCommand("a", ("echo", "hi")), ProbeCommand("b", ("no-such-program",)))
    assert await link.ask(RunProbes(probes)) == (
        ProbeAnswer("a", 0, "hi"),
        ProbeAnswer("b", 127, "no-such-program: No such file or directory"),
    )
    host.cut()
    with pytest.raises(Exception, match=r"lost|ended"):
        await link.ask(Ping())
    assert (await (await pool.link(host.server())).ask(Ping())) == "pong"
    await pool.close()


async def test_noise_before_the_agent_is_skipped_and_endless_noise_refused() -> None:
    class Channel:
        exit_status = None
        stderr = ""

        def __init__(self, data: bytes) -> None:
            self.data = data

        def write(self, data: bytes) -> None: ...
        async def drain(self) -> None: ...
        async def close(self) -> None: ...
        async def read(self, n: int = 65536) -> bytes:
            part, self.data = self.data[:n], self.data[n:]
            return part

    class Connection:
        def __init__(self, data: bytes) -> None:
            self.data = data

        async def open_privileged(self, command: str) -> Channel:
            assert "\n" not in command
            return Channel(self.data)

        async def close(self) -> None: ...

    heard: list[str] = []
    data = b"Welcome!\r\nmailwiz-bootstrap: Setting up python3 ...\n\nMAILWIZ-AGENT-READY 1\n"
    link = await AgentLink.open(Connection(data), on_progress=heard.append)
    assert heard == ["Setting up python3 ..."]
    await link.close()
    with pytest.raises(AgentError, match="unsupported Ubuntu"):
        await AgentLink.open(Connection(b"mailwiz-bootstrap: fault unsupported Ubuntu\n"))
    with pytest.raises(AgentError, match="prints too much"):
        await AgentLink.open(Connection(b"y\n" * 2_000_000))


async def test_an_optional_step_that_fails_is_skipped_on_request_and_the_outcome_says_so(
    new_engine: NewEngine, machine: Rehearsal
) -> None:
    plan = blueprint(
        step(Command("c", ("sh", "-c", f"test -e {machine.root}/mended")), name="extra", optional=True),
        step(File("/etc/b", "b"), name="last"),
    )
    engine = new_engine(plan)
    outcome = (await engine.apply())["mx1"]
    assert (outcome.state, outcome.failed_step) == (ServerPhase.FAILED, "extra")
    assert [e.optional for e in engine.events if isinstance(e, StepChanged) and e.phase is StepPhase.PENDING] == [
        True,
        False,
    ]
    outcome = (await engine.apply(only=("mx1",), skip={"mx1": ("extra",)}))["mx1"]
    assert (outcome.state, outcome.skipped) == (ServerPhase.DONE, ("extra",))
    assert "without extra (skipped)" in outcome.line
    assert (await engine.apply(only=("elsewhere",))) == {}
    status = await (await engine.link("mx1")).ask(AskRunStatus())
    assert status.end is not None
    assert status.end.skipped == ("extra",)
    (result,) = await server_checks.skipped_steps(plan, await engine.link("mx1"))
    assert (result.id, result.state.value) == ("installed.extra", "failed")
    machine.touch("mended")
    outcome = (await new_engine(plan).apply())["mx1"]
    assert (outcome.state, outcome.skipped, outcome.changed) == (ServerPhase.DONE, (), True)

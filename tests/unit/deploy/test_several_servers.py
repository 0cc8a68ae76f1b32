"""Several servers at once: each is told of when it ends, and one that has ended stays so."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mailwiz_tui.agent.protocol.runs import RunHolder
from mailwiz_tui.deploy import operator
from mailwiz_tui.deploy.batches import Order
from mailwiz_tui.deploy.events import ServerChanged, ServerPhase
from mailwiz_tui.deploy.installing import WAITS
from mailwiz_tui.deploy.operator import Operator, RunInProgress, this_operator
from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.fleet.server import Server
from mailwiz_tui.plan.model import Architecture
from mailwiz_tui.stack.blueprint import Blueprint, Command, File, Packages
from tests.unit.agent.rehearsal import blueprint, step
from tests.unit.deploy.conftest import NewEngine, RehearsedHost, Rehearsing
from tests.unit.deploy.test_engine import until

Content = Callable[[str, FactsFile], Blueprint]
SLOW = blueprint(step(Packages(("alpha", "beta")), name="packages"), step(File("/etc/a", "a"), name="a"))
QUICK = blueprint(step(File("/etc/a", "a"), name="a"))


def one_is_slow(server_id: str, known: FactsFile) -> Blueprint:
    return replace(SLOW if server_id == "mx2" else QUICK, server_id=server_id)


def phases(engine: Rehearsing, server_id: str) -> list[ServerPhase]:
    """What was told of a server, without repetitions."""
    told = [e.phase for e in engine.events if isinstance(e, ServerChanged) and e.server_id == server_id]
    return [phase for i, phase in enumerate(told) if i == 0 or told[i - 1] is not phase]


def begun_before(lock: Path, seconds: float) -> None:
    """Have the run that holds a lock begin earlier."""
    lock.write_text(json.dumps({**json.loads(lock.read_text()), "since": time.time() - seconds}))


@pytest.fixture
def pair(new_engine: NewEngine, host: RehearsedHost, second: RehearsedHost) -> NewEngine:
    """Makes engines for two servers that need nothing of each other."""

    def new(content: Content = one_is_slow, **options: Any) -> Rehearsing:
        engine = new_engine(content, servers=(host.server("mx1"), second.server("mx2")), **options)
        engine.plan.architecture = Architecture.SINGLE
        return engine

    return new


async def test_a_server_that_has_ended_is_told_of_while_another_is_still_at_work(
    pair: NewEngine, second: RehearsedHost
) -> None:
    block = second.machine.touch("apt-blocks")
    engine = pair()
    task = asyncio.create_task(engine.apply())
    await until((second.machine.root / "apt-started").exists)
    await until(lambda: ServerPhase.DONE in phases(engine, "mx1"), 20)
    assert phases(engine, "mx2")[-1] is ServerPhase.INSTALLING
    assert not task.done()
    block.unlink()
    outcomes = await task
    assert [outcome.state for outcome in outcomes.values()] == [ServerPhase.DONE, ServerPhase.DONE]
    assert phases(engine, "mx1").count(ServerPhase.DONE) == 1


async def test_a_server_that_is_away_is_told_of_before_the_others_are_done(
    pair: NewEngine, host: RehearsedHost, second: RehearsedHost
) -> None:
    block = second.machine.touch("apt-blocks")
    engine = pair()
    await host.close()
    task = asyncio.create_task(engine.apply())
    await until(lambda: ServerPhase.FAILED in phases(engine, "mx1"), 20)
    assert not task.done()
    block.unlink()
    assert (await task)["mx2"].good
    await host.listen()


async def test_a_prepared_server_says_that_it_waits_for_the_others(
    pair: NewEngine, second: RehearsedHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = pair()
    prepare, gate = engine._work.prepare, asyncio.Event()

    async def slow(server: Server) -> Any:
        if server.id == "mx2":
            await gate.wait()
        return await prepare(server)

    monkeypatch.setattr(engine._work, "prepare", slow)
    task = asyncio.create_task(engine.apply())
    await until(lambda: phases(engine, "mx1")[-1:] == [ServerPhase.WAITING], 20)
    assert any(isinstance(e, ServerChanged) and e.detail == WAITS for e in engine.events)
    gate.set()
    assert all(outcome.good for outcome in (await task).values())


async def test_joining_again_keeps_the_finished_server_finished_and_the_runs_own_time(
    pair: NewEngine, second: RehearsedHost
) -> None:
    block = second.machine.touch("apt-blocks")
    first = pair()
    task = asyncio.create_task(first.apply())
    await until((second.machine.root / "apt-started").exists)
    await until(lambda: ServerPhase.DONE in phases(first, "mx1"), 20)
    task.cancel()
    second.cut()
    begun_before(Path(second.machine.host.state("lock")), 600)
    again = pair()
    following = asyncio.create_task(again.apply())
    await until(lambda: ServerPhase.UNCHANGED in phases(again, "mx1"), 20)
    assert not following.done(), "the other one still runs"
    (joined,) = [e for e in again.events if isinstance(e, ServerChanged) and e.phase is ServerPhase.ATTACHED]
    assert joined.own
    assert joined.detail == "following your own run"
    assert joined.elapsed is not None
    assert 600 <= joined.elapsed < 660
    block.unlink()
    assert all(outcome.good for outcome in (await following).values())
    assert phases(again, "mx1")[-1] is ServerPhase.UNCHANGED


async def test_what_is_watched_is_told_whole_and_whose_it_is(pair: NewEngine, second: RehearsedHost) -> None:
    block = second.machine.touch("apt-blocks")
    first = pair()
    task = asyncio.create_task(first.apply())
    await until((second.machine.root / "apt-started").exists)
    await until(lambda: ServerPhase.DONE in phases(first, "mx1"), 20)
    watcher = pair()
    watcher._work.operator = Operator("anna@desk", "0" * 32)
    watching = asyncio.create_task(watcher.attach())
    await until(lambda: ServerPhase.ATTACHED in phases(watcher, "mx2"), 20)
    assert phases(watcher, "mx1") == [ServerPhase.DONE], "its latest run ended well"
    (joined,) = [e for e in watcher.events if isinstance(e, ServerChanged) and e.phase is ServerPhase.ATTACHED]
    assert not joined.own
    assert joined.detail == f"following a run of {first._work.operator.by}"
    block.unlink()
    assert list(await watching) == ["mx2"]
    await task


async def test_a_retry_leaves_finished_servers_alone_but_for_what_the_others_told(
    pair: NewEngine, second: RehearsedHost
) -> None:
    """mx1 is told the address of mx2: once that changes, mx1 is brought up to date by mx2's retry."""
    address = "192.0.2.1"

    def content(server_id: str, known: FactsFile) -> Blueprint:
        if server_id == "mx1":
            return blueprint(step(File("/etc/peers", address), name="peers"))
        return blueprint(step(Command("c", ("sh", "-c", f"test -e {second.machine.root}/mended")), name="c"))

    engine = pair(content)
    outcomes = await engine.apply()
    assert [outcome.state for outcome in outcomes.values()] == [ServerPhase.DONE, ServerPhase.FAILED]
    engine.events.clear()
    assert list(await engine.apply(only=("mx2",))) == ["mx2"]
    assert phases(engine, "mx1") == []
    second.machine.touch("mended")
    address = "192.0.2.2"
    outcomes = await engine.apply(only=("mx2",))
    assert {i: outcome.state for i, outcome in outcomes.items()} == dict.fromkeys(("mx1", "mx2"), ServerPhase.DONE)


def begun(engine: Rehearsing) -> list[str]:
    """The servers on which something was carried out, in their order."""
    return [
        e.server_id for e in engine.events if isinstance(e, ServerChanged) and e.phase is ServerPhase.INSTALLING
    ]


async def test_one_after_another_the_next_begins_when_the_gate_has_found_the_one_before_well(
    pair: NewEngine, host: RehearsedHost, second: RehearsedHost
) -> None:
    looked_at: list[tuple[str, ...]] = []

    async def gate(batch: Collection[str]) -> list[str]:
        looked_at.append(tuple(batch))
        assert second.machine.path("/etc/a").exists()
        assert not host.machine.path("/etc/a").exists(), "the next one is not touched yet"
        return []

    engine = pair()
    outcomes = await engine.apply(order=Order.one_by_one(("mx2", "mx1"), gate))
    assert {i: outcome.state for i, outcome in outcomes.items()} == dict.fromkeys(("mx1", "mx2"), ServerPhase.DONE)
    assert list(dict.fromkeys(begun(engine))) == ["mx2", "mx1"]
    assert looked_at == [("mx2",)], "behind the last one there is nothing to open"


@pytest.mark.parametrize("fault", ["the step", "the gate"])
async def test_a_batch_that_fails_stops_the_next_and_a_later_apply_goes_on(
    pair: NewEngine, host: RehearsedHost, second: RehearsedHost, fault: str
) -> None:
    def content(server_id: str, known: FactsFile) -> Blueprint:
        asked = f"test -e {second.machine.root}/mended" if fault == "the step" and server_id == "mx2" else "true"
        return blueprint(step(Command("c", ("sh", "-c", asked)), File("/etc/a", "a"), name="a"))

    async def gate(batch: Collection[str]) -> list[str]:
        return [] if fault == "the step" or (second.machine.root / "mended").exists() else ["mx2 lags behind"]

    engine = pair(content)
    order = Order.one_by_one(("mx2", "mx1"), gate)
    outcomes = await engine.apply(order=order)
    assert outcomes["mx1"].state is ServerPhase.FAILED
    assert outcomes["mx1"].reason.startswith("not started, because an earlier server failed (mx2")
    assert not host.machine.path("/etc/a").exists()
    assert phases(engine, "mx1")[-1] is ServerPhase.FAILED, "it is told, not left waiting"
    second.machine.touch("mended")
    outcomes = await engine.apply(order=order)
    assert all(outcome.good for outcome in outcomes.values())


def test_servers_in_no_batch_come_last_and_none_comes_twice() -> None:
    order = Order((("b", "x"), ("c", "b")))
    assert order.of(["a", "b", "c", "d"]) == [("b",), ("c",), ("a", "d")]
    assert Order().of(["a", "b"]) == [("a", "b")]


def test_an_operator_is_known_again_by_the_controller_and_else_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    me = this_operator(tmp_path)
    assert this_operator(tmp_path) == me
    assert (tmp_path / "controller-id").stat().st_mode & 0o777 == 0o600
    assert me.owns(RunInProgress("r", me.by, me.controller))
    assert not me.owns(RunInProgress("r", me.by, "f" * 32)), "another root@localhost"
    assert me.owns(RunInProgress("r", me.by)), "begun by a former version"
    assert not me.owns(RunInProgress("r"))
    nowhere = tmp_path / "file"
    nowhere.write_text("")
    assert this_operator(nowhere) == Operator(operator._name())


def test_a_run_tells_its_age_by_its_servers_clock() -> None:
    assert RunInProgress.of(RunHolder("r", "a@b\x1b[2J", age=12.5)).age == 12.5
    assert RunInProgress.of(RunHolder("r", age=-3.0)).age == 0.0
    assert "\x1b" not in RunInProgress.of(RunHolder("r", "a@b\x1b[2J", age=time.time())).by

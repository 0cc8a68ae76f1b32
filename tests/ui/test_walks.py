"""Walks by keys alone, as a new user takes them, from nothing to the review."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from mailwiz_tui.fleet.facts import Address, FactsFile, ServerRecord
from mailwiz_tui.ui.app.application import MailwizApp
from mailwiz_tui.ui.installation.dashboard import DashboardScreen
from mailwiz_tui.ui.widgets.server_list import ServerList
from tests.ui.fakes import PASSED, Script, debian_facts, ended
from tests.ui.grid import SIZES, check_golden, focus, grid, screen_text, until
from tests.ui.make import MakeApp
from tests.ui.test_steps import IDS, field, goto, saved_in

NAMES = ("a1", "b1", "c1", "d1")
FOUR = "".join(f'[[servers]]\nid = "{name}"\nhost = "192.0.2.{n}"\n' for n, name in enumerate(NAMES, 1))


def heading_is(app: MailwizApp, start: str) -> Callable[[], bool]:
    """Whether the screen with this heading is shown and takes keys."""
    return lambda: str(getattr(app.screen, "heading", "")).startswith(start) and app.focused is not None


async def keys(pilot: Pilot[Any], *pressed: str) -> None:
    """Press keys one after the other, as a hand does."""
    for key in pressed:
        await pilot.press(key)
    await pilot.pause()


async def test_a_small_company_walks_from_nothing_to_installed(
    make_app: MakeApp, plan_path: Path, script: Script
) -> None:
    from mailwiz_tui.deploy.events import ServerPhase

    prepare(plan_path, '[[servers]]\nid = "mx1"\nhost = "192.0.2.21"\n')
    script.outcomes = {"mx1": ended("mx1", ServerPhase.DONE)}
    script.checks = [PASSED]
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, heading_is(app, "Start"), "start")
        await keys(pilot, "enter")
        await until(pilot, heading_is(app, "1"), "architecture")
        await keys(pilot, "enter")
        await until(pilot, heading_is(app, "2"), "roles")
        await keys(pilot, "f5")
        await until(pilot, lambda: "reachable: Debian 13" in screen_text(app), "what the server is")
        await keys(pilot, "f8")
        await until(pilot, heading_is(app, "3"), "domains")
        await keys(pilot, *"small", "full_stop", *"example", "enter", "enter")
        await until(pilot, heading_is(app, "4"), "security")
        assert "postmaster@small.example" in screen_text(app), grid(app)
        for number in ("5", "6", "7", "8"):
            await keys(pilot, "f8")
            await until(pilot, heading_is(app, number), f"step {number}")
        await keys(pilot, "f8")
        await until(pilot, heading_is(app, "Review"), "review")
        assert "ready to install" in screen_text(app), grid(app)
        await keys(pilot, "f8")
        await until(pilot, lambda: "Install on mx1?" in screen_text(app), "the question")
        await keys(pilot, "right", "enter")
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen), "dashboard")
        await until(pilot, lambda: "1 check passed" in screen_text(app), "installed and proved")
    assert saved_in(plan_path)["domain"]["hostname"] == "mail.small.example"
    assert saved_in(plan_path)["security"]["dmarc"]["rua"] == "mailto:dmarc@small.example"


async def test_an_enterprise_walks_four_servers_with_roles_to_the_review(
    make_app: MakeApp, plan_path: Path, update_golden: bool
) -> None:
    prepare(plan_path, FOUR)
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, heading_is(app, "Start"), "start")
        await keys(pilot, "enter")
        await until(pilot, heading_is(app, "1"), "architecture")
        await keys(pilot, "right", "enter")
        await until(pilot, heading_is(app, "2"), "roles")
        await until(pilot, lambda: "0 chosen" in screen_text(app), "picker")
        for role in ("1", "2", "3"):
            await keys(pilot, role, "down")
        await until(pilot, lambda: "filters: none" in screen_text(app), "what is missing, in words")
        await keys(pilot, "4")
        await until(pilot, lambda: "4 chosen" in screen_text(app), "four servers")
        wanted = "receives: a1 · sends: b1 · stores mail: c1 · filters: d1"
        await until(pilot, lambda: wanted in screen_text(app), "who does what")
        await check_golden(pilot, "roles-four-80x24", update=update_golden)
        await keys(pilot, "f8")
        await until(pilot, heading_is(app, "3"), "domains")
        await keys(pilot, *"large", "full_stop", *"example", "enter", "enter", "f4")
        await until(pilot, heading_is(app, "Review"), "review")
        await pilot.press("end")
        for name in NAMES:
            assert any(str(o.prompt).split()[:2] == ["Server", name] for o in options(app)), grid(app)
    assert [s["internal_ip"] for s in saved_in(plan_path)["servers"]] == [f"10.80.0.{n}" for n in range(1, 5)]
    assert [s["roles"] for s in saved_in(plan_path)["servers"]] == [
        ["mx-inbound"],
        ["mx-outbound"],
        ["mail-storage"],
        ["antispam"],
    ]


async def test_typing_finds_one_server_of_a_hundred(make_app: MakeApp, plan_path: Path) -> None:
    prepare(plan_path, "".join(f'[[servers]]\nid = "s{i}"\nhost = "192.0.2.{i}"\n' for i in range(100)))
    app = make_app(plan_path)
    app.session.set("architecture", "distributed")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await goto(pilot, app, "roles")
        await pilot.press("down", "space", "up", "space")
        await pilot.press(*"s77")
        await until(pilot, lambda: "1 of 100 servers" in screen_text(app), "filter")
        found = screen.query_one(ServerList).current
        assert found is not None
        assert found.id == "s77"


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("step_id", ["roles", "services", "storage", "dns"])
async def test_each_dependent_step_needs_review(
    step_id: str, size: tuple[int, int], make_app: MakeApp, filled: Path, update_golden: bool
) -> None:
    app = make_app(filled)
    for name in IDS:
        app.session.draft.confirm(name)
    app.session.set("architecture", "distributed")
    async with app.run_test(size=size) as pilot:
        await goto(pilot, app, step_id)
        await check_golden(pilot, f"{step_id}-review-{size[0]}x{size[1]}", update=update_golden)


def options(app: MailwizApp) -> Sequence[Option]:
    """The rows of the review's list."""
    return app.screen.query_one("#review-list", OptionList).options


async def test_an_existing_private_network_gives_the_addresses_that_servers_have(
    make_app: MakeApp, plan_path: Path
) -> None:
    prepare(plan_path, FOUR)
    app = make_app(plan_path)
    app.session.set("architecture", "distributed")
    facts = debian_facts("192.0.2.1")
    private = (*facts.addresses, Address(ip="10.1.2.3", interface="eth1", is_global=False))
    app.session.known = FactsFile(
        servers={"a1": ServerRecord(facts=facts.model_copy(update={"addresses": private}))}
    )
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await goto(pilot, app, "roles")
        await keys(pilot, "1", "down", "2")
        assert [s["internal_ip"] for s in app.session.servers()] == ["10.80.0.1", "10.80.0.2"]
        await focus(pilot, field(screen, "network.private").control)
        await keys(pilot, "right")
        await until(pilot, lambda: app.session.servers()[0].get("internal_ip") == "10.1.2.3", "its own address")
        assert "internal_ip" not in app.session.servers()[1]
        await until(pilot, lambda: "b1 has no internal address" in screen_text(app), "what is missing, in words")
        await keys(pilot, "left")
        await until(pilot, lambda: app.session.servers()[1].get("internal_ip") == "10.80.0.2", "the link again")


def prepare(plan_path: Path, inventory: str) -> None:
    """An inventory beside a plan that is not there yet."""
    (plan_path.parent / "inventory.toml").write_text(inventory, encoding="utf-8")
    plan_path.unlink(missing_ok=True)

"""Six and twelve servers with roles: matrix, traffic, review, dashboard and monitor stay readable at 80×24."""

from __future__ import annotations

import asyncio
from pathlib import Path

from textual.widgets import OptionList

from mailwiz_tui.deploy.events import ServerPhase
from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.ui.dialogs.traffic_dialog import TrafficDialog
from mailwiz_tui.ui.review.review import ReviewScreen
from tests.ui.dashboards import settle, watch
from tests.ui.fakes import PASSED, FakeClock, Script, ended, known_server, steps_of
from tests.ui.grid import check_golden, grid, screen_text, size_ids, until
from tests.ui.make import MakeApp
from tests.ui.test_monitor import degraded, monitor, sample
from tests.ui.test_steps import goto, saved_in

ROLES = ("mx-inbound", "mx-inbound", "mx-outbound", "mail-storage", "mail-storage", "antispam")
NAMES = {
    6: ("in1", "in2", "out1", "store1", "store2", "filter1"),
    12: tuple(
        f"{place}-{role}" for place in ("paris", "lyon") for role in ("in1", "in2", "out", "box1", "box2", "av")
    ),
}


def several(folder: Path, count: int) -> Path:
    """A plan for so many servers, and their inventory."""
    names = NAMES[count]
    (folder / "inventory.toml").write_text(
        "".join(f'[[servers]]\nid = "{name}"\nhost = "192.0.2.{i}"\n' for i, name in enumerate(names, 21))
    )
    servers = "".join(
        f'[[servers]]\nid = "{name}"\nroles = ["{ROLES[i % 6]}"]\ninternal_ip = "10.80.0.{i + 1}"\n'
        for i, name in enumerate(names)
    )
    plan = folder / "plan.toml"
    plan.write_text(
        f'version = 1\narchitecture = "distributed"\n{servers}'
        '[domain]\nprimary_domain = "example.com"\nhostname = "mail.example.com"\n'
        '[security.tls]\nprovider = "selfsigned"\n'
    )
    return plan


@size_ids
async def test_twelve_servers_in_the_matrix_and_the_table_of_traffic(
    size: tuple[int, int], make_app: MakeApp, plan_path: Path, update_golden: bool
) -> None:
    app = make_app(several(plan_path.parent, 12))
    async with app.run_test(size=size) as pilot:
        await goto(pilot, app, "roles")
        await until(pilot, lambda: "paris-in1" in grid(app), "the list")
        await check_golden(pilot, f"roles-12-servers-{size[0]}x{size[1]}", update=update_golden)
        await pilot.press("f10")
        await until(pilot, lambda: isinstance(app.screen, TrafficDialog), "dialog")
        await until(pilot, lambda: "reads the accounts" in grid(app), "flows")
        await check_golden(pilot, f"traffic-12-servers-{size[0]}x{size[1]}", update=update_golden)


async def test_a_role_typed_right_after_an_arrow_is_set_on_the_next_server(
    make_app: MakeApp, plan_path: Path
) -> None:
    """Keys that come faster than they are drawn: none may reach a server that the cursor has left."""
    plan = several(plan_path.parent, 6)
    app = make_app(plan)
    async with app.run_test(size=(80, 24)) as pilot:
        await goto(pilot, app, "roles")
        for key in ("down", "4", "down", "4", "down", "4", "down", "1", "up", "1"):
            app.simulate_key(key)
        await until(pilot, lambda: saved_in(plan)["servers"][4]["roles"][0] == "mx-inbound", "the last role")
        await until(pilot, lambda: saved_in(plan)["servers"][3]["roles"][0] == "mx-inbound", "the role above")
        assert [s["roles"] for s in saved_in(plan)["servers"]] == [
            ["mx-inbound"],
            ["mx-inbound", "antispam"],
            ["mx-outbound", "antispam"],
            ["mx-inbound", "mail-storage", "antispam"],
            ["mx-inbound", "mail-storage"],
            ["antispam"],
        ]


@size_ids
async def test_the_review_folds_servers_until_enter(
    size: tuple[int, int], make_app: MakeApp, plan_path: Path, update_golden: bool
) -> None:
    app = make_app(several(plan_path.parent, 6))
    known = FactsFile(servers={name: known_server(f"192.0.2.{i}") for i, name in enumerate(NAMES[6], 21)})
    app.session.known = known
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.focused is not None, "start")
        app.show_review()
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen) and app.focused is not None, "review")
        chooser = app.screen.query_one("#review-list", OptionList)

        def folded() -> list[int]:
            return [i for i, o in enumerate(chooser.options) if "Enter shows them" in str(o.prompt)]

        await until(pilot, lambda: len(folded()) == 6, "a line for each server")
        await pilot.press("end")
        chooser.highlighted = folded()[0]
        await check_golden(pilot, f"review-6-servers-{size[0]}x{size[1]}", update=update_golden)
        assert not any("disables" in str(o.prompt) for o in chooser.options)
        await pilot.press("enter")
        await until(pilot, lambda: len(folded()) == 5, "one is unfolded")
        assert any("to the plan's other servers" in str(o.prompt) for o in chooser.options)
        await pilot.press("enter")
        await until(pilot, lambda: len(folded()) == 6, "and folded again")


@size_ids
async def test_a_server_that_left_the_plan_is_spoken_of_before_and_after(
    size: tuple[int, int], make_app: MakeApp, filled: Path, script: Script, clock: FakeClock, update_golden: bool
) -> None:
    app = make_app(filled)
    app.session.known = FactsFile(servers={name: known_server() for name in ("mx1", "old7")})
    script.checks, script.outcomes = [PASSED], {"mx1": ended("mx1", ServerPhase.DONE)}
    script.removed_servers = [
        "old7 was removed from the plan: the other servers reject its connections, and nothing was changed on it."
    ]
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.focused is not None, "start")
        app.show_review()
        await until(pilot, lambda: "old7 was removed from the plan" in screen_text(app), "before")
        screen = await watch(pilot, app, script, clock)
        await until(pilot, lambda: "! old7 was removed from the plan" in screen_text(app), "and after")
        await settle(pilot, screen)
        await check_golden(pilot, f"dashboard-removed-{size[0]}x{size[1]}", update=update_golden)


@size_ids
async def test_twelve_servers_on_the_dashboard(
    size: tuple[int, int], make_app: MakeApp, filled: Path, script: Script, clock: FakeClock, update_golden: bool
) -> None:
    script.hold = asyncio.Event()
    for number in range(1, 13):
        script.events += steps_of(f"mx{number}", 19, number)
    app = make_app(filled)
    async with app.run_test(size=size) as pilot:
        screen = await watch(pilot, app, script, clock, 12)
        await settle(pilot, screen)
        await check_golden(pilot, f"dashboard-12-servers-{size[0]}x{size[1]}", update=update_golden)
        await pilot.press("up")
        await until(pilot, lambda: screen.chosen == "mx12", "the last one, upwards from the first")
        await until(pilot, lambda: "▸ 12 mx12" in screen_text(app), "it is in sight")
        await until(pilot, lambda: "log of mx12" in screen_text(app), "its log")


@size_ids
async def test_twelve_servers_in_the_monitor(
    size: tuple[int, int],
    make_app: MakeApp,
    plan_path: Path,
    script: Script,
) -> None:
    """Nothing but names and counts is compared: a slow machine looks twice, and then knows more mail."""
    script.samples = {name: sample() for name in NAMES[12]}
    script.samples["lyon-box1"] = degraded()
    app = make_app(several(plan_path.parent, 12))
    async with app.run_test(size=size) as pilot:
        await monitor(pilot, app)
        await until(pilot, lambda: "more: a lists all" in screen_text(app), "told")
        assert "lyon-box1: dovecot does not run" in screen_text(app)
        assert "Server 1-5/12" in screen_text(app) or size[1] > 24
        assert "▸ 1 paris-in1 " in grid(app)
        await pilot.press("up")
        await until(pilot, lambda: "mail log of lyon-av" in screen_text(app), "the last one")

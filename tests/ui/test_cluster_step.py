"""Step 2 of a cluster: who holds mail, who votes, which of them is the witness, and the suggested disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from mailwiz_tui.fleet.facts import EmptyDisk, FactsFile, ServerRecord
from mailwiz_tui.ui.app.application import MailwizApp
from mailwiz_tui.ui.widgets.entry import Entry
from tests.ui.fakes import debian_facts
from tests.ui.grid import SIZES, check_golden, screen_text, until
from tests.ui.make import MakeApp
from tests.ui.test_steps import field, goto, saved_in

VOTER = ["mx-inbound", "antispam"]
HOLDER = ["all-in-one"]


def clustered(make_app: MakeApp, path: Path) -> MailwizApp:
    app = make_app(path)
    app.session.set("architecture", "ha-cluster")
    return app


def roles(app: MailwizApp) -> dict[str, Any]:
    return {str(server["id"]): server["roles"] for server in app.session.servers()}


async def choose_three(pilot: Pilot[Any], app: MailwizApp) -> None:
    """Choose mx1, store1 and filter1 in this order."""
    await goto(pilot, app, "roles")
    await pilot.press("space", "down", "space", "down", "space")
    await until(pilot, lambda: len(app.session.chosen_ids()) == 3, "three servers")


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
async def test_two_hold_mail_and_the_third_votes(
    size: tuple[int, int], make_app: MakeApp, plan_path: Path, update_golden: bool
) -> None:
    app = clustered(make_app, plan_path)
    disk = EmptyDisk(name="/dev/vdb", size=100 << 30)
    facts = debian_facts().model_copy(update={"empty_disks": (disk,)})
    app.session.known = FactsFile(servers={name: ServerRecord(facts=facts) for name in ("mx1", "store1")})
    async with app.run_test(size=size) as pilot:
        await choose_three(pilot, app)
        assert roles(app) == {"mx1": HOLDER, "store1": HOLDER, "filter1": VOTER}
        await until(pilot, lambda: app.session.value("cluster.witness") == "filter1", "the witness")
        await until(pilot, lambda: "hold mail: mx1, store1 · only vote: filter1" in screen_text(app), "in words")
        await check_golden(pilot, f"roles-cluster-{size[0]}x{size[1]}", update=update_golden)
        shown = field(app.screen, "cluster.device")  # type: ignore[arg-type]
        assert shown.help_text == "Empty on both servers: /dev/vdb (100.0 GiB). Leave empty for a file."
    saved = saved_in(plan_path)
    assert saved["cluster"] == {"witness": "filter1"}
    assert [server["internal_ip"] for server in saved["servers"]] == [f"10.80.0.{n}" for n in (1, 2, 3)]


async def test_the_review_names_addresses_witness_and_disk(make_app: MakeApp, plan_path: Path) -> None:
    app = clustered(make_app, plan_path)
    app.session.set("domain.primary_domain", "example.com")
    app.session.set("domain.hostname", "mail.example.com")
    async with app.run_test(size=(120, 40)) as pilot:
        await choose_three(pilot, app)
        app.session.set("cluster.virtual_ip", "192.0.2.99")
        await pilot.press("f4")
        await until(pilot, lambda: getattr(app.screen, "heading", "") == "Review", "review")
        shown = (
            "hold mail: mx1, store1 · only vote: filter1 (receives, filters)",
            "192.0.2.99, moves between mx1 and store1",
            "filter1; 3 servers vote",
            "a file of 20 GB on mx1 and store1",
        )
        await until(pilot, lambda: all(words in screen_text(app) for words in shown), "the cluster")


async def test_an_empty_witness_suggests_one_that_votes(make_app: MakeApp, plan_path: Path) -> None:
    app = clustered(make_app, plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await choose_three(pilot, app)
        await until(pilot, lambda: app.session.value("cluster.witness") == "filter1", "the witness")
        app.session.set("cluster.witness", None)
        screen = await goto(pilot, app, "roles")
        entry = field(screen, "cluster.witness").control
        assert isinstance(entry, Entry)
        assert entry.placeholder == "e.g. filter1"


async def test_the_keys_of_roles_say_who_holds_mail(make_app: MakeApp, plan_path: Path) -> None:
    app = clustered(make_app, plan_path)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await choose_three(pilot, app)
        await pilot.press("1", "4")
        await until(pilot, lambda: roles(app)["filter1"] == [], "a bare witness")
        await pilot.press("home", "1")
        await until(pilot, lambda: "mx1 holds mail, so it" in " ".join(screen_text(app).split()), "why not")
        await pilot.press("3", "end", "2")
        await until(pilot, lambda: roles(app) == {"mx1": VOTER, "store1": HOLDER, "filter1": HOLDER}, "changed")
        await until(pilot, lambda: app.session.value("cluster.witness") == "mx1", "the witness follows")
        await until(pilot, lambda: field(app.screen, "cluster.witness").value == "mx1", "shown")  # type: ignore[arg-type]


async def test_the_witness_leaves_with_its_server(make_app: MakeApp, plan_path: Path) -> None:
    app = clustered(make_app, plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await choose_three(pilot, app)
        await pilot.press("space")
        await until(pilot, lambda: not app.session.value("cluster.witness"), "no witness")
        await pilot.press("up", "space")
        await until(pilot, lambda: app.session.chosen_ids() == ["mx1"], "one server")
        await pilot.press("space", "down", "space")
        await until(pilot, lambda: app.session.value("cluster.witness") == "filter1", "named again")
    assert saved_in(plan_path)["cluster"] == {"witness": "filter1"}


async def test_a_named_witness_stays_while_it_votes(make_app: MakeApp, plan_path: Path) -> None:
    with (plan_path.parent / "inventory.toml").open("a") as inventory:
        inventory.write('\n[[servers]]\nid = "vote2"\nhost = "192.0.2.29"\n')
    app = clustered(make_app, plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await choose_three(pilot, app)
        await pilot.press("end", "space")
        await until(pilot, lambda: roles(app).get("vote2") == VOTER, "a second voter")
        app.session.set("cluster.witness", "vote2")
        await pilot.press("up", "space")
        await until(pilot, lambda: "filter1" not in roles(app), "the other left")
        assert app.session.value("cluster.witness") == "vote2"

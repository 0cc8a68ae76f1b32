"""The step screens: golden text of each step empty, filled and invalid; nothing is lost on the way."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from textual.events import Key
from textual.pilot import Pilot

from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.plan.steps import STEPS
from mailwiz_tui.ui.app.application import MailwizApp
from mailwiz_tui.ui.widgets.entry import Entry
from mailwiz_tui.ui.widgets.form_field import FormField
from mailwiz_tui.ui.wizard.step_screen import StepScreen
from tests.ui.fakes import Script, known_server
from tests.ui.grid import SIZES, check_golden, focus, grid, screen_text, until
from tests.ui.make import MakeApp

IDS = tuple(step.id for step in STEPS)

WRONG: dict[str, dict[str, object]] = {
    "roles": {"network.relay_host": "not a host!", "network.resolvers": ["resolver.example"]},
    "domains": {
        "domain.primary_domain": "exa mple..com",
        "domain.hostname": "mail",
        "domain.additional_domains": [{"name": "under_score.org", "kind": "relay"}],
    },
    "security": {
        "security.dkim.selector": "-bad-",
        "security.spf.includes": ["no domain"],
        "security.dmarc.rua": "nobody",
        "security.dmarc.percentage": 400,
    },
    "services": {"services.antispam": "spamassassin", "services.antivirus": True},
    "storage": {"storage.path": "relative/path"},
}


async def goto(pilot: Pilot[Any], app: MailwizApp, step_id: str) -> StepScreen:
    """Show a step and wait until it is drawn and focused."""
    app.show_step(step_id)
    await until(
        pilot,
        lambda: isinstance(app.screen, StepScreen) and app.screen.step_id == step_id and app.focused is not None,
        f"step {step_id}",
    )
    await pilot.pause()
    assert isinstance(app.screen, StepScreen)
    return app.screen


def saved_in(path: Path) -> dict[str, Any]:
    """What a TOML file holds now."""
    return tomllib.loads(path.read_text(encoding="utf-8"))


def mode_of(path: Path) -> int:
    """A file's permission bits."""
    return path.stat().st_mode & 0o777


def field(screen: StepScreen, path: str) -> FormField:
    """The widget of a question."""
    return next(f for f in screen.query(FormField) if f.path == path)


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("step_id", IDS)
async def test_each_step_empty(
    step_id: str, size: tuple[int, int], make_app: MakeApp, plan_path: Path, update_golden: bool
) -> None:
    (plan_path.parent / "inventory.toml").unlink()
    app = make_app(plan_path)
    async with app.run_test(size=size) as pilot:
        app.session.draft.suggestion = lambda path, today=None: ""  # type: ignore[method-assign]
        await goto(pilot, app, step_id)
        await check_golden(pilot, f"{step_id}-empty-{size[0]}x{size[1]}", update=update_golden)


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("step_id", IDS)
async def test_each_step_filled(
    step_id: str, size: tuple[int, int], make_app: MakeApp, filled: Path, update_golden: bool
) -> None:
    app = make_app(filled)
    app.session.known = FactsFile(servers={"mx1": known_server()})
    async with app.run_test(size=size) as pilot:
        await goto(pilot, app, step_id)
        await check_golden(pilot, f"{step_id}-filled-{size[0]}x{size[1]}", update=update_golden)


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
@pytest.mark.parametrize("step_id", tuple(WRONG))
async def test_each_step_with_wrong_answers(
    step_id: str, size: tuple[int, int], make_app: MakeApp, filled: Path, update_golden: bool
) -> None:
    app = make_app(filled)
    for path, value in WRONG[step_id].items():
        app.session.set(path, value)
        app.session.touched.add(path)
    app.session.touched.add("domain.additional_domains.0.name")
    app.session.touched.add("domain.additional_domains.0.relay_host")
    async with app.run_test(size=size) as pilot:
        screen = await goto(pilot, app, step_id)
        if step_id != "services":
            assert any(f.in_error for f in screen.query(FormField)), grid(app)
        await check_golden(pilot, f"{step_id}-invalid-{size[0]}x{size[1]}", update=update_golden)


async def test_enter_alone_passes_from_domain_to_the_review(make_app: MakeApp, plan_path: Path) -> None:
    """Only the domain has to be typed; Enter accepts everything else."""
    (plan_path.parent / "inventory.toml").write_text('[[servers]]\nid = "mx1"\nhost = "192.0.2.21"\n')
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.focused is not None, "start screen")
        for _ in range(80):
            heading = getattr(app.screen, "heading", "")
            if heading == "Review":
                break
            focused = app.focused
            asked = heading.startswith("3") and app.session.value("domain.primary_domain") is None
            if asked and isinstance(focused, Entry):
                focused.value = "example.com"
                await pilot.pause()
            await pilot.press("enter")
            await pilot.pause()
        assert "ready to install" in screen_text(app), grid(app)
        assert app.session.value("domain.hostname") == "mail.example.com"
    saved = saved_in(plan_path)
    assert saved["domain"] == {"primary_domain": "example.com", "hostname": "mail.example.com"}
    assert saved["servers"] == [{"id": "mx1", "roles": ["all-in-one"]}]


async def test_validates_on_leaving_and_then_on_each_key(make_app: MakeApp, plan_path: Path) -> None:
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await goto(pilot, app, "domains")
        primary = field(screen, "domain.primary_domain")
        await pilot.press(*"bad..name")
        assert not primary.in_error
        await pilot.press("tab")
        await until(pilot, lambda: primary.in_error, "error after leaving")
        await pilot.press("shift+tab")
        await pilot.press("end", *(["backspace"] * 5))
        await pilot.press(*"name")
        primary.control.value = "bad.name"  # type: ignore[misc]
        await until(pilot, lambda: not primary.in_error, "error gone while typing")


async def test_enter_on_a_wrong_answer_stays(make_app: MakeApp, plan_path: Path) -> None:
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await goto(pilot, app, "domains")
        await pilot.press(*"under_score.org", "enter")
        primary = field(screen, "domain.primary_domain")
        await until(pilot, lambda: primary.in_error, "error shown")
        assert app.focused is primary.control


async def test_each_answer_is_in_the_file_at_once_and_survives_a_kill(make_app: MakeApp, plan_path: Path) -> None:
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await goto(pilot, app, "domains")
        await pilot.press(*"half.typ")
        await pilot.pause()
        on_disk = saved_in(plan_path)
        assert on_disk["domain"]["primary_domain"] == "half.typ"
        assert mode_of(plan_path) == 0o600
    again = make_app(plan_path)
    async with again.run_test(size=(80, 24)) as pilot:
        screen = await goto(pilot, again, "domains")
        assert field(screen, "domain.primary_domain").control.value == "half.typ"


def all_at_once(app: MailwizApp, *keys: str) -> None:
    """Keys that arrive together, as over a slow link or from a paste."""
    for key in keys:
        app.post_message(Key(key, key if len(key) == 1 else None))


@pytest.mark.parametrize("key", ["enter", "f8"])
async def test_a_choice_and_a_key_that_goes_on_both_count(make_app: MakeApp, plan_path: Path, key: str) -> None:
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await goto(pilot, app, "architecture")
        all_at_once(app, "right", key)
        await until(pilot, lambda: getattr(app.screen, "step_id", "") == "roles", "step 2")
        await until(pilot, lambda: saved_in(plan_path)["architecture"] == "distributed", "the choice")
        await until(pilot, lambda: "1 in 2 out 3 store" in screen_text(app), "a matrix of roles")


@pytest.mark.parametrize(("key", "shown"), [("f8", "4/8"), ("f7", "2/8"), ("f4", "Review"), ("f3", "DNS records")])
async def test_what_is_typed_and_left_at_once_is_not_lost(
    make_app: MakeApp, plan_path: Path, key: str, shown: str
) -> None:
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await goto(pilot, app, "domains")
        all_at_once(app, *"typed.example", key)
        await until(pilot, lambda: shown in screen_text(app), "what the key shows")
        assert saved_in(plan_path)["domain"]["primary_domain"] == "typed.example"


async def test_back_and_forth_loses_nothing(make_app: MakeApp, filled: Path) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await goto(pilot, app, "architecture")
        for _ in range(7):
            await pilot.press("f8")
            await pilot.pause()
        for _ in range(7):
            await pilot.press("f7")
            await pilot.pause()
        await until(pilot, lambda: getattr(app.screen, "step_id", "") == "architecture", "back at step 1")
        before = saved_in(filled)
        for _ in range(7):
            await pilot.press("f8")
            await pilot.pause()
        assert saved_in(filled) == before
    assert before["domain"]["primary_domain"] == "example.com"
    assert before["servers"] == [{"id": "mx1", "roles": ["all-in-one"]}]


async def test_a_changed_choice_shows_its_fields_and_keeps_the_others(make_app: MakeApp, filled: Path) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await goto(pilot, app, "storage")
        assert not field(screen, "storage.nfs_server").display
        await pilot.press("right")
        await until(pilot, lambda: bool(field(screen, "storage.nfs_server").display), "NFS fields")
        assert app.session.value("storage.type") == "nfs"
        await pilot.press("left")
        await until(pilot, lambda: not field(screen, "storage.nfs_server").display, "NFS fields gone")


async def test_a_changed_architecture_marks_dependent_steps(make_app: MakeApp, filled: Path) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        for step in IDS:
            await goto(pilot, app, step)
            await pilot.press("f8")
            await pilot.pause()
        await goto(pilot, app, "architecture")
        await pilot.press("right")
        await pilot.pause()
        assert app.session.state_of("services") == "review"
        assert app.session.value("services.antispam") == "rspamd"


async def test_additional_domains_are_added_and_removed(make_app: MakeApp, filled: Path) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await goto(pilot, app, "domains")
        await pilot.press("f5")
        await until(pilot, lambda: len(screen.query(FormField)) == 5, "a group")
        await until(
            pilot,
            lambda: app.focused is field(screen, "domain.additional_domains.0.name").control,
            "focus in the group",
        )
        await pilot.press(*"example.org", "enter", "right")
        await until(
            pilot, lambda: field(screen, "domain.additional_domains.0.relay_host").display is True, "next hop"
        )
        host = field(screen, "domain.additional_domains.0.relay_host").control
        await until(pilot, lambda: host.region.height > 0, "laid out")
        await pilot.press("tab", *"mx.inner.example")
        await until(pilot, lambda: len(str(getattr(host, "value", ""))) == 16, "typed")
        await pilot.pause()

        assert app.session.value("domain.additional_domains") == [
            {"name": "example.org", "kind": "relay", "relay_host": "mx.inner.example"}
        ]
        screen = await goto(pilot, app, "domains")
        name = field(screen, "domain.additional_domains.0.name").control
        assert isinstance(name, Entry)
        name.value = ""
        await pilot.pause()
        await goto(pilot, app, "security")
        assert app.session.value("domain.additional_domains") == []


async def test_picker_filters_chooses_and_probes(make_app: MakeApp, plan_path: Path, script: Script) -> None:
    app = make_app(plan_path)
    app.session.set("architecture", "distributed")
    async with app.run_test(size=(80, 24)) as pilot:
        await goto(pilot, app, "roles")
        await pilot.press("space", "1", "2", "down", "space", "3")
        await pilot.pause()
        assert app.session.servers() == [
            {"id": "mx1", "roles": ["mx-inbound", "mx-outbound"], "internal_ip": "10.80.0.1"},
            {"id": "store1", "roles": ["mail-storage"], "internal_ip": "10.80.0.2"},
        ]
        assert "filters: none" in screen_text(app), grid(app)
        await pilot.press("f5")
        await until(pilot, lambda: "reachable: Debian 13" in screen_text(app), "facts")
        filter_entry = app.screen.query_one("#server-filter", Entry)
        await focus(pilot, filter_entry)
        filter_entry.value = "paris"
        await until(pilot, lambda: "1 of 3 servers" in screen_text(app), "filter")


async def test_a_server_added_by_hand_is_in_the_inventory(make_app: MakeApp, plan_path: Path) -> None:
    (plan_path.parent / "inventory.toml").unlink()
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await goto(pilot, app, "roles")
        await pilot.press("f6")
        await until(pilot, lambda: app.focused is not None and app.focused.id == "server-host", "dialog")
        await pilot.press(*"192.0.2.77", "enter", *"mx9", "enter", "enter", "enter", "enter", "enter")
        await until(pilot, lambda: app.session.chosen_ids() == ["mx9"], "chosen")
    saved = saved_in(plan_path.parent / "inventory.toml")
    assert saved["servers"][0]["host"] == "192.0.2.77"


async def test_typing_in_the_list_of_servers_filters(make_app: MakeApp, plan_path: Path) -> None:
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await goto(pilot, app, "roles")
        await pilot.press(*"store1", "enter", "space")
        await pilot.pause()
        assert app.session.chosen_ids() == ["store1"]
        assert "1 of 3 servers, 1 chosen" in screen_text(app)

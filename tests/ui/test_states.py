"""Golden screens of the rarer states: what a server answers, what needs review, long and foreign names."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.plan.steps import STEPS
from mailwiz_tui.ui.review.review import ReviewScreen
from mailwiz_tui.ui.session.probing import ProbeOutcome, summary
from mailwiz_tui.ui.terminal.symbols import PROBE_MARKS
from mailwiz_tui.ui.widgets.form_field import FormField
from mailwiz_tui.ui.widgets.server_list import ServerList
from tests.ui.fakes import debian_facts, known_server
from tests.ui.grid import check_golden, focus, grid, screen_text, size_ids, until
from tests.ui.make import MakeApp
from tests.ui.test_steps import IDS, goto
from tests.ui.test_walks import prepare

LABEL = "a" * 62 + "z"
LONG_DOMAIN = f"{LABEL}.{'b' * 63}.{'c' * 40}.example"
FOREIGN = "bücher-straße.example"

OUTCOMES = {
    "ok": ProbeOutcome("ok", summary(debian_facts())),
    "checking": ProbeOutcome("checking", "connecting…"),
    "failed": ProbeOutcome("failed", "192.0.2.3 does not answer – is it on, and does a firewall let SSH through?"),
    "unknown-key": ProbeOutcome("unknown-key", "nobody has vouched for its host key yet – F5 shows it and asks"),
    "changed-key": ProbeOutcome(
        "changed-key", "its host key is another one than before – if it was re-installed: ssh-keygen -R 192.0.2.5"
    ),
    "refused": ProbeOutcome("refused", "it accepts neither a key of yours nor a password"),
    "unfit": ProbeOutcome("unfit", "Ubuntu 24.04 is not supported; Debian 13 or 12 is needed"),
    "unknown": ProbeOutcome(),
}


def rewrite(path: Path, old: str, new: str) -> None:
    """Change a plan file by hand."""
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


@size_ids
async def test_what_each_server_of_the_picker_answered(
    size: tuple[int, int], make_app: MakeApp, plan_path: Path, update_golden: bool
) -> None:
    assert set(OUTCOMES) == set(PROBE_MARKS)
    entries = enumerate(OUTCOMES, 1)
    prepare(plan_path, "".join(f'[[servers]]\nid = "{name}"\nhost = "192.0.2.{n}"\n' for n, name in entries))
    app = make_app(plan_path)
    app.session.set("architecture", "distributed")
    app.session.probes.outcomes.update(OUTCOMES)
    async with app.run_test(size=size) as pilot:
        await goto(pilot, app, "roles")
        words = [mark.word for mark in PROBE_MARKS.values()]
        assert size[1] < 30 or all(word in screen_text(app) for word in words), grid(app)
        await focus(pilot, app.screen.query_one(ServerList))
        await pilot.press("down", "down", "down", "down")
        await check_golden(pilot, f"roles-answers-{size[0]}x{size[1]}", update=update_golden)


@size_ids
@pytest.mark.parametrize("step_id", ["security", "install"])
async def test_a_step_whose_ground_changed_needs_review(
    step_id: str, size: tuple[int, int], make_app: MakeApp, filled: Path, update_golden: bool
) -> None:
    app = make_app(filled)
    for name in IDS:
        app.session.draft.confirm(name)
    app.session.set("domain.primary_domain", "example.net")
    app.session.set("domain.hostname", "mail.example.net")
    async with app.run_test(size=size) as pilot:
        await goto(pilot, app, step_id)
        assert "needs review" in screen_text(app)
        await check_golden(pilot, f"{step_id}-review-{size[0]}x{size[1]}", update=update_golden)


def test_the_other_steps_have_no_ground_that_could_change() -> None:
    assert [step.id for step in STEPS if not step.depends_on] == ["architecture", "domains"]


@size_ids
async def test_an_architecture_that_is_none(
    size: tuple[int, int], make_app: MakeApp, filled: Path, update_golden: bool
) -> None:
    rewrite(filled, '"single"', '"pair"')
    app = make_app(filled)
    app.session.touched.add("architecture")
    async with app.run_test(size=size) as pilot:
        await goto(pilot, app, "architecture")
        await check_golden(pilot, f"architecture-invalid-{size[0]}x{size[1]}", update=update_golden)


@size_ids
@pytest.mark.parametrize("step_id", ["roles", "domains", "dns"])
async def test_long_and_foreign_names_break_nothing(
    step_id: str, size: tuple[int, int], make_app: MakeApp, filled: Path, update_golden: bool
) -> None:
    (filled.parent / "inventory.toml").write_text(f'[[servers]]\nid = "{LABEL}"\nhost = "{LONG_DOMAIN}"\n')
    app = make_app(filled)
    session = app.session
    session.set("servers", [{"id": LABEL, "roles": ["all-in-one"]}])
    session.set("domain.primary_domain", LONG_DOMAIN)
    session.set("domain.hostname", f"mail.{FOREIGN}")
    session.set("domain.additional_domains", [{"name": FOREIGN, "kind": "mailbox"}])
    session.known = FactsFile(servers={LABEL: known_server()})
    async with app.run_test(size=size) as pilot:
        screen = await goto(pilot, app, step_id)
        assert not any(f.in_error for f in screen.query(FormField)), grid(app)
        assert max(len(row) for row in grid(app).splitlines()) <= size[0]
        await check_golden(pilot, f"{step_id}-long-{size[0]}x{size[1]}", update=update_golden)


async def test_the_review_and_the_dashboard_hold_long_names_too(make_app: MakeApp, filled: Path) -> None:
    (filled.parent / "inventory.toml").write_text(f'[[servers]]\nid = "{LABEL}"\nhost = "{LONG_DOMAIN}"\n')
    app = make_app(filled)
    app.session.set("servers", [{"id": LABEL, "roles": ["all-in-one"]}])
    app.session.set("domain.primary_domain", FOREIGN)
    app.session.set("domain.hostname", f"mail.{FOREIGN}")
    async with app.run_test(size=(80, 24)) as pilot:
        app.show_review()
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen) and app.focused is not None, "review")
        await until(pilot, lambda: "ready to install" in screen_text(app), "the review's words")
        await pilot.press("f8")
        await until(pilot, lambda: "Install on" in screen_text(app), "the question")
        await pilot.press("right", "enter")
        await until(pilot, lambda: "aaaa…" in screen_text(app) or LABEL[:14] in screen_text(app), "dashboard")
        assert max(len(row) for row in grid(app).splitlines()) <= 80

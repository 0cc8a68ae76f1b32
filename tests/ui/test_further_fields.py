"""Questions whose default is right for most are folded away behind a button that names them."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Button

from mailwiz_tui.plan.steps import STEPS
from mailwiz_tui.ui.widgets.form_field import FormField
from tests.ui.grid import focus, released, screen_text, until
from tests.ui.make import MakeApp
from tests.ui.test_steps import field, goto, saved_in

FURTHER = [spec.path for step in STEPS for spec in step.fields if spec.further]


def write(path: Path, limits: str) -> None:
    """A plan as another day left it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"version = 1\n[limits]\n{limits}\n")


async def test_a_button_shows_them_and_hides_them_again(make_app: MakeApp, plan_path: Path) -> None:
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await goto(pilot, app, "services")
        fields = {f.path: f for f in screen.query(FormField)}
        assert FURTHER
        assert not any(fields[path].display for path in FURTHER)
        assert "More: message size, mailbox quota" in screen_text(app)
        await focus(pilot, screen.query_one("#fold", Button))
        await pilot.press("enter")
        await until(pilot, lambda: all(fields[path].display for path in FURTHER), "shown")
        assert app.focused is fields[FURTHER[0]].control
        await pilot.press(*"25", "enter")
        await until(pilot, lambda: app.focused is fields[FURTHER[1]].control, "Enter goes on")
        assert saved_in(plan_path)["limits"]["message_size_mb"] == 25
        await focus(pilot, screen.query_one("#fold", Button))
        await released(pilot, app)
        await pilot.press("enter")
        await until(pilot, lambda: not any(fields[path].display for path in FURTHER), "folded")


@pytest.mark.parametrize(
    "limits",
    ["message_size_mb = 25", "imap_append_mb = 10", "sent_per_hour = 0"],
    ids=["answered", "warned of", "invalid"],
)
async def test_what_was_answered_is_never_hidden(make_app: MakeApp, plan_path: Path, limits: str) -> None:
    write(plan_path, limits)
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await goto(pilot, app, "services")
        assert field(screen, f"limits.{limits.partition(' ')[0]}").display


async def test_enter_on_the_last_field_goes_on_past_what_is_folded(make_app: MakeApp, plan_path: Path) -> None:
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await goto(pilot, app, "services")
        await focus(pilot, field(screen, "services.admin_panel").control)
        await pilot.press("enter")
        await until(pilot, lambda: getattr(app.screen, "step_id", "") == "storage", "next step")

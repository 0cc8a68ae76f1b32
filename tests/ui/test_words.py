"""Words that once were wrong, each held right by what it is taken from."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailwiz_tui.agent.protocol import runs as wire
from mailwiz_tui.deploy import preflight
from mailwiz_tui.deploy.diff import Change, ServerDiff
from mailwiz_tui.fleet.facts import Facts
from mailwiz_tui.plan import memory, support
from mailwiz_tui.plan.questions import services
from mailwiz_tui.plan.steps import field_at
from mailwiz_tui.stack.blueprint import Blueprint
from mailwiz_tui.ui.installation.installation import Installation, Stage
from mailwiz_tui.ui.installation.run_model import RunModel
from mailwiz_tui.ui.installation.stage_words import stage_words
from mailwiz_tui.ui.terminal.symbols import range_text
from mailwiz_tui.ui.wizard import fields
from tests.ui.fakes import FakeClock, FakeEngine, FakeFirstSecrets, Script, backends, steps_of
from tests.ui.make import MakeApp

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (5, 40, "less than a minute"),
        (20, 61, "about 1 min"),
        (100, 170, "about 2–3 min"),
        (3600, 3600, "about 60 min"),
    ],
)
def test_time_left_is_never_about_less_than_a_minute(low: float, high: float, said: str) -> None:
    assert range_text(low, high) == said
    model = RunModel(["mx1"], FakeClock(), lambda step_id: (low / 8, high / 8))
    for event in steps_of("mx1", 8, 0):
        model.apply(event)
    run = Installation(FakeEngine(Script()), model, backends(Script()).verify, FakeFirstSecrets(Script()))
    run.stage = Stage.INSTALLING
    text, _ = stage_words(run, width=80, plain=False)
    assert f"installing; {said} left" in text
    assert "about less" not in text


def test_clamavs_memory_is_one_number_in_questions_refusals_and_guide() -> None:
    step = services.STEP
    texts = [step.help, *(f"{f.help} {f.why}" for f in step.fields if f.path == "services.antivirus")]
    assert all(memory.CLAMAV_WORDS in text for text in texts)
    assert not any("1.5 GB" in text for text in texts)
    assert f"want {memory.CLAMAV_WORDS} of memory" in README.read_text(encoding="utf-8")
    scanning = Blueprint("mx1", (), meta={"virus_scanner": "clamav"})
    for size, refused in ((memory.LEAST_WITH_CLAMAV - 1, True), (memory.LEAST_WITH_CLAMAV, False)):
        facts = Facts(
            os_id="debian", os_version="13", codename="trixie", architecture="amd64", privilege="root",
            systemd="running", memory_total=size,
        )  # fmt: skip
        told = [r.reason for r in preflight.refusals(facts, scanning) if "ClamAV" in r.reason]
        assert [f"{memory.CLAMAV_MB} MB" in reason for reason in told] == ([True] if refused else [])


def test_packages_are_counted_once_and_the_rest_is_named() -> None:
    found = wire.Change("packages", "a", "install", ("+a",), "3 of 4 are there already")
    answer = (wire.StepDiff("packages", "Install packages", (found,)),)
    (change,) = ServerDiff.of("mx1", answer).changes
    assert isinstance(change, Change)
    assert change.headline == "install 1 package (3 of 4 are there already)"


async def test_the_legend_of_dim_answers_follows_what_can_be_installed(
    make_app: MakeApp, plan_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = make_app(plan_path).session
    spec = field_at("architecture")
    assert spec is not None
    dim = [c.label for c in spec.choices if fields.unavailable(spec.path, c.value, session)]
    legend = f"Dim: not available in this version ({', '.join(dim)})."
    assert (legend in fields.help_of(spec, session)) == bool(dim)
    monkeypatch.setattr(fields, "unsupported", lambda plan: [])
    fields._unsupported_at.cache_clear()
    try:
        assert "Dim:" not in fields.help_of(spec, session)
    finally:
        fields._unsupported_at.cache_clear()
    assert vars(fields)["unsupported"] is not support.unsupported


def test_accounts_without_a_panel_name_the_screen() -> None:
    panel = field_at("services.admin_panel")
    assert panel is not None
    without = next(choice for choice in panel.choices if choice.value == "none")
    assert "this program (u)" in without.help

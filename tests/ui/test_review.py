"""The review: faults with a way to each field, what will happen, comparing, and what needs a second word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mailwiz_tui.deploy.events import ServerPhase
from mailwiz_tui.fleet.facts import FactsFile, MailSoftware
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.plan.raw_values import put
from mailwiz_tui.plan.schema import bounds_of
from mailwiz_tui.plan.steps import STEPS, FieldKind, FieldSpec
from mailwiz_tui.ui.installation.dashboard import DashboardScreen
from mailwiz_tui.ui.review.review import ReviewScreen
from mailwiz_tui.ui.review.review_rows import answers, pair
from mailwiz_tui.ui.widgets.entry import Entry
from tests.ui.fakes import (
    Script,
    ended,
    file_diff,
    known_server,
)
from tests.ui.grid import check_golden, grid, screen_text, size_ids, until
from tests.ui.journeys import review
from tests.ui.make import MakeApp


@size_ids
async def test_review_of_a_plan_with_faults(
    size: tuple[int, int], make_app: MakeApp, plan_path: Path, update_golden: bool
) -> None:
    app = make_app(plan_path)
    app.session.set("domain.primary_domain", "exa_mple.com")
    async with app.run_test(size=size) as pilot:
        await review(pilot, app)
        await check_golden(pilot, f"review-faults-{size[0]}x{size[1]}", update=update_golden)


def cluster_plan(more: dict[str, object]) -> Plan:
    """Two servers that hold mail, a witness that receives and filters, and both addresses."""
    nodes = [("n1", ["all-in-one"]), ("n2", ["all-in-one"]), ("n3", ["mx-inbound", "antispam"])]
    addresses = {"virtual_ip": "192.0.2.99", "virtual_ipv6": "2001:db8::99"}
    return Plan.model_validate(
        {
            "architecture": "ha-cluster",
            "servers": [
                {"id": name, "roles": roles, "internal_ip": f"10.80.0.{n}"}
                for n, (name, roles) in enumerate(nodes, 1)
            ],
            "domain": {"primary_domain": "acme.se", "hostname": "mail.acme.se"},
            "cluster": {"witness": "n3", **addresses, **more},
        }
    )


@size_ids
async def test_review_of_a_ready_plan(size: tuple[int, int], make_app: MakeApp, filled: Path) -> None:
    app = make_app(filled)
    app.session.known = FactsFile(servers={"mx1": known_server()})
    async with app.run_test(size=size) as pilot:
        await review(pilot, app)
        assert "ready to install" in screen_text(app)
        await pilot.press("end")
        await until(pilot, lambda: "opens 25 smtp" in screen_text(app), "what will happen to the server")


FURTHER = [field for step in STEPS for field in step.fields if field.further and field.kind is FieldKind.INT]


@pytest.mark.parametrize("field", FURTHER, ids=lambda field: field.path)
def test_a_further_answer_is_in_the_review_where_it_is_not_the_default(field: FieldSpec) -> None:
    raw: dict[str, Any] = {"domain": {"primary_domain": "acme.se", "hostname": "mail.acme.se"}}
    assert field.path not in [path for path, _, _ in answers(Plan.model_validate(raw))]
    value = bounds_of(field.path.split("."))[1]
    put(raw, field.path.split("."), value)
    found = {path: (label, told) for path, label, told in answers(Plan.model_validate(raw))}
    assert field.unit, "the review says what the number counts: unit="
    assert found[field.path] == (field.label, f"{value} {field.unit}")
    assert pair(*found[field.path], 80).plain.startswith(f"{field.label} ")


@pytest.mark.parametrize(
    ("cluster", "place"),
    [
        ({"device": "/dev/vdb"}, ("cluster.device", "Disk for mail", "/dev/vdb on n1 and n2")),
        ({"size_gb": 40}, ("cluster.size_gb", "Disk for mail", "a file of 40 GB on n1 and n2")),
    ],
)
def test_the_review_names_the_cluster(cluster: dict[str, object], place: tuple[str, str, str]) -> None:
    found = list(answers(cluster_plan(cluster)))
    assert ("servers", "Roles", "hold mail: n1, n2 · only vote: n3 (receives, filters)") in found
    moves = "192.0.2.99, 2001:db8::99, moves between n1 and n2"
    assert ("cluster.virtual_ip", "Address", moves) in found
    assert ("cluster.witness", "Witness", "n3; 3 servers vote") in found
    assert place in found


async def test_review_jumps_to_the_field(make_app: MakeApp, filled: Path) -> None:
    app = make_app(filled)
    app.session.set("security.dkim.selector", "-bad-")
    async with app.run_test(size=(80, 24)) as pilot:
        await review(pilot, app)
        assert "not ready" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: getattr(app.screen, "step_id", "") == "security", "security step")
        await until(pilot, lambda: isinstance(app.focused, Entry) and app.focused.value == "-bad-", "the field")


async def test_install_is_refused_with_the_reason_while_faults_stand(make_app: MakeApp, plan_path: Path) -> None:
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        screen = await review(pilot, app)
        assert screen.why_not("review.install")
        await pilot.press("f8")
        await pilot.pause()
        assert app.session.ongoing.installation is None


async def test_comparing_shows_the_difference_and_changes_nothing(
    make_app: MakeApp, filled: Path, script: Script
) -> None:
    path = "/etc/postfix/main.cf"
    changed = file_diff("mx1", path, f"--- {path}", "+++ planned", "+myhostname = mail.example.com")
    script.diffs = {"mx1": changed}
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await review(pilot, app)
        await pilot.press("f5")
        await until(pilot, lambda: "+myhostname = mail.example.com" in grid(app), "the difference")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen), "back")
    assert script.applied == 0


async def test_the_review_says_in_words_what_happens_on_each_server(make_app: MakeApp, filled: Path) -> None:
    app = make_app(filled)
    app.session.known = FactsFile(servers={"mx1": known_server()})
    app.session.set("network.relay_host", "[smtp.provider.example]:587")
    app.session.set("network.relay_user", "acme")
    async with app.run_test(size=(120, 60)) as pilot:
        await review(pilot, app)
        shown = screen_text(app)
        for words in (
            "packages from Debian: unbound",
            ", postfix",
            "steps: install packages",
            "/etc/postfix",
            "runs ",
            "25 smtp",
        ):
            assert words in shown, shown
        assert "asks you" in shown, shown
        rows = [row for row in grid(app).splitlines() if "packages from Debian" in row]
        assert all(len(row) <= 120 for row in rows)


async def test_somebody_elses_mail_server_is_replaced_only_after_its_id_was_typed(
    make_app: MakeApp, filled: Path, script: Script
) -> None:
    record = known_server()
    theirs = (MailSoftware(name="postfix", version="3.10.1", owner="other"),)
    facts = record.facts.model_copy(update={"mail_software": theirs})
    app = make_app(filled)
    app.session.known = FactsFile(servers={"mx1": record.model_copy(update={"facts": facts})})
    script.outcomes = {"mx1": ended("mx1", ServerPhase.DONE)}
    async with app.run_test(size=(80, 24)) as pilot:
        await review(pilot, app)
        assert "mx1 has postfix 3.10.1, not configured by mailwiz-tui" in screen_text(app)
        await pilot.press("f8")
        await until(pilot, lambda: "To replace it, type mx1." in screen_text(app), "the dialog")
        assert "/etc/postfix/main.cf" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen), "back at the review")
        assert not app.session.adopted
        await pilot.press("f8")
        await until(pilot, lambda: isinstance(app.focused, Entry), "the dialog again")
        await pilot.press(*"mx2", "enter")
        await until(pilot, lambda: "This is not mx1" in screen_text(app), "another id")
        await pilot.press("backspace", "1", "enter")
        await until(pilot, lambda: "Install on mx1?" in screen_text(app), "the last question")
        await pilot.press("right", "enter")
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen), "the dashboard")
    assert script.adopted == ("mx1",)

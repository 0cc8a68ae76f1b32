"""How forms behave: suggestions are seen, states agree with what is shown, impossible answers say why."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from textual.widgets import Static

from mailwiz_tui.deploy.prompts import Prompts
from mailwiz_tui.deploy.ssh.errors import SshError, SshErrorKind
from mailwiz_tui.dns.live import RecordState, State
from mailwiz_tui.dns.record import Record
from mailwiz_tui.fleet.facts import Facts, FactsFile, Listener, ServerRecord
from mailwiz_tui.fleet.facts_store import facts_path_for, load_facts
from mailwiz_tui.fleet.server import Server
from mailwiz_tui.plan.support import unsupported
from mailwiz_tui.ui.session.probing import probe_failure, summary
from mailwiz_tui.ui.terminal.symbols import PROBE_MARKS
from mailwiz_tui.ui.widgets.choice_row import ChoiceRow, Option
from mailwiz_tui.ui.widgets.entry import Entry
from mailwiz_tui.ui.widgets.form_field import FormField
from mailwiz_tui.ui.widgets.step_strip import StepStrip
from mailwiz_tui.ui.wizard.fields import unavailable
from tests.ui.fakes import Script, debian_facts, known_server
from tests.ui.grid import focus, grid, screen_text, until
from tests.ui.make import MakeApp
from tests.ui.test_steps import field, goto, saved_in


def written(path: Path, text: str) -> None:
    """Write a plan as another day left it."""
    path.write_text(text, encoding="utf-8")


async def test_a_suggestion_is_seen_when_the_step_opens(make_app: MakeApp, plan_path: Path) -> None:
    app = make_app(plan_path)
    app.session.set("domain.primary_domain", "example.com")
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await goto(pilot, app, "security")
        selector = field(screen, "security.dkim.selector").control
        assert isinstance(selector, Entry)
        assert selector.value.endswith("a")
        assert selector.value[:4].isdigit()
        assert app.session.value("security.dkim.selector") == selector.value
        assert "security" not in saved_in(plan_path), "a step that is looked at writes nothing"
        await pilot.press("f8")
        await until(pilot, lambda: getattr(app.screen, "step_id", "") == "services", "next step")
        assert saved_in(plan_path)["security"]["dkim"]["selector"] == selector.value


async def test_going_through_a_step_again_changes_no_selector(make_app: MakeApp, plan_path: Path) -> None:
    written(plan_path, 'version = 1\n[security.spf]\npolicy = "softfail"\n')
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await goto(pilot, app, "security")
        await pilot.press("f8")
        await until(pilot, lambda: getattr(app.screen, "step_id", "") == "services", "next step")
        assert app.session.value("security.dkim.selector") == "mail"


async def test_a_suggested_host_name_is_no_error_while_it_is_offered(make_app: MakeApp, plan_path: Path) -> None:
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await goto(pilot, app, "domains")
        strip = screen.query_one(StepStrip)
        for key in "example.com":
            await pilot.press("full_stop" if key == "." else key)
            await pilot.pause(0.06)
            assert "has errors" not in str(Static.render(strip)), grid(app)
        await pilot.press("enter", "enter")
        await until(pilot, lambda: "done" in str(Static.render(strip)) or app.screen is not screen, "done")
        assert app.session.value("domain.hostname") == "mail.example.com"


async def test_a_wrong_answer_is_an_error_in_strip_and_form_at_once(make_app: MakeApp, plan_path: Path) -> None:
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await goto(pilot, app, "domains")
        await pilot.press(*"bad..name")
        await pilot.pause(0.06)
        assert "has errors" not in screen_text(app)
        await pilot.press("tab")
        await until(pilot, lambda: "Domains: ✗ has errors" in screen_text(app), "strip agrees")


async def test_a_wrong_answer_is_kept_for_mending_when_one_comes_back(make_app: MakeApp, plan_path: Path) -> None:
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await goto(pilot, app, "domains")
        asked = field(screen, "domain.primary_domain")
        await pilot.press(*"example..com", "tab")
        await until(pilot, lambda: asked.in_error, "a fault")
        await pilot.press("shift+tab", "backspace", "backspace", "backspace", "backspace", *"com")
        await until(pilot, lambda: app.session.value("domain.primary_domain") == "example.com", "mended")
        await pilot.press("tab")
        await until(pilot, lambda: not asked.in_error, "right")
        await pilot.press("shift+tab", *"a.example")
        await until(
            pilot, lambda: app.session.value("domain.primary_domain") == "a.example", "what is right is replaced"
        )


async def test_a_faulty_answer_of_an_earlier_day_is_shown_when_the_step_opens(
    make_app: MakeApp, plan_path: Path
) -> None:
    written(plan_path, 'version = 1\n[domain]\nprimary_domain = "bad..name"\n')
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await goto(pilot, app, "domains")
        assert field(screen, "domain.primary_domain").in_error


async def test_asking_a_server_goes_on_when_the_step_is_left(
    make_app: MakeApp, filled: Path, script: Script
) -> None:
    app = make_app(filled)
    go = asyncio.Event()

    async def slow(server: Server, prompts: Prompts) -> Facts:
        await go.wait()
        return debian_facts(server.host)

    app.session.probes.prober = slow
    async with app.run_test(size=(80, 60)) as pilot:
        await goto(pilot, app, "roles")
        await pilot.press("f5")
        await until(pilot, lambda: "checking" in screen_text(app), "checking")
        await pilot.press("f4")
        await until(pilot, lambda: getattr(app.screen, "heading", "") == "Review", "review")
        await pilot.press("end")
        await until(pilot, lambda: "checking" in screen_text(app), "still checking, in the review")
        go.set()
        await until(pilot, lambda: "Debian 13 (trixie)" in screen_text(app), "facts in the review")
        await goto(pilot, app, "roles")
        assert "reachable: Debian 13" in screen_text(app)
    kept = load_facts(facts_path_for(filled)).facts("mx1")
    assert kept is not None
    assert kept.os_version == "13"


async def test_what_cannot_be_installed_yet_is_dim_and_says_so(make_app: MakeApp, filled: Path) -> None:
    """Read from the plan's support, so that a feature that arrives needs no change here."""
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await goto(pilot, app, "services")
        for path in ("services.antispam", "services.webmail", "services.admin_panel"):
            row = field(screen, path).control
            assert isinstance(row, ChoiceRow)
            for option in row.options:
                refused = unavailable(path, option.value, app.session)
                assert option.later == (refused is not None)
                if refused is not None:
                    assert option.label in field(screen, path).help_text
        plan = app.session.plan()
        assert plan is not None
        assert unsupported(plan) == []


async def test_an_impossible_option_is_passed_over_with_its_reason(make_app: MakeApp, filled: Path) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await goto(pilot, app, "services")
        asked = field(screen, "services.antispam")
        row = asked.control
        assert isinstance(row, ChoiceRow)
        row.options = (row.options[0], Option("x", "Other", "it needs another server"), row.options[-1])
        await pilot.press("right")
        await until(pilot, lambda: "Other is not possible: it needs another server" in screen_text(app), "reason")
        assert row.value == row.options[2].value


async def test_records_show_how_they_stand_in_the_dns(make_app: MakeApp, filled: Path) -> None:
    app = make_app(filled)

    async def compare(records: Sequence[Record], resolver: str | None) -> list[RecordState]:
        states = [State.PUBLISHED, State.WRONG, State.MISSING, *[State.UNKNOWN] * len(records)]
        return [
            RecordState(r, s, detail="it is v=spf1 +all" if s is State.WRONG else "")
            for r, s in zip(records, states, strict=False)
        ]

    app.session.published.compare = compare
    async with app.run_test(size=(120, 40)) as pilot:
        await goto(pilot, app, "dns")
        assert "planned" in screen_text(app)
        await pilot.press("l")
        await until(pilot, lambda: "1 published, 1 wrong, 1 missing" in screen_text(app), "the states")
        shown = screen_text(app)
        assert "✓ published" in shown
        assert "✗ wrong" in shown
        assert "it is v=spf1 +all" in shown
        app.session.set("domain.primary_domain", "example.org")
        assert {app.session.published.of(r).state for r in app.session.records()[0] if r.type == "MX"} == {
            "planned"
        }


async def test_step_7_names_a_domain_that_only_the_accounts_have_with_its_records(
    make_app: MakeApp, filled: Path
) -> None:
    app = make_app(filled)
    plan = app.session.plan()
    assert plan is not None
    facts = debian_facts().model_copy(update={"account_domains": (*plan.mailbox_domains(), "shop.test")})
    app.session.known = FactsFile(servers={plan.servers[0].id: ServerRecord(facts=facts)})
    async with app.run_test(size=(120, 60)) as pilot:
        await goto(pilot, app, "dns")
        await until(pilot, lambda: "not in the plan: shop.test" in " ".join(screen_text(app).split()), "the note")
        assert "step 3" in screen_text(app)
        listed = {record.name for record in app.session.records()[0]}
        assert {"shop.test", "_dmarc.shop.test", "2026a._domainkey.shop.test"} <= listed


@pytest.mark.parametrize(
    ("kind", "word"),
    [
        (SshErrorKind.HOST_KEY_UNKNOWN, "host key unknown"),
        (SshErrorKind.HOST_KEY_CHANGED, "host key changed"),
        (SshErrorKind.AUTH, "login refused"),
        (SshErrorKind.TIMEOUT, "unreachable"),
    ],
)
def test_why_a_server_could_not_be_asked_has_a_word(kind: SshErrorKind, word: str) -> None:
    assert PROBE_MARKS[probe_failure(SshError("it went wrong", "root@mx1", kind=kind))].word == word


def test_ports_that_others_hold_are_told() -> None:
    held = (Listener(protocol="tcp", address="0.0.0.0", port=80, process="apache2"),)
    facts = debian_facts().model_copy(update={"listeners": held})
    assert "ports in use: 80" in summary(facts)
    assert "taken" not in summary(debian_facts())


async def test_an_answer_that_a_servers_memory_speaks_against_is_dim_with_the_reason(
    make_app: MakeApp, filled: Path
) -> None:
    app = make_app(filled)
    app.session.known = FactsFile(servers={"mx1": known_server()})
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await goto(pilot, app, "services")
        antivirus = next(f for f in screen.query(FormField) if f.path == "services.antivirus")
        row = antivirus.control
        assert isinstance(row, ChoiceRow)
        assert [option.later for option in row.options] == [True, False]
        await focus(pilot, row)
        await pilot.press("f1")
        await until(pilot, lambda: "CLAMAV" in screen_text(app), "help of the field with the focus")

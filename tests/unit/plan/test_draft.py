"""Drafts: every answer is kept at once, wrong ones included, and nothing that others wrote is lost."""

import datetime
import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailwiz_tui.plan.draft import Draft, StepState
from mailwiz_tui.plan.findings import PlanError, Severity
from mailwiz_tui.plan.model import Role
from mailwiz_tui.plan.steps import STEPS
from mailwiz_tui.plan.toml import load_plan, load_raw
from mailwiz_tui.plan.visited_steps import visited_path_for

TODAY = datetime.date(2026, 5, 1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "drafts" / "plan.toml"


@pytest.fixture
def draft(path: Path) -> Draft:
    return Draft.open(path)


def answer_all(draft: Draft) -> None:
    draft.set("architecture", "single")
    draft.set("servers", [{"id": "mx1", "roles": ["all-in-one"]}])
    draft.set("domain.primary_domain", "acme.se")
    draft.set("domain.hostname", "mail.acme.se")
    draft.set("security.tls.provider", "selfsigned")
    draft.set("services.antispam", "rspamd")
    draft.set("storage.path", "/var/vmail")


def states(draft: Draft) -> dict[str, str]:
    return {spec.id: str(draft.step_state(spec.id)) for spec in STEPS}


def test_opening_writes_nothing(path: Path, draft: Draft) -> None:
    assert not path.parent.exists()
    assert set(states(draft).values()) == {"empty"}


def test_each_answer_is_in_a_private_file_at_once(path: Path, draft: Draft) -> None:
    draft.set("domain.primary_domain", "acme.se")
    assert load_raw(path) == {"version": 1, "domain": {"primary_domain": "acme.se"}}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_wrong_answers_are_kept_as_they_were_typed(path: Path, draft: Draft) -> None:
    draft.set("domain.primary_domain", "acme_se")
    draft.set("security.dmarc.percentage", "a lot")
    again = Draft.open(path)
    assert again.get("domain.primary_domain") == "acme_se"
    assert again.get("security.dmarc.percentage") == "a lot"
    assert {"domain.primary_domain", "security.dmarc.percentage"} <= {f.path for f in again.findings()}
    with pytest.raises(PlanError):
        again.plan()


def test_what_is_not_answered_has_the_default(draft: Draft) -> None:
    assert draft.get("architecture") == "single"
    assert draft.get("security.dkim.key_size") == 2048
    assert draft.get("servers") == []
    assert draft.get("domain.primary_domain") is None
    assert draft.get("no.such.key") is None
    assert not draft.answered("architecture")


def test_changing_what_get_returned_changes_nothing(draft: Draft) -> None:
    draft.set("servers", [{"id": "mx1", "roles": []}])
    draft.get("servers")[0]["id"] = "other"
    draft.get("domain.additional_domains").append(1)
    assert draft.get("servers.0.id") == "mx1"
    assert draft.get("domain.additional_domains") == []


def test_a_whole_draft_is_a_plan_that_loads(path: Path, draft: Draft) -> None:
    answer_all(draft)
    assert draft.plan() == load_plan(path)
    assert [s for s in states(draft).values() if s != "done"] == ["empty", "empty"]


def test_typed_numbers_switches_and_lists_become_values(draft: Draft) -> None:
    draft.set("security.dmarc.percentage", "50")
    draft.set("security.dkim.key_size", "4096")
    draft.set("services.antivirus", "true")
    draft.set("network.resolvers", "192.0.2.1, 192.0.2.2")
    draft.set("security.dkim.selector", "2026")
    raw = draft.raw()
    assert raw["security"] == {"dmarc": {"percentage": 50}, "dkim": {"key_size": 4096, "selector": "2026"}}
    assert raw["services"] == {"antivirus": True}
    assert raw["network"] == {"resolvers": ["192.0.2.1", "192.0.2.2"]}


def test_models_and_enumerations_are_kept_as_plain_values(path: Path, draft: Draft) -> None:
    draft.set("servers", ({"id": "mx1", "roles": (Role.ALL_IN_ONE,), "internal_ip": None},))
    assert load_raw(path)["servers"] == [{"id": "mx1", "roles": ["all-in-one"]}]


def test_answers_inside_lists(draft: Draft) -> None:
    draft.set("servers", [{"id": "mx1"}, {"id": "mx2"}])
    draft.set("servers.1.internal_ip", "10.80.0.2")
    draft.set("servers.0", None)
    assert draft.get("servers") == [{"id": "mx2", "internal_ip": "10.80.0.2"}]
    with pytest.raises(KeyError):
        draft.set("servers.7.id", "x")


def test_an_answer_can_be_taken_back(path: Path, draft: Draft) -> None:
    draft.set("storage.path", "/data")
    draft.set("storage.path", None)
    draft.set("cluster.virtual_ip", None)
    assert draft.get("storage.path") == "/var/vmail"
    assert "cluster" not in load_raw(path)


def test_an_answer_takes_the_place_of_what_is_no_table(path: Path) -> None:
    path.parent.mkdir()
    path.write_text('domain = "acme.se"\n')
    draft = Draft.open(path)
    draft.set("domain.primary_domain", "acme.se")
    assert load_raw(path)["domain"] == {"primary_domain": "acme.se"}


@pytest.mark.parametrize("content", [b"version = \n", b"version = 2\n", b"\xff\xfe", b'version = "1"\n'])
def test_a_file_that_is_no_plan_is_left_untouched(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(PlanError):
        Draft.open(path)
    assert path.read_bytes() == content


def test_a_file_that_broke_meanwhile_is_left_untouched(path: Path, draft: Draft) -> None:
    draft.set("storage.path", "/data")
    path.write_text("not toml")
    with pytest.raises(PlanError, match="is not TOML"):
        draft.set("storage.path", "/data2")
    assert path.read_text() == "not toml"


def test_what_others_wrote_meanwhile_is_kept(path: Path, draft: Draft) -> None:
    draft.set("storage.path", "/data")
    other = Draft.open(path)
    other.set("domain.primary_domain", "acme.se")
    draft.set("domain.hostname", "mail.acme.se")
    assert load_raw(path) == {
        "version": 1,
        "domain": {"primary_domain": "acme.se", "hostname": "mail.acme.se"},
        "storage": {"path": "/data"},
    }


def test_what_others_wrote_is_taken_over_and_told(path: Path, draft: Draft) -> None:
    draft.set("servers", [{"id": "mx1", "internal_ip": "10.80.0.1"}, {"id": "mx2"}])
    assert not draft.refresh()
    other = Draft.open(path)
    other.set("servers.1.internal_ip", "10.91.0.2")
    other.set("domain.hostname", "mail.acme.se")
    assert draft.refresh()
    assert [(d.path, d.label, d.former, d.now) for d in draft.take_outside()] == [
        ("servers.1.internal_ip", "servers.mx2.internal_ip", None, "10.91.0.2"),
        ("domain.hostname", "domain.hostname", None, "mail.acme.se"),
    ]
    assert draft.take_outside() == []
    assert not draft.unsaved


def test_an_answer_of_one_server_and_one_from_outside_of_another_are_both_kept(path: Path, draft: Draft) -> None:
    draft.set("servers", [{"id": "mx1"}, {"id": "mx2"}])
    other = Draft.open(path)
    other.set("servers.1.internal_ip", "10.91.0.2")
    draft.set("servers", [{"id": "mx1", "internal_ip": "10.91.0.1"}, {"id": "mx2"}, {"id": "mx3"}])
    assert load_raw(path)["servers"] == [
        {"id": "mx1", "internal_ip": "10.91.0.1"},
        {"id": "mx2", "internal_ip": "10.91.0.2"},
        {"id": "mx3"},
    ]
    assert draft.take_conflicts() == []


def test_the_same_key_changed_on_both_sides_is_told_and_ours_is_kept(path: Path, draft: Draft) -> None:
    draft.set("domain.hostname", "mail.acme.se")
    Draft.open(path).set("domain.hostname", "mx.acme.se")
    draft.set("domain.hostname", "post.acme.se")
    (conflict,) = draft.take_conflicts()
    assert (conflict.path, conflict.former, conflict.now) == ("domain.hostname", "mx.acme.se", "post.acme.se")
    assert load_raw(path)["domain"] == {"hostname": "post.acme.se"}
    assert draft.take_outside() == []


def test_what_could_not_be_saved_survives_a_change_from_outside(path: Path, draft: Draft) -> None:
    draft.set("domain.hostname", "mail.acme.se")
    folder, away = path.parent, path.parent.with_name("away")
    folder.rename(away)
    folder.write_text("")
    with pytest.raises(PlanError, match="cannot be written"):
        draft.set("storage.path", "/data")
    folder.unlink()
    away.rename(folder)
    Draft.open(path).set("domain.primary_domain", "acme.se")
    assert draft.refresh()
    assert draft.unsaved
    draft.save()
    assert load_raw(path) == {
        "version": 1,
        "domain": {"primary_domain": "acme.se", "hostname": "mail.acme.se"},
        "storage": {"path": "/data"},
    }


def test_a_draft_saved_elsewhere_goes_on_there(path: Path, draft: Draft) -> None:
    draft.set("storage.path", "/data")
    before = path.read_bytes()
    elsewhere = path.with_name("other.toml")
    draft.save_elsewhere(elsewhere)
    draft.set("storage.path", "/data2")
    assert (path.read_bytes(), draft.path) == (before, elsewhere)
    assert load_raw(elsewhere)["storage"] == {"path": "/data2"}
    assert states(Draft.open(elsewhere)) == states(draft)


def test_comments_of_a_file_written_by_hand_stay(path: Path) -> None:
    path.parent.mkdir()
    text = '# customer 17\n[domain]\nprimary_domain = "acme.se"  # moves in May\n'
    path.write_text(text)
    draft = Draft.open(path)
    draft.set("storage.path", "/data")
    draft.set("domain.hostname", "mail.acme.se")
    assert path.read_text() == f'{text}hostname = "mail.acme.se"\n\n[storage]\npath = "/data"\n'
    assert draft.backup is None


def test_comments_of_what_was_removed_are_kept_aside(path: Path) -> None:
    path.parent.mkdir()
    text = 'version = 1\n[[servers]]\nid = "mx1"  # in the basement\n'
    path.write_text(text)
    draft = Draft.open(path)
    draft.set("servers", [])
    assert draft.backup == path.with_name("plan.toml.orig")
    assert draft.backup.read_text() == text
    assert stat.S_IMODE(draft.backup.stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ['[storage]\npath = "/data#1"\n', "", "[storage]\npath = '#'\n"])
def test_a_file_without_comments_is_not_copied(path: Path, text: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    draft = Draft.open(path)
    draft.set("storage.path", "/data")
    Draft.open(path).set("storage.path", "/data2")
    assert draft.backup is None
    assert not path.with_name("plan.toml.orig").exists()


def test_unknown_keys_are_kept_and_told_of(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("[webserver]\nport = 80\n")
    draft = Draft.open(path)
    draft.set("storage.path", "/data")
    assert load_raw(path)["webserver"] == {"port": 80}
    assert "webserver" in [f.path for f in draft.findings()]


def test_a_deleted_file_comes_back_whole(path: Path, draft: Draft) -> None:
    answer_all(draft)
    path.unlink()
    draft.set("storage.path", "/data")
    assert load_plan(path).domain.hostname == "mail.acme.se"


def test_an_unchanged_answer_does_not_write(path: Path, draft: Draft) -> None:
    draft.set("storage.path", "/data")
    before = path.stat().st_ino
    draft.set("storage.path", "/data ")
    assert path.stat().st_ino == before


def test_true_is_not_one(draft: Draft) -> None:
    draft.set("services.antivirus", 1)
    draft.set("services.antivirus", True)
    assert draft.get("services.antivirus") is True


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(PlanError, match="cannot be written"):
        Draft.open(tmp_path / "plan.toml").set("storage.path", "/data")


def test_a_file_that_cannot_be_written_is_told_of_and_the_answer_is_kept(tmp_path: Path) -> None:
    draft = Draft.open(tmp_path / "folder" / "plan.toml")
    (tmp_path / "folder").write_text("")
    with pytest.raises(PlanError, match="cannot be written"):
        draft.set("storage.path", "/data")
    assert draft.get("storage.path") == "/data"
    assert draft.unsaved
    (tmp_path / "folder").unlink()
    draft.save()
    assert not draft.unsaved
    assert load_raw(draft.path)["storage"] == {"path": "/data"}


def test_a_step_has_errors_until_its_answers_hold(draft: Draft) -> None:
    draft.set("domain.primary_domain", "acme.se")
    assert draft.step_state("domains") is StepState.ERRORS
    assert [f.path for f in draft.step_findings("domains")] == ["domain.hostname"]
    draft.set("domain.hostname", "mail.acme.se")
    assert draft.step_state("domains") is StepState.DONE


def test_a_step_left_with_its_defaults_is_done_once_it_was_gone_through(draft: Draft) -> None:
    draft.confirm("services")
    assert draft.step_state("services") is StepState.DONE
    draft.confirm("roles")
    assert draft.step_state("roles") is StepState.ERRORS


def test_a_changed_answer_marks_the_steps_that_depend_on_it(path: Path, draft: Draft) -> None:
    answer_all(draft)
    draft.confirm("dns")
    draft.set("domain.hostname", "mx.acme.se")
    found = states(Draft.open(path))
    assert {step for step, state in found.items() if state == "review"} == {"security", "dns"}
    assert found["domains"] == "done"
    assert found["install"] == "empty"


def test_changing_back_takes_the_mark_away(draft: Draft) -> None:
    answer_all(draft)
    draft.set("domain.hostname", "mx.acme.se")
    draft.set("domain.hostname", "mail.acme.se")
    assert draft.step_state("security") is StepState.DONE


def test_looking_again_takes_the_mark_away(draft: Draft) -> None:
    answer_all(draft)
    draft.set("architecture", "distributed")
    assert draft.step_state("services") is StepState.REVIEW
    draft.confirm("services")
    assert draft.step_state("services") is StepState.DONE


def test_naming_the_default_changes_nothing_for_other_steps(draft: Draft) -> None:
    draft.confirm("services")
    draft.set("architecture", "single")
    assert draft.step_state("services") is StepState.DONE


def test_broken_marks_lose_only_the_marks(path: Path, draft: Draft) -> None:
    answer_all(draft)
    for content in ("{", "[]", '{"confirmed": 3}', '{"confirmed": {"nonsense": 1}}', "[" * 100_000):
        visited_path_for(path).write_text(content)
        assert Draft.open(path).step_state("domains") is StepState.DONE


def test_the_marks_hold_no_answers(path: Path, draft: Draft) -> None:
    answer_all(draft)
    text = visited_path_for(path).read_text()
    assert "acme" not in text
    assert "confirmed" not in path.read_text()


def test_suggestions_follow_from_other_answers(draft: Draft) -> None:
    assert draft.suggestion("domain.hostname") == ""
    draft.set("domain.primary_domain", "Bücher.de.")
    assert draft.suggestion("domain.hostname") == "mail.bücher.de"
    assert draft.suggestion("security.dmarc.rua") == "mailto:dmarc@bücher.de"
    assert draft.suggestion("security.tls.acme_email") == "postmaster@bücher.de"
    assert draft.suggestion("security.dkim.selector", TODAY) == "2026a"
    assert draft.suggestion("servers.1.internal_ip") == ""
    draft.set("architecture", "distributed")
    assert draft.suggestion("servers.1.internal_ip") == "10.80.0.2"
    draft.set("domain.primary_domain", "not a domain")
    assert draft.suggestion("domain.hostname") == ""


def test_what_is_proposed_is_shown_and_written_when_it_is_accepted(path: Path, draft: Draft) -> None:
    draft.set("domain", {"primary_domain": "acme.se", "hostname": "mail.acme.se"})
    before = path.read_bytes()
    draft.propose("security", {"services.antispam": "rspamd"})
    selector = draft.suggestion("security.dkim.selector")
    assert draft.get("security.dkim.selector") == selector
    assert not draft.answered("security.dkim.selector")
    assert path.read_bytes() == before
    assert draft.preview().security.dkim.selector == selector
    draft.withdraw()
    assert draft.get("security.dkim.selector") == "mail"
    draft.propose("security")
    draft.accept("services")
    assert path.read_bytes() == before
    draft.accept("security")
    assert load_raw(path)["security"] == {
        "dkim": {"selector": selector},
        "dmarc": {"rua": "mailto:dmarc@acme.se"},
    }


def test_the_first_answer_of_a_step_takes_what_is_proposed_beside_it(draft: Draft) -> None:
    draft.set("domain.primary_domain", "acme.se")
    draft.propose("security")
    draft.set("security.dmarc.rua", "")
    assert draft.raw()["security"]["dkim"] == {"selector": draft.suggestion("security.dkim.selector")}
    assert draft.get("security.dmarc.rua") == ""
    draft.propose("security")
    assert draft.get("security.dmarc.rua") == ""


def test_nothing_is_proposed_for_a_plan_that_is_complete_or_installed(path: Path, draft: Draft) -> None:
    answer_all(draft)
    visited_path_for(path).unlink()
    again = Draft.open(path)
    again.set("security", {})
    again.propose("security")
    assert again.get("security.dkim.selector") == "mail"
    fresh = Draft.open(path.with_name("new.toml"))
    fresh.set("domain.primary_domain", "acme.se")
    fresh.installed = True
    fresh.propose("security")
    assert fresh.get("security.dkim.selector") == "mail"


def test_domain_alone_and_suggestions_make_a_plan(draft: Draft) -> None:
    draft.set("servers", [{"id": "mx1", "roles": ["all-in-one"]}])
    draft.set("domain.primary_domain", "acme.se")
    draft.set("domain.hostname", draft.suggestion("domain.hostname"))
    for spec in STEPS:
        draft.propose(spec.id)
        draft.accept(spec.id)
        draft.confirm(spec.id)
    assert draft.findings() == []
    assert draft.plan().domain.hostname == "mail.acme.se"
    assert set(states(draft).values()) == {"done"}


def test_records_can_be_previewed_before_servers_are_chosen(draft: Draft) -> None:
    draft.set("domain.primary_domain", "acme.se")
    draft.set("domain.hostname", "mail.acme.se")
    with pytest.raises(PlanError):
        draft.plan()
    assert draft.preview().domain.hostname == "mail.acme.se"


def test_servers_are_compared_with_the_inventory_that_is_set(draft: Draft) -> None:
    answer_all(draft)
    assert not [f for f in draft.findings() if f.severity is Severity.FAULT]
    draft.inventory_ids = ["db1"]
    assert [f.path for f in draft.findings() if f.severity is Severity.FAULT] == ["servers.0.id"]


PATHS = st.sampled_from([field.path for spec in STEPS for field in spec.fields])
ANSWERS = (
    st.text() | st.booleans() | st.integers(-5, 5000) | st.lists(st.text() | st.dictionaries(st.text(), st.text()))
)


@given(answers=st.lists(st.tuples(PATHS, ANSWERS), max_size=8))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
def test_any_answers_are_kept_and_never_break_the_draft(
    tmp_path_factory: pytest.TempPathFactory, answers: list[tuple[str, object]]
) -> None:
    path = tmp_path_factory.mktemp("draft") / "plan.toml"
    draft = Draft.open(path)
    for key, value in answers:
        draft.set(key, value)
    again = Draft.open(path)
    assert again.raw() == draft.raw()
    assert [f.line for f in again.findings()] == [f.line for f in draft.findings()]
    assert states(again) == states(draft)

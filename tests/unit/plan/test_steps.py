"""The registry of steps against the models: every key is asked for, and no text is missing or too long."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from mailwiz_tui.plan.model import Plan
from mailwiz_tui.plan.schema import choices_of, closest, default_of, homes_of, keys_of
from mailwiz_tui.plan.spec import FieldKind, FieldSpec
from mailwiz_tui.plan.steps import STEPS, field_at, step, step_of

HELP_WIDTH = 76
FIELDS = [field for spec in STEPS for field in spec.fields]
OUTCOME = {"dns", "install"}


def leaves(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        inner: Any = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from leaves(inner, f"{prefix}{name}.")
        else:
            yield prefix + name


def test_the_steps_are_the_eight_of_the_wizard() -> None:
    assert [s.id for s in STEPS] == [
        "architecture",
        "roles",
        "domains",
        "security",
        "services",
        "storage",
        "dns",
        "install",
    ]
    assert [s.number for s in STEPS] == list(range(1, 9))


def test_every_key_of_a_plan_is_asked_for_once() -> None:
    asked = [field.path for field in FIELDS]
    assert sorted(asked) == sorted(set(leaves(Plan)) - {"version"})


def test_every_key_belongs_to_exactly_one_step() -> None:
    for path in leaves(Plan):
        assert len([s for s in STEPS if s.owns_path(path)]) == 1, path
        if path != "version":
            assert step_of(path) is next(s for s in STEPS if s.field(path))


def test_steps_depend_on_keys_that_are_there_and_come_before() -> None:
    for spec in STEPS:
        for path in spec.depends_on:
            owner = step_of(path)
            assert path in set(leaves(Plan))
            assert owner is not None
            assert owner.number < spec.number


def test_the_last_steps_depend_on_every_answer_that_they_carry_out() -> None:
    assert set(step("install").depends_on) == set(leaves(Plan)) - {"version"}


@pytest.mark.parametrize("spec", STEPS, ids=lambda s: s.id)
def test_steps_have_texts(spec: Any) -> None:
    assert spec.title
    assert len(spec.summary) <= HELP_WIDTH
    assert len(spec.help) > 200
    assert bool(spec.fields) != (spec.id in OUTCOME)


@pytest.mark.parametrize("field", FIELDS, ids=lambda f: f.path)
def test_questions_have_texts_that_fit(field: FieldSpec) -> None:
    assert 0 < len(field.help) <= HELP_WIDTH
    assert 0 < len(field.label) <= 20
    assert isinstance(field.kind, FieldKind)


@pytest.mark.parametrize("field", [f for f in FIELDS if f.kind is FieldKind.CHOICE], ids=lambda f: f.path)
def test_choices_are_those_of_the_model(field: FieldSpec) -> None:
    assert sorted(str(c.value) for c in field.choices) == sorted(choices_of(field.path.split(".")))
    assert field.default in [c.value for c in field.choices]
    assert all(c.help for c in field.choices)


def test_questions_are_asked_only_where_they_matter() -> None:
    answers = {"security.tls.provider": "custom", "storage.type": "maildir", "security.dkim.enabled": True}
    shown = [f.path for f in FIELDS if f.is_shown(answers.get)]
    assert "security.tls.certificate" in shown
    assert "security.tls.acme_email" not in shown
    assert "storage.nfs_server" not in shown
    assert "security.dkim.selector" in shown


def test_conditions_name_answers_that_can_be_given() -> None:
    for field in FIELDS:
        for condition in field.shown_when:
            asked = field_at(condition.path)
            assert asked is not None
            possible = [c.value for c in asked.choices] if asked.choices else [True, False]
            assert set(condition.values) <= set(possible)


def test_only_the_names_need_an_answer() -> None:
    assert [f.path for f in FIELDS if f.required] == ["domain.primary_domain", "domain.hostname"]


def test_lookups() -> None:
    assert field_at("servers.0.roles.1") is step("roles").field("servers")
    assert field_at("plan.toml") is None
    assert step_of("/home/me/plan.toml") is None
    with pytest.raises(KeyError):
        step("nonsense")


def test_the_shape_of_the_plan() -> None:
    assert keys_of(("servers", 0)) == ("id", "roles", "internal_ip")
    assert keys_of(("servers", 0, "id", "x")) == ()
    assert choices_of(("servers", 0, "roles", 1))[-1] == "all-in-one"
    assert default_of("security.dkim.key_size") == 2048
    assert default_of("security") is not None
    assert homes_of("selector") == ["[security.dkim]"]
    assert homes_of("roles") == ["[[servers]]"]
    assert closest("host_name", keys_of(("domain",))) == "hostname"
    assert closest("qqq", keys_of(("domain",))) == ""

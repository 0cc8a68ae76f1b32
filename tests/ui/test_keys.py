"""The action registry: one source for keys, palette, help and the README."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailwiz_tui.ui.app.actions import ACTIONS
from mailwiz_tui.ui.app.key_table import SCREENS, keys_section, with_keys

README = Path(__file__).parents[2] / "README.md"


def test_the_readmes_table_of_keys_is_the_registry() -> None:
    text = README.read_text(encoding="utf-8")
    assert with_keys(text) == text, "run: python -m mailwiz_tui.ui.app.key_table README.md"


def test_every_scope_has_a_name_for_people_and_every_action_a_row() -> None:
    assert {a.scope for a in ACTIONS} <= set(SCREENS)
    section = keys_section()
    for action in ACTIONS:
        assert action.help in section


def test_every_action_is_explained_by_a_short_order() -> None:
    for action in ACTIONS:
        assert action.help[0].isupper(), action.id
        assert not action.help.endswith("."), action.id
        assert len(action.help) <= 62, action.id


def test_no_key_means_two_things_on_one_screen() -> None:
    for scopes in (("app", "step", s) for s in ("roles", "domains", "dns")):
        keys = [k for a in ACTIONS if a.scope in scopes for k in a.key.split(",")]
        assert len(keys) == len(set(keys)), scopes


def test_a_file_without_a_place_for_the_table_is_refused() -> None:
    with pytest.raises(ValueError, match="keys"):
        with_keys("# nothing\n")

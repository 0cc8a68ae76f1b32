"""What each component puts on a server, as golden files; goldens.py has the texts, snapshots.py keeps them."""

from __future__ import annotations

import os
from pathlib import PurePath

import pytest

from . import goldens
from .snapshots import GOLDEN, compare


@pytest.mark.parametrize("name", goldens.goldens())
def test_a_text_is_as_in_its_golden_file(name: str) -> None:
    golden = goldens.goldens()[name]
    compare(name, golden.text, golden.other)


@pytest.mark.parametrize("component", goldens.NAMES)
def test_each_component_is_on_a_server_with_a_golden_file(component: str) -> None:
    name = goldens.home(component)
    assert name, f"no server has {component}: add one to FURTHER in goldens.py"
    assert {f"{name}/{component}", f"{name}/checks"} <= set(goldens.goldens())


def test_each_golden_file_is_read() -> None:
    files = {path: str(PurePath(path.relative_to(GOLDEN)).with_suffix("")) for path in GOLDEN.rglob("*.*")}
    unread = [path for path, name in files.items() if name not in goldens.goldens()]
    if os.environ.get("UPDATE_GOLDEN"):
        while unread:
            unread.pop().unlink()
    assert unread == []

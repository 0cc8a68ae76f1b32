"""The guide to the house names modules and folders that are there."""

from __future__ import annotations

import re
from pathlib import Path

import mailwiz_tui

HOUSE = Path(mailwiz_tui.__file__).parent
GUIDE = (HOUSE / "README.md").read_text(encoding="utf-8")


def test_every_path_in_the_guide_is_there() -> None:
    named = set(re.findall(r"`((?:[a-z_0-9]+/)+[a-z_0-9.]+(?:\.py|\.cf))`", GUIDE))
    assert len(named) > 30
    assert sorted(path for path in named if not ((HOUSE / path).exists() or (HOUSE.parent / path).exists())) == []


def test_every_name_in_the_guide_is_in_the_code() -> None:
    named = set(re.findall(r"`(_?[A-Z][A-Za-z_]{3,})", GUIDE))
    assert {"COMPONENTS", "EFFECTS", "FieldSpec", "_RULES"} <= named
    files = [path for room in (HOUSE, HOUSE.parent / "tests") for path in room.rglob("*.py")]
    sources = [path.read_text(encoding="utf-8") for path in files if path != Path(__file__)]
    words = {word for text in sources for word in re.findall(r"\w+", text)}
    assert sorted(named - words) == []


def test_every_room_is_in_the_guide() -> None:
    rooms = {path.name for path in HOUSE.iterdir() if (path / "__init__.py").exists()}
    told = set(re.findall(r"^\| `([a-z]+)/`", GUIDE, re.MULTILINE))
    assert rooms - told == set()
    folders = {f"{room}/{path.name}/" for room in ("agent", "ui") for path in (HOUSE / room).iterdir()
               if (path / "__init__.py").exists()}  # fmt: skip
    assert {folder for folder in folders if f"`{folder.partition('/')[2]}`" not in GUIDE} == set()

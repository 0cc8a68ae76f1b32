"""Every command is in README's table, and its help begins with how it is called."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

import mailwiz_tui
from mailwiz_tui.cli import COMMANDS, main

README = Path(mailwiz_tui.__file__).parent.parent / "README.md"


def test_the_table_of_commands_in_the_readme_has_every_command() -> None:
    rows = re.findall(r"^\| `mailwiz-tui ([a-z]+) ", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(rows) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_begins_with_its_usage(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([name, "--help"])
    assert capsys.readouterr().out.startswith(f"usage: mailwiz-tui {name} ")


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "lab"])
def test_each_command_has_a_module_that_runs_it(name: str) -> None:
    module = importlib.import_module(f"mailwiz_tui.commands.{name}")
    assert callable(module.run)

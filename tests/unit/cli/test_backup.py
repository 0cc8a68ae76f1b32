"""``backup`` on several stores: which are meant, and what has to be said about one server only."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailwiz_tui.cli import main

PLAN = """
version = 1
architecture = "distributed"

[[servers]]
id = "mx1"
roles = ["mx-inbound", "mx-outbound", "antispam"]
internal_ip = "10.80.0.1"

[[servers]]
id = "mx2"
roles = ["mail-storage"]
internal_ip = "10.80.0.2"

[[servers]]
id = "mx3"
roles = ["mail-storage"]
internal_ip = "10.80.0.3"

[domain]
primary_domain = "example.com"
hostname = "mail.example.com"

[security.tls]
provider = "selfsigned"
"""
INVENTORY = "".join(f'[[servers]]\nid = "mx{n}"\nhost = "192.0.2.{n}"\n' for n in (1, 2, 3))


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.toml"
    path.write_text(PLAN + '\n[backup]\ntarget = "/srv/backup"\n')
    (tmp_path / "inventory.toml").write_text(INVENTORY)
    return path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["restore", "{plan}", "3f2a1b0c", "--yes"], "this backup belongs to one server"),
        (["restore", "{plan}", "--key-stdin", "--yes"], "this key belongs to one server"),
        (["run", "{plan}", "--server", "mx1"], "mx1 keeps no mailboxes"),
        (["list", "{plan}", "--server", "mx9"], "mx9 keeps no mailboxes"),
    ],
)
def test_a_store_is_asked_for_in_words(
    plan: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(["backup", *(word.replace("{plan}", str(plan)) for word in words)]) == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert "one of mx2, mx3" in printed


def test_without_a_target_there_is_nothing_to_do(plan: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan.write_text(PLAN)
    assert main(["backup", "run", str(plan)]) == 2
    assert "backup.target" in capsys.readouterr().err

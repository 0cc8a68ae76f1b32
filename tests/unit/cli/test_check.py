"""``check`` on files as operators really break them: a clear line for each fault, exit 2, no traceback."""

import io
import re
from pathlib import Path

import pytest

from mailwiz_tui.cli import main

UNIT = Path(__file__).parent.parent
PLANS = sorted((UNIT / "plan" / "malformed").glob("*.toml"))
INVENTORIES = sorted(p for p in (UNIT / "fleet" / "malformed").iterdir() if p.is_file())
GOOD_PLAN = """
version = 1
architecture = "single"
[[servers]]
id = "mx1"
roles = ["all-in-one"]
[domain]
primary_domain = "example.com"
hostname = "mail.example.com"
[security.tls]
provider = "selfsigned"
"""
GOOD_INVENTORY = '[[servers]]\nid = "mx1"\nhost = "198.51.100.21"\n'


def expected(path: Path) -> list[tuple[str, str]]:
    lines = path.read_bytes().decode("utf-8", "replace").replace("{file}", str(path)).splitlines()
    found = [re.match(r"\s*[#;]\s*expect:\s*(.+?):\s+(.*)", line) for line in lines]
    return [(m[1], m[2].strip()) for m in found if m]


def test_there_are_enough_malformed_files() -> None:
    assert len(PLANS) >= 30
    assert len(INVENTORIES) >= 15


@pytest.mark.parametrize("path", PLANS, ids=lambda p: p.stem)
def test_a_malformed_plan_gets_clear_lines(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = path.read_bytes()
    inventory = tmp_path / "inventory.toml"
    inventory.write_text(GOOD_INVENTORY)
    code = main(["check", str(path), "--inventory", str(inventory)])
    lines = capsys.readouterr().err.splitlines()
    assert code == 2
    assert path.read_bytes() == before
    assert not any("Traceback" in line for line in lines)
    wanted = expected(path)
    assert wanted, f"{path.name} has no '# expect:' line"
    for where, text in wanted:
        assert any(where in line and text.lower() in line.lower() for line in lines), (where, text, lines)


@pytest.mark.parametrize("path", INVENTORIES, ids=lambda p: p.name)
def test_a_malformed_inventory_gets_clear_lines(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(GOOD_PLAN)
    code = main(["check", str(plan), "--inventory", str(path)])
    lines = capsys.readouterr().err.splitlines()
    assert code == 2
    assert not any("Traceback" in line for line in lines)
    wanted = expected(path)
    assert wanted, f"{path.name} has no '# expect:' line"
    for where, text in wanted:
        assert any(where in line and text.lower() in line.lower() for line in lines), (where, text, lines)


def test_a_good_plan_is_fine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plan.toml").write_text(GOOD_PLAN)
    (tmp_path / "inventory.toml").write_text(GOOD_INVENTORY)
    assert main(["check", str(tmp_path / "plan.toml")]) == 0
    assert "fine" in capsys.readouterr().out


def test_faults_of_plan_and_inventory_come_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plan.toml").write_text(GOOD_PLAN.replace("mail.example.com", "not a name"))
    (tmp_path / "inventory.toml").write_text('[[servers]]\nid = "mx1"\n')
    assert main(["check", str(tmp_path / "plan.toml")]) == 2
    printed = capsys.readouterr().err
    assert "domain.hostname" in printed
    assert "servers.0.host" in printed


@pytest.mark.parametrize("plan", ["missing.toml", "."])
def test_a_plan_that_is_no_file(plan: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path / plan)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--check", "--resolver", "nonsense"],
            "“nonsense” is not the address of a DNS server – write an IP address",
        ),
        (["--publish", "--server", "192.0.2.1"], "TSIG key: it lacks a name or a secret – write ALGORITHM:NAME"),
    ],
)
def test_what_the_dns_cannot_be_asked_with_is_said(
    options: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "plan.toml").write_text(GOOD_PLAN)
    (tmp_path / "inventory.toml").write_text(GOOD_INVENTORY)
    monkeypatch.setattr("sys.stdin", io.StringIO("nokey\n"))
    assert main(["dns", str(tmp_path / "plan.toml"), *options]) == 2
    assert f"mailwiz-tui: {said}" in capsys.readouterr().err

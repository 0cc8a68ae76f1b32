"""Plan, inventory, facts and the DNS are looked at together."""

import socket
from pathlib import Path

import pytest

from mailwiz_tui.cli import main
from mailwiz_tui.fleet.facts import Facts, FactsFile, ServerRecord
from mailwiz_tui.fleet.facts_store import save_facts
from tests.unit.cli.test_check import GOOD_INVENTORY, GOOD_PLAN


def answering(*addresses: str) -> object:
    def getaddrinfo(name: str, *_: object, **__: object) -> list[object]:
        assert name == "mail.example.com"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses]

    return getaddrinfo


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "plan.toml"
    path.write_text(GOOD_PLAN)
    (tmp_path / "inventory.toml").write_text(GOOD_INVENTORY)
    facts = Facts(public_ipv4="198.51.100.21")
    save_facts(tmp_path / "plan.facts.json", FactsFile(servers={"mx1": ServerRecord(facts=facts)}))
    return path


def test_a_host_name_that_leads_elsewhere_is_told(
    plan: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answering("203.0.113.80"))
    assert main(["check", str(plan)]) == 0
    assert "203.0.113.80" in capsys.readouterr().err


def test_a_host_name_that_leads_to_the_server_is_fine(
    plan: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answering("198.51.100.21"))
    assert main(["check", str(plan)]) == 0
    assert "domain.hostname" not in capsys.readouterr().err

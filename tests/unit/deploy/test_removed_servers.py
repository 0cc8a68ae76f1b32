"""Removed servers: mail in their queues stops an installation, and the operator is told once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mailwiz_tui.agent.protocol.probes import ProbeAnswer, RunProbes
from mailwiz_tui.deploy import removed_servers
from mailwiz_tui.deploy.work import EngineError
from mailwiz_tui.fleet.facts import FactsFile, ServerRecord
from mailwiz_tui.fleet.facts_store import load_facts, save_facts
from mailwiz_tui.fleet.server import Inventory, Server
from mailwiz_tui.plan.model import Plan
from tests.unit.fake_link import FakeLink

PLAN = Plan.model_validate(
    {
        "servers": [{"id": "mx1", "roles": ["all-in-one"]}],
        "domain": {"primary_domain": "example.com", "hostname": "mail.example.com"},
    }
)
INVENTORY = Inventory(servers=tuple(Server(id=name, host="192.0.2.1") for name in ("mx1", "mx2")), source=Path("i"))


def known(*names: str) -> FactsFile:
    return FactsFile(servers={name: ServerRecord(wireguard="key") for name in names})


class Work:
    """Reaches servers whose queue holds ``waiting`` messages, or none."""

    def __init__(self, waiting: int | None) -> None:
        self.waiting = waiting
        self.reached: list[str] = []

    async def link(self, server: Server) -> Any:
        self.reached.append(server.id)
        if self.waiting is None:
            raise OSError("no route to host")
        return FakeLink(RunProbes.by(lambda _: (ProbeAnswer("queue", 0, f"{self.waiting}\n"),)))


async def test_mail_that_waits_there_stops_the_installation() -> None:
    with pytest.raises(EngineError) as caught:
        await removed_servers.refuse_waiting_mail(PLAN, known("mx1", "mx2"), INVENTORY, Work(3).link)
    assert caught.value.where == "mx2"
    assert "its queue holds 3 messages" in caught.value.what


@pytest.mark.parametrize("waiting", [0, None])
async def test_an_empty_queue_or_a_dead_server_stops_nothing(waiting: int | None) -> None:
    work = Work(waiting)
    await removed_servers.refuse_waiting_mail(PLAN, known("mx1", "mx2"), INVENTORY, work.link)
    assert work.reached == ["mx2"]


async def test_the_operator_is_told_once() -> None:
    learnt = known("mx1", "mx2")
    (line,) = removed_servers.words(PLAN, learnt)
    assert line.startswith("mx2 was removed from the plan")
    removed_servers.mark_told(PLAN, learnt)
    assert removed_servers.words(PLAN, learnt) == []
    work = Work(3)
    await removed_servers.refuse_waiting_mail(PLAN, learnt, INVENTORY, work.link)
    assert work.reached == [], "who was told need not be asked again"


def test_a_file_of_the_version_before_tells_nobody_twice_and_is_written_in_the_new_form(tmp_path: Path) -> None:
    path = tmp_path / "plan.facts.json"
    records = {"mx1": {"wireguard": "key", "parted": False}, "mx2": {"wireguard": "key", "parted": True}}
    path.write_text(json.dumps({"version": 1, "servers": records}))
    learnt = load_facts(path)
    assert removed_servers.removed_servers(PLAN, learnt) == []
    save_facts(path, learnt)
    assert "parted" not in path.read_text()
    assert load_facts(path).removed_servers == ("mx2",)


def test_a_server_that_comes_back_is_told_of_again_when_it_is_removed_again() -> None:
    both = Plan.model_validate(
        {
            **PLAN.model_dump(mode="json"),
            "architecture": "distributed",
            "servers": [
                {"id": "mx1", "roles": ["mx-inbound", "mail-storage"], "internal_ip": "10.0.0.1"},
                {"id": "mx2", "roles": ["mx-outbound"], "internal_ip": "10.0.0.2"},
            ],
        }
    )
    learnt = known("mx1", "mx2")
    for plan in (PLAN, both):
        removed_servers.mark_told(plan, learnt)
    assert removed_servers.removed_servers(PLAN, learnt) == ["mx2"]


def test_a_server_that_was_only_asked_what_it_is_has_left_nothing() -> None:
    both = FactsFile(servers={"mx1": ServerRecord(wireguard="key"), "mx2": ServerRecord()})
    assert removed_servers.removed_servers(PLAN, both) == []
    assert removed_servers.removed_servers(PLAN, known("mx1", "mx2")) == ["mx2"]

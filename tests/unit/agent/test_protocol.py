"""The wire between controller and agent: what is said is read back the same, and nothing else is taken."""

from __future__ import annotations

import io
import json
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from importlib import import_module

import pytest

from mailwiz_tui.agent import protocol
from mailwiz_tui.agent.channel import Channel
from mailwiz_tui.agent.protocol import frames
from mailwiz_tui.agent.protocol.blueprint import Absent, AgentBlueprint, Leftovers, Ready, Step, Unit
from mailwiz_tui.agent.protocol.blueprint import Ask as QuestionKind
from mailwiz_tui.agent.protocol.codec import Document, Secret, WireError, from_json, to_json
from mailwiz_tui.agent.protocol.request import Request, Stream
from mailwiz_tui.agent.table import Table
from tests.unit.agent.rehearsal import Rehearsal

CANARY = "Canary-7f3Qm2x9KpLw"


@dataclass(frozen=True)
class Inner:
    name: str
    size: int = 0


@dataclass(frozen=True)
class Given:
    secret: Secret
    inner: Inner | None
    several: tuple[Inner, ...]
    pair: tuple[float, bool]
    named: dict[str, Inner]
    carried: Document
    exit: int | None = None


@dataclass(frozen=True)
class Ask(Request[Given]):
    number: int


@dataclass(frozen=True)
class Tell(Stream[Inner]):
    """Several."""


GIVEN = Given(
    Secret(CANARY), None, (Inner("a"), Inner("b", 2)), (1.5, True), {"x": Inner("y")}, {"deep": [{"er": None}]}
)


def test_a_value_is_read_back_as_it_was_sent() -> None:
    sent = json.loads(json.dumps(to_json(GIVEN)))
    assert from_json(Given, sent) == GIVEN
    assert GIVEN.secret.reveal() == CANARY


def test_items_of_several_kinds_are_read_by_their_kind() -> None:
    items = (Absent("/a"), Ready("X", "x.service", QuestionKind.TCP, "127.0.0.1:1"), Leftovers(), Unit("x.service"))
    sent = json.loads(json.dumps(to_json(AgentBlueprint("mx1", (Step("one", "Do", "test", items),)))))
    kinds = [item["kind"] for item in sent["steps"][0]["items"]]
    assert kinds == ["absent", "ready", "leftovers", "unit"]
    read = from_json(AgentBlueprint, sent)
    assert isinstance(read, AgentBlueprint)
    assert read.steps[0].items == items


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "door"}, "it.items[0] should be an object of the kind packages, user, "),
        ({"kind": "absent", "path": 1}, "it.items[0].path should be a text"),
        (
            {"kind": "ready", "service": "X", "unit": "x", "ask": "loud"},
            "it.items[0].ask should be one of tcp, smtp",
        ),
    ],
)
def test_an_item_that_does_not_fit_is_refused(change: Document, said: str) -> None:
    with pytest.raises(WireError) as error:
        from_json(Step, {"id": "one", "title": "Do", "component": "test", "items": [change]})
    assert str(error.value).startswith(said)


def test_a_secret_shows_itself_nowhere() -> None:
    assert CANARY not in repr(GIVEN)
    assert CANARY not in f"{GIVEN.secret}"
    with pytest.raises(WireError) as error:
        from_json(Inner, {"name": "a", "size": CANARY})
    assert CANARY not in str(error.value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"name": 1}, "it.name should be a text and is a whole number"),
        ({"name": "a", "size": True}, "it.size should be a whole number and is true or false"),
        ({"name": "a", "size": 1.5}, "it.size should be a whole number"),
        ({"name": "a", "weight": 1}, "it has weight, which Inner does not know"),
        ({}, "it lacks name"),
        (["a"], "it should be an object and is a list"),
        (None, "it should be an object and is nothing"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(value: object, said: str) -> None:
    with pytest.raises(WireError) as error:
        from_json(Inner, value)
    assert str(error.value).startswith(said)


def test_the_place_of_an_error_is_told_in_depth() -> None:
    raw = json.loads(json.dumps(to_json(GIVEN)))
    raw["several"][1]["size"] = "two"
    with pytest.raises(WireError, match=r"answer\.several\[1\]\.size should be a whole number"):
        from_json(Given, raw, "answer")


def test_an_operation_reads_its_request_and_its_answer_is_read() -> None:
    def work(request: Ask) -> Given:
        assert request.number == 7
        return GIVEN

    def items(request: Tell) -> Iterator[Inner | None]:
        yield from (Inner("a"), None, Inner("b"))

    assert Ask.answer(Ask.by(work).carry_out(to_json(Ask(7)))) == GIVEN
    told = Tell.by(items).carry_out({})
    assert isinstance(told, Iterator)
    assert [Tell.item(raw) for raw in told if raw is not None] == [Inner("a"), Inner("b")]
    with pytest.raises(WireError, match="Ask lacks number"):
        Ask.by(work).carry_out({})


def test_messages_cross_as_frames() -> None:
    sent: list[frames.Message] = [
        frames.Call(1, "ask", {"number": 7}),
        frames.Cancel(1),
        frames.Item(1, {"name": "ü"}),
        frames.Answer(1, None),
        frames.Failure(1, frames.Fault("what", "where", "advice")),
    ]
    source = io.BytesIO(b"".join(frames.encode(message) for message in sent))
    assert [frames.read(source) for _ in sent] == sent
    assert frames.read(source) is None


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"shout":{"number":1}}', b'{"cancel":{"number":"1"}}', b"{"])
def test_what_is_no_message_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - json's own error is one
        frames.decode(body)


def kinds() -> dict[type, str]:
    """All requests that the protocol has, with their names."""
    for module in pkgutil.iter_modules(protocol.__path__):
        import_module(f"{protocol.__name__}.{module.name}")
    found: list[type] = [*Request.__subclasses__(), *Stream.__subclasses__()]
    return {kind: str(vars(kind)["operation"]) for kind in found if kind.__module__.startswith(protocol.__name__)}


def test_every_request_is_a_frozen_dataclass_with_a_name_of_its_own() -> None:
    found = kinds()
    assert len(set(found.values())) == len(found)
    for kind in found:
        assert is_dataclass(kind), kind
        assert vars(kind)["__dataclass_params__"].frozen, kind
        assert not {f.name for f in fields(kind) if f.type == "str"} & {"password", "key", "value"}, kind


def test_the_agent_carries_out_every_request(machine: Rehearsal) -> None:
    table = Table(Channel(machine.host))
    assert [name for name in kinds().values() if table.find(name) is None] == []
    assert table.find("FormatDisk") is None

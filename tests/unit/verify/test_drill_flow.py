"""The clients of a drill, the gaps that they see, and how messages are counted."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass

import pytest

from mailwiz_tui.deploy.work import EngineError
from mailwiz_tui.verify.drill import count
from mailwiz_tui.verify.drill.count import Counts, compare, delivered
from mailwiz_tui.verify.drill.flow import Flow, Reader, Sender
from mailwiz_tui.verify.drill.record import Attempt, Message, Outcome, longest_gap
from mailwiz_tui.verify.mailbox import Mailbox
from tests.unit.verify import fakes
from tests.unit.verify.conftest import MakeTarget, Serve


@dataclass
class Dying(fakes.Smtp):
    """Stores a message and then closes the connection without a reply, as many times as ``dies``."""

    dies: int = 0

    def _take(self, raw: bytes) -> str:
        said = super()._take(raw)
        if self.dies:
            self.dies -= 1
            raise OSError("the server is gone")
        return said


def tries(*ends: float, failed: tuple[float, ...] = ()) -> list[Attempt]:
    """Attempts that ended with an answer at these times, or failed."""
    found = [Attempt(end - 0.1, end, Outcome.DONE) for end in ends]
    found += [Attempt(end - 0.1, end, Outcome.FAILED, "refused") for end in failed]
    return sorted(found, key=lambda attempt: attempt.ended)


def test_a_gap_is_from_the_last_answer_to_the_next_one() -> None:
    attempts = tries(1, 2, 7, 8, failed=(4, 6))
    gap = longest_gap(attempts, 2.1, 9, until=9)
    assert gap
    assert (gap.begin, gap.end, gap.ended) == (2, 7, True)


def test_a_gap_counts_for_the_phase_that_has_most_of_it() -> None:
    attempts = tries(1, 2, 7, 8)
    before = longest_gap(attempts, 0, 2.5, until=9)
    assert before
    assert before.seconds == 1
    whole = longest_gap(attempts, 2.5, 4, until=9)
    assert whole
    assert whole.seconds == 5
    assert longest_gap(attempts, 20, 30, until=9) is None
    assert longest_gap([], 0, 30, until=9) is None


def test_a_gap_without_an_end_is_one_too() -> None:
    gap = longest_gap(tries(1, 2, failed=(3, 5, 8)), 0, 9, until=9)
    assert gap
    assert (gap.seconds, gap.ended) == (7, False)
    never = longest_gap(tries(failed=(3, 5, 8)), 0, 9, until=9)
    assert never
    assert not never.ended


def test_a_server_that_defers_mail_of_one_client_is_there() -> None:
    attempts = [*tries(1, 2), Attempt(4.9, 5, Outcome.DEFERRED), Attempt(7.9, 8, Outcome.DEFERRED)]
    gap = longest_gap(attempts, 0, 9, until=9)
    assert gap
    assert gap.seconds == 3


def test_every_message_is_counted() -> None:
    messages = [
        Message("once", accepted=True),
        Message("lost", accepted=True),
        Message("again", accepted=True, unsure=1),
        Message("doubled", accepted=True),
        Message("thrice", accepted=True, unsure=1),
        Message("unconfirmed", unsure=1),
        Message("unconfirmed-twice", unsure=2),
        Message("refused"),
    ]
    found = Counter({
        "once": 1, "again": 2, "doubled": 2, "thrice": 3, "unconfirmed": 1, "unconfirmed-twice": 2, "strange": 1,
    })  # fmt: skip
    assert compare(messages, found) == Counts(
        sent=8, accepted=5, delivered=4, missing=("lost",), repeated=2, twice=("doubled", "thrice"), unconfirmed=2
    )


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(count, "PAUSE", 0.05)


async def some_messages(flow: Flow, number: int) -> None:
    """Lets mail flow until each sender had so many accepted, and all of which it was unsure."""

    def enough(sender: Sender) -> bool:
        unsure = [message for message in sender.messages if message.unsure]
        return sum(m.accepted for m in sender.messages) >= number and all(m.accepted for m in unsure)

    await flow.begin(10)
    async with asyncio.timeout(20):
        while not all(enough(sender) for sender in flow.senders):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await flow.stop()


async def test_what_is_sent_is_found_in_the_mailbox(
    serve: Serve, cert: fakes.Certificate, target: MakeTarget, mailbox: Mailbox
) -> None:
    store = fakes.Store()
    place = target({
        25: serve(fakes.Smtp(cert.context(), store=store)),
        465: serve(fakes.Smtp(cert.context(), store=store, implicit=True, submission=True), cert.context()),
        993: serve(fakes.Imap(store), cert.context()),
    })  # fmt: skip
    senders = [
        Sender("mx1, port 25", place, mailbox.address, 0.05),
        Sender("mail, port 465", place, mailbox.address, 0.05, [mailbox]),
    ]
    flow = Flow(senders, Reader("mail, port 993", place, mailbox, 0.05))
    await some_messages(flow, 3)
    wanted = [message.token for message in flow.messages if message.accepted]
    counts = compare(flow.messages, await delivered(place, mailbox, wanted, 10) or Counter())
    assert counts.accepted == counts.delivered == len(store.mails) >= 6
    assert (counts.missing, counts.twice, counts.repeated) == ((), (), 0)
    assert {a.outcome for client in flow.clients for a in client.attempts} == {Outcome.DONE}
    assert flow.senders[0].attempts[0].said.startswith("250 2.0.0 Ok")
    assert flow.reader.attempts[0].said.endswith(" messages in the inbox")
    assert not flow.left_out


async def test_a_message_without_a_reply_is_sent_again_and_may_come_twice(
    serve: Serve, cert: fakes.Certificate, target: MakeTarget, mailbox: Mailbox
) -> None:
    store = fakes.Store()
    place = target({25: serve(Dying(cert.context(), store=store, dies=1)),
                    993: serve(fakes.Imap(store), cert.context())}, seconds=2)  # fmt: skip
    flow = Flow([Sender("mx1", place, mailbox.address, 0.05)], Reader("mail", place, mailbox))
    await some_messages(flow, 2)
    (unsure,) = [a.token for a in flow.senders[0].attempts if a.outcome is Outcome.UNSURE]
    assert [a.outcome for a in flow.senders[0].attempts if a.token == unsure] == [Outcome.UNSURE, Outcome.DONE]
    counts = compare(flow.messages, await delivered(place, mailbox, [unsure], 5) or Counter())
    assert (counts.repeated, counts.twice, counts.missing) == (1, (), ())


async def test_a_message_that_was_accepted_and_is_not_there_is_missing(
    serve: Serve, cert: fakes.Certificate, target: MakeTarget, mailbox: Mailbox
) -> None:
    store = fakes.Store()
    place = target({25: serve(fakes.Smtp(cert.context(), store=store, loses_mail=True)),
                    993: serve(fakes.Imap(store), cert.context())})  # fmt: skip
    flow = Flow([Sender("mx1", place, mailbox.address, 0.05)], Reader("mail", place, mailbox))
    await some_messages(flow, 2)
    wanted = [message.token for message in flow.messages if message.accepted]
    counts = compare(flow.messages, await delivered(place, mailbox, wanted, 0.1) or Counter())
    assert counts.delivered == 0
    assert list(counts.missing) == wanted


async def test_a_sender_that_is_never_accepted_is_left_out_with_the_reason(
    serve: Serve, cert: fakes.Certificate, target: MakeTarget, mailbox: Mailbox
) -> None:
    store = fakes.Store()
    good = target({25: serve(fakes.Smtp(cert.context(), store=store)),
                   993: serve(fakes.Imap(store), cert.context())})  # fmt: skip
    holds = target({25: serve(fakes.Smtp(cert.context(), store=store, greylisted=1000))})
    held = Sender("mx2", holds, mailbox.address, 0.05)
    flow = Flow([Sender("mx1", good, mailbox.address, 0.05), held], Reader("mail", good, mailbox))
    await flow.begin(2)
    await flow.stop()
    assert [sender.name for sender in flow.senders] == ["mx1"]
    assert flow.left_out == [
        "mx2 accepted no message from this machine: the server answered 451 4.7.1 Try again later"
    ]
    assert {a.outcome for a in held.attempts} == {Outcome.DEFERRED}


async def test_a_mailbox_that_nobody_can_read_ends_the_drill_before_anything_moves(
    serve: Serve, cert: fakes.Certificate, target: MakeTarget, mailbox: Mailbox
) -> None:
    store = fakes.Store()
    place = target({25: serve(fakes.Smtp(cert.context(), store=store)),
                    993: serve(fakes.Imap(store, inbox_broken=True), cert.context())})  # fmt: skip
    flow = Flow([Sender("mx1", place, mailbox.address, 0.05)], Reader("mail", place, mailbox))
    with pytest.raises(
        EngineError, match="the mailbox cannot be read: the server answered the inbox does not open"
    ):
        await flow.begin(1)
    await flow.stop()

"""Compares the plan's records with the live DNS."""

from __future__ import annotations

import asyncio
import ipaddress
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from mailwiz_tui.dns.lookup import DNS_PORT, Answer, Lookup
from mailwiz_tui.dns.match import State, Verdict, judge, normal
from mailwiz_tui.dns.record import Record

__all__ = ["RecordState", "State", "compare"]


@dataclass(frozen=True, slots=True)
class RecordState:
    """The state of one planned record.

    ``got`` are the live values of its name and type, ``detail`` the difference or a remark, ``instead``
    the value to publish, ``source`` the server that answered.
    """

    record: Record
    state: State
    got: tuple[str, ...] = ()
    detail: str = ""
    instead: str = ""
    source: str = ""

    @property
    def fine(self) -> bool:
        """Whether the live DNS has the planned record."""
        return self.state is State.PUBLISHED

    @property
    def line(self) -> str:
        """The state in one line: ``missing    required     example.com MX: publish 10 mail.example.com.``."""
        need = "required" if self.record.required else "recommended"
        said = self.detail
        if self.state is State.MISSING:
            said = f"publish {self.record.value}"
        elif self.state is State.WRONG and self.instead:
            said = f"{self.detail}; publish {self.instead}"
        tail = f": {said}" if said else ""
        return f"{self.state:<10} {need:<12} {self.record.name} {self.record.type}{tail}"


async def compare(
    records: Sequence[Record], resolver: str | None = None, *, patience: float = 3.0, port: int = DNS_PORT
) -> list[RecordState]:
    """Look up every record and compare the answers; the states are in the records' order.

    The look-ups go to the servers of each zone, on ``port``; if these cannot be reached, to ``resolver``
    (``ADDRESS`` or ``ADDRESS:PORT``, None for the system's). ``patience`` is in seconds for each look-up.
    Raises ``lookup.ResolverError``.
    """
    lookup = Lookup(resolver, patience=patience, port=port)
    groups: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        groups[record.name, record.type].append(record)
    answers = dict(zip(groups, await asyncio.gather(*(lookup.ask(*key) for key in groups)), strict=True))
    return list(
        await asyncio.gather(*(_state(lookup, r, groups[r.name, r.type], answers[r.name, r.type]) for r in records))
    )


async def _state(lookup: Lookup, record: Record, group: list[Record], answer: Answer) -> RecordState:
    if answer.values is None:
        return RecordState(record, State.UNKNOWN, detail=record.pending or answer.problem, source=answer.source)
    verdict = judge(record, [r.value for r in group], answer.values)
    if verdict.state is State.PUBLISHED and record.type == "PTR":
        verdict = await _forward_confirmed(lookup, record)
    if verdict.state is State.PUBLISHED and record.type == "TLSA" and not answer.signed:
        verdict = Verdict(State.PUBLISHED, "the zone is not signed with DNSSEC, so senders ignore it")
    return RecordState(record, verdict.state, answer.values, verdict.detail, verdict.instead, answer.source)


async def _forward_confirmed(lookup: Lookup, record: Record) -> Verdict:
    """Whether the name of an address resolves to it; receivers trust no other (RFC 8601 section 2.7.3)."""
    address = address_of(record.name)
    kind = "AAAA" if ":" in address else "A"
    answer = await lookup.ask(record.value, kind)
    if answer.values is None:
        return Verdict(State.UNKNOWN, answer.problem)
    if normal(kind, address) in {normal(kind, value) for value in answer.values}:
        return Verdict(State.PUBLISHED)
    return Verdict(
        State.WRONG,
        f"{record.value} does not resolve to {address}: its {kind} is {', '.join(answer.values) or 'missing'}",
    )


def address_of(pointer: str) -> str:
    """The address of a name in in-addr.arpa or ip6.arpa."""
    labels = pointer.rstrip(".").split(".")[:-2]
    if pointer.rstrip(".").endswith("ip6.arpa"):
        digits = "".join(reversed(labels))
        return ipaddress.IPv6Address(int(digits, 16)).compressed
    return ".".join(reversed(labels))

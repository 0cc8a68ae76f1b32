"""Tests the network between servers before an installation: reachability, packet size, UDP port, clocks.

The servers ask each other, over their warm connections: an echo and the largest packet on each pair's public
addresses, whether WireGuard's UDP port gets through, and on an existing network the internal addresses. Nothing is
changed. There is one report for each pair (``PairReport``).
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from mailwiz_tui.agent.protocol.paths import AnswerUdp, KnockUdp, MeasurePaths, Peer, Place
from mailwiz_tui.agent.protocol.probes import ProbeCommand, RunProbes
from mailwiz_tui.agent.protocol.request import Request
from mailwiz_tui.deploy.agent_link import Link
from mailwiz_tui.fleet.facts import Facts, FactsFile
from mailwiz_tui.plan.findings import Finding, Severity
from mailwiz_tui.plan.model import Plan, PrivateNetwork
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.flows import flows_of
from mailwiz_tui.topology.servers import linked

A = TypeVar("A")
CLOCKS_APART = 30.0
"""Difference in seconds between two clocks that is a warning; certificates and DKIM signatures depend on them."""
LISTEN_SECONDS = 20.0
SLOW = 0.1
SIZE = 1500
SMALLEST = 1280
"""Every IPv6 path must carry packets of this size (RFC 8200 section 5)."""


@dataclass(frozen=True, slots=True)
class PairReport:
    """One pair of servers.

    ``seconds`` is the time of an echo, ``mtu`` the largest packet in bytes that came back; None and 0 for none.
    ``open`` says whether the private link's UDP port got through: None where it could not be tried. ``lives``:
    WireGuard links the two already. ``apart`` is how far their clocks differ, in seconds.
    """

    first: str
    second: str
    seconds: float | None
    mtu: int
    open: bool | None
    lives: bool = False
    apart: float = 0.0
    needed: bool = True

    @property
    def good(self) -> bool:
        """Whether the two can be linked."""
        return self.lives or self.open is True or (self.open is None and self.seconds is not None)

    @property
    def line(self) -> str:
        """The pair in one line."""
        words = [f"{self.seconds * 1000:.1f} ms" if self.seconds is not None else "no echo"]
        if self.mtu:
            words.append(f"packets of {self.mtu} bytes")
        if self.lives:
            words.append("the private link is up")
        elif self.open is not None:
            words.append(f"UDP {layout.MESH_PORT} {'gets through' if self.open else 'is blocked'}")
        if self.apart:
            words.append(f"clocks {self.apart:.1f} s apart")
        return f"{self.first} – {self.second}: {', '.join(words)}"

    @property
    def finding(self) -> Finding | None:
        """The error or warning about the two; None if there is none."""
        pair = f"{self.first} and {self.second}"
        if not self.good:
            if self.open is False:
                what = f"UDP port {layout.MESH_PORT} (WireGuard) is blocked between {pair} in both directions"
                advice = f"open UDP port {layout.MESH_PORT} both ways in the provider's firewall (security group)"
            else:
                what, advice = (
                    f"{pair} do not reach each other",
                    "check the addresses, and the routing between them",
                )
            return Finding("network", what, Severity.FAULT if self.needed else Severity.WARNING, advice)
        if self.apart > CLOCKS_APART:
            what = f"the clocks of {pair} are {self.apart:.0f} s apart"
            advice = "on both: timedatectl set-ntp true; certificates and DKIM signatures depend on the time"
            return Finding("network", what, Severity.WARNING, advice)
        if self.mtu and self.mtu < SMALLEST + 80:
            what = f"only packets of {self.mtu} bytes get through between {pair}, too small for the private link"
            return Finding("network", what, Severity.WARNING, "find the hop that limits the MTU (often a tunnel)")
        if self.seconds is not None and self.seconds > SLOW:
            what = f"an echo between {pair} takes {self.seconds * 1000:.0f} ms"
            return Finding(
                "network", what, Severity.WARNING, "users notice it: choose servers that are closer to each other"
            )
        return None


def blocked(reports: Iterable[PairReport]) -> dict[str, Finding]:
    """The servers that prevent a required link, and why.

    A server that is cut off from several is named, not those; of two that are cut off from each other, the one that
    no other link has reached, else both.
    """
    reports = list(reports)
    living = {name for report in reports if report.lives for name in (report.first, report.second)}
    left = [r for r in reports if r.finding and r.finding.severity is Severity.FAULT]
    found: dict[str, Finding] = {}
    while left:
        counts = Counter(name for report in left for name in (report.first, report.second))
        most = max(counts.values())
        worst = {name for name, count in counts.items() if count == most}
        for name in worst - living or worst:
            found[name] = next(f for r in left if name in (r.first, r.second) and (f := r.finding))
        left = [r for r in left if r.first not in found and r.second not in found]
    return found


def path_sizes(reports: Iterable[PairReport]) -> dict[str, int]:
    """The largest packet on each server's worst path, in bytes; 0 if no path limits it.

    Untested servers are missing.
    """
    found: dict[str, int] = {}
    for report in reports:
        for name in (report.first, report.second) if report.mtu else ():
            found[name] = min(found.get(name, SIZE), report.mtu)
    return {name: size if size < SIZE else 0 for name, size in found.items()}


@dataclass(slots=True)
class _Answers:
    """The servers' answers, by ``(source, target)``."""

    echoes: dict[tuple[str, str], tuple[float | None, int]] = field(default_factory=dict)
    knocks: dict[tuple[str, str], bool] = field(default_factory=dict)
    living: set[tuple[str, str]] = field(default_factory=set)


async def survey(plan: Plan, known: FactsFile, links: Mapping[str, Link]) -> list[PairReport]:
    """Try every pair of the servers that are connected; empty for one server.

    The pairs of a failed server are missing.
    """
    if not linked(plan):
        return []
    told = _Answers()
    made = plan.network.private is PrivateNetwork.WIREGUARD
    listening = await _listen(known, links) if made else set()
    work = [_echoes(plan, known, links, source, told) for source in links]
    if made:
        work += [_knock(known, links, source, listening, told) for source in links]
        work += [_living(known, links, source, told) for source in links]
    try:
        await asyncio.gather(*work)
    finally:
        await _each({name: links[name] for name in listening}, AnswerUdp(layout.MESH_PORT, 0.0))
    needed = {frozenset((f.source_id, f.target_id)) for f in flows_of(plan) if not f.public}
    pairs = itertools.combinations([s.id for s in plan.servers if s.id in links], 2)
    return [_report(known, told, first, second, frozenset((first, second)) in needed) for first, second in pairs]


def _report(known: FactsFile, told: _Answers, first: str, second: str, needed: bool) -> PairReport:
    both = ((first, second), (second, first))
    echoes = [told.echoes[way] for way in both if way in told.echoes]
    times = [seconds for seconds, _ in echoes if seconds is not None]
    sizes = [size for _, size in echoes if size]
    knocks = [told.knocks[way] for way in both if way in told.knocks]
    skews = [facts.clock_skew for name in (first, second) if (facts := known.facts(name))]
    return PairReport(
        first,
        second,
        min(times, default=None),
        max(sizes, default=0),
        any(knocks) if knocks else None,
        lives=any(way in told.living for way in both),
        apart=abs(skews[0] - skews[1]) if len(skews) == 2 else 0.0,
        needed=needed,
    )


def way_between(here: Facts | None, there: Facts | None) -> str:
    """The public address of ``there`` for ``here``: IPv4 where both have it; empty where there is none."""
    if here is None or there is None:
        return ""
    if here.public_ipv4 and there.public_ipv4:
        return there.public_ipv4
    return there.public_ipv6 if here.public_ipv6 and there.public_ipv6 else ""


async def _each(links: Mapping[str, Link], request: Request[A]) -> dict[str, A]:
    """The answers of those servers that gave one."""

    async def one(name: str) -> tuple[str, A]:
        return name, await links[name].ask(request)

    found = await asyncio.gather(*(one(name) for name in links), return_exceptions=True)
    return dict(entry for entry in found if not isinstance(entry, BaseException))


async def _listen(known: FactsFile, links: Mapping[str, Link]) -> set[str]:
    """The servers that answer on the private link's port now.

    One that has our firewall is left out: it lets in only those it knows already.
    """
    bare = {name: link for name, link in links.items() if not (known.facts(name) or Facts()).installed_digest}
    answers = await _each(bare, AnswerUdp(layout.MESH_PORT, LISTEN_SECONDS))
    return {name for name, answer in answers.items() if answer.listening}


async def _echoes(plan: Plan, known: FactsFile, links: Mapping[str, Link], source: str, told: _Answers) -> None:
    existing = plan.network.private is PrivateNetwork.EXISTING
    peers = []
    for target in plan.servers:
        way = target.internal_ip if existing else way_between(known.facts(source), known.facts(target.id))
        if target.id != source and target.id in links and way:
            peers.append(Peer(target.id, way))
    with contextlib.suppress(Exception):
        for answer in await links[source].ask(MeasurePaths(tuple(peers))):
            told.echoes[source, answer.id] = (answer.seconds, answer.mtu)


async def _knock(
    known: FactsFile, links: Mapping[str, Link], source: str, listening: set[str], told: _Answers
) -> None:
    places = []
    for target in links:
        way = way_between(known.facts(source), known.facts(target))
        if target != source and way and target in listening:
            places.append(Place(target, way, layout.MESH_PORT))
    with contextlib.suppress(Exception):
        for answer in await links[source].ask(KnockUdp(tuple(places))):
            told.knocks[source, answer.id] = answer.answered


async def _living(known: FactsFile, links: Mapping[str, Link], source: str, told: _Answers) -> None:
    """Which peers the server has had a handshake with in the last minutes, where its link is up already."""
    probe = ProbeCommand("age", ("wg", "show", layout.MESH_INTERFACE, "latest-handshakes"))
    names = {record.wireguard: name for name, record in known.servers.items() if record.wireguard}
    with contextlib.suppress(Exception):
        (answer,) = await links[source].ask(RunProbes((probe,)))
        now = (known.facts(source) or Facts()).clock
        for line in answer.output.splitlines() if answer.exit == 0 else ():
            key, _, at = line.strip().partition(" ")
            if at.strip().isdigit() and int(at) > now - 300 and names.get(key, source) != source:
                told.living.add((source, names[key]))

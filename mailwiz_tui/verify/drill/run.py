"""Carries out a drill: opens a mailbox, lets mail flow, moves the store twice, counts, and reports."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace

from mailwiz_tui.agent.protocol.probes import ProbeCommand, RunProbes
from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.deploy.work import EngineError
from mailwiz_tui.plan.errors import OperatorError
from mailwiz_tui.plan.words import counted
from mailwiz_tui.topology.servers import client_addresses, inbound, places, voters
from mailwiz_tui.verify.drill.cluster import failures, lacking, look
from mailwiz_tui.verify.drill.count import Counts, compare, delivered
from mailwiz_tui.verify.drill.flow import Flow, Reader, Sender
from mailwiz_tui.verify.drill.mailboxes import Exemptions, close_mailboxes, open_mailboxes, wanted
from mailwiz_tui.verify.drill.options import DrillOptions
from mailwiz_tui.verify.drill.phases import STATUS, Course
from mailwiz_tui.verify.drill.report import Report, client_report, moment, phase_reports, problems_of
from mailwiz_tui.verify.mailbox import Mailbox
from mailwiz_tui.verify.target import IMAPS, SMTP, SUBMISSIONS, Target
from mailwiz_tui.verify.targets import target_for
from mailwiz_tui.verify.turns import turn_of

DELIVER_SECONDS = 2.9
SUBMIT_SECONDS = 1.5
"""The most messages a second by each way; Postfix defers mail of a client that sends more (anvil(8))."""
_INSTALL = "mailwiz-tui apply PLAN completes the installation"
_QUEUE = ProbeCommand("queue", ("postqueue", "-f"))

Say = Callable[[str], None]


async def active_server(engine: EngineApi) -> str:
    """The server with the store. Raises ``EngineError`` unless the store moves, and all is well with it."""
    views = await look(engine)
    reasons = [*lacking(engine, views), *(f"Pacemaker remembers a failure: {f}" for f in failures(views))]
    if reasons:
        raise EngineError(f"the cluster is not well: {'; '.join(reasons)}", "the drill", STATUS)
    return views.store


def announcement(engine: EngineApi, active: str, options: DrillOptions) -> Iterator[str]:
    """What a drill does to the servers, a sentence each."""
    others = [place.id for place in places(engine.plan) if place.id != active]
    yield f"The mailboxes are on {active} now. The drill moves them twice while mail flows:"
    yield f"  first as planned, to {' or '.join(others)}; clients see a gap of a few seconds"
    yield "  then the server that has them is cut off from the others and RESETS ITSELF, as after a failure;"
    yield f"  clients see a gap, which must not be longer than {options.limit:g} s"
    yield "Other work on the server that is reset ends without a warning. No mail is lost: a server accepts"
    yield "a message when both have it, and the drill counts its own messages. It takes 2 to 10 minutes."


async def drill(engine: EngineApi, options: DrillOptions, say: Say) -> Report:
    """The whole drill; ``say`` gets a line for each thing that happens.

    Raises ``EngineError`` for a cluster that is not well, and if no client gets an answer before anything moves.
    Cancelled (Ctrl-C), it brings everything back and reports.
    """
    await active_server(engine)
    if any(server.id not in engine.known.servers for server in engine.plan.servers):
        await engine.prepare()
    async with AsyncExitStack() as stack:
        targets = await _targets(engine, options, stack, say)
        exemptions = Exemptions(engine, targets)
        stack.push_async_callback(exemptions.end)
        await exemptions.begin()
        shared = _shared(engine, targets)
        ways = [targets[s.id] for s in inbound(engine.plan) if targets[s.id].offers(SMTP) and targets[s.id].pem]
        interval = (len(ways) + 1) / options.rate
        submitting = max(interval, 1 / SUBMIT_SECONDS)
        mailboxes = list(wanted(engine.plan, 1 / submitting))
        await open_mailboxes(engine, mailboxes)
        try:
            flow = _flow(shared, ways, mailboxes, interval, submitting)
            report = await _flowing(engine, options, say, Course(engine, options, say, exemptions), flow)
        finally:
            unclosed = await close_mailboxes(engine, mailboxes)
    return replace(report, notes=(*report.notes, unclosed)) if unclosed else report


async def _flowing(engine: EngineApi, options: DrillOptions, say: Say, course: Course, flow: Flow) -> Report:
    """The phases while mail flows, and the count."""
    begun, interrupted = time.monotonic(), False
    try:
        await flow.begin()
        for reason in flow.left_out:
            say(f"without {reason}")
        begun = time.monotonic()
        interrupted = await _until_cancelled(course)
        await course.bring_back()
    finally:
        await flow.stop()
    say(f"waiting until all of {counted(len(flow.messages), 'message')} are delivered")
    counts, notes = await _counted(engine, options, flow)
    phases = phase_reports(course.phases, flow.clients, flow.until)
    problems = [*course.problems, *problems_of(counts, phases, options)]
    return Report(
        hostname=engine.plan.domain.hostname,
        begun=moment(begun),
        rate=options.rate,
        limit=options.limit,
        interrupted=interrupted,
        whole=course.whole,
        problems=tuple(["the drill was interrupted", *problems] if interrupted else problems),
        notes=(
            *(f"without {reason}" for reason in flow.left_out),
            *(f"Pacemaker remembers a failure: {failure}" for failure in course.failures),
            *notes,
        ),
        messages=counts,
        phases=phases,
        clients=tuple(client_report(client) for client in flow.clients),
    )


async def _until_cancelled(course: Course) -> bool:
    """Runs the phases; what cannot be completed is a problem. Returns whether they were interrupted."""
    try:
        await course.run()
    except asyncio.CancelledError:
        if task := asyncio.current_task():
            task.uncancel()
        course.say("interrupted; everything is brought back, and then reported")
        return True
    except (OperatorError, TimeoutError) as error:
        course.problems.append(str(error) or "a server did not answer in time")
        course.say(course.problems[-1])
    return False


async def _counted(engine: EngineApi, options: DrillOptions, flow: Flow) -> tuple[Counts, list[str]]:
    """What became of each message, and remarks; queues are told to try again at once."""
    for server in inbound(engine.plan):
        try:
            async with asyncio.timeout(_QUEUE.timeout):
                await (await engine.link(server.id)).ask(RunProbes((_QUEUE,)))
        except (OperatorError, TimeoutError):
            continue
    accepted = [message.token for message in flow.messages if message.accepted]
    found = await delivered(flow.reader.target, flow.reader.mailbox, accepted, options.delivery)
    notes = [] if found is not None else ["the mailbox could not be read at the end, so every message is missing"]
    return compare(flow.messages, Counter() if found is None else found), notes


async def _targets(engine: EngineApi, options: DrillOptions, stack: AsyncExitStack, say: Say) -> dict[str, Target]:
    """The servers as clients reach them; the lock of verifications is held on each."""
    blueprints, found = engine.blueprints(), {}
    for server in voters(engine.plan):
        link = await engine.link(server.id)
        held = await stack.enter_async_context(turn_of(server.id, link, lambda result: say(result.detail)))
        if not held:
            raise EngineError("another verification is running", server.id, "wait until it has ended")
        target = await target_for(engine, blueprints[server.id], link)
        found[server.id] = replace(target, seconds=options.timeout)
    return found


def _shared(engine: EngineApi, targets: dict[str, Target]) -> Target:
    """The mail hostname, as mail programs reach it; whichever server answers shows its own certificate."""
    among = [targets[place.id] for place in places(engine.plan)]
    address = next(iter(client_addresses(engine.plan)), engine.plan.domain.hostname)
    if not all(target.offers(IMAPS) and target.offers(SUBMISSIONS) and target.pem for target in among):
        raise EngineError(f"ports {IMAPS} and {SUBMISSIONS} do not serve clients", address, _INSTALL)
    pem = "\n".join(dict.fromkeys(target.pem for target in among if target.pem))
    return replace(among[0], address=address, others=(), pem=pem)


def _flow(shared: Target, ways: list[Target], mailboxes: list[Mailbox], interval: float, submitting: float) -> Flow:
    recipient, *further = mailboxes
    delivering = max(interval, 1 / DELIVER_SECONDS)
    senders = [Sender(f"{way.server_id}, port {SMTP}", way, recipient.address, delivering) for way in ways]
    senders.append(
        Sender(
            f"{shared.address}, port {SUBMISSIONS}", shared, recipient.address, submitting, [recipient, *further]
        )
    )
    return Flow(senders, Reader(f"{shared.address}, port {IMAPS}", shared, recipient))

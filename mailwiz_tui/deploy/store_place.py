"""Where a store that moves is now; only its servers know."""

from __future__ import annotations

from mailwiz_tui.agent.protocol.probes import ProbeCommand, RunProbes
from mailwiz_tui.deploy.agent_link import Link
from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.plan.errors import OperatorError
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Blueprint
from mailwiz_tui.topology.servers import account_store_id, places


async def has_volume(link: Link) -> bool:
    """Whether the volume that moves is mounted on a server. Raises the errors of the link."""
    (answer,) = await link.ask(RunProbes((ProbeCommand("volume", ("mountpoint", "-q", layout.VOLUME)),)))
    return answer.exit == 0


async def as_placed(blueprint: Blueprint, link: Link) -> Blueprint:
    """What is expected of a server now: the whole blueprint, unless its volume is on another one."""
    if not blueprint.volume or await has_volume(link):
        return blueprint
    return blueprint.without_volume()


async def store_place(engine: EngineApi) -> str:
    """The server that has the accounts now; empty in a plan without mailboxes.

    Raises ``OperatorError`` if the store moves and none of its servers that answer has it.
    """
    among = places(engine.plan)
    if not among:
        return account_store_id(engine.plan)
    silent: list[str] = []
    for place in among:
        try:
            if await has_volume(await engine.link(place.id)):
                return place.id
        except OperatorError as error:
            silent.append(f"{place.id}: {error.what}")
    where = " and ".join(place.id for place in among)
    raise OperatorError(
        f"the store is on neither {where} now{': ' if silent else ''}{'; '.join(silent)}",
        "the store",
        "wait for a take-over, or see `mailwiz-tui node status PLAN`",
    )

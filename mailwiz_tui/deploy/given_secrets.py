"""Secrets that only the operator knows: an installation asks for what a server lacks; it is kept there alone."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr

from mailwiz_tui.agent.protocol.codec import Secret
from mailwiz_tui.agent.protocol.keys import AskMissingSecrets, PutSecret
from mailwiz_tui.deploy.agent_link import Link
from mailwiz_tui.deploy.prompts import Prompts
from mailwiz_tui.deploy.work import EngineError
from mailwiz_tui.stack.blueprint import Blueprint


@dataclass(frozen=True, slots=True)
class GivenSecret:
    """A secret that a server's blueprint requires from the operator; ``title`` describes it."""

    server_id: str
    name: str
    title: str
    missing: bool = True


def wanted(blueprint: Blueprint) -> dict[str, str]:
    """Name and title of every secret that the operator provides."""
    return {spec.name: spec.given for spec in blueprint.secrets if spec.given}


async def look(link: Link, blueprint: Blueprint) -> list[GivenSecret]:
    """The secrets that a blueprint requires from the operator, and whether its server has them."""
    titles = wanted(blueprint)
    if not titles:
        return []
    missing = await link.ask(AskMissingSecrets(tuple(titles)))
    return [GivenSecret(blueprint.server_id, name, title, name in missing) for name, title in titles.items()]


async def give(link: Link, name: str, value: SecretStr) -> None:
    """Send a secret to the server that keeps it; one that is there already is replaced."""
    await link.ask(PutSecret(name, Secret(value.get_secret_value())))


async def ask_for_missing(link: Link, blueprint: Blueprint, prompts: Prompts) -> None:
    """Ask the operator for missing secrets. Raises EngineError without an answer."""
    for secret in await look(link, blueprint):
        if not secret.missing:
            continue
        value = await prompts.given_secret(secret.server_id, secret.title)
        if value is None or not value.get_secret_value():
            advice = f"give it with: mailwiz-tui secret PLAN {secret.name} --stdin"
            raise EngineError(f"the {secret.title} is needed and was not given", secret.server_id, advice)
        await give(link, secret.name, value)

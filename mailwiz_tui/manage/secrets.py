"""The secrets that only the operator knows, over a whole plan: which servers have them, and giving them anew.

One server's are asked for by its installation (``deploy/given_secrets.py``).
"""

from __future__ import annotations

from pydantic import SecretStr

from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.deploy.given_secrets import GivenSecret, give, look, wanted


def wanted_everywhere(engine: EngineApi) -> dict[str, str]:
    """Name and title of every secret that a plan wants from the operator, each once."""
    return {name: title for blueprint in engine.blueprints().values() for name, title in wanted(blueprint).items()}


async def look_everywhere(engine: EngineApi) -> list[GivenSecret]:
    """The secrets that a plan requires from the operator, per server, and whether they are stored there."""
    found = [await look(await engine.link(i), b) for i, b in engine.blueprints().items() if wanted(b)]
    return [secret for secrets in found for secret in secrets]


async def give_everywhere(engine: EngineApi, name: str, value: SecretStr) -> list[str]:
    """Send a secret to every server that requires it; returns their ids. The next installation uses it."""
    places = [i for i, blueprint in engine.blueprints().items() if name in wanted(blueprint)]
    for server_id in places:
        await give(await engine.link(server_id), name, value)
    return places

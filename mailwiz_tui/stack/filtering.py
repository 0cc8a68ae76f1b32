"""How a server reaches the filters of a plan: its own, or those of other servers through tunnels."""

from __future__ import annotations

from dataclasses import replace

from mailwiz_tui.plan.model import Role
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.mail_parts import Milter
from mailwiz_tui.stack.traffic import Link, endpoints

ASKS_FILTERS = (Role.MX_INBOUND, Role.MX_OUTBOUND)
"""The roles that have mail filtered."""


def reached(context: Context, milter: Milter, link: Link) -> tuple[Milter, ...]:
    """The address of a milter for Postfix on this server; none if it uses no filter."""
    if not context.topology.transfers:
        return ()
    if context.topology.filters.exclusive:
        return (milter,)
    places = endpoints(context.plan, context.server_id, link)
    return tuple(replace(milter, host=place.address, port=place.port) for place in places)


def teaching_places(context: Context, link: Link) -> str:
    """The addresses for teaching every filter, for rspamd-learn and spamd-learn: ``address:port``, separated."""
    places = endpoints(context.plan, context.server_id, link)
    return " ".join(f"{place.address}:{place.port}" for place in places)

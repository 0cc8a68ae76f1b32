"""The connections inside a plan, from all components of the stack (``traffic.py``).

For code without a ``Context``: the screens, the engine and the checks.
"""

from __future__ import annotations

from mailwiz_tui.plan.model import Plan
from mailwiz_tui.stack import traffic
from mailwiz_tui.stack.compile import OFFERS
from mailwiz_tui.stack.traffic import Flow, Link

LINK_PORTS = frozenset(offer.port for offer in OFFERS if isinstance(offer, Link))
"""The ports of services that listen on the loopback and are carried inside mutual TLS."""


def flows_of(plan: Plan) -> tuple[Flow, ...]:
    """Every connection between the servers of a plan; empty for one server."""
    return traffic.flows(plan, OFFERS)


def links_of(plan: Plan) -> tuple[Link, ...]:
    """The services that are carried between the servers of a plan; none for one server."""
    return traffic.links(plan, OFFERS)

"""A step ends when its services answer: the default tests.

Each TCP port of a component is tested at the end of its last step that starts a service, in the port's protocol
(``Port.ask``). A component adds a ``Ready`` of its own for a service without a port, or for one that must answer
before another of the same step starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Port, Ready, Scope, Step, Unit
from mailwiz_tui.stack.component import Context, Contribution
from mailwiz_tui.stack.protocols import has_ipv4


def with_readiness(contribution: Contribution, context: Context) -> Contribution:
    """The contribution, with a test for each of its ports that has none."""
    if not contribution.steps:
        return contribution
    numbers = range(len(contribution.steps) - 1, -1, -1)
    place = next((number for number in numbers if _services(contribution.steps[number])), numbers[0])
    asked = {item.at for step in contribution.steps for item in step.items if isinstance(item, Ready)}
    unit = ("", *_services(contribution.steps[place]))[-1]
    more = tuple(r for r in _questions(contribution.ports, unit, context) if r.at not in asked)
    steps = list(contribution.steps)
    steps[place] = replace(steps[place], items=(*steps[place].items, *more))
    return replace(contribution, steps=tuple(steps))


def _services(step: Step) -> list[str]:
    """The services that a step starts."""
    units = (item for item in step.items if isinstance(item, Unit))
    return [u.name for u in units if u.name.endswith(".service") and u.running and not u.masked and not u.oneshot]


def _questions(ports: tuple[Port, ...], unit: str, context: Context) -> Iterator[Ready]:
    for port in ports:
        if port.protocol != "tcp":
            continue
        name = unit.removesuffix(".service").removesuffix("@-") or "the service"
        what = f"{name} (port {port.number}, {port.service})"
        yield Ready(what, unit, port.ask, _at(port, context), volume=layout.VOLUME if port.volume else "")


def _at(port: Port, context: Context) -> str:
    """The address of a port from the server itself."""
    address = "127.0.0.1" if has_ipv4(context) or port.scope is Scope.LOCAL else "::1"
    if port.scope is Scope.PEERS:
        address = context.internal_ip() or address
    return f"[{address}]:{port.number}" if ":" in address else f"{address}:{port.number}"

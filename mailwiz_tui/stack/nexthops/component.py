"""Mail that waits for another server of the plan is delivered when that is back, not at Postfix's next attempt.

Postfix retries deferred mail at growing intervals of up to an hour. That is right for other servers, but a server
of the plan that was down for long must not delay mail for another hour.
"""

from __future__ import annotations

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Command, File, Step, Unit
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.programs import folder, launcher, module
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.unit_words import UnitWords

PROGRAM = f"{layout.LIB_DIR}/wake-queue"
SERVICE = "mailwiz-wake.service"
TIMER = "mailwiz-wake.timer"
UNITS = "/etc/systemd/system"


class NextHops(Component):
    """A timer that connects to a next hop with deferred mail, and has it delivered when the next hop answers."""

    name = "nexthops"
    title = "retries to other servers"
    units = (UnitWords("mailwiz-wake.timer", "mail waits up to an hour after its next hop is back"),)

    def wanted(self, context: Context) -> bool:
        """Servers with a next hop in the plan."""
        return bool(hops(context))

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """A program and its timer; with an empty queue it connects to no server."""
        named = " ".join(f"{name}={address},{port}" for name, address, port in hops(context))
        service = File(f"{UNITS}/{SERVICE}", render("nexthops", SERVICE, program=PROGRAM, hops=named))
        timer = File(f"{UNITS}/{TIMER}", render("nexthops", TIMER))
        step = Step(
            id="nexthops",
            title="Configure retries to peers",
            component=self.name,
            items=(
                folder("nexthops"),
                module("nexthops", "wake_queue"),
                launcher("nexthops", "wake_queue", "wake-queue"),
                service,
                timer,
                Command(
                    id="nexthops.units", argv=("systemctl", "daemon-reload"), inputs=(service.path, timer.path)
                ),
                Unit(TIMER, restart_on=(timer.path,)),
            ),
        )
        return Contribution(steps=(step,))


def hops(context: Context) -> tuple[tuple[str, str, int], ...]:
    """The next hops of this server: id, address, port."""
    here = context.topology
    stores = [
        (s.id, context.store_ip(s.id), layout.LMTP_PORT)
        for s in here.delivers_to
        if here.mailboxes.moves or s.id != context.server_id
    ]
    relays = [(s.id, context.internal_ip(s.id), layout.PEER_RELAY_PORT) for s in here.hands_over_to]
    return (*stores, *relays)

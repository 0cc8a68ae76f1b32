"""An installation ends when the servers that mail is handed to answer, with their own certificates.

Each waits for those alone that come before it (``ServerTopology.waits_for``), so servers that are installed one
after another never wait for each other. It comes last: until a firewall knows its peers, nobody is let in.
"""

from __future__ import annotations

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Step, Wait
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.programs import folder, launcher, module

PROGRAM = f"{layout.LIB_DIR}/mailwiz-next-hop"


class NextHopsAnswer(Component):
    """A wait for each next hop: its mail server answers, and shows the certificate that is known of it."""

    name = "next-hops-answer"
    title = "next hops"

    def wanted(self, context: Context) -> bool:
        """Where mail goes on to servers that come before this one."""
        return bool(waits(context))

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """Everything else works without it, so the operator may go on."""
        step = Step(
            id="next-hops-answer",
            title="Wait for the next hops",
            component=self.name,
            items=(
                folder("nexthops"),
                module("nexthops", "next_hop"),
                launcher("nexthops", "next_hop", "mailwiz-next-hop"),
                *waits(context),
            ),
            optional=True,
        )
        return Contribution(steps=(step,))


def waits(context: Context) -> tuple[Wait, ...]:
    """What is waited for: delivery on stores, and the relays on servers that send mail out."""
    here = context.topology
    return tuple(
        Wait(what, server.id, (PROGRAM, server.id, context.internal_name(server.id), str(port), protocol))
        for servers, what, port, protocol in (
            (here.delivers_to, "mail delivery (LMTP)", layout.LMTP_PORT, "lmtp"),
            (here.hands_over_to, "relay for outgoing mail (SMTP)", layout.PEER_RELAY_PORT, "smtp"),
        )
        for server in servers
        if server.id in here.waits_for
    )

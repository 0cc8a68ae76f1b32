"""An installation ends when the next hops of a server answer, with their own certificates.

Each server waits only for those before it (``ServerTopology.waits_for``), so servers that are installed one after
another never wait for each other. The step comes last: before a firewall knows its peers, it accepts none.
"""

from __future__ import annotations

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Step, Wait
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.programs import folder, launcher, module

PROGRAM = f"{layout.LIB_DIR}/mailwiz-next-hop"


class NextHopsAnswer(Component):
    """A wait for each next hop: its mail server answers, and shows its known certificate."""

    name = "next-hops-answer"
    title = "next hops"

    def wanted(self, context: Context) -> bool:
        """Servers with a next hop that is installed before them."""
        return bool(waits(context))

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """Everything else works without it, so the operator may skip it."""
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
    """The services to wait for: LMTP on stores, and the relays for outgoing mail.

    A store that moves answers while any of its servers works; ``moving_store`` waits for it.
    """
    here = context.topology
    stores = () if here.mailboxes.moves else here.delivers_to
    return tuple(
        Wait(what, server.id, (PROGRAM, server.id, context.internal_name(server.id), str(port), protocol))
        for servers, what, port, protocol in (
            (stores, "mail delivery (LMTP)", layout.LMTP_PORT, "lmtp"),
            (here.hands_over_to, "relay for outgoing mail (SMTP)", layout.PEER_RELAY_PORT, "smtp"),
        )
        for server in servers
        if server.id in here.waits_for
    )

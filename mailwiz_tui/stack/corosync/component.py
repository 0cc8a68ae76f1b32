"""Corosync: the servers of the plan that vote, over the private link."""

from __future__ import annotations

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Ask, Command, File, Packages, Probe, Program, Ready, Step, Unit
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.private_link import after_network
from mailwiz_tui.stack.probes import unit_active
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.traffic import Exchange
from mailwiz_tui.stack.unit_words import UnitWords
from mailwiz_tui.topology.servers import clustered, voters

CONFIG = "/etc/corosync/corosync.conf"
UNIT = "corosync.service"
TOKEN_MS = 1000
"""Short enough for a take-over within seconds, and long enough for a busy virtual machine."""


class Corosync(Component):
    """Membership and quorum."""

    name = "corosync"
    title = "Corosync (quorum)"
    programs = (Program("corosync"),)
    units = (UnitWords("corosync", "this server does not vote, and cannot take the store over", "corosync"),)
    telling_packages = ("corosync",)
    offers = (
        Exchange(
            "corosync",
            layout.CLUSTER_PORT,
            (),
            (),
            "votes where the store is",
            protocol="udp",
            wanted=clustered,
            voting=True,
        ),
    )

    def wanted(self, context: Context) -> bool:
        """Every server of a plan whose store moves."""
        return context.topology.mailboxes.moves

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """The same file on each server."""
        drop_in = after_network(context, UNIT)
        step = Step(
            id="corosync",
            title="Configure Corosync (quorum)",
            component=self.name,
            items=(
                File(CONFIG, render("corosync", "corosync.conf", nodes=_nodes(context), token=str(TOKEN_MS))),
                drop_in,
                Unit(UNIT),
                Ready("Corosync (quorum)", UNIT, Ask.COMMAND, argv=("corosync-cfgtool", "-s")),
                # Never restarted for a new configuration: that would stop everything that Pacemaker started.
                Command("corosync.reload", ("corosync-cfgtool", "-R"), inputs=(CONFIG,)),
            ),
            validators=(("sh", "-c", f"COROSYNC_MAIN_CONFIG_FILE={CONFIG} corosync -t"),),
        )
        return Contribution(
            packages=Packages(names=("corosync",)),
            steps=(step,),
            probes=(
                unit_active(UNIT, "Corosync (quorum) runs"),
                Probe(
                    id="cluster.quorum",
                    proves="this server sees a majority of the servers",
                    argv=("corosync-quorumtool", "-s"),
                    expect=r"(?m)^Quorate:\s+Yes",
                    advice="check that the other servers run and that the private link works: corosync-cfgtool -s",
                ),
            ),
        )


def _nodes(context: Context) -> str:
    return "\n".join(
        "    node {\n"
        f"        name: {server.id}\n        nodeid: {number}\n        ring0_addr: {server.internal_ip}\n"
        "    }"
        for number, server in enumerate(voters(context.plan), 1)
    )

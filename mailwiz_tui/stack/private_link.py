"""The order of services at boot: services that listen on the private link start after it."""

from __future__ import annotations

from mailwiz_tui.plan.model import PrivateNetwork
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import File
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.render import render


def network_unit(context: Context) -> str:
    """The unit of the private link; empty if the network exists without mailwiz-tui."""
    return layout.MESH_UNIT if context.plan.network.private is PrivateNetwork.WIREGUARD else ""


def after_network(context: Context, unit: str) -> File:
    """The drop-in that starts a unit after the private link."""
    text = render("peers", "after-network.conf", unit=unit, network=network_unit(context))
    return File(f"/etc/systemd/system/{unit}.d/mailwiz-network.conf", text)

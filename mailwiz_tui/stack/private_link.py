"""The order of services at the start of a server: what listens on the private link comes after it."""

from __future__ import annotations

from mailwiz_tui.plan.model import PrivateNetwork
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import File
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.render import render


def network_unit(context: Context) -> str:
    """The unit that brings the private link up; empty where the network is there without us."""
    return layout.MESH_UNIT if context.plan.network.private is PrivateNetwork.WIREGUARD else ""


def after_network(context: Context, unit: str) -> File:
    """The drop-in that makes a unit wait for the private link."""
    text = render("peers", "after-network.conf", unit=unit, network=network_unit(context))
    return File(f"/etc/systemd/system/{unit}.d/mailwiz-network.conf", text)

"""The copy of the accounts, made anew when a program on this server says that an account changed."""

from __future__ import annotations

from mailwiz_tui.stack import keys
from mailwiz_tui.stack.accounts.copy import PROGRAM, UNITS
from mailwiz_tui.stack.accounts.network import network_unit
from mailwiz_tui.stack.blueprint import File, Item, Unit
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.render import render

SOCKET = "/run/mailwiz-accounts-now.sock"
"""Whoever connects has the copy made anew; the end of the connection says that it is."""
SOCKET_UNIT = "mailwiz-accounts-now.socket"
SERVICE = "mailwiz-accounts-now@.service"


def refresh_items(context: Context, group: str) -> tuple[Item, ...]:
    """The socket, for one group alone, and what runs when somebody connects to it."""
    service = render("accounts", SERVICE, network=network_unit(context), program=PROGRAM, place=keys.ACCOUNT_COPY)
    files = (
        File(f"{UNITS}/{SOCKET_UNIT}", render("accounts", SOCKET_UNIT, socket=SOCKET, group=group)),
        File(f"{UNITS}/{SERVICE}", service),
    )
    return (*files, Unit(SOCKET_UNIT, restart_on=tuple(file.path for file in files)))

"""The copy of the accounts, made anew when a program on this server says that an account changed."""

from __future__ import annotations

from mailwiz_tui.plan.model import AdminPanel, Webmail
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.accounts.copy import PROGRAM, UNITS
from mailwiz_tui.stack.blueprint import File, Step, Unit, User
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.private_link import network_unit
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.unit_words import UnitWords

SOCKET = "/run/mailwiz-accounts-now.sock"
"""Whoever connects has the copy made anew; the end of the connection says that it is."""
GROUP = "mailwiz-accounts"
"""Who may connect."""
SOCKET_UNIT = "mailwiz-accounts-now.socket"
SERVICE = "mailwiz-accounts-now@.service"


class AccountsNow(Component):
    """A socket that web applications, which change accounts, connect to."""

    name = "accounts-now"
    title = "prompt account copies"
    units = (
        UnitWords(
            "mailwiz-accounts-now.socket",
            "changes of passwords in the browser take effect with the next copy",
            "",
        ),
    )

    def wanted(self, context: Context) -> bool:
        """Where an application is served and logins are answered from the copy."""
        services = context.plan.services
        chosen = services.webmail is not Webmail.NONE or services.admin_panel is not AdminPanel.NONE
        return chosen and context.topology.accounts.copied and context.topology.serves_clients

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """The socket, for one group alone, and what runs when somebody connects to it."""
        service = render(
            "accounts", SERVICE, network=network_unit(context), program=PROGRAM, place=layout.ACCOUNT_COPY
        )
        files = (
            File(f"{UNITS}/{SOCKET_UNIT}", render("accounts", SOCKET_UNIT, socket=SOCKET, group=GROUP)),
            File(f"{UNITS}/{SERVICE}", service),
        )
        unit = Unit(SOCKET_UNIT, restart_on=tuple(file.path for file in files))
        step = Step(
            id="accounts-now",
            title="Configure prompt account copies",
            component=self.name,
            items=(User(GROUP), *files, unit),
        )
        return Contribution(steps=(step,))


def tellers(context: Context) -> tuple[str, ...]:
    """The groups of a program that says when an account changed."""
    return (GROUP,) if context.topology.accounts.copied else ()

"""Updates the copy of the accounts when a program on this server has changed an account."""

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
"""A connection starts an update of the copy; it ends when the update has ended."""
GROUP = "mailwiz-accounts"
"""The group that may connect."""
SOCKET_UNIT = "mailwiz-accounts-now.socket"
SERVICE = "mailwiz-accounts-now@.service"


class AccountsNow(Component):
    """A socket for web applications, which change accounts."""

    name = "accounts-now"
    title = "prompt account copies"
    units = (
        UnitWords(
            "mailwiz-accounts-now.socket",
            "password changes in webmail take up to 30 s to work",
            "",
        ),
    )

    def wanted(self, context: Context) -> bool:
        """Servers with a web application where logins are verified with the copy."""
        services = context.plan.services
        chosen = services.webmail is not Webmail.NONE or services.admin_panel is not AdminPanel.NONE
        return chosen and context.topology.accounts.copied and context.topology.serves_clients

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """The socket, for one group alone, and the service for a connection to it."""
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
    """The groups of a program that changes accounts."""
    return (GROUP,) if context.topology.accounts.copied else ()

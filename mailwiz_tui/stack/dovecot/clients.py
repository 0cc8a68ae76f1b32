"""Dovecot for clients, on any server that serves them: ports, jail, trusted certificates."""

from __future__ import annotations

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Ask, Port, PortTls, Program, Scope
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.jails import jail

SHOWN = ("143 imap", "993", "4190 sieve")
"""Ports that show the certificate, in the form of ``serve-certificate``."""
PROGRAMS = (Program("dovecot", "dovecot-core"), Program("systemd", "dovecot-core"))
"""Dovecot, or systemd for it (Debian's dovecot.socket)."""
JAIL = jail("dovecot", "465,587,143,993,4190", maxretry=8, filter_name="mailwiz-dovecot")


def client_ports(context: Context) -> tuple[Port, ...]:
    """The ports for IMAP and ManageSieve."""
    if not context.topology.serves_clients:
        return ()
    return (
        Port(143, "imap", Scope.PUBLIC, PortTls.STARTTLS, ask=Ask.IMAP),
        Port(993, "imaps", Scope.PUBLIC, PortTls.IMPLICIT, ask=Ask.IMAPS),
        Port(4190, "managesieve", Scope.PUBLIC, PortTls.STARTTLS),
    )


def peers_read(context: Context) -> tuple[str, ...]:
    """Files of the private link that Dovecot reads when it starts."""
    return (layout.INTERNAL_CERT, layout.INTERNAL_PEERS) if context.topology.mailboxes.on_stores else ()

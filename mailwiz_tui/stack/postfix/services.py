"""The services of Postfix on a server, by its roles."""

from __future__ import annotations

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Ask, File, Port, PortTls, Scope
from mailwiz_tui.stack.capacity import Capacity
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.mail_parts import Stream
from mailwiz_tui.stack.postfix.peers import IDENTITY, own_address, peer_policy
from mailwiz_tui.stack.postfix.relay import SmartHost
from mailwiz_tui.stack.postfix.release import Release
from mailwiz_tui.stack.private_link import after_network
from mailwiz_tui.stack.render import render


def master_cf(context: Context) -> str:
    """The services: port 25 for incoming mail, submission for users, and those between servers."""
    return render(
        "postfix",
        "master.cf",
        here=context.topology,
        own_chain=own_chain(context),
        peer_address=own_address(context) if context.topology.relays_for else "",
        peer_port=layout.PEER_RELAY_PORT,
        peers=IDENTITY,
        local_milters=",".join(context.mail.addresses(Stream.LOCAL)),
        inlets=context.mail.postfix.inlets,
        services=tuple(service.rstrip("\n") for service in context.mail.postfix.master_cf),
        smart_host=smart_host_here(context),
        lookups=Capacity.of(context.facts).lookups,
    )


def inlet_ports(context: Context) -> tuple[Port, ...]:
    """Their ports."""
    return tuple(Port(inlet.port, inlet.label, Scope.LOCAL, ask=Ask.SMTP) for inlet in context.mail.postfix.inlets)


def own_chain(context: Context) -> bool:
    """Whether users' mail has other milters than incoming mail."""
    mail = context.mail
    return mail.chain(Stream.SUBMITTED) != mail.chain(Stream.INCOMING) and context.topology.serves_clients


def smart_host_here(context: Context) -> SmartHost | None:
    """The smart host, if this server sends outgoing mail."""
    return SmartHost.of(context.plan) if context.topology.sends else None


def among_peers(context: Context) -> tuple[File, ...]:
    """Mail to other servers over the private link: trusted certificates, and the order of units."""
    if not context.topology.delivers_to:
        return ()
    return (peer_policy(context), after_network(context, Release.of(context).unit))


def ports(context: Context) -> tuple[Port, ...]:
    """The ports of the blueprint; users log in where the store is."""
    moves = context.topology.mailboxes.moves
    incoming = (Port(25, "smtp", Scope.PUBLIC, PortTls.STARTTLS, ask=Ask.SMTP),)
    outgoing = (
        Port(465, "submissions", Scope.PUBLIC, PortTls.IMPLICIT, volume=moves),
        Port(587, "submission", Scope.PUBLIC, PortTls.STARTTLS, ask=Ask.SMTP, volume=moves),
    )
    peers = (Port(layout.PEER_RELAY_PORT, "relay", Scope.PEERS, PortTls.STARTTLS, ask=Ask.SMTP),)
    return (
        *(incoming if context.topology.receives else ()),
        *(outgoing if context.topology.serves_clients else ()),
        *(peers if context.topology.relays_for else ()),
        *inlet_ports(context),
        *context.mail.postfix.ports,
    )

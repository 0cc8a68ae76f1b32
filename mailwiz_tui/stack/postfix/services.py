"""Which services Postfix runs on a server, by what the server does."""

from __future__ import annotations

from mailwiz_tui.plan.model import AdminPanel
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import File, Port, PortTls, Scope
from mailwiz_tui.stack.capacity import Capacity
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.mail_parts import Stream
from mailwiz_tui.stack.postfix.peers import from_peers, peer_policy, through_peers, to_peers
from mailwiz_tui.stack.postfix.relay import SmartHost
from mailwiz_tui.stack.postfix.release import Release
from mailwiz_tui.stack.private_link import after_network
from mailwiz_tui.stack.render import render


def master_cf(context: Context) -> str:
    """The services: port 25 where mail comes in, submission where users send, and the ways between servers."""
    smart_host = smart_host_here(context)
    milters = "    -o smtpd_milters=$submission_milters\n" if own_chain(context) else ""
    own = render("postfix", "submission.cf", milters=milters).rstrip("\n")
    services = render("postfix", "master-incoming.cf") if context.topology.receives else ""
    if _hears_the_panel(context):
        services += render("postfix", "master-local.cf", port=str(layout.PANEL_MAIL_PORT))
    if context.topology.serves_clients:
        services += render("postfix", "master-submission.cf", submission=own)
        if context.topology.relays_for:
            services += from_peers(context, ",".join(context.mail.addresses(Stream.LOCAL)))
    services += inlets(context)
    ways = smart_host.service if smart_host else ""
    return render(
        "postfix",
        "master.cf",
        services=services + "".join(context.mail.postfix.master_cf) + ("" if services.endswith("\n\n") else "\n"),
        smart_host=ways if context.topology.sends else to_peers(),
        lookups=str(Capacity.of(context.facts).lookups),
    )


def inlets(context: Context) -> str:
    """The services where programs of this host hand in mail; who sends, signs."""
    milters = ",".join(context.mail.addresses(Stream.LOCAL)) if context.topology.sends else ""
    return "".join(
        render(
            "postfix",
            "master-inlet.cf",
            purpose=inlet.purpose,
            name=inlet.name,
            port=str(inlet.port),
            milters=milters,
        )
        for inlet in context.mail.postfix.inlets
    )


def inlet_ports(context: Context) -> tuple[Port, ...]:
    """Where they listen."""
    return tuple(Port(inlet.port, inlet.label, Scope.LOCAL) for inlet in context.mail.postfix.inlets)


def _hears_the_panel(context: Context) -> bool:
    """Whether there is an admin panel on a server that knows the accounts from a copy."""
    panel = context.plan.services.admin_panel is AdminPanel.POSTFIXADMIN
    return panel and context.topology.accounts.copied and context.topology.serves_clients


def own_chain(context: Context) -> bool:
    """Whether other milters are asked about what users send than about what comes in."""
    mail = context.mail
    return mail.chain(Stream.SUBMITTED) != mail.chain(Stream.INCOMING) and context.topology.serves_clients


def smart_host_here(context: Context) -> SmartHost | None:
    """The smart host, where this server sends mail out."""
    return SmartHost.of(context.plan) if context.topology.sends else None


def way_out(context: Context, smart_host: SmartHost | None) -> str:
    """The part of main.cf that says how mail leaves."""
    if not context.topology.sends:
        return through_peers(context)
    return smart_host.settings if smart_host else ""


def among_peers(context: Context) -> tuple[File, ...]:
    """Where mail goes to other servers over the private link: whom to believe, and when to start."""
    if not context.topology.delivers_to:
        return ()
    return (peer_policy(context), after_network(context, Release.of(context).unit))


def ports(context: Context) -> tuple[Port, ...]:
    """What is listened on."""
    incoming = (Port(25, "smtp", Scope.PUBLIC, PortTls.STARTTLS),)
    outgoing = (
        Port(465, "submissions", Scope.PUBLIC, PortTls.IMPLICIT),
        Port(587, "submission", Scope.PUBLIC, PortTls.STARTTLS),
    )
    peers = (Port(layout.PEER_RELAY_PORT, "relay", Scope.PEERS, PortTls.STARTTLS),)
    local = (Port(layout.PANEL_MAIL_PORT, "panel-mail", Scope.LOCAL),)
    return (
        *(incoming if context.topology.receives else ()),
        *(local if _hears_the_panel(context) else ()),
        *(outgoing if context.topology.serves_clients else ()),
        *(peers if context.topology.relays_for else ()),
        *inlet_ports(context),
        *context.mail.postfix.ports,
    )

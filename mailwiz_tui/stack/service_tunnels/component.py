"""Service tunnels: ports that listen on the loopback only, carried between the servers inside mutual TLS.

On a provider HAProxy accepts connections on the internal address and passes them to the service; on a consumer it
listens on the port of the service, and connects to a provider that works (``Component.offers``).
"""

from __future__ import annotations

from collections.abc import Iterator

from mailwiz_tui.stack import layout, traffic
from mailwiz_tui.stack.blueprint import (
    Ask,
    Command,
    Directory,
    File,
    Packages,
    Port,
    PortTls,
    Program,
    Ready,
    Scope,
    Step,
    Unit,
)
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.probes import clean_check, unit_active
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.unit_words import UnitWords, Work
from mailwiz_tui.topology.servers import servers_doing

FOLDER = f"{layout.CONF_DIR}/links"
CONF = f"{FOLDER}/haproxy.cfg"
UNIT = "mailwiz-links.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
_DEBIANS_OWN = "! systemctl -q is-enabled haproxy.service || dpkg -V haproxy | grep -q /etc/haproxy/haproxy.cfg"
"""Succeeds if Debian's instance is off, or has a configuration of the operator."""


class ServiceTunnels(Component):
    """One HAProxy for all links of the server."""

    name = "links"
    title = "HAProxy (service tunnels)"
    programs = (Program("haproxy"),)
    units = (
        UnitWords(
            "mailwiz-links",
            "filters and ACME challenges on other servers cannot be reached",
            "links",
            work=(Work.MAIL,),
            checks=("links.",),
        ),
    )
    telling_packages = ("haproxy",)

    def wanted(self, context: Context) -> bool:
        """Servers that offer a service to others or use one of others, or a store that moves."""
        return bool(_moving(context)) or any(
            _offers(context, link) or _uses(context, link) for link in _links(context)
        )

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """Provider and consumer parts of each link of this server."""
        links = _links(context)
        offered = [link for link in links if _offers(context, link)]
        text = "".join(
            part
            for link in links
            for part in (*_provider(context, link), *_own(context, link), *_consumer(context, link))
        ) + "".join(_moving(context))
        check = ("haproxy", "-c", "-q", "-f", CONF)
        step = Step(
            id="links",
            title="Configure tunnels (HAProxy)",
            component=self.name,
            items=(
                Directory(FOLDER),
                File(CONF, render("service_tunnels", "haproxy.cfg", links=text.rstrip("\n"))),
                File(UNIT_FILE, render("service_tunnels", UNIT, conf=CONF)),
                Command(
                    id="links.debians-own",
                    argv=("systemctl", "disable", "--now", "haproxy.service"),
                    unless=("sh", "-c", _DEBIANS_OWN),
                ),
                Unit(
                    UNIT, restart_on=(UNIT_FILE,), reload_on=(CONF, layout.INTERNAL_PEERS, layout.INTERNAL_IDENTITY)
                ),
                *(
                    Ready(f"HAProxy ({link.service})", UNIT, Ask.TCP, f"{end.address}:{end.port}")
                    for link in links
                    for end in _uses(context, link)
                ),
            ),
            validators=(check,),
        )
        return Contribution(
            packages=Packages(names=("haproxy",)),
            steps=(step,),
            ports=tuple(Port(link.port, f"{link.service}-link", Scope.PEERS, PortTls.IMPLICIT) for link in offered),
            probes=(
                unit_active(UNIT, "HAProxy (service tunnels) runs"),
                clean_check("links.config", "HAProxy accepts the links' configuration", check),
            ),
        )


MOVING_SERVICES = (layout.LMTP_PORT, layout.DATABASE_PORT)
"""The ports of a store that programs of other servers use."""


def _moving(context: Context) -> list[str]:
    """The store that moves, for the programs of this server."""
    here = context.topology
    if not here.mailboxes.moves:
        return []
    return [
        render(
            "service_tunnels",
            "moving.cfg",
            service=offer.service,
            places=", ".join(place.id for place in here.mailboxes.places),
            address=layout.MOVING_STORE,
            port=str(offer.port),
            check=str(layout.MOVING_STORE_PORT),
            servers="\n".join(
                f"    server {traffic.internal_name(place.id).partition('.')[0]} "
                f"{_bind(place.internal_ip)}:{offer.port} check"
                for place in here.mailboxes.places
            ),
        )
        for offer in context.offers
        if isinstance(offer, traffic.Exchange)
        and offer.port in MOVING_SERVICES
        and here.roles & set(offer.consumers)
    ]


def _links(context: Context) -> tuple[traffic.Link, ...]:
    """The links between the plan's servers."""
    return traffic.links(context.plan, context.offers)


def _offers(context: Context, link: traffic.Link) -> list[str]:
    """The servers that use this server's service."""
    if not context.topology.roles & set(link.providers):
        return []
    return [s.id for s in servers_doing(context.plan, *link.consumers) if s.id != context.server_id]


def _uses(context: Context, link: traffic.Link) -> list[traffic.Endpoint]:
    """The endpoints of other servers' service for programs of this server."""
    if not context.topology.roles & set(link.consumers):
        return []
    found = traffic.endpoints(context.plan, context.server_id, link)
    return [end for end in found if end.provider_ids != (context.server_id,)]


def _provider(context: Context, link: traffic.Link) -> Iterator[str]:
    if consumers := _offers(context, link):
        yield render(
            "service_tunnels",
            "provider.cfg",
            service=link.service,
            consumers=", ".join(consumers),
            address=_bind(context.internal_ip()),
            port=str(link.port),
            identity=layout.INTERNAL_IDENTITY,
            peers=layout.INTERNAL_PEERS,
            names=" ".join(context.internal_name(name) for name in consumers),
        )


def _own(context: Context, link: traffic.Link) -> Iterator[str]:
    """The backend of the service itself, with its health check, if HAProxy passes connections to it."""
    if _offers(context, link) or any(context.server_id in end.provider_ids for end in _uses(context, link)):
        yield render(
            "service_tunnels",
            "own.cfg",
            service=link.service,
            port=str(link.port),
            health=_health(link, link.own_probe or link.probe),
            interval=str(link.own_interval or link.interval),
        )


def _consumer(context: Context, link: traffic.Link) -> Iterator[str]:
    for end in _uses(context, link):
        yield render(
            "service_tunnels",
            "consumer.cfg",
            service=link.service,
            suffix=f"-{traffic.internal_name(end.provider_ids[0]).partition('.')[0]}" if link.each else "",
            providers=", ".join(end.provider_ids),
            address=end.address,
            port=str(end.port),
            servers="\n".join(_servers(context, link, end)),
            health=_health(link, link.probe),
        )


def _health(link: traffic.Link, probe: tuple[str, ...]) -> str:
    """HAProxy's health check of a service: many log a connection without data as an error."""
    if link.ping:
        return f"    option httpchk GET {link.ping}\n"
    rules = ("option tcp-check", *(f"tcp-check {rule}" for rule in probe)) if probe else ()
    return "".join(f"    {rule}\n" for rule in rules)


def _servers(context: Context, link: traffic.Link, end: traffic.Endpoint) -> Iterator[str]:
    own_first = end.provider_ids[0] == context.server_id
    check = f"check inter {link.interval}s fall 2 rise 1"
    for name in end.provider_ids:
        if name == context.server_id:
            yield f"    server own 127.0.0.1:{link.port} track {link.service}-own/own"
            continue
        host = context.internal_name(name)
        yield (
            f"    server {host.partition('.')[0]} {_bind(context.internal_ip(name))}:{link.port} "
            f"ssl crt {layout.INTERNAL_IDENTITY} ca-file {layout.INTERNAL_PEERS} verify required verifyhost {host} "
            f"{check}{' backup' if own_first else ''}"
        )


def _bind(address: str) -> str:
    return f"ipv6@{address}" if ":" in address else address

"""ACME challenges of names that several servers have (RFC 8555 section 8.3).

The authority asks one of the servers of a name for a file that another one of them may have. Each server asks the
others for what it does not have: nginx there listens on the loopback, and HAProxy carries the request over the
private link (``service_tunnels``). That nginx serves its own files only, so no request is forwarded twice.
"""

from __future__ import annotations

from mailwiz_tui.plan.model import Plan, Role, TlsProvider
from mailwiz_tui.plan.published import host_label, server_name
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.traffic import Link, endpoints
from mailwiz_tui.topology.servers import fronts, server_of

CHALLENGES = "/.well-known/acme-challenge"
"""The folder of challenges in the URL, and below ``layout.ACME_ROOT``."""
READY = "/ready"
"""The address of the health check, which no log has."""


def proved_over_http(plan: Plan) -> bool:
    """Whether servers prove their names by files that the authority fetches (HTTP-01)."""
    tls = plan.security.tls
    return tls.provider is TlsProvider.LETSENCRYPT and not tls.acme_dns_server


LINK = Link(
    "challenges",
    layout.CHALLENGES_PORT,
    (Role.MX_OUTBOUND,),
    (Role.MX_OUTBOUND,),
    "asks for ACME challenges that it does not have",
    each=True,
    wanted=proved_over_http,
    ping=READY,
    interval=5,
)


def other_fronts(context: Context) -> tuple[str, ...]:
    """Where this server reaches the challenges of each other server with its names: ``address:port``."""
    if not (context.topology.serves_clients and proved_over_http(context.plan)):
        return ()
    places = endpoints(context.plan, context.server_id, LINK)
    return tuple(f"{p.address}:{p.port}" for p in places if p.provider_ids != (context.server_id,))


def samples(plan: Plan) -> dict[str, tuple[str, str]]:
    """By server, the path of a file that each server of the shared names must answer with, and its text.

    They show before a certificate is asked for that challenges reach their server. Empty if each name has one
    server.
    """
    sharing = fronts(plan) if proved_over_http(plan) else ()
    if len(sharing) < 2:
        return {}
    return {s.id: (f"{CHALLENGES}/mailwiz-{host_label(s.id)}", f"{server_name(plan, s)}\n") for s in sharing}


def own_sample(context: Context) -> tuple[str, str]:
    """The path and the text of this server's own file; empty if there is none."""
    server = server_of(context.plan, context.server_id)
    return samples(context.plan).get(server.id, ("", ""))

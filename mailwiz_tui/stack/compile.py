"""The compiler: makes one server's blueprint from plan and facts. Pure: it connects to nothing."""

from __future__ import annotations

from dataclasses import replace

from mailwiz_tui.fleet.facts import Facts, FactsFile
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.accounts.copy import AccountCopy
from mailwiz_tui.stack.accounts.refresh import AccountsNow
from mailwiz_tui.stack.accounts.store import AccountStore
from mailwiz_tui.stack.backup.component import Backup
from mailwiz_tui.stack.base.component import Base
from mailwiz_tui.stack.blueprint import Blueprint, Packages, Probe, SecretSpec, Step
from mailwiz_tui.stack.certbot.component import Certbot
from mailwiz_tui.stack.clamav.component import ClamAv
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.corosync.component import Corosync
from mailwiz_tui.stack.database_gate.component import DatabaseGate
from mailwiz_tui.stack.dovecot.component import Dovecot
from mailwiz_tui.stack.dovecot.front import Front
from mailwiz_tui.stack.drbd.component import Drbd
from mailwiz_tui.stack.fail2ban.component import Fail2ban
from mailwiz_tui.stack.healing.drop_in import with_restarts
from mailwiz_tui.stack.internal_tls.component import InternalTls
from mailwiz_tui.stack.leftovers.component import Leftovers
from mailwiz_tui.stack.mail_parts import gathered
from mailwiz_tui.stack.mariadb.component import MariaDb
from mailwiz_tui.stack.message_checks.component import MessageChecks
from mailwiz_tui.stack.moving_store.component import MovingStore
from mailwiz_tui.stack.mta_sts.component import MtaSts
from mailwiz_tui.stack.nexthops.answering import NextHopsAnswer
from mailwiz_tui.stack.nexthops.component import NextHops
from mailwiz_tui.stack.nfs.component import Nfs
from mailwiz_tui.stack.nftables.component import Nftables
from mailwiz_tui.stack.nginx.component import Nginx
from mailwiz_tui.stack.objectstore.component import ObjectStore
from mailwiz_tui.stack.opendkim.component import OpenDkim
from mailwiz_tui.stack.pacemaker.component import Pacemaker
from mailwiz_tui.stack.pacemaker.store import StoreResources
from mailwiz_tui.stack.peers.component import Peers
from mailwiz_tui.stack.php.component import Php
from mailwiz_tui.stack.port_holders import all_ports, with_holders
from mailwiz_tui.stack.postfix.component import Postfix
from mailwiz_tui.stack.postfix.satellite import Satellite
from mailwiz_tui.stack.postfixadmin.component import PostfixAdmin
from mailwiz_tui.stack.postfixadmin.database import PanelStore
from mailwiz_tui.stack.rate_limiter.component import RateLimiter
from mailwiz_tui.stack.readiness import with_readiness
from mailwiz_tui.stack.recipient_checks.component import RecipientChecks
from mailwiz_tui.stack.redis.component import Redis
from mailwiz_tui.stack.roundcube.component import Roundcube
from mailwiz_tui.stack.roundcube.database import WebmailStore
from mailwiz_tui.stack.rspamd.component import Rspamd
from mailwiz_tui.stack.sasl_gate.component import SaslGate
from mailwiz_tui.stack.service_tunnels.component import ServiceTunnels
from mailwiz_tui.stack.signing.component import SigningDomains, SigningTables
from mailwiz_tui.stack.spamassassin.component import SpamAssassin
from mailwiz_tui.stack.srs.component import Srs
from mailwiz_tui.stack.ssh.component import Ssh
from mailwiz_tui.stack.tls.component import Tls
from mailwiz_tui.stack.traffic import Offer
from mailwiz_tui.stack.unbound.component import Unbound
from mailwiz_tui.stack.wireguard.component import WireGuard

COMPONENTS: tuple[Component, ...] = (
    Base(),
    Nfs(),
    Peers(),
    WireGuard(),
    InternalTls(),
    Corosync(),
    Drbd(),
    Pacemaker(),
    ServiceTunnels(),
    Unbound(),
    Tls(),
    ClamAv(),
    Redis(),
    SigningTables(),
    Rspamd(),
    SpamAssassin(),
    OpenDkim(),
    RateLimiter(),
    MariaDb(),
    DatabaseGate(),
    AccountStore(),
    MovingStore(),
    WebmailStore(),
    PanelStore(),
    AccountCopy(),
    AccountsNow(),
    MessageChecks(),
    RecipientChecks(),
    SigningDomains(),
    ObjectStore(),
    Dovecot(),
    Front(),
    SaslGate(),
    Srs(),
    MtaSts(),
    Postfix(),
    Satellite(),
    NextHops(),
    Roundcube(),
    PostfixAdmin(),
    Php(),
    Nginx(),
    Fail2ban(),
    Backup(),
    StoreResources(),
    Leftovers(),
    Ssh(),
    Nftables(),
    Certbot(),
    NextHopsAnswer(),
)
"""In the order of installation: the resolver comes first, a file server that does not
work stops the run early, the spam filter gets ready while others start, leftovers of an
earlier plan are removed when their replacements work, the firewall is loaded last, and
then a server can wait for others that must accept its connections."""

PROGRAMS = frozenset(program.name for component in COMPONENTS for program in component.programs)
"""The programs that may listen somewhere before an installation."""

OFFERS: tuple[Offer, ...] = tuple(offer for component in COMPONENTS for offer in component.offers)
"""The services that servers of a plan offer each other, in the order of their components."""


def compile_server(plan: Plan, server_id: str, known: FactsFile) -> Blueprint:
    """The blueprint of one server of the plan.

    Missing facts default to those of a plain server (recursion works, SSH on port 22, both versions of IP).
    Raises ``KeyError`` if the plan has no such server.
    """
    if all(server.id != server_id for server in plan.servers):
        raise KeyError(f"the plan has no server {server_id}")
    context = Context(plan, server_id, known.facts(server_id) or Facts(), known, OFFERS)
    context = replace(context, mail=gathered(component.mail_parts(context) for component in COMPONENTS))
    contributions: tuple[Contribution, ...] = ()
    for component in COMPONENTS:
        if component.wanted(context):
            added = with_holders(component.contribute(context, contributions), component)
            contributions += (_on_volume(with_readiness(added, context), component, context),)
    steps = tuple(step for c in contributions for step in c.steps)
    return Blueprint(
        server_id=server_id,
        steps=(_packages(contributions), *with_restarts(steps)),
        secrets=_secrets(contributions),
        ports=all_ports(contributions),
        probes=_probes(contributions),
        preflight=tuple(probe for c in contributions for probe in c.preflight),
        findings=tuple(dict.fromkeys(text for c in contributions for text in c.findings)),
        meta=_meta(context),
    )


def _on_volume(added: Contribution, component: Component, context: Context) -> Contribution:
    """The contribution of a component whose data moves: its steps, ports and checks follow the volume."""
    here = context.topology.mailboxes
    if not (component.on_volume and here.moves and here.here):
        return added
    return replace(
        added,
        steps=tuple(replace(step, volume=layout.VOLUME) for step in added.steps),
        ports=tuple(replace(port, volume=True) for port in added.ports),
        probes=tuple(replace(probe, volume=layout.VOLUME) for probe in added.probes),
    )


def _packages(contributions: tuple[Contribution, ...]) -> Step:
    """All packages in one step: one run of apt is faster than ten."""
    names = sorted({name for c in contributions for name in c.packages.names})
    debconf = sorted({line for c in contributions for line in c.packages.debconf})
    return Step(
        id="packages",
        title="Install packages",
        component="base",
        items=(Packages(names=tuple(names), debconf=tuple(debconf)),),
    )


def _secrets(contributions: tuple[Contribution, ...]) -> tuple[SecretSpec, ...]:
    return tuple({spec.name: spec for c in contributions for spec in c.secrets}.values())


def _probes(contributions: tuple[Contribution, ...]) -> tuple[Probe, ...]:
    return tuple({probe.id: probe for c in contributions for probe in c.probes}.values())


def _meta(context: Context) -> dict[str, str]:
    """Facts for checks besides the ports: names and choices of the plan, and those that components add."""
    plan = context.plan
    found = {
        "hostname": context.hostname,
        "primary_domain": plan.domain.primary_domain,
        "mailbox_domains": " ".join(plan.mailbox_domains()),
        "dkim_selector": plan.dkim_selector(context.server_id) if plan.security.dkim.enabled else "",
        "storage": plan.storage.path,
        "spam_filter": plan.services.antispam.value,
    }
    for component in COMPONENTS:
        found |= component.meta(context)
    return found

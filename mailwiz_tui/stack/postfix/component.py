"""Postfix: the MX behind postscreen, submission for users, and outgoing mail."""

from __future__ import annotations

import re

from mailwiz_tui.plan.model import Role
from mailwiz_tui.stack import layout, limits
from mailwiz_tui.stack.blueprint import (
    Absent,
    Directory,
    File,
    Item,
    Packages,
    Probe,
    Program,
    Step,
)
from mailwiz_tui.stack.capacity import Capacity
from mailwiz_tui.stack.certificate import certificate_consumer
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.jails import jail
from mailwiz_tui.stack.mail_parts import Section, Stream
from mailwiz_tui.stack.postfix import relay
from mailwiz_tui.stack.postfix.lookups import lookups
from mailwiz_tui.stack.postfix.peers import IDENTITY, PEERS, hops
from mailwiz_tui.stack.postfix.release import SERVICE, WORDS, Release
from mailwiz_tui.stack.postfix.services import among_peers, master_cf, own_chain, ports, smart_host_here
from mailwiz_tui.stack.probes import POSTFIX_COMPLAINT, clean_check, unit_active
from mailwiz_tui.stack.protocols import inet_protocols
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.resolution import resolution
from mailwiz_tui.stack.traffic import Exchange

DIR = "/etc/postfix"
FILTERS = "/etc/fail2ban/filter.d"
OWN = f"{layout.CONF_DIR}/local.d/postfix.cf"
"""The operator's own settings, appended to main.cf; Postfix has no include."""
ABUSE = jail("postfix", "25", maxretry=30, filter_name="mailwiz-postfix")
GUESSES = jail("postfix-sasl", "465,587,143,993,4190", maxretry=8, filter_name="mailwiz-sasl")


class Postfix(Component):
    """SMTP in and out."""

    name = "postfix"
    title = "Postfix (SMTP)"
    offers = (
        Exchange(
            "relay",
            layout.PEER_RELAY_PORT,
            (Role.MX_OUTBOUND,),
            (Role.MAIL_STORAGE, Role.MX_INBOUND, Role.ANTISPAM),
            "relays mail of the servers themselves: forwarded mail, vacation answers, reports",
        ),
    )
    programs = (
        Program("master", "postfix"),
        Program("smtpd", "postfix"),
        Program("postscreen", "postfix"),
        Program("exim4", "exim4-base"),
        Program("sendmail-mta", "sendmail-bin"),
        Program("sendmail", "sendmail-bin"),
    )
    units = WORDS
    telling_packages = ("postfix",)

    def wanted(self, context: Context) -> bool:
        """Servers that receive or send mail."""
        return context.topology.transfers

    def meta(self, context: Context) -> dict[str, str]:
        """TLS requirements for the servers that receive its mail."""
        smart_host = relay.SmartHost.of(context.plan)
        checked = "dane" if resolution(context).validates else "may"
        return {"outbound_tls": smart_host.level if smart_host else checked}

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """main.cf and master.cf as whole files; maps are read through proxymap(8)."""
        files = self._files(context)
        smart_host = smart_host_here(context)
        release = Release.of(context)
        private = smart_host.files if smart_host else ()
        accounts = lookups(context)
        incoming, outgoing = context.topology.receives, context.topology.serves_clients
        among = among_peers(context)
        items: tuple[Item, ...] = (
            *((Directory(f"{DIR}/mysql", "root", "postfix", 0o750),) if accounts.files else ()),
            *(File(path, text, append=OWN if path.endswith("/main.cf") else "") for path, text in files.items()),
            *accounts.files,
            *among,
            *private,
            *((Absent(relay.PASSWORD_FILE),) if not smart_host or not smart_host.user else ()),
            *release.units(
                restart_on=(f"{DIR}/main.cf", f"{DIR}/master.cf", *(f.path for f in among if f.path != PEERS)),
                reload_on=(
                    *(path for path in files if path not in (f"{DIR}/main.cf", f"{DIR}/master.cf")),
                    *(file.path for file in accounts.files),
                    *((PEERS, layout.INTERNAL_PEERS) if among else ()),
                    *(file.path for file in private if file.path == relay.PASSWORD_FILE),
                ),
                after=context.mail.account_units if accounts.files else (),
            ),
            certificate_consumer(
                SERVICE,
                *(("25 smtp",) if incoming else ()),
                *(("465", "587 smtp") if outgoing else ()),
            ),
        )
        step = Step(
            id="postfix",
            title="Configure Postfix (SMTP)",
            component=self.name,
            items=items,
            validators=validators(),
        )
        return Contribution(
            packages=Packages(
                names=(
                    "postfix",
                    *(("postfix-mysql",) if accounts.files else ()),
                    *(smart_host.packages if smart_host else ()),
                ),
                debconf=("postfix postfix/main_mailer_type select No configuration",),
            ),
            secrets=smart_host.secrets if smart_host else (),
            steps=(step,),
            ports=ports(context),
            probes=(*self._probes(context, accounts.domains), *((smart_host.probe,) if smart_host else ())),
            jails=(
                *((ABUSE,) if incoming else ()),
                *((GUESSES,) if outgoing else ()),
            ),
            filters=(
                *((_filter("mailwiz-postfix", unit=release.unit),) if incoming else ()),
                *((_filter("mailwiz-sasl"),) if outgoing else ()),
            ),
            findings=self._findings(context),
        )

    @staticmethod
    def _files(context: Context) -> dict[str, str]:
        plan = context.plan
        host, primary = context.hostname, plan.domain.primary_domain
        domains = "|".join(re.escape(name) for name in plan.mailbox_domains())
        return {
            f"{DIR}/main.cf": main_cf(context),
            f"{DIR}/master.cf": master_cf(context),
            **relay.relay_files(plan),
            **{table.path: table.content for table in context.mail.postfix.tables},
            f"{DIR}/mailwiz-local": render(
                "postfix", "mailwiz-local", host=re.escape(host), domain=domains, primary=primary
            ),
            f"{DIR}/mailwiz-helo": render("postfix", "mailwiz-helo", lines=_helo(context)),
            f"{DIR}/mailwiz-submission-headers": render(
                "postfix", "mailwiz-submission-headers", host=re.escape(host)
            ),
            f"{DIR}/mailwiz-ascii": render("postfix", "mailwiz-ascii"),
            f"{DIR}/mailwiz-openssl.cnf": render("postfix", "mailwiz-openssl.cnf"),
        }

    @staticmethod
    def _findings(context: Context) -> tuple[str, ...]:
        if context.plan.network.relay_host or not context.topology.sends:
            return ()
        blocked = context.facts.outbound_25_ipv4 is False and context.facts.outbound_25_ipv6 is not True
        if not blocked:
            return ()
        return (
            "Outgoing port 25 is blocked: mail to other servers will stay in the queue; "
            "ask the provider to open it, or set a smart host (network.relay_host).",
        )

    @staticmethod
    def _probes(context: Context, domains: str) -> tuple[Probe, ...]:
        return (
            unit_active(Release.of(context).unit, "Postfix (SMTP) runs"),
            clean_check(
                "postfix.config",
                "Postfix accepts its configuration",
                ("postfix", "check"),
                refuse=POSTFIX_COMPLAINT,
            ),
            clean_check(
                "postfix.settings",
                "Postfix knows every setting in its configuration",
                ("postconf", "-n"),
                refuse=POSTFIX_COMPLAINT,
            ),
            Probe(
                id="postfix.accounts",
                proves="Postfix finds the mailbox domains "
                + ("in its copy of the accounts" if context.topology.accounts.copied else "in the database"),
                argv=("postmap", "-q", context.plan.domain.primary_domain, domains),
                expect=re.escape(context.plan.domain.primary_domain),
                advice="journalctl -u 'postfix*' -u mariadb"
                + (" -u mailwiz-accounts -n 50" if context.topology.accounts.copied else " -n 50"),
            ),
            Probe(
                id="postfix.queue",
                proves="fewer than 500 messages are in the queue",
                argv=("sh", "-c", "find /var/spool/postfix/deferred /var/spool/postfix/active -type f | wc -l"),
                expect=r"^\s*[1-4]?[0-9]{1,2}$",
                advice="mailq shows the messages and the reasons",
            ),
            Probe(
                id="postfix.resolver",
                proves="Postfix, in its chroot, uses the server's own resolver",
                argv=("grep", "-E", "^nameserver", f"{layout.POSTFIX_SPOOL}/etc/resolv.conf"),
                expect=r"(?m)^nameserver 127[.]0[.]0[.]1$",
                advice="systemctl restart postfix copies /etc/resolv.conf into the chroot; DANE depends on it",
            ),
        )


def _filter(name: str, **values: str) -> File:
    """The mode of a jail of fail2ban."""
    return File(f"{FILTERS}/{name}.conf", render("postfix", f"{name}.conf", **values))


def main_cf(context: Context) -> str:
    """Postfix's main.cf for this server."""
    plan, here = context.plan, context.topology
    decision = resolution(context)
    accounts, parts = lookups(context), context.mail.postfix
    forged = here.receives and not plan.security.spf.includes
    relay_domains = [domain.name for domain in plan.relay_domains()]
    return render(
        "postfix",
        "main.cf",
        release=Release.of(context),
        here=here,
        hostname=context.hostname,
        domain=plan.domain.primary_domain,
        protocols=inet_protocols(context),
        prefer_ipv4=context.facts.outbound_25_ipv6 is False,
        blocklists=decision.blocklists,
        validates=decision.validates,
        message_size=limits.message_size(plan),
        processes=Capacity.of(context.facts).postfix_processes,
        key=layout.TLS_KEY,
        certificate=layout.TLS_CHAIN,
        peers=IDENTITY,
        own_senders=(*parts.sender_checks, f"check_sender_access {accounts.own_senders}") if forged else (),
        recipient_tables=parts.recipient_tables,
        recipient_services=parts.recipient_services,
        sasl_socket=layout.SASL_GATE_SOCKET,
        sender_owners=", ".join(parts.sender_owners),
        milters=_milters(context),
        own_chain=own_chain(context),
        accounts=accounts,
        relay_domains=relay_domains,
        transports=(*accounts.transports, *((f"texthash:{relay.TRANSPORT}",) if relay_domains else ())),
        addresses=parts.parameters(Section.ADDRESSES),
        lmtp_socket=layout.LMTP_SOCKET,
        hops=hops(context),
        smart_host=smart_host_here(context),
        routes=parts.parameters(Section.ROUTES),
        outgoing_tls=parts.parameters(Section.OUTGOING_TLS),
        bounces=", ".join(parts.bounce_recipients),
    )


def _milters(context: Context) -> dict[str, str]:
    """The milters of each stream in the form of a setting, with a space before each."""
    mail = context.mail
    found = {stream.value: "".join(f" {name}" for name in mail.addresses(stream)) for stream in Stream}
    same = mail.chain(Stream.LOCAL) == mail.chain(Stream.INCOMING)
    return found | ({Stream.LOCAL.value: " $smtpd_milters"} if same else {})


def _helo(context: Context) -> str:
    own = [context.hostname, "localhost", "localhost.localdomain"]
    own += [f"[{a}]" for a in ("127.0.0.1", context.public_ipv4) if a]
    if context.public_ipv6:
        own.append(f"[IPv6:{context.public_ipv6}]")
    return "\n".join(f"/^{re.escape(name)}$/ REJECT That is this server's own name" for name in own)


def validators() -> tuple[tuple[str, ...], ...]:
    """Postfix's own checks of its configuration."""
    return (("postfix", "check"), ("sh", "-c", _CLEAN))


_CLEAN = (
    "said=$( (postconf -n; postconf -M; postconf -P) 2>&1 >/dev/null | grep -v 'overriding earlier entry'); "
    'if [ -n "$said" ]; then echo "$said" >&2; exit 1; fi'
)
"""postconf(1) warns of unused settings, for example misspelt ones; overrides by the operator are no fault."""

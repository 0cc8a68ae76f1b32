"""certbot: a public certificate over ACME (RFC 8555), renewed by Debian's own timer."""

from __future__ import annotations

import ipaddress
import re

from mailwiz_tui.fleet.facts import Facts
from mailwiz_tui.fleet.web import web
from mailwiz_tui.plan.model import TlsProvider
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Absent, Command, File, Item, Packages, Probe, SecretSpec, Step, Unit
from mailwiz_tui.stack.certbot import turns
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.nginx import challenges
from mailwiz_tui.stack.probes import unit_active
from mailwiz_tui.stack.programs import folder, module
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.unit_words import UnitWords
from mailwiz_tui.topology.servers import client_addresses

DROP_IN = "/etc/systemd/system/certbot.service.d/mailwiz.conf"
DNS_KEY = f"{layout.TLS_DIR}/rfc2136.ini"
"""The credentials for dynamic updates of the DNS (RFC 2136), if names are proved there."""
DIRECTORY = "https://acme-v02.api.letsencrypt.org/directory"
REACH = "challenges_reach"
"""The module that waits for the other servers of a name."""
WAIT = 300
"""Seconds for which the others may take to be installed."""
PAUSE = 20
"""Seconds before a second attempt, for each server before this one again as many."""
RENEWAL = f"/etc/letsencrypt/renewal/{layout.LINEAGE}.conf"


class Certbot(Component):
    """Issues the certificate once the web server answers, and proves each renewal on every port."""

    name = "certbot"
    title = "certbot (certificate)"
    units = (UnitWords("certbot.timer", "the certificate is not renewed"),)
    telling_packages = ("certbot",)

    def wanted(self, context: Context) -> bool:
        """Servers that show a certificate to the public."""
        return context.topology.transfers

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """Issue with letsencrypt, else stop renewing an earlier one; after the firewall has opened port 80."""
        if context.plan.security.tls.provider is not TlsProvider.LETSENCRYPT:
            return Contribution(steps=(_retired(),))
        turn = (File(turns.TIMER, turns.drop_in(context)),) if turns.calendar(context) else ()
        times = tuple(file.path for file in turn)
        step = Step(
            id="certbot",
            title="Configure certbot (certificate)",
            component=self.name,
            items=(
                *_authority(context),
                *_update_key(context),
                *_reach(context),
                File(layout.ISSUE_CERTIFICATE, _issue(context), mode=0o755),
                File(DROP_IN, _drop_in(context)),
                *turn,
                Command(id="certbot.drop-in", argv=("systemctl", "daemon-reload"), inputs=(DROP_IN, *times)),
                Command(
                    id="certbot.certificate",
                    argv=(layout.ISSUE_CERTIFICATE,),
                    unless=(layout.ISSUE_CERTIFICATE, "--check"),
                    timeout=600.0 + (2 * WAIT if times else 0),
                ),
                Unit("certbot.timer", restart_on=times),
            ),
            optional=True,
        )
        proof = ("python3-certbot-dns-rfc2136",) if context.plan.security.tls.acme_dns_server else ()
        return Contribution(
            packages=Packages(names=("bind9-dnsutils", "certbot", *proof)),
            secrets=_secrets(context),
            steps=(step,),
            probes=(*self._probes(), *_turn_kept(context)),
        )

    @staticmethod
    def _probes() -> tuple[Probe, ...]:
        return (
            unit_active("certbot.timer", "certbot renews the certificate"),
            Probe(
                id="certbot.enabled",
                proves="the renewal timer starts at boot",
                argv=("systemctl", "is-enabled", "certbot.timer"),
                expect=r"(?m)^enabled$",
                advice="systemctl enable certbot.timer",
            ),
            Probe(
                id="certbot.names",
                proves="the public certificate has every name of the plan that points to this server",
                argv=(layout.ISSUE_CERTIFICATE, "--names"),
                advice="publish the DNS records of these names (step 7), then run apply again",
            ),
            Probe(
                id="certbot.proof",
                proves="certbot.service fails if a renewed certificate is not on every port",
                argv=("systemctl", "show", "-p", "ExecStartPost", "certbot.service"),
                expect=layout.SERVE_CERTIFICATE,
                advice="systemctl daemon-reload; see systemctl cat certbot.service",
            ),
            Probe(
                id="certbot.renewal",
                proves="the renewal keeps the key and reloads every daemon",
                argv=("sh", "-c", f"grep -E '^(reuse_key|renew_hook) = ' {RENEWAL} | sort"),
                expect=rf"(?s)renew_hook = {layout.SERVE_CERTIFICATE}\nreuse_key = True",
                advice=f"on the server: {layout.ISSUE_CERTIFICATE}",
            ),
        )


def names(context: Context) -> tuple[str, ...]:
    """The names in the certificate, the server's own first; web names if the server serves clients."""
    served = web(context.plan, context.known).names if context.topology.serves_clients else ()
    return tuple(dict.fromkeys((*context.public_names, *served)))


def _issue(context: Context) -> str:
    tls = context.plan.security.tls
    number, count = turns.place(context)
    path, text = challenges.own_sample(context)
    return render(
        "certbot",
        "issue-certificate",
        hostname=context.hostname,
        names=" ".join(names(context)),
        addresses=" ".join(_addresses(context)),
        several=count > 1,
        shared=" ".join(_shared_addresses(context)),
        reach=f"{layout.LIB_DIR}/certbot/{REACH}.py" if path else "",
        path=path,
        text=text.strip(),
        wait=WAIT,
        mail_host=context.public_names[-1],
        pause=PAUSE * (number + 1),
        email=tls.acme_email or f"postmaster@{context.plan.domain.primary_domain}",
        directory=tls.acme_directory or DIRECTORY,
        ca=layout.ACME_CA if context.known.acme_ca else "",
        credentials=DNS_KEY if tls.acme_dns_server else "",
        name=layout.LINEAGE,
        own=layout.TLS_OWN,
        root=layout.ACME_ROOT,
        hook=layout.SERVE_CERTIFICATE,
    )


def _addresses(context: Context, server_id: str = "") -> list[str]:
    """The addresses that names of a server (this one if none is named) may have, in the form of ``dig``.

    None if they are unknown.
    """
    facts = (context.known.facts(server_id) or Facts()) if server_id else context.facts
    own = [a.ip for a in facts.addresses if a.is_global]
    found = [a for a in (facts.public_ipv4, facts.public_ipv6, *own) if a]
    return list(dict.fromkeys(str(ipaddress.ip_address(a)) for a in found))


def _shared_addresses(context: Context) -> list[str]:
    """The addresses of all servers with the shared names, and one that moves; none if one server's are unknown."""
    found = [_addresses(context, front.id) for front in context.topology.fronts]
    return [*client_addresses(context.plan), *(address for own in found for address in own)] if all(found) else []


def _reach(context: Context) -> tuple[Item, ...]:
    """The program that waits for the other servers of a name, if there are any."""
    return (folder("certbot"), module("certbot", REACH)) if challenges.own_sample(context)[0] else ()


def _turn_kept(context: Context) -> tuple[Probe, ...]:
    """The check of the hours of renewal, if other servers have theirs."""
    times = turns.calendar(context)
    if not times:
        return ()
    return (
        Probe(
            id="certbot.turn",
            proves="the certificate is renewed in other hours than those of the other servers",
            argv=("systemctl", "show", "-p", "TimersCalendar", "certbot.timer"),
            expect=re.escape(f"OnCalendar={times} "),
            advice="systemctl daemon-reload; see systemctl cat certbot.timer",
        ),
    )


def _authority(context: Context) -> tuple[Item, ...]:
    if not context.known.acme_ca:
        return (Absent(layout.ACME_CA),)
    return (File(layout.ACME_CA, context.known.acme_ca),)


def _update_key(context: Context) -> tuple[Item, ...]:
    tls = context.plan.security.tls
    if not tls.acme_dns_server:
        return ()
    algorithm, _, name = tls.acme_dns_key.rpartition(":")
    values = {"server": tls.acme_dns_server, "name": name, "algorithm": (algorithm or "hmac-sha256").upper()}
    return (File(DNS_KEY, render("certbot", "rfc2136.ini", **values), mode=0o600),)


def _secrets(context: Context) -> tuple[SecretSpec, ...]:
    tls = context.plan.security.tls
    if not tls.acme_dns_server:
        return ()
    return (
        SecretSpec("acme-dns-key", given=f"secret of the key {tls.acme_dns_key} for DNS updates (certificate)"),
    )


def _drop_in(context: Context) -> str:
    environment = f"Environment=REQUESTS_CA_BUNDLE={layout.ACME_CA}\n" if context.known.acme_ca else ""
    return render("certbot", "service.conf", environment=environment, hook=layout.SERVE_CERTIFICATE)


def _retired() -> Step:
    """The former certificate stays on the disk without renewal; certificates of other programs are renewed."""
    return Step(
        id="certbot",
        title="Remove the unused certificate",
        component=Certbot.name,
        items=(
            Absent(DROP_IN),
            Command(id="certbot.retire", argv=("sh", "-c", _RETIRE), unless=("test", "!", "-e", RENEWAL)),
        ),
    )


_RETIRE = (
    f"mv {RENEWAL} {RENEWAL}.off && systemctl daemon-reload && "
    "{ ls /etc/letsencrypt/renewal/*.conf >/dev/null 2>&1 || systemctl disable --now certbot.timer; }"
)

"""unbound (DNS resolver): validating, for this host alone."""

from __future__ import annotations

import ipaddress
from importlib.resources import files

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Ask, Command, File, Packages, Probe, Program, Ready, Step, Unit
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.probes import clean_check, unit_active
from mailwiz_tui.stack.protocols import has_ipv6
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.resolution import Resolution, resolution
from mailwiz_tui.stack.unit_words import UnitWords, Work

CONFIG = "/etc/unbound/unbound.conf.d/mailwiz.conf"
RESOLV_CONF = f"{layout.CONF_DIR}/resolv.conf"
TRUST_ANCHOR = "/usr/libexec/unbound-helper"
"""Debian's helper: writes the root's trust anchor for unbound; unbound-checkconf needs it."""
PRIVATE_DOMAINS = ("corp", "home", "internal", "intranet", "lan", "private", "test")
"""Top-level domains that do not exist in the root of the DNS and that a company's own resolver may have."""
SWITCH = f"{layout.LIB_DIR}/use-own-resolver"


class Unbound(Component):
    """unbound on 127.0.0.1; the host uses it when it answers."""

    name = "unbound"
    title = "unbound (DNS resolver)"
    programs = (Program("unbound"),)
    units = (
        UnitWords(
            "unbound",
            "names cannot be looked up, so mail waits in the queue",
            work=(Work.MAIL,),
            checks=("resolver.", "unbound."),
        ),
    )
    telling_packages = ("unbound",)

    def wanted(self, context: Context) -> bool:
        """Every server: each validates for itself."""
        return True

    def meta(self, context: Context) -> dict[str, str]:
        """Whether unbound recurses from the root, or forwards to other resolvers."""
        return {"resolver": "recursing" if resolution(context).recurses else "forwarding"}

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """Configure unbound by ``resolution``: recurse, or forward; validate, or not."""
        decision = resolution(context)
        config = render(
            "unbound",
            "mailwiz.conf",
            ipv6="yes" if has_ipv6(context) else "no",
            modules="validator iterator" if decision.validates else "iterator",
            forward=self._forward(decision).rstrip("\n"),
        )
        resolver = Step(
            id="unbound",
            title="Configure unbound (DNS resolver)",
            component=self.name,
            items=(
                File(CONFIG, config),
                Unit("unbound.service", restart_on=(CONFIG,)),
                Ready("unbound (DNS resolver)", "unbound.service", Ask.DNS, f"{layout.RESOLVER}:53"),
            ),
            validators=((TRUST_ANCHOR, "root_trust_anchor_update"), ("unbound-checkconf",)),
        )
        switch = Step(
            id="unbound.switch",
            title="Use unbound on this server",
            component=self.name,
            items=(
                File(RESOLV_CONF, render("unbound", "resolv.conf")),
                File(SWITCH, _program(), mode=0o755),
                Command(
                    id="unbound.switch",
                    argv=(SWITCH, *_needed(context)),
                    unless=("sh", "-c", f"! [ -L /etc/resolv.conf ] && cmp -s {RESOLV_CONF} /etc/resolv.conf"),
                    timeout=120.0,
                ),
            ),
        )
        return Contribution(
            packages=Packages(names=("bind9-dnsutils", "dns-root-data", "unbound")),
            steps=(resolver, switch),
            probes=self._probes(context, decision),
            findings=(*decision.findings, *self._occupied(context)),
            preflight=(_names_resolve(context, decision),),
        )

    @staticmethod
    def _forward(decision: Resolution) -> str:
        if decision.recurses:
            return ""
        lines = "\n".join(f"    forward-addr: {address}" for address in decision.forwarders)
        private = "\n".join(
            f'    local-zone: "{name}." nodefault\n    domain-insecure: "{name}."' for name in PRIVATE_DOMAINS
        )
        return render("unbound", "forward.conf", addresses=lines, private=private)

    @staticmethod
    def _occupied(context: Context) -> tuple[str, ...]:
        found = {
            listener.process
            for listener in context.facts.listeners
            if listener.port == 53
            and listener.address in ("127.0.0.1", "0.0.0.0", "::", "*")  # noqa: S104
            and listener.process not in ("", "unbound")
        }
        return tuple(
            f"{name} uses port 53, which unbound needs on 127.0.0.1; stop it first." for name in sorted(found)
        )

    @staticmethod
    def _probes(context: Context, decision: Resolution) -> tuple[Probe, ...]:
        probes = [
            unit_active("unbound.service", "unbound (DNS resolver) runs"),
            clean_check("unbound.config", "unbound accepts its configuration", ("unbound-checkconf",)),
            Probe(
                id="resolver.answers",
                proves="unbound (DNS resolver) answers",
                argv=("dig", "@127.0.0.1", "+time=5", "+tries=2", _asked(context, decision), "SOA"),
                expect=r"status: (?:NOERROR|NXDOMAIN)",
                advice="journalctl -u unbound; if the network blocks DNS, set network.resolvers in the plan",
            ),
            Probe(
                id="resolver.used",
                proves="the server uses only its own resolver",
                argv=("grep", "-E", "^nameserver", "/etc/resolv.conf"),
                expect=r"(?m)^nameserver 127[.]0[.]0[.]1$",
                refuse=r"nameserver (?!127[.]0[.]0[.]1\b)",
                advice="a program rewrites /etc/resolv.conf: configure it to leave the file, then run apply again",
            ),
        ]
        if decision.validates:
            probes.append(
                Probe(
                    id="resolver.dnssec",
                    proves="unbound (DNS resolver) validates DNSSEC",
                    argv=("dig", "@127.0.0.1", "+time=5", "+tries=2", "+dnssec", ".", "SOA"),
                    expect=r"flags:[a-z ]* ad\b",
                    advice="DANE for outgoing mail needs it; see journalctl -u unbound, and check the host's clock",
                )
            )
        return tuple(probes)


def _names_resolve(context: Context, decision: Resolution) -> Probe:
    """A test before any change, with the program that switches the host over later."""
    return Probe(
        id="resolver.names",
        proves="the server can resolve the names that it needs",
        argv=("python3", "-I", "-c", _program(), "--before", ",".join(decision.forwarders), *_needed(context)),
        advice="make the DNS servers resolve these names (on the server: dig @SERVER NAME), or set others: "
        "network.resolvers in the plan",
    )


def _program() -> str:
    return files(__package__).joinpath("use_own_resolver.py").read_text("utf-8")


def _needed(context: Context) -> tuple[str, ...]:
    """Names of the plan to resolve, besides the hosts of packages: its domain, the one above, a smart host."""
    primary = context.plan.domain.primary_domain
    parent = primary.partition(".")[2]
    relay = context.plan.network.relay_host.partition(":")[0]
    return tuple(name for name in (primary, parent, relay) if name and not _numeric(name))


def _asked(context: Context, decision: Resolution) -> str:
    """A name for the test of answers: the root, or the domain if the resolver answers only for its own names."""
    own_names_only = bool(decision.forwarders) and not decision.validates
    return context.plan.domain.primary_domain if own_names_only else "."


def _numeric(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True

"""The filter: which programs Postfix asks about a mail, in which order, where they listen, and who learns.

Postfix, Dovecot and the filters themselves meet here and know nothing of one another's insides. What a filter
listens on is named here alone, so that one on another server is a matter of another host.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from mailwiz_tui.plan.model import Antispam
from mailwiz_tui.stack import keys
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.traffic import Endpoint, endpoints
from mailwiz_tui.topology.model import Signer

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Milter:
    """A program that speaks the milter protocol, and the unit it runs as."""

    name: str
    unit: str
    port: int
    host: str = LOOPBACK

    @property
    def address(self) -> str:
        """As Postfix writes it (postconf(5), ``smtpd_milters``)."""
        return f"inet:{self.host}:{self.port}"

    @property
    def socket(self) -> str:
        """As libmilter writes it (``smfi_setconn``)."""
        return f"inet:{self.port}@{self.host}"


@dataclass(frozen=True, slots=True)
class Learner:
    """A program that takes ``spam`` or ``ham`` and a mail on standard input, its text, and the user it runs as.

    It is put where mailboxes are, so it may be on another server than the filter, and names the package it needs.
    """

    program: str
    user: str
    script: str = ""
    package: str = ""


@dataclass(frozen=True, slots=True)
class MailFilter:
    """What happens to a mail on its way through Postfix.

    ``incoming``, ``submitted`` and ``local`` are asked, in this order, about mail from others, from users who
    logged in, and from the host itself. ``junk`` are the headers, with their value, that say a mail is spam.
    """

    incoming: tuple[Milter, ...] = ()
    submitted: tuple[Milter, ...] = ()
    local: tuple[Milter, ...] = ()
    junk: tuple[tuple[str, str], ...] = ()
    learner: Learner = field(default=Learner("/bin/true", "nobody"))

    @property
    def milters(self) -> tuple[Milter, ...]:
        """Every one of them, each once."""
        return tuple(dict.fromkeys((*self.incoming, *self.submitted, *self.local)))


RSPAMD = Milter("rspamd", "rspamd.service", keys.RSPAMD_MILTER_PORT)
MESSAGE_CHECKS = Milter("message-checks", "mailwiz-message-checks.service", keys.MESSAGE_CHECKS_PORT)
GUARD = Milter("guard", "mailwiz-guard.service", keys.GUARD_MILTER_PORT)
CLAMAV = Milter("clamav", "mailwiz-clamav-milter.service", keys.CLAMAV_MILTER_PORT)
SPAMASSASSIN = Milter("spamassassin", "mailwiz-spamd-milter.service", keys.SPAMD_MILTER_PORT)
OPENDKIM = Milter("opendkim", "opendkim.service", keys.OPENDKIM_MILTER_PORT)

_FOREIGN_MARKS = (("X-Spam", "Yes"), ("X-Spam-Flag", "YES"))
"""Where there is no filter, the marks of one that the mail came through before."""


def mail_filter(context: Context) -> MailFilter:
    """What a plan chose, after the checks that come first whatever it chose: whose name a message carries.

    What the host itself writes, and what other servers of the plan hand over, is not checked: that was done
    where it came in.
    """
    chosen = _chosen(context)
    checks = (MESSAGE_CHECKS,) if checks_here(context) else ()
    return replace(chosen, incoming=(*checks, *chosen.incoming), submitted=(*checks, *chosen.submitted))


def checks_here(context: Context) -> bool:
    """Whether messages come in or are submitted on this server."""
    return context.topology.transfers


def _chosen(context: Context) -> MailFilter:
    """The filter that the plan chose, on this server or on those that filter.

    Rspamd limits what users send and, where it works for this server alone, signs. Else OpenDKIM signs and, with
    SpamAssassin, says what it found of signatures; the guard limits what users send. ClamAV comes first, and in
    each case by its own milter: what it did not look at is put off, while Rspamd's module lets mail pass where a
    part is none it scans, or Lua fails.
    """
    services = context.plan.services
    viruses = _reached(context, CLAMAV, "viruses") if services.antivirus else ()
    signer, limits = _signer(context), _limits(context)
    if services.antispam is Antispam.RSPAMD:
        verdict = _reached(context, RSPAMD, "milter")
        return MailFilter(
            incoming=(*viruses, *verdict),
            submitted=(*viruses, *verdict, *signer),
            local=verdict if context.topology.filters.exclusive else signer,
            junk=(("X-Spam", "Yes"),),
            learner=_rspamd_learner(context),
        )
    if services.antispam is Antispam.NONE:
        return MailFilter(
            incoming=viruses,
            submitted=(*limits, *viruses, *signer),
            local=signer,
            junk=_FOREIGN_MARKS,
        )
    verdict = _reached(context, SPAMASSASSIN, "spamassassin")
    return MailFilter(
        incoming=(*viruses, *_witness(context), *verdict),
        submitted=(*limits, *viruses, *verdict, *signer),
        local=signer,
        junk=(("X-Spam", "Yes"),),
        learner=_spamassassin_learner(context),
    )


def _rspamd_learner(context: Context) -> Learner:
    """What brings a mail to Rspamd: to its controller's socket, or to that of every server that filters."""
    program = f"{keys.LIB_DIR}/rspamd-learn"
    if context.topology.filters.exclusive:
        script = render("rspamd", "rspamd-learn", controller=keys.RSPAMD_CONTROLLER)
        return Learner(program, "_rspamd", script)
    places = endpoints(context.plan, context.server_id, "learning")
    return Learner(program, "nobody", render("rspamd", "rspamd-learn-peers", places=_named(places)), "curl")


def _spamassassin_learner(context: Context) -> Learner:
    """What brings a mail to spamd here, or to that of every server that filters."""
    program = f"{keys.LIB_DIR}/spamd-learn"
    if context.topology.filters.exclusive:
        script = render("spamassassin", "spamd-learn", host=LOOPBACK, port=str(keys.SPAMD_PORT))
    else:
        places = endpoints(context.plan, context.server_id, "spamd")
        script = render("spamassassin", "spamd-learn-peers", places=_named(places))
    return Learner(program, "nobody", script, "spamc")


def _named(places: tuple[Endpoint, ...]) -> str:
    return " ".join(f"{place.address}:{place.port}" for place in places)


def _reached(context: Context, milter: Milter, service: str) -> tuple[Milter, ...]:
    """A milter of the servers that filter, where this server finds it: of its own, or over the links."""
    if context.topology.filters.exclusive:
        return (milter,)
    places = endpoints(context.plan, context.server_id, service)
    return tuple(replace(milter, host=place.address, port=place.port) for place in places)


def _signer(context: Context) -> tuple[Milter, ...]:
    """What signs here, where the filter does not."""
    return (OPENDKIM,) if context.topology.signer is Signer.SEPARATE else ()


def _witness(context: Context) -> tuple[Milter, ...]:
    """What says which signatures of a mail from others are good."""
    checks = context.plan.services.antispam is Antispam.SPAMASSASSIN and context.topology.receives
    return (OPENDKIM,) if checks else ()


def _limits(context: Context) -> tuple[Milter, ...]:
    """What limits those who send through this server, where the filter does not."""
    unlimited = context.plan.services.antispam is not Antispam.RSPAMD and context.topology.serves_clients
    return (GUARD,) if unlimited else ()


def uses(context: Context, milter: Milter) -> bool:
    """Whether this server runs one of the milters."""
    services = context.plan.services
    chosen = {
        RSPAMD: services.antispam is Antispam.RSPAMD,
        SPAMASSASSIN: services.antispam is Antispam.SPAMASSASSIN,
        CLAMAV: services.antivirus,
    }
    own = (*_signer(context), *_witness(context), *_limits(context))
    return milter in own or (chosen.get(milter, False) and context.topology.filters.here)

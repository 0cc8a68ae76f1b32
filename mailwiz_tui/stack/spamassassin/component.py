"""SpamAssassin: spamd with a small milter during the SMTP session; SPF, DKIM and DMARC are its own rules.

Why a milter of its own: spamass-milter accepts mail without a scan while spamd is down (tested, with ``spamc -x``
too), MIMEDefang needs a filter program anyway, and amavis scans mail after it was accepted and can only bounce it.
OpenDMARC is not needed: SpamAssassin 4 evaluates DMARC itself, so there is one verdict, and the milter writes SPF
and DMARC into one Authentication-Results field with the DKIM results of OpenDKIM.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from mailwiz_tui.plan.model import Antispam
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import (
    Ask,
    Directory,
    File,
    Packages,
    Port,
    Probe,
    Program,
    Ready,
    Scope,
    Step,
    Unit,
)
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.filtering import reached, teaching_places
from mailwiz_tui.stack.mail_parts import LOOPBACK, Learner, MailParts, Milter, Stage, Stream, asked
from mailwiz_tui.stack.probes import listens, unit_active
from mailwiz_tui.stack.programs import folder, launcher, module
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.resolution import resolution
from mailwiz_tui.stack.spamassassin.offers import LINK, TEACHING
from mailwiz_tui.stack.unit_words import UnitWords, Work

MILTER = Milter("spamassassin", "mailwiz-spamd-milter.service", layout.SPAMD_MILTER_PORT)
RULES = "/etc/spamassassin/mailwiz.cf"
PLUGIN = "/etc/spamassassin/mailwiz-dkim.pm"
OPTIONS = "/etc/default/spamd"
SERVICE = f"/etc/systemd/system/{MILTER.unit}"
MODULES = ("authentication_results", "spamd", "spamd_milter")
FOLDER = f"{layout.CONF_DIR}/spamassassin"
SETTINGS = f"{FOLDER}/milter.json"
BAYES = "/var/lib/spamassassin/bayes"
UPDATES = "spamassassin-maintenance.timer"
JUNK, REJECT = 6, 15
SECONDS = 100
"""Seconds that spamd has for a message: less than Postfix waits for the milter."""
_GTUBE = ("XJS*C4JDBQADN1.NSBN3*2IDNEN*", "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X")


class SpamAssassin(Component):
    """spamd and its milter."""

    name = "spamassassin"
    title = "SpamAssassin (spam filter)"
    offers = (LINK, TEACHING)
    programs = (
        Program("spamd", "spamd"),
        Program("spamd child", "spamd"),
    )
    units = (
        UnitWords(
            "spamd",
            "mail is deferred: it cannot be checked for spam",
            work=(Work.MAIL,),
            checks=("spamassassin.", "answers.mailwiz-spamd-milter"),
        ),
        UnitWords(
            "mailwiz-spamd-milter",
            "mail is deferred: it cannot be checked for spam",
            "spam",
            work=(Work.MAIL,),
            checks=("spamassassin.",),
        ),
        UnitWords("spamassassin-maintenance.timer", "the rules of SpamAssassin are not updated", ""),
    )
    telling_packages = ("spamd",)

    def wanted(self, context: Context) -> bool:
        """Servers that filter, if the plan has SpamAssassin."""
        return context.plan.services.antispam is Antispam.SPAMASSASSIN and context.topology.filters.here

    def mail_parts(self, context: Context) -> MailParts:
        """Its milter here, or on the servers that filter; the header field that marks spam, and the learner."""
        if context.plan.services.antispam is not Antispam.SPAMASSASSIN:
            return MailParts()
        found = reached(context, MILTER, LINK)
        return MailParts(
            milters=tuple(asked(m, Stage.VERDICT, Stream.INCOMING, Stream.SUBMITTED) for m in found),
            junk_headers=(("X-Spam", "Yes"),),
            learner=_learner(context),
        )

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """Rules besides Debian's, options of spamd, a unit for the milter."""
        decision = resolution(context)
        children = min(max(context.facts.cpus, 2), 5)
        rules = render(
            "spamassassin",
            "mailwiz.cf",
            junk=str(JUNK),
            reject=str(REJECT),
            resolver=layout.RESOLVER,
            plugin=PLUGIN,
            own=" ".join(_own(context)) or LOOPBACK,
            lists=(
                "skip_rbl_checks 0" if decision.blocklists else render("spamassassin", "no-lists.cf").rstrip("\n")
            ),
        )
        settings = {
            "managed": "Managed by mailwiz-tui: the next apply writes this file again.",
            "socket": MILTER.socket,
            "spamd_host": LOOPBACK,
            "spamd_port": layout.SPAMD_PORT,
            "seconds": SECONDS,
            "junk": JUNK,
            "reject": REJECT,
        }
        program = launcher(self.name, "spamd_milter", "mailwiz-spamd-milter")
        service = render(
            "spamassassin",
            "mailwiz-spamd-milter.service",
            start=program.path,
            settings=SETTINGS,
        )
        milter = (
            program,
            *(module(self.name, name) for name in MODULES),
            File(SETTINGS, json.dumps(settings, indent=2) + "\n"),
            File(SERVICE, service),
        )
        options = render("spamassassin", "spamd", port=str(layout.SPAMD_PORT), children=str(children))
        step = Step(
            id="spamassassin",
            title="Configure SpamAssassin",
            component=self.name,
            items=(
                Directory(BAYES, "debian-spamd", "debian-spamd", 0o750),
                File(PLUGIN, render("spamassassin", "mailwiz-dkim.pm")),
                File(RULES, rules),
                File(OPTIONS, options),
                Directory(FOLDER),
                folder(self.name),
                *milter,
                Unit("spamd.service", restart_on=(OPTIONS, PLUGIN, RULES)),
                Ready("SpamAssassin (spamd)", "spamd.service", Ask.SPAMD, f"{LOOPBACK}:{layout.SPAMD_PORT}"),
                Unit(MILTER.unit, restart_on=tuple(file.path for file in milter)),
                Unit(UPDATES, running=decision.recurses, enabled=decision.recurses),
            ),
            validators=(("spamassassin", "--lint", "-x"),),
        )
        return Contribution(
            packages=Packages(
                names=(
                    "libmail-dkim-perl",
                    "libmail-dmarc-perl",
                    "libmail-spf-perl",
                    "python3-milter",
                    "spamc",
                    "spamd",
                )
            ),
            steps=(step,),
            kept=("/etc/spamassassin",),
            ports=(
                Port(layout.SPAMD_PORT, "spamd", Scope.LOCAL, ask=Ask.SPAMD),
                Port(MILTER.port, "spamd-milter", Scope.LOCAL, ask=Ask.MILTER),
            ),
            probes=self._probes(),
            findings=() if decision.recurses else (_NO_UPDATES,),
        )

    @staticmethod
    def _probes() -> tuple[Probe, ...]:
        ask = f"spamc -x -c -d {LOOPBACK} -p {layout.SPAMD_PORT}"
        return (
            unit_active("spamd.service", "SpamAssassin (spam filter) runs"),
            unit_active(MILTER.unit, "the milter of SpamAssassin runs"),
            listens(
                "spamassassin.milter",
                "the milter of SpamAssassin listens on this server alone",
                MILTER.port,
                MILTER.unit,
            ),
            listens("spamassassin.spamd", "spamd listens on this server alone", layout.SPAMD_PORT, "spamd.service"),
            Probe(
                id="spamassassin.verdict",
                proves="SpamAssassin finds the test line for spam (GTUBE)",
                argv=("sh", "-c", f"printf 'Subject: test\\n\\n%s%s\\n' '{_GTUBE[0]}' '{_GTUBE[1]}' | {ask}"),
                expect=r"(?m)^\d{3,}[.]\d",
                exit_code=1,
                advice="journalctl -u spamd -n 50; spamassassin --lint",
            ),
        )


def _learner(context: Context) -> Learner:
    """The learner: sends a message to spamd here, or to that of every server that filters."""
    if context.topology.filters.exclusive:
        script = render("spamassassin", "spamd-learn", host=LOOPBACK, port=str(layout.SPAMD_PORT))
    else:
        script = render("spamassassin", "spamd-learn-peers", places=teaching_places(context, TEACHING))
    return Learner(f"{layout.LIB_DIR}/spamd-learn", "nobody", script, "spamc")


def _own(context: Context) -> Iterator[str]:
    """The known addresses of the plan's servers, public and internal."""
    yield from filter(None, (context.public_ipv4, context.public_ipv6))
    for peer in context.topology.peers:
        facts = context.known.facts(peer.id)
        known = (facts.public_ipv4, facts.public_ipv6) if facts else ()
        yield from filter(None, (*known, peer.internal_ip))


_NO_UPDATES = (
    "SpamAssassin's rules are not updated every day: updates are found by DNS recursion, which the network blocks. "
    "The rules of Debian's package stay; to try updates: systemctl enable --now spamassassin-maintenance.timer"
)

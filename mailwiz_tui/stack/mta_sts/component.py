"""MTA-STS for outgoing mail: Debian's postfix-mta-sts-resolver, after a program that gives DANE precedence.

A table of ``smtp_tls_policy_maps`` overrides Postfix's own level, ``dane``, so the resolver alone would replace
DANE by MTA-STS if a domain has both. RFC 8461 section 2 forbids that; the first table answers ``dane`` for such
domains.
"""

from __future__ import annotations

from mailwiz_tui.stack import layout, programs
from mailwiz_tui.stack.blueprint import File, Item, Packages, Port, Probe, Program, Scope, Step, Unit
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.mail_parts import MailParts, MainCf, PostfixParts, Section
from mailwiz_tui.stack.mta_sts.policies import applies, dane_first, settings
from mailwiz_tui.stack.postfix.release import Release
from mailwiz_tui.stack.probes import POSTFIX_COMPLAINT, listens, unit_active
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.unit_words import UnitWords, Work

RESOLVER = "postfix-mta-sts-resolver.service"
SETTINGS = "/etc/mta-sts-daemon.yml"
DANE = "mailwiz-dane-policy.service"
DANE_UNIT = f"/etc/systemd/system/{DANE}"
PROGRAM = ("mta_sts", "dane_policy")

_DOWN = "mail to other servers waits in the queue: TLS policies cannot be looked up"


class MtaSts(Component):
    """Policies of the destinations, on the loopback for Postfix."""

    name = "mta_sts"
    title = "MTA-STS (outgoing mail)"
    programs = (Program("mta-sts-daemon", "postfix-mta-sts-resolver"),)
    units = (
        UnitWords("postfix-mta-sts-resolver", _DOWN, work=(Work.MAIL,), checks=("mta_sts.",)),
        UnitWords("mailwiz-dane-policy", _DOWN, work=(Work.MAIL,), checks=("mta_sts.",)),
    )

    def wanted(self, context: Context) -> bool:
        """Servers that send mail to other mail servers themselves."""
        return applies(context)

    def mail_parts(self, context: Context) -> MailParts:
        """The tables of policies for Postfix."""
        if not applies(context):
            return MailParts()
        return MailParts(postfix=PostfixParts(main_cf=(MainCf(Section.OUTGOING_TLS, settings(context)),)))

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """Both programs, before Postfix, which cannot send without their answers."""
        newer = context.codename != "bookworm"
        settings = render(
            "mta_sts", "mta-sts-daemon.yml", port=str(layout.MTA_STS_PORT), release=_NEWER if newer else ""
        ).rstrip("\n")
        items: tuple[Item, ...] = (
            File(SETTINGS, f"{settings}\n"),
            Unit(RESOLVER, restart_on=(SETTINGS,)),
        )
        dane = dane_first(context)
        if dane:
            program = programs.module(*PROGRAM)
            launcher = programs.launcher(*PROGRAM, DANE.removesuffix(".service"))
            unit = render(
                "mta_sts",
                DANE,
                postfix=Release.of(context).unit,
                program=launcher.path,
                port=str(layout.DANE_POLICY_PORT),
                resolver=layout.RESOLVER,
            )
            items += (
                programs.folder("mta_sts"),
                program,
                launcher,
                File(DANE_UNIT, unit),
                Unit(DANE, restart_on=(program.path, launcher.path, DANE_UNIT)),
            )
        return Contribution(
            packages=Packages(names=("postfix-mta-sts-resolver", *(("python3-dnspython",) if dane else ()))),
            steps=(
                Step(
                    id="mta_sts",
                    title="Configure MTA-STS (outgoing mail)",
                    component=self.name,
                    items=items,
                ),
            ),
            ports=(
                Port(layout.MTA_STS_PORT, "mta-sts", Scope.LOCAL),
                *((Port(layout.DANE_POLICY_PORT, "dane-policy", Scope.LOCAL),) if dane else ()),
            ),
            probes=_probes(dane=dane),
        )


_NEWER = """\
  # Postfix 3.10 then compares the names of mail exchangers with the policy, not only their certificates.
  tlsrpt: true
"""


def _probes(*, dane: bool) -> tuple[Probe, ...]:
    waits = "mail to other servers waits in the queue until it does"
    found = [
        unit_active(RESOLVER, "the MTA-STS resolver runs"),
        listens(
            "mta_sts.listens", "the MTA-STS resolver answers on this host alone", layout.MTA_STS_PORT, RESOLVER
        ),
        _answers("mta_sts.answers", "the MTA-STS resolver answers Postfix", layout.MTA_STS_PORT, RESOLVER, waits),
    ]
    if dane:
        found += [
            unit_active(DANE, "the program that gives DANE precedence over MTA-STS runs"),
            _answers("mta_sts.dane", "DANE is looked up before MTA-STS", layout.DANE_POLICY_PORT, DANE, waits),
        ]
    return tuple(found)


def _answers(check_id: str, proves: str, port: int, unit: str, waits: str) -> Probe:
    """A lookup of an invalid name: the table answers "not found", and Postfix logs no complaint."""
    return Probe(
        id=check_id,
        proves=proves,
        argv=("postmap", "-q", "mailwiz.invalid", f"socketmap:inet:127.0.0.1:{port}:postfix"),
        refuse=POSTFIX_COMPLAINT,
        exit_code=1,
        advice=f"{waits}: journalctl -u {unit.removesuffix('.service')} -n 50",
    )

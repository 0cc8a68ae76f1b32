"""SRS: postsrsd, which gives forwarded mail an envelope sender of this server and decodes it in bounces.

Debian 12 and 13 both have postsrsd 1.10. All servers of a plan have the same secret, because bounces go to any MX:
a single server creates its own; with several, the account store creates it, and it is copied with the accounts.
"""

from __future__ import annotations

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Command, File, Packages, Port, Probe, Program, Scope, SecretSpec, Step, Unit
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.mail_parts import MailParts
from mailwiz_tui.stack.probes import listens, unit_active
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.srs.routing import postfix_parts, unwraps
from mailwiz_tui.stack.unit_words import UnitWords

UNIT = "postsrsd.service"
SETTINGS = "/etc/default/postsrsd"
SECRET_FILE = "/etc/postsrsd.secret"  # noqa: S105
"""The path from which Debian's AppArmor profile lets postsrsd read the secret."""
DROP_IN = f"/etc/systemd/system/{UNIT}.d/mailwiz.conf"
_ROUND_TRIP = (
    'there=$(postmap -q alice@srs.invalid "tcp:127.0.0.1:$0") && '
    'postmap -q "$there" "tcp:127.0.0.1:$1" && ! postmap -q "SRS0=AAAA$there" "tcp:127.0.0.1:$1"'
)
"""An address rewritten and decoded; one with a wrong hash is not found."""


class Srs(Component):
    """postsrsd on the loopback, for Postfix."""

    name = "srs"
    title = "postsrsd (forwarding)"
    programs = (Program("postsrsd", "postsrsd"),)
    units = (
        UnitWords(
            "postsrsd", "forwarded mail waits in the queue, and bounces of it are deferred", checks=("srs.",)
        ),
    )

    def wanted(self, context: Context) -> bool:
        """Servers that send forwarded mail or receive its bounces."""
        return unwraps(context)

    def mail_parts(self, context: Context) -> MailParts:
        """The configuration of forwarded mail in Postfix."""
        return MailParts(postfix=postfix_parts(context))

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """Its settings and secret, before Postfix, which uses it."""
        settings = render(
            "srs",
            "postsrsd",
            domain=context.plan.domain.primary_domain,
            secret=SECRET_FILE,
            forward=str(layout.SRS_FORWARD_PORT),
            reverse=str(layout.SRS_REVERSE_PORT),
        )
        copied = context.topology.accounts.copied
        secret = _copied() if copied else File(SECRET_FILE, "{{secret:srs}}\n", mode=0o600)
        reload = Command("srs.unit", argv=("systemctl", "daemon-reload"), inputs=(DROP_IN,))
        step = Step(
            id="srs",
            title="Configure postsrsd (forwarding)",
            component=self.name,
            items=(
                File(SETTINGS, settings),
                secret,
                *((reload,) if copied else ()),
                Unit(UNIT, restart_on=(SETTINGS, secret.path)),
            ),
        )
        return Contribution(
            packages=Packages(names=("postsrsd",)),
            secrets=() if copied else (SecretSpec("srs"),),
            steps=(step,),
            ports=(
                Port(layout.SRS_FORWARD_PORT, "srs-forward", Scope.LOCAL),
                Port(layout.SRS_REVERSE_PORT, "srs-reverse", Scope.LOCAL),
            ),
            probes=_probes(context),
        )


def _copied() -> File:
    """The drop-in that copies the common secret to the path that postsrsd may read."""
    text = render("srs", "postsrsd.service.conf", copy=layout.SRS_SECRET_COPY, secret=SECRET_FILE)
    return File(DROP_IN, text)


def _probes(context: Context) -> tuple[Probe, ...]:
    return (
        unit_active(UNIT, "postsrsd (forwarding) runs"),
        listens("srs.forward", "postsrsd listens on this server alone", layout.SRS_FORWARD_PORT, UNIT),
        Probe(
            id="srs.round-trip",
            proves=f"postsrsd rewrites senders to {context.plan.domain.primary_domain} and decodes them",
            argv=("sh", "-c", _ROUND_TRIP, str(layout.SRS_FORWARD_PORT), str(layout.SRS_REVERSE_PORT)),
            expect=r"(?m)^alice@srs\.invalid$",
            advice="forwarded mail waits in the queue until postsrsd answers: journalctl -u postsrsd -n 50",
        ),
    )

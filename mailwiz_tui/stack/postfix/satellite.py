"""Postfix on a server without SMTP: its own mail goes to the relays for outgoing mail."""

from __future__ import annotations

import re

from mailwiz_tui.stack import layout, limits
from mailwiz_tui.stack.blueprint import Ask, File, Packages, Ready, Step
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.postfix.component import DIR, OWN, Postfix, validators
from mailwiz_tui.stack.postfix.peers import IDENTITY, hops, peer_policy
from mailwiz_tui.stack.postfix.release import Release
from mailwiz_tui.stack.postfix.services import inlet_ports
from mailwiz_tui.stack.private_link import after_network
from mailwiz_tui.stack.probes import clean_check, unit_active
from mailwiz_tui.stack.render import render


class Satellite(Component):
    """Vacation answers, forwarded mail, cron reports: through the relays for outgoing mail."""

    name = "satellite"
    title = "Postfix (local reports)"
    programs = Postfix.programs

    def wanted(self, context: Context) -> bool:
        """Servers on which Postfix has no other work."""
        return not Postfix().wanted(context)

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """It listens on no port; programs submit mail with sendmail(1)."""
        release = Release.of(context)
        domains = "|".join(re.escape(name) for name in context.plan.mailbox_domains())
        primary = context.plan.domain.primary_domain
        main = render(
            "postfix",
            "satellite-main.cf",
            release=release,
            hostname=context.hostname,
            domain=primary,
            message_size=limits.message_size(context.plan),
            hops=hops(context),
        )
        policy, drop_in = peer_policy(context), after_network(context, release.unit)
        step = Step(
            id="satellite",
            title="Configure Postfix (local reports)",
            component=self.name,
            items=(
                File(f"{DIR}/main.cf", main, append=OWN),
                File(
                    f"{DIR}/master.cf",
                    render("postfix", "satellite-master.cf", inlets=context.mail.postfix.inlets, peers=IDENTITY),
                ),
                File(
                    f"{DIR}/mailwiz-local",
                    render(
                        "postfix",
                        "mailwiz-local",
                        host=re.escape(context.hostname),
                        domain=domains,
                        primary=primary,
                    ),
                ),
                policy,
                drop_in,
                *release.units(
                    restart_on=(f"{DIR}/main.cf", f"{DIR}/master.cf"),
                    reload_on=(policy.path, f"{DIR}/mailwiz-local", layout.INTERNAL_PEERS),
                ),
                Ready("Postfix (mail of the server itself)", release.unit, Ask.COMMAND, argv=("postfix", "status")),
            ),
            validators=validators(),
        )
        return Contribution(
            packages=Packages(
                names=("postfix",), debconf=("postfix postfix/main_mailer_type select No configuration",)
            ),
            steps=(step,),
            ports=inlet_ports(context),
            probes=(
                unit_active(release.unit, "Postfix (mail of the server itself) runs"),
                clean_check("postfix.config", "Postfix accepts its configuration", ("postfix", "check")),
            ),
        )

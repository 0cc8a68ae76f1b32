"""The rate limiter: a small milter that limits the recipients of one account, on servers without Rspamd.

Debian's policy servers (postfwd, policyd) count envelopes; none keeps a leaky bucket over a restart. This one does,
defers mail when it fails like every milter here, and needs only python3-milter.
"""

from __future__ import annotations

import dataclasses
import json

from mailwiz_tui.plan.model import Antispam
from mailwiz_tui.stack import layout, limits
from mailwiz_tui.stack.blueprint import Ask, Directory, File, Packages, Port, Scope, Step, Unit, User
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.mail_parts import MailParts, Milter, Stage, Stream, asked
from mailwiz_tui.stack.probes import listens, unit_active
from mailwiz_tui.stack.programs import folder, launcher, module
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.unit_words import UnitWords, Work

MILTER = Milter("guard", "mailwiz-guard.service", layout.RATE_LIMITER_PORT)
USER = "mailwiz-guard"
FOLDER = f"{layout.CONF_DIR}/guard"
SETTINGS = f"{FOLDER}/settings.json"
OWN = f"{layout.CONF_DIR}/local.d/guard.json"
SERVICE = f"/etc/systemd/system/{MILTER.unit}"


class RateLimiter(Component):
    """Rate limits of users."""

    name = "guard"
    title = "rate limiter"
    units = (
        UnitWords(
            "mailwiz-guard",
            "submission is refused: the rate limiter is down",
            "guard",
            work=(Work.MAIL,),
            checks=("guard.",),
        ),
    )

    def wanted(self, context: Context) -> bool:
        """Servers on which the spam filter has no rate limits."""
        return context.plan.services.antispam is not Antispam.RSPAMD and context.topology.serves_clients

    def mail_parts(self, context: Context) -> MailParts:
        """A milter for users' mail, on this server."""
        return MailParts((asked(MILTER, Stage.LIMITS, Stream.SUBMITTED),)) if self.wanted(context) else MailParts()

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """The program, its settings, and its unit."""
        settings = {
            "managed": "Managed by mailwiz-tui: the next apply writes this file again.",
            "own": f"Own settings: the same keys in {OWN}; then systemctl restart {MILTER.unit}.",
            "socket": MILTER.socket,
            "state": "/var/lib/mailwiz-guard/levels.sqlite",
            "limits": [dataclasses.astuple(limit) for limit in limits.sending(context.plan)],
        }
        program = launcher("rate_limiter", "rate_limiter", "mailwiz-guard")
        files = (
            module("rate_limiter", "rate_limiter"),
            program,
            File(SETTINGS, json.dumps(settings, indent=2) + "\n"),
            File(
                SERVICE,
                render("rate_limiter", "mailwiz-guard.service", program=program.path, settings=SETTINGS, own=OWN),
            ),
        )
        step = Step(
            id="guard",
            title="Configure the rate limiter",
            component=self.name,
            items=(
                User(USER, home="/var/lib/mailwiz-guard"),
                Directory(FOLDER),
                folder("rate_limiter"),
                *files,
                Unit(MILTER.unit, restart_on=tuple(file.path for file in files)),
            ),
            validators=(("python3", "-m", "json.tool", SETTINGS),),
        )
        return Contribution(
            packages=Packages(names=("python3-milter",)),
            steps=(step,),
            ports=(Port(MILTER.port, "guard-milter", Scope.LOCAL, ask=Ask.MILTER),),
            probes=(
                unit_active(MILTER.unit, "the rate limiter runs"),
                listens("guard.milter", "the rate limiter listens on this server alone", MILTER.port, MILTER.unit),
            ),
        )

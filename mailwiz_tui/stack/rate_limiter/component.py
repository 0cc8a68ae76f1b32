"""The rate limiter: a small milter that limits the recipients of one account, on servers without Rspamd.

Debian's policy servers (postfwd, policyd) count envelopes; none keeps a leaky bucket over a restart. This one does,
defers mail when it fails like every milter here, and needs only python3-milter.
"""

from __future__ import annotations

import dataclasses
import json

from mailwiz_tui.plan.model import Antispam
from mailwiz_tui.stack import layout, limits
from mailwiz_tui.stack.blueprint import Ask, Command, Directory, File, Packages, Port, Scope, Step, Unit, User
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.mail_parts import MailParts, Milter, Stage, Stream, asked
from mailwiz_tui.stack.probes import listens, unit_active
from mailwiz_tui.stack.programs import folder, launcher, module
from mailwiz_tui.stack.rate_limiter import take_over
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.unit_words import UnitWords, Work

NAME = take_over.NAME
MILTER = Milter("rate-limiter", f"{NAME}.service", layout.RATE_LIMITER_PORT)
USER = NAME
STATE = f"/var/lib/{NAME}"
FOLDER = f"{layout.CONF_DIR}/rate-limiter"
SETTINGS = f"{FOLDER}/settings.json"
OWN = f"{layout.CONF_DIR}/local.d/rate-limiter.json"
SERVICE = f"/etc/systemd/system/{MILTER.unit}"
TAKEN_OVER = (
    f"[ -e {STATE}/{take_over.LEVELS} ] || [ ! -e /var/lib/{take_over.FORMER}/{take_over.LEVELS} ] || exit 1; "
    f"[ ! -e {layout.CONF_DIR}/local.d/guard.json ] && "
    f"! find /etc/systemd/system/{take_over.FORMER}.service.d -name '*.conf' ! -name 'mailwiz-*' 2>/dev/null"
    " | grep -q ."
)
"""Whether nothing is left to do for ``take_over.py``."""


class RateLimiter(Component):
    """Rate limits of users."""

    name = "rate_limiter"
    title = "rate limiter"
    units = (
        UnitWords(
            NAME,
            "submission is refused: the rate limiter is down",
            "limiter",
            work=(Work.MAIL,),
            checks=("rate-limiter.",),
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
            "state": f"{STATE}/{take_over.LEVELS}",
            "limits": [dataclasses.astuple(limit) for limit in limits.sending(context.plan)],
        }
        program = launcher("rate_limiter", "rate_limiter", NAME)
        take_over_program = launcher("rate_limiter", "take_over", "mailwiz-limiter-take-over")
        files = (
            module("rate_limiter", "rate_limiter"),
            program,
            File(SETTINGS, json.dumps(settings, indent=2) + "\n"),
            File(
                SERVICE,
                render(
                    "rate_limiter",
                    "mailwiz-rate-limiter.service",
                    name=NAME,
                    program=program.path,
                    settings=SETTINGS,
                    own=OWN,
                ),
            ),
        )
        step = Step(
            id="rate_limiter",
            title="Configure the rate limiter",
            component=self.name,
            items=(
                User(USER, home=STATE),
                Directory(STATE, USER, USER, 0o700),
                Directory(FOLDER),
                folder("rate_limiter"),
                *files,
                module("rate_limiter", "take_over"),
                take_over_program,
                Command("rate_limiter.take_over", (take_over_program.path,), unless=("sh", "-c", TAKEN_OVER)),
                Unit(MILTER.unit, restart_on=tuple(file.path for file in files)),
            ),
            validators=(("python3", "-m", "json.tool", SETTINGS),),
        )
        return Contribution(
            packages=Packages(names=("python3-milter",)),
            steps=(step,),
            ports=(Port(MILTER.port, "rate-limiter", Scope.LOCAL, ask=Ask.MILTER),),
            probes=(
                unit_active(MILTER.unit, "the rate limiter runs"),
                listens(
                    "rate-limiter.milter", "the rate limiter listens on this server alone", MILTER.port, MILTER.unit
                ),
            ),
        )

"""Recipient checks: a policy service for RCPT TO, on servers that receive mail or serve submission.

Dovecot's quota-status knows mailboxes by their own names alone, so mail for an alias of a full mailbox was accepted
and then bounced to an envelope sender that may be forged. This program resolves addresses as Postfix does (aliases,
extensions, catch-alls, alias domains), on one server or several. It also prevents bounces to foreign senders.
"""

from __future__ import annotations

import json

from mailwiz_tui.plan.localparts import PATTERN
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.accounts.readers import reader_files, reader_groups, reader_packages, reader_settings
from mailwiz_tui.stack.blueprint import Directory, File, Packages, Port, Probe, Scope, Step, Unit, User
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.mail_parts import MailParts, PostfixParts
from mailwiz_tui.stack.probes import listens, unit_active
from mailwiz_tui.stack.programs import folder, launcher, module
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.unit_words import UnitWords, Work

UNIT = "mailwiz-recipient-checks.service"
ASKED = (
    f"check_policy_service {{ inet:127.0.0.1:{layout.RECIPIENT_CHECKS_PORT},\n"
    "        { default_action = 451 4.3.0 The recipient cannot be looked up now } }"
)
"""Without an answer mail is deferred: otherwise it might have to be bounced later."""
FOLDER = f"{layout.CONF_DIR}/recipient-checks"
SETTINGS = f"{FOLDER}/settings.json"
OWN = f"{layout.CONF_DIR}/local.d/recipient-checks.json"
SERVICE = f"/etc/systemd/system/{UNIT}"
GRACE = 10 * 1024 * 1024
"""Bytes by which one message may exceed a quota in Dovecot (``quota_storage_grace = 10M``)."""
HOST_NAMES = (
    "root",
    "nobody",
    "daemon",
    "mail",
    "www-data",
    "_apt",
    "vmail",
    "_rspamd",
    "redis",
    "mysql",
    "unbound",
    "postfix",
    "dovecot",
    "dovenull",
    "postmaster",
    "abuse",
    "mailer-daemon",
)
"""Local parts that ``mailwiz-local`` delivers to the postmaster."""


class RecipientChecks(Component):
    """Decides at RCPT TO, and about recipients of bounces."""

    name = "recipient_checks"
    title = "recipient checks"
    units = (
        UnitWords(
            "mailwiz-recipient-checks",
            "mail is deferred: its recipients cannot be looked up",
            "recipients",
            work=(Work.MAIL,),
            checks=("recipient_checks.",),
        ),
    )

    def wanted(self, context: Context) -> bool:
        """Servers that receive mail or serve submission."""
        return context.topology.transfers

    def mail_parts(self, context: Context) -> MailParts:
        """The checks of each recipient, at port 25 and in submission, and the recipients of bounces."""
        if not self.wanted(context):
            return MailParts()
        return MailParts(postfix=PostfixParts(recipient_services=(ASKED,), bounce_recipients=(layout.BOUNCES,)))

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """The program, its settings, and its unit."""
        settings = {
            "managed": "Managed by mailwiz-tui: the next apply writes this file again.",
            "own": f"Own settings: the same keys in {OWN}; then systemctl restart {UNIT}.",
            "recipients_port": layout.RECIPIENT_CHECKS_PORT,
            "bounces_port": layout.BOUNCES_PORT,
            "accounts": reader_settings(context, layout.RECIPIENT_CHECKS_USER),
            "local_part": PATTERN,
            "host_names": HOST_NAMES,
            "postmaster": f"postmaster@{context.plan.domain.primary_domain}",
            "grace": GRACE,
        }
        program = launcher("recipient_checks", "service", UNIT.removesuffix(".service"))
        programs = tuple(module("recipient_checks", name) for name in ("decision", "service"))
        shared = (*reader_files(), module("message_checks", "sender_owners"))
        service = render(
            "recipient_checks",
            UNIT,
            user=layout.RECIPIENT_CHECKS_USER,
            program=program.path,
            settings=SETTINGS,
            own=OWN,
        )
        files = (
            program,
            *programs,
            File(SETTINGS, json.dumps(settings, indent=2) + "\n"),
            File(SERVICE, service),
        )
        step = Step(
            id="recipient_checks",
            title="Configure the recipient checks",
            component=self.name,
            items=(
                User(layout.RECIPIENT_CHECKS_USER, groups=reader_groups(context)),
                folder("recipient_checks"),
                Directory(FOLDER),
                *files,
                # the sender checks, which come before and are on the same servers, have the modules of both
                Unit(UNIT, restart_on=tuple(item.path for item in (*files, *shared) if isinstance(item, File))),
            ),
            validators=(("python3", "-m", "json.tool", SETTINGS),),
        )
        ports = {"recipient-checks": layout.RECIPIENT_CHECKS_PORT, "bounces": layout.BOUNCES_PORT}
        return Contribution(
            packages=Packages(names=("python3", *reader_packages(context))),
            steps=(step,),
            ports=tuple(Port(number, name, Scope.LOCAL) for name, number in ports.items()),
            probes=(
                unit_active(UNIT, "the recipient checks run"),
                listens(
                    "recipient_checks.policy",
                    "the recipient checks listen on this server alone",
                    layout.RECIPIENT_CHECKS_PORT,
                    UNIT,
                ),
                Probe(
                    id="recipient_checks.bounces",
                    proves="bounces of mail from outside go to the postmaster, not to a sender that may be forged",
                    argv=("postmap", "-q", "anybody@outside.invalid", layout.BOUNCES),
                    expect=rf"(?m)^postmaster@{context.plan.domain.primary_domain}$".replace(".", "[.]"),
                    advice=f"journalctl -u {UNIT.removesuffix('.service')} -u mariadb -n 50",
                ),
            ),
        )

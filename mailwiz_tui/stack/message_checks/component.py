"""Sender checks: the first milter on every server that receives mail or serves submission.

No filter compares From with the addresses of a login: Rspamd compares it with the envelope, OpenDKIM with nothing,
and Postfix (reject_sender_login_mismatch) knows the envelope alone. Each of them has its own parser, too. So one
program decides for all, and tells the spam filter whether From is of a domain of this server.
"""

from __future__ import annotations

import json

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.accounts.readers import reader_files, reader_groups, reader_packages, reader_settings
from mailwiz_tui.stack.blueprint import Ask, Directory, File, Packages, Port, Probe, Scope, Step, Unit, User
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.mail_parts import MailParts, Milter, PostfixParts, Stage, Stream, asked
from mailwiz_tui.stack.probes import POSTFIX_COMPLAINT, listens, unit_active
from mailwiz_tui.stack.programs import folder, launcher, module
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.unit_words import UnitWords, Work

MILTER = Milter("message-checks", "mailwiz-message-checks.service", layout.MESSAGE_CHECKS_PORT)
FOLDER = f"{layout.CONF_DIR}/message-checks"
SETTINGS = f"{FOLDER}/settings.json"
OWN = f"{layout.CONF_DIR}/local.d/message-checks.json"
SERVICE = f"/etc/systemd/system/{MILTER.unit}"
MODULES = ("from_header", "line_length", "policy", "sender_owners", "milter", "sieve_mail")


class MessageChecks(Component):
    """Checks From by login, and on stores the mail of users' filters."""

    name = "message_checks"
    title = "sender checks"
    units = (
        UnitWords(
            "mailwiz-message-checks",
            "mail is deferred: the addresses in From cannot be checked",
            "checks",
            work=(Work.MAIL,),
            checks=("message_checks.",),
        ),
    )

    def wanted(self, context: Context) -> bool:
        """Servers that receive mail or serve submission, and those that run users' filters."""
        return context.topology.transfers or context.topology.mailboxes.here

    def mail_parts(self, context: Context) -> MailParts:
        """The first milter; not for mail of the host itself or of other servers, which was checked before."""
        if not context.topology.transfers:
            return MailParts()
        owners = (layout.SENDER_OWNERS,) if context.topology.serves_clients else ()
        asks = (asked(MILTER, Stage.NAMES, Stream.INCOMING, Stream.SUBMITTED),)
        return MailParts(asks, postfix=PostfixParts(sender_owners=owners))

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """The program, its settings, and its unit."""
        settings = {
            "managed": "Managed by mailwiz-tui: the next apply writes this file again.",
            "own": f"Own settings: the same keys in {OWN}; then systemctl restart {MILTER.unit}.",
            "socket": MILTER.socket,
            "owners_port": layout.SENDER_OWNERS_PORT,
            "accounts": reader_settings(context, layout.MESSAGE_CHECKS_USER),
            "domains": context.plan.all_domains(),
            "allow_foreign_from": context.plan.security.allow_foreign_from,
        }
        program = launcher("message_checks", "milter", MILTER.unit.removesuffix(".service"))
        service = render(
            "message_checks",
            "mailwiz-message-checks.service",
            user=layout.MESSAGE_CHECKS_USER,
            program=program.path,
            settings=SETTINGS,
            own=OWN,
        )
        programs = (
            *reader_files(),
            folder("message_checks"),
            *(module("message_checks", name) for name in MODULES),
        )
        files = (
            program,
            launcher("message_checks", "sieve_mail", layout.SIEVE_MAIL.rpartition("/")[2]),
            *(item for item in programs if isinstance(item, File)),
            File(SETTINGS, json.dumps(settings, indent=2) + "\n"),
            File(SERVICE, service),
        )
        step = Step(
            id="message_checks",
            title="Configure the sender checks",
            component=self.name,
            items=(
                User(layout.MESSAGE_CHECKS_USER, groups=reader_groups(context)),
                *(item for item in programs if isinstance(item, Directory)),
                Directory(FOLDER),
                *files,
                Unit(MILTER.unit, restart_on=tuple(file.path for file in files)),
            ),
            validators=(("python3", "-m", "json.tool", SETTINGS),),
        )
        return Contribution(
            packages=Packages(names=("python3-milter", *reader_packages(context))),
            steps=(step,),
            ports=(
                Port(MILTER.port, "message-checks", Scope.LOCAL, ask=Ask.MILTER),
                Port(layout.SENDER_OWNERS_PORT, "sender-owners", Scope.LOCAL),
            ),
            probes=(
                unit_active(MILTER.unit, "the sender checks (mailwiz-message-checks) run"),
                listens(
                    "message_checks.milter",
                    "the sender checks listen on this server alone",
                    MILTER.port,
                    MILTER.unit,
                ),
                _owners(context),
            ),
        )


def _owners(context: Context) -> Probe:
    """A lookup that needs the accounts; "not found" is a valid answer."""
    nobody = f"nobody-owns-this@{context.plan.domain.primary_domain}"
    return Probe(
        id="message_checks.owners",
        proves="Postfix can look up the logins that own a sender address",
        argv=("sh", "-c", f"postmap -q {nobody} {layout.SENDER_OWNERS}; [ $? -le 1 ] && echo asked"),
        expect=r"(?m)^asked$",
        refuse=POSTFIX_COMPLAINT,
        advice=f"journalctl -u {MILTER.unit.removesuffix('.service')} -u mariadb -n 50",
    )

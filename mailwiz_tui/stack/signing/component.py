"""The domains that are signed with DKIM, kept up to date with the accounts.

Rspamd and OpenDKIM have a list of the domains that they sign. With those of the plan alone, mail of a domain that
was added in PostfixAdmin would be sent unsigned until the next ``apply``, without any notice.
"""

from __future__ import annotations

import json

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.accounts.readers import reader_files, reader_groups, reader_packages, reader_settings
from mailwiz_tui.stack.blueprint import Command, Directory, File, Item, Packages, Probe, Step, Unit, User
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.opendkim.milter import MILTER as OPENDKIM
from mailwiz_tui.stack.opendkim.milter import runs as opendkim_runs
from mailwiz_tui.stack.programs import folder, launcher, module
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.signing.signing_domains import DOMAINS, KEY_NAME, SELECTORS, SENDERS
from mailwiz_tui.stack.unit_words import UnitWords

PLACE = "/var/lib/mailwiz-signing"
SELECTORS_FILE = f"{PLACE}/{SELECTORS}"
SENDERS_FILE = f"{PLACE}/{SENDERS}"
SETTINGS = f"{layout.CONF_DIR}/signing.json"
SERVICE = "mailwiz-signing.service"
RELOAD_PATH, RELOAD = "mailwiz-signing-reload.path", "mailwiz-signing-reload.service"
UNITS = "/etc/systemd/system"
PROGRAM = f"{layout.LIB_DIR}/mailwiz-signing"
SECONDS = 5
"""Seconds that a new domain stays unsigned at most, besides the time that the signer needs to notice."""

_DOWN = "mail of domains that are added in PostfixAdmin is sent unsigned"


class SigningTables(Component):
    """The first tables, with the plan's domains; the signers read them from their start on."""

    name = "signing"
    title = "signing of new domains"

    def wanted(self, context: Context) -> bool:
        """Servers that sign mail."""
        return context.topology.signs

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """The tables, written as the user that updates them."""
        names = " ".join(context.plan.mailbox_domains())
        selector = context.plan.dkim_selector(context.server_id)
        lines = f'"$d" "$d {selector}" "*@$d {KEY_NAME}"'
        each = f"cd {PLACE} && for d in {names}; do set -- {lines}; for t in {DOMAINS} {SELECTORS} {SENDERS}; do"
        lacks = 'grep -qsxF -e "$1" $t'
        step = Step(
            id="signing",
            title="List the domains to sign for",
            component=self.name,
            items=(
                User(layout.SIGNING_USER),
                Directory(PLACE, layout.SIGNING_USER, layout.SIGNING_USER),
                Command(
                    id="signing.seed",
                    argv=_as_user(f'umask 022; {each} {lacks} || echo "$1" >> $t; shift; done; done'),
                    unless=_as_user(f"{each} {lacks} || exit 1; shift; done; done"),
                ),
            ),
        )
        return Contribution(steps=(step,))


class SigningDomains(Component):
    """The service that updates the tables, when the accounts can be read."""

    name = "signing-domains"
    title = "signing of new domains"
    units = (
        UnitWords("mailwiz-signing", _DOWN),
        UnitWords("mailwiz-signing-reload.path", _DOWN),
    )

    def wanted(self, context: Context) -> bool:
        """Servers that sign mail."""
        return context.topology.signs

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """A service; for OpenDKIM also a reload when the tables change."""
        settings = {
            "managed": "Managed by mailwiz-tui: the next apply writes this file again.",
            "accounts": reader_settings(context, layout.SIGNING_USER),
            "planned": context.plan.mailbox_domains(),
            "selector": context.plan.dkim_selector(context.server_id),
            "folder": PLACE,
            "seconds": SECONDS,
        }
        files = (
            module("signing", "signing_domains"),
            launcher("signing", "signing_domains", "mailwiz-signing"),
            File(SETTINGS, json.dumps(settings, indent=2) + "\n"),
        )
        service = render(
            "signing",
            SERVICE,
            program=PROGRAM,
            settings=SETTINGS,
            place=PLACE,
        )
        # the modules that read accounts exist already: servers that sign have the sender checks too
        read = [item.path for item in (*reader_files(), *files) if isinstance(item, File)]
        read.append(f"{UNITS}/{SERVICE}")
        items: list[Item] = [
            User(layout.SIGNING_USER, groups=reader_groups(context)),
            folder("signing"),
            *files,
            File(f"{UNITS}/{SERVICE}", service),
        ]
        if opendkim_runs(context):
            items += [
                File(f"{UNITS}/{RELOAD}", render("signing", RELOAD, unit=OPENDKIM.unit)),
                File(f"{UNITS}/{RELOAD_PATH}", render("signing", RELOAD_PATH, table=SENDERS_FILE)),
                Unit(RELOAD_PATH, restart_on=(f"{UNITS}/{RELOAD}", f"{UNITS}/{RELOAD_PATH}")),
            ]
        items.append(Unit(SERVICE, restart_on=tuple(read)))
        step = Step(
            id="signing-domains",
            title="Configure signing of new domains",
            component=self.name,
            items=tuple(items),
        )
        return Contribution(
            packages=Packages(names=reader_packages(context)),
            steps=(step,),
            probes=(
                Probe(
                    id="signing.domains",
                    proves="mail of every mailbox domain of the accounts is signed (DKIM)",
                    argv=("runuser", "-u", layout.SIGNING_USER, "--", PROGRAM, SETTINGS, "--check"),
                    expect="all signed",
                    advice="their mail is sent unsigned; to see why: journalctl -u mailwiz-signing -n 20",
                ),
            ),
        )


def _as_user(script: str) -> tuple[str, ...]:
    return ("runuser", "-u", layout.SIGNING_USER, "--", "sh", "-c", script)

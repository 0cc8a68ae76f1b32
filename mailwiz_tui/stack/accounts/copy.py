"""The copy of the accounts on servers that must work while the account store is down."""

from __future__ import annotations

import json

from mailwiz_tui.stack import layout, limits
from mailwiz_tui.stack.accounts.account_copy import FOLDER, SETTINGS
from mailwiz_tui.stack.accounts.common_secrets import copied_secrets, copies
from mailwiz_tui.stack.accounts.readers import GROUP
from mailwiz_tui.stack.accounts.store import USER
from mailwiz_tui.stack.blueprint import Command, Directory, File, Packages, Probe, Step, Unit, User, Wait
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.postfix.release import Release
from mailwiz_tui.stack.private_link import network_unit
from mailwiz_tui.stack.programs import folder, launcher, module
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.unit_words import UnitWords

PROGRAM = f"{layout.LIB_DIR}/account-copy"
MODULES = ("account_copy", "copy_settings", "copy_query", "copy_tables", "copy_files")
UNITS = "/etc/systemd/system"
SERVICE = "mailwiz-accounts.service"
TIMER = "mailwiz-accounts.timer"
OWN_SENDER_REPLY = "553 5.7.1 Senders of this domain log in at port 465 or 587"
OLDEST = 300
"""The age in seconds from which the copy counts as stale."""


class AccountCopy(Component):
    """The program account-copy and its timer; before Postfix and Dovecot, which read its files."""

    name = "accounts"
    title = "account copies"
    units = (UnitWords("mailwiz-accounts.timer", "changes of the accounts do not reach this server"),)

    def wanted(self, context: Context) -> bool:
        """Servers that receive mail or serve clients, and stores without MariaDB."""
        return context.topology.accounts.copied

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """The run waits for the first copy: without one, mail for existing addresses would be rejected."""
        drop_ins = tuple(
            File(
                f"{UNITS}/{unit}.d/mailwiz-accounts.conf",
                render("accounts", "before-mail.conf", unit=unit),
            )
            for unit in _mail_units(context)
        )
        service = render("accounts", SERVICE, network=network_unit(context), program=PROGRAM, place=FOLDER)
        program = (
            *(module("accounts", name) for name in MODULES),
            launcher("accounts", "account_copy", "account-copy"),
        )
        logins = context.topology.logins_copied
        step = Step(
            id="accounts",
            title="Copy the accounts",
            component=self.name,
            items=(
                Directory(FOLDER),
                *(User(group) for group in (GROUP, *(s.group for s in copied_secrets(context) if s.group))),
                *((Directory(f"{FOLDER}/postfix", "root", "postfix", 0o750),) if _maps(context) else ()),
                *((Directory(f"{FOLDER}/dovecot", "root", "dovecot", 0o750),) if logins else ()),
                File(SETTINGS, settings(context)),
                folder("accounts"),
                *program,
                File(f"{UNITS}/{SERVICE}", service),
                File(f"{UNITS}/{TIMER}", render("accounts", TIMER)),
                *drop_ins,
                Command(
                    id="accounts.units",
                    argv=("systemctl", "daemon-reload"),
                    inputs=(f"{UNITS}/{SERVICE}", *(file.path for file in drop_ins)),
                ),
                Wait("accounts database", context.topology.accounts.store, (PROGRAM, "--complete")),
                Unit(TIMER, restart_on=(f"{UNITS}/{TIMER}",)),
            ),
        )
        return Contribution(
            packages=Packages(names=("mariadb-client",)),
            steps=(step,),
            probes=(
                Probe(
                    id="accounts.copy",
                    proves="the copy of the accounts is up to date",
                    argv=("sh", "-c", f'[ "$({PROGRAM} --age)" -lt {OLDEST} ] && echo fresh'),
                    expect="fresh",
                    advice="mail works with the last copy; to see why: journalctl -u mailwiz-accounts -n 20",
                ),
            ),
        )


def _maps(context: Context) -> tuple[str, ...]:
    """Postfix's tables on this server."""
    common = ("aliases", "domains", "mailboxes", "transport")
    if not context.topology.transfers:
        return ()
    return (*common, *(("own-senders",) if context.topology.receives else ()))


def _tells_usage(context: Context) -> bool:
    """Whether this server has mailboxes but not MariaDB, which stores how full they are."""
    return context.topology.mailboxes.here and not context.topology.accounts.database_here


def settings(context: Context) -> str:
    """The settings of account-copy."""
    store, mailboxes = context.topology.accounts.store, context.topology.mailboxes
    here = context.topology.accounts.database_here and not mailboxes.moves
    old = context.codename == "bookworm"
    value = {
        "managed": "Managed by mailwiz-tui: the next apply writes this file again.",
        "database": {"socket": layout.MYSQL_SOCKET, "name": layout.DATABASE}
        if here
        else {
            "host": context.store_name(store) if store else "",
            "port": layout.DATABASE_PORT,
            "user": USER,
            "name": layout.DATABASE,
            "ca": layout.INTERNAL_PEERS,
            "certificate": layout.INTERNAL_CERT,
            "key": layout.INTERNAL_KEY,
        },
        "passwords": context.topology.logins_copied,
        "maps": _maps(context),
        "directory_group": GROUP,
        "logins": context.topology.logins_copied,
        "front": context.topology.serves_clients,
        "own_store": (store if mailboxes.moves else context.server_id) if mailboxes.here else "",
        "first_store": store,
        "stores": {
            s.id: {"address": context.store_ip(s.id), "name": context.store_name(s.id)} for s in mailboxes.stores
        },
        "lmtp_port": layout.LMTP_PORT,
        "usage_file": f"{context.plan.storage.path}/%s/{layout.USAGE_FILE}" if _tells_usage(context) else "",
        "quota_field": "userdb_quota_rule=*:bytes=BYTES" if old else "userdb_quota_storage_size=BYTESB",
        "mailbox_quota": limits.mailbox_quota(context.plan),
        "own_sender_reply": OWN_SENDER_REPLY,
        "secrets": copies(context),
    }
    return json.dumps(value, indent=2) + "\n"


def _mail_units(context: Context) -> tuple[str, ...]:
    """The units that start after an update of the copy at boot."""
    units = []
    if _maps(context):
        units.append(Release.of(context).unit)
    if context.topology.logins_copied:
        units.append("dovecot.service")
    return tuple(units)

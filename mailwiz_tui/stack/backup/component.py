"""Backup with restic: the files, the target, the timer, and the checks."""

from __future__ import annotations

import json

from mailwiz_tui.plan.model import StorageType
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.accounts.copy import PROGRAM as COPY_PROGRAM
from mailwiz_tui.stack.blueprint import Command, Directory, File, Packages, Probe, SecretSpec, Step, Unit
from mailwiz_tui.stack.bucket import FOLDERS, bucket
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.objectstore.component import CONFIG as BUCKET_CONFIG
from mailwiz_tui.stack.programs import folder, launcher, module
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.unit_words import UnitWords

FOLDER = f"{layout.CONF_DIR}/backup"
SETTINGS = f"{FOLDER}/backup.json"
KEY = f"{FOLDER}/key"
S3_CREDENTIALS = f"{FOLDER}/s3-credentials"
PROGRAM = f"{layout.LIB_DIR}/mailwiz-backup"
MODULES = (
    "backup_program",
    "backup_settings",
    "old_mail",
    "reports",
    "repository",
    "restore",
    "restored_accounts",
    "restored_mail",
    "restored_sdbox",
)
COPY_ROWS = f"{layout.ACCOUNT_COPY}/rows.json"
PROGRESS = "/run/mailwiz-backup.jsonl"
UNITS = "/etc/systemd/system"
TIMER = "mailwiz-backup.timer"
MAILDIR_REBUILT = ("dovecot.index", "dovecot.index.*", "dovecot.list.index*", "dovecot-uidlist.lock")
"""Files that Dovecot creates again from a Maildir; in its other formats indexes are part of the mail."""


class Backup(Component):
    """A daily copy of accounts, mail and own configuration; after the components whose files it copies."""

    name = "backup"
    title = "restic (backup)"
    on_volume = True
    units = (UnitWords("mailwiz-backup.timer", "no backup is made"),)
    telling_packages = ("restic",)

    def wanted(self, context: Context) -> bool:
        """Servers with mailboxes."""
        return context.topology.mailboxes.here

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """With a target the daily timer; without one it is switched off, and existing backups stay."""
        backup = context.plan.backup
        if not backup.target:
            off = Step("backup", "Keep the backup off", self.name, (Unit(TIMER, running=False, enabled=False),))
            return Contribution(steps=(off,))
        remote = backup.target.startswith("s3:")
        files = [
            *(module("backup", name) for name in MODULES),
            launcher("backup", "backup_program", "mailwiz-backup"),
            File(SETTINGS, self._settings(context, so_far)),
            File(KEY, "{{secret:backup-key}}\n", mode=0o600),
            *([File(S3_CREDENTIALS, _credentials(backup.s3_access_key), mode=0o600)] if remote else []),
            File(
                f"{UNITS}/mailwiz-backup.service",
                render(
                    "backup",
                    "mailwiz-backup.service",
                    program=PROGRAM,
                    progress=PROGRESS,
                    mail=context.plan.storage.path,
                    old_mail=context.plan.storage.type is StorageType.S3,
                ),
            ),
            File(f"{UNITS}/{TIMER}", render("backup", TIMER)),
        ]
        step = Step(
            id="backup",
            title="Configure restic (backup)",
            component=self.name,
            items=(
                Directory(FOLDER, mode=0o700),
                folder("backup"),
                *files,
                Command(
                    id="backup.repository",
                    argv=(PROGRAM, "init"),
                    inputs=tuple(item.path for item in files if item.path in (SETTINGS, S3_CREDENTIALS)),
                ),
                Unit(TIMER, restart_on=(f"{UNITS}/{TIMER}",)),
            ),
            optional=True,
        )
        given = SecretSpec("backup-s3-key", given=f"secret half of the access key {backup.s3_access_key} (backup)")
        return Contribution(
            packages=Packages(names=("restic",)),
            secrets=(SecretSpec("backup-key"), *([given] if remote else [])),
            steps=(step,),
            probes=(
                Probe(
                    id="backup.timer",
                    proves="a backup runs every night",
                    argv=("systemctl", "is-active", "--", TIMER),
                    expect=r"(?m)^active$",
                    advice=f"systemctl enable --now {TIMER}",
                ),
                Probe(
                    id="backup.fresh",
                    proves="this server's key opens an undamaged backup of the last two days",
                    argv=(PROGRAM, "status"),
                    expect=r'"event": "done"',
                    advice="make one now: mailwiz-tui backup run PLAN; see why: journalctl -u mailwiz-backup -n 50",
                ),
            ),
        )

    @staticmethod
    def _settings(context: Context, so_far: tuple[Contribution, ...]) -> str:
        backup, storage = context.plan.backup, context.plan.storage
        maildir = storage.type is not StorageType.S3
        others = f"{layout.OBJECT_STORE_MOUNT}/{FOLDERS}"
        exclude = [f"{storage.path}/**/{name}" for name in MAILDIR_REBUILT] if maildir else [others]
        settings = {
            "managed": "Managed by mailwiz-tui: the next apply writes this file again.",
            "repository": repository(context),
            "key_file": KEY,
            "s3_credentials": S3_CREDENTIALS if backup.target.startswith("s3:") else "",
            "s3_region": backup.s3_region,
            "host": context.hostname,
            "store": context.server_id if context.topology.mailboxes.on_stores else "",
            "first_store": context.topology.accounts.store if context.topology.mailboxes.on_stores else "",
            "accounts_copy": {"program": COPY_PROGRAM, "rows": COPY_ROWS},
            "mail": storage.path,
            "format": "maildir" if maildir else "sdbox",
            "old_mail": "" if maildir else layout.OBJECT_STORE_MOUNT,
            "bucket": "" if maildir else bucket(context),
            "bucket_config": "" if maildir else BUCKET_CONFIG,
            "places": [storage.path, *([] if maildir else [layout.OBJECT_STORE_MOUNT])],
            "exclude": [*exclude, f"{storage.path}/.restore"],
            "kept": sorted({path for c in so_far for path in c.kept}),
            "databases": list(dict.fromkeys(name for c in so_far for name in c.databases)),
            "keep": {"daily": backup.keep_daily, "weekly": backup.keep_weekly, "monthly": backup.keep_monthly},
        }
        return json.dumps(settings, indent=2) + "\n"


def repository(context: Context) -> str:
    """The repository of this server; each of several stores has its own below the target."""
    target = context.plan.backup.target
    return f"{target.rstrip('/')}/{context.server_id}" if context.topology.mailboxes.on_stores else target


def _credentials(access_key: str) -> str:
    """Amazon's credentials file, which restic reads without an environment variable holding the secret."""
    return (
        "# Managed by mailwiz-tui: the next apply writes this file again.\n"
        f"[default]\naws_access_key_id = {access_key}\naws_secret_access_key = {{{{secret:backup-s3-key}}}}\n"
    )

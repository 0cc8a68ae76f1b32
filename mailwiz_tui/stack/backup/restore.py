"""Restores a backup: accounts, mail, and the operator's own configuration. Runs on servers."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from . import old_mail
from .backup_settings import STAGE, STATE, BackupSettings
from .old_mail import OldMail
from .reports import Failure, step, tell
from .repository import LOCKED, Opening, call, must, restic, try_opening
from .restored_accounts import load, placed_elsewhere
from .restored_mail import mailboxes
from .restored_sdbox import rebuild

SERVICES = ("postfix.service", "dovecot.service")
CHECKERS = (("doveconf", "-n"), ("postfix", "check"), ("rspamadm", "configtest"), ("fail2ban-client", "-t"))


def restore(settings: BackupSettings, snapshot: str) -> None:
    """Restores the backup: empty mailboxes as they were, others merged without duplicates.

    Raises ``Failure`` before any change if the backup does not fit this server.
    """
    if not re.fullmatch(r"latest|[0-9a-f]{4,64}", snapshot):
        raise Failure(f"{snapshot!r} is not the id of a backup", "mailwiz-tui backup list PLAN")
    if try_opening(settings) is not Opening.OPENS:
        raise Failure(*LOCKED)
    stage = f"{settings.mail}/.restore"
    shutil.rmtree(stage, ignore_errors=True)
    os.mkdir(stage, 0o700)
    try:
        step("Fetch the backup")
        later = ["--exclude", settings.old_mail] if settings.old_mail else []
        done = restic(settings, "restore", snapshot, "--tag", "mailwiz", "--target", stage, *later)
        must(done, "the backup cannot be fetched")
        manifest = json.loads(Path(f"{stage}{STAGE}/manifest.json").read_text(encoding="utf-8"))
        if manifest["format"] != settings.format:
            raise Failure(
                f"the backup has {manifest['format']} mailboxes, this server has {settings.format}",
                "restore with the storage.type it was made with",
            )
        # if one of these is unknown, nothing is changed
        elsewhere = placed_elsewhere(settings)
        old = old_mail.survey(settings, snapshot)
        missing = old.missing(elsewhere)
        with old_mail.at_rest(settings):
            with old_mail.unmounted(bool(missing)):
                homes, messages, own = _put_in_place(settings, stage, manifest, old)
                messages += old_mail.put_back(settings, snapshot, missing, f"{stage}/old")
            if settings.old_mail:
                rebuild(settings, homes)
        call(["doveadm", "quota", "recalc", "-A"])
    finally:
        shutil.rmtree(stage, ignore_errors=True)
    call(["systemctl", "start", "--no-block", "mailwiz-backup.service"])
    text = f"{len(homes)} mailboxes with {messages} messages and {own} own files were restored"
    tell("done", text=text, homes=len(homes), messages=messages, own=own)


def _put_in_place(
    settings: BackupSettings, stage: str, manifest: dict[str, Any], old: OldMail
) -> tuple[list[str], int, int]:
    """The restored mailboxes, and the counts of messages and own files; mail is stopped meanwhile."""
    step("Stop mail during the restore")
    for service in SERVICES:
        call(["systemctl", "stop", service])
    try:
        step("Restore the accounts")
        for name in settings.databases:
            load(name, f"{stage}{STAGE}/{name}.sql")
        step("Restore the mail")
        homes, messages = mailboxes(stage + manifest["mail"], settings, placed_elsewhere(settings), old)
        step("Restore own configuration")
        return homes, messages, configuration(stage, manifest["own"], settings.kept)
    finally:
        for service in reversed(SERVICES):
            call(["systemctl", "start", service])


def configuration(stage: str, own: Iterable[str], kept: Iterable[str]) -> int:
    """Restores the operator's own files and counts them; files that a daemon's checker rejects are moved aside."""
    places = tuple(kept)
    changed: list[tuple[str, bytes | None]] = []
    for path in own:
        wanted = any(path == place or path.startswith(f"{place}/") for place in places)
        if not wanted or not os.path.isfile(stage + path):
            continue
        before = Path(path).read_bytes() if os.path.exists(path) else None
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.copy2(stage + path, path)
        changed.append((path, before))
    if not changed:
        return 0
    faults = [argv[0] for argv in CHECKERS if shutil.which(argv[0]) and call(argv).returncode]
    if not faults:
        for unit in ("rspamd.service", "fail2ban.service"):
            call(["systemctl", "try-reload-or-restart", unit])
        return len(changed)
    aside = f"{STATE}/own-configuration-{time.strftime('%Y%m%d-%H%M%S')}"
    for path, before in changed:
        os.makedirs(os.path.dirname(aside + path), mode=0o700, exist_ok=True)
        shutil.move(path, aside + path)
        if before is not None:
            Path(path).write_bytes(before)
    step(f"Own configuration fails {', '.join(faults)} on this server; it was moved to {aside}")
    return 0

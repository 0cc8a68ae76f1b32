"""Mail of a backup: moved into empty mailboxes, merged into others. Runs on servers."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping

from .backup_settings import BackupSettings
from .old_mail import NO_OLD_MAIL, OldMail
from .reports import step
from .restored_sdbox import join

MAIL_FOLDERS = ("cur", "new")


def mailboxes(
    source: str, settings: BackupSettings, elsewhere: Mapping[str, str], old_mail: OldMail = NO_OLD_MAIL
) -> tuple[list[str], int]:
    """Moves or merges each mailbox of the backup; returns the mailboxes and the count of messages.

    A mailbox that was moved to another store is skipped: on this server its mail would not be visible.
    """
    homes: list[str] = []
    messages = 0
    for domain in sorted(subfolders(source)):
        place = f"{settings.mail}/{domain}"
        if not os.path.isdir(place):
            os.mkdir(place, 0o700)
            shutil.copystat(f"{source}/{domain}", place)
            owner = os.stat(f"{source}/{domain}")
            os.chown(place, owner.st_uid, owner.st_gid)
        for local in sorted(subfolders(f"{source}/{domain}")):
            old, new = f"{source}/{domain}/{local}", f"{place}/{local}"
            store = elsewhere.get(f"{local}@{domain}", "another store" if os.path.isfile(new) else "")
            if store:
                step(
                    f"{local}@{domain} is on {store} now and was skipped; "
                    "to restore its mail, move it to this server first"
                )
                continue
            homes.append(f"{local}@{domain}")
            if not os.path.lexists(new):
                messages += count(old)
                os.rename(old, new)
            elif settings.format == "maildir":
                messages += merge(old, new)
            else:
                messages += join(old, new, old_mail.names(f"{domain}/{local}"))
    return homes, messages


def subfolders(path: str) -> list[str]:
    """The names of real folders that are not hidden."""
    return [e.name for e in os.scandir(path) if e.is_dir(follow_symlinks=False) and not e.name.startswith(".")]


def count(home: str) -> int:
    """The number of messages below a folder, in Maildir or sdbox format."""
    found = 0
    for folder, _, names in os.walk(home):
        kind = os.path.basename(folder)
        if kind in MAIL_FOLDERS:
            found += len(names)
        elif kind == "dbox-Mails":
            found += sum(name.startswith("u.") for name in names)
    return found


def merge(old: str, new: str) -> int:
    """Moves messages that are only in ``old`` to ``new``; returns how many.

    A message is identified by its file name up to the flags (maildir(5)). UIDs that were assigned since stay;
    restored messages get new ones.
    """
    came = 0
    for folder, _, names in os.walk(old):
        place = os.path.normpath(os.path.join(new, os.path.relpath(folder, old)))
        holds_mail = os.path.basename(folder) in MAIL_FOLDERS
        if not os.path.isdir(place):
            came += count(folder) if holds_mail else 0
            _copy_folder(folder, place)
            continue
        if holds_mail:
            have = _messages(os.path.dirname(place))
            names = [name for name in names if name.partition(":")[0] not in have]
            came += len(names)
        for name in names:
            if not os.path.lexists(os.path.join(place, name)):
                os.rename(os.path.join(folder, name), os.path.join(place, name))
    return came


def _messages(maildir: str) -> set[str]:
    """The messages of a Maildir, by name without flags."""
    have: set[str] = set()
    for sibling in MAIL_FOLDERS:
        with contextlib.suppress(OSError):
            have.update(name.partition(":")[0] for name in os.listdir(os.path.join(maildir, sibling)))
    return have


def _copy_folder(folder: str, place: str) -> None:
    """The files of one folder, without those below it, with their owner."""
    os.makedirs(os.path.dirname(place), exist_ok=True)
    shutil.copytree(folder, place, symlinks=True, ignore=_folders)
    owner = os.stat(folder)
    for path in (place, *(os.path.join(place, name) for name in os.listdir(place))):
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _folders(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if os.path.isdir(os.path.join(folder, name))]

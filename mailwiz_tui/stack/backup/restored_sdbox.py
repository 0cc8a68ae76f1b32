"""Mailboxes of a backup in Dovecot's sdbox format, joined with mail that came since. Runs on servers.

A message is the file ``u.UID`` in a folder ``dbox-Mails``, on the local disk or in the object store. Dovecot's
index is part of the mailbox; the one of the backup stays, and Dovecot makes it again (``force-resync``) where files
and index differ. https://doc.dovecot.org/2.4.1/core/config/mailbox_formats/dbox.html
"""

from __future__ import annotations

import filecmp
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable

from .backup_settings import BackupSettings
from .reports import step
from .repository import call

MESSAGES = "dbox-Mails"
_MESSAGE = re.compile(r"u\.([1-9][0-9]*)\Z")


def join(old: str, new: str, stored: Iterable[str]) -> int:
    """Puts the backup's mailbox in place and moves what is only in the present one into it; counts the backup's.

    ``old`` is the mailbox of the backup, ``new`` the present one, ``stored`` are its files in the object store. A
    message under a UID that is taken by another one gets a new UID.
    """
    came = sum(map(len, messages(old).values()))
    aside = os.path.join(os.path.dirname(new), f".{os.path.basename(new)}.before-restore")
    shutil.rmtree(aside, ignore_errors=True)
    os.rename(new, aside)
    os.rename(old, new)
    for folder, _, names in os.walk(aside):
        place = os.path.normpath(os.path.join(new, os.path.relpath(folder, aside)))
        if os.path.basename(folder) == MESSAGES and os.path.isdir(place):
            inside = os.path.relpath(place, os.path.join(new, "sdbox"))
            names = [os.path.basename(path) for path in stored if os.path.dirname(path) == inside]
            _add_messages(folder, place, _uids(names))
            continue
        if not os.path.isdir(place):
            os.mkdir(place)
            shutil.copystat(folder, place)
            owner = os.stat(folder)
            os.chown(place, owner.st_uid, owner.st_gid)
        for name in names:
            if not os.path.lexists(os.path.join(place, name)):
                os.rename(os.path.join(folder, name), os.path.join(place, name))
    shutil.rmtree(aside)
    return came


def _add_messages(folder: str, place: str, stored: set[int]) -> None:
    """Moves messages that are only in ``folder`` to ``place``; ``stored`` are the UIDs in the object store."""
    here = _uids(os.listdir(folder))
    taken = _uids(os.listdir(place)) | stored
    after = max(taken | here, default=0)
    for uid in sorted(here):
        source, target = os.path.join(folder, f"u.{uid}"), os.path.join(place, f"u.{uid}")
        if uid in taken:
            if os.path.exists(target) and filecmp.cmp(source, target, shallow=False):
                continue
            after += 1
            target = os.path.join(place, f"u.{after}")
        os.rename(source, target)


def _uids(names: Iterable[str]) -> set[int]:
    return {int(found[1]) for name in names if (found := _MESSAGE.match(name))}


def messages(*roots: str) -> dict[str, set[int]]:
    """The UIDs of the messages in each folder of a mailbox, whose parts are below ``roots``."""
    found: dict[str, set[int]] = defaultdict(set)
    for root in roots:
        for folder, _, names in os.walk(root):
            if os.path.basename(folder) == MESSAGES:
                found[os.path.relpath(folder, root)] |= _uids(names)
    return found


def rebuild(settings: BackupSettings, addresses: Iterable[str]) -> None:
    """Makes Dovecot's index again for mailboxes of which it does not know each message."""
    known: dict[str, int] = defaultdict(int)
    answer = call(["doveadm", "-f", "tab", "mailbox", "status", "-A", "messages", "*"])
    for line in answer.stdout.splitlines()[1:]:
        address, *_, count = line.split("\t")
        known[address.lower()] += int(count) if count.isdigit() else 0
    for address in addresses:
        local, _, domain = address.rpartition("@")
        parts = f"{settings.mail}/{domain}/{local}/sdbox", f"{settings.old_mail}/{domain}/{local}"
        if sum(map(len, messages(*parts).values())) != known[address]:
            step(f"Make the index of {address} again")
            call(["doveadm", "force-resync", "-u", address, "*"])

"""Old mail in an object store: what the backup needs of it, and how a restore brings it back. Runs on servers.

The backup reads it through the mount; a restore writes what the bucket lacks straight into it, one mailbox after
another, so that the server's disk need not hold all of it. Meanwhile the bucket is not mounted: reading old mail
then fails for a while, and Dovecot does not conclude that it was deleted.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .backup_settings import BackupSettings
from .reports import Failure, step
from .repository import call, must, restic

LOCK = "/run/mailwiz-old-mail.lock"
"""Held while old mail is moved to the bucket, backed up or restored."""
MOUNT = "mailwiz-objectstore.service"
TIMER = "mailwiz-altmove.timer"
EMPTY = 3
"""rclone: the folder does not exist; there is none in a bucket before it has a file."""


@dataclass(frozen=True)
class OldMail:
    """The files of old mail in a backup and in the bucket, by mailbox (``domain/local part``).

    Their paths are relative to the mailbox's folder, like ``mailboxes/INBOX/dbox-Mails/u.1``.
    """

    backup: Mapping[str, frozenset[str]]
    bucket: Mapping[str, frozenset[str]]

    def missing(self, elsewhere: Container[str] = ()) -> dict[str, list[str]]:
        """What the bucket lacks, without mailboxes on other stores (addresses)."""
        found = {}
        for mailbox, names in sorted(self.backup.items()):
            domain, _, local = mailbox.partition("/")
            lost = sorted(names - self.bucket.get(mailbox, frozenset()))
            if lost and f"{local}@{domain}" not in elsewhere:
                found[mailbox] = lost
        return found

    def names(self, mailbox: str) -> frozenset[str]:
        """The files of one mailbox."""
        return self.backup.get(mailbox, frozenset()) | self.bucket.get(mailbox, frozenset())


NO_OLD_MAIL = OldMail({}, {})


def require_mount(settings: BackupSettings) -> None:
    """Raises ``Failure`` unless the bucket is mounted: a backup without old mail would look complete."""
    if settings.old_mail and not os.path.ismount(settings.old_mail):
        raise Failure(
            f"the object store with old mail is not mounted at {settings.old_mail}",
            f"systemctl restart {MOUNT}; journalctl -u {MOUNT} -n 50",
        )


@contextlib.contextmanager
def at_rest(settings: BackupSettings) -> Iterator[None]:
    """Nothing is moved to the bucket meanwhile: a message on its way would be in neither place."""
    if not settings.old_mail:
        yield
        return
    with open(LOCK, "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            step("Wait until old mail has been moved to the object store")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def survey(settings: BackupSettings, snapshot: str) -> OldMail:
    """The old mail in a backup and in the bucket; raises ``Failure`` if one of them cannot be listed."""
    if not settings.old_mail:
        return NO_OLD_MAIL
    words = ("ls", "--json", "--no-lock", "--recursive", "--tag", "mailwiz", snapshot, settings.old_mail)
    done = must(restic(settings, *words), "the backup cannot be listed")
    entries = (json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
    files = (str(entry["path"]) for entry in entries if entry.get("type") == "file")
    top = f"{settings.old_mail}/"
    held = _by_mailbox(path.removeprefix(top) for path in files if path.startswith(top))
    return OldMail(held, _by_mailbox(_in_bucket(settings)))


def _in_bucket(settings: BackupSettings) -> list[str]:
    listed = call(_rclone(settings, "lsf", "-R", "--files-only", "--exclude", "/servers/**", settings.bucket))
    if listed.returncode == EMPTY:
        return []
    must(listed, "the object store with old mail cannot be listed", f"journalctl -u {MOUNT} -n 50")
    return listed.stdout.splitlines()


def _by_mailbox(paths: Iterable[str]) -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for path in paths:
        domain, _, rest = path.partition("/")
        local, _, name = rest.partition("/")
        if name:
            found[f"{domain}/{local}"].add(name)
    return {mailbox: frozenset(names) for mailbox, names in found.items()}


def put_back(settings: BackupSettings, snapshot: str, missing: Mapping[str, Sequence[str]], stage: str) -> int:
    """Uploads what the bucket lacks, for mailboxes that are on this server; counts messages."""
    came = 0
    for number, (mailbox, names) in enumerate(sorted(missing.items()), 1):
        home = os.path.join(settings.mail, mailbox)
        wanted = [name for name in names if not os.path.lexists(os.path.join(home, "sdbox", name))]
        if not wanted or not os.path.isdir(home):
            continue
        step(f"Put old mail back into the object store: mailbox {number} of {len(missing)}")
        shutil.rmtree(stage, ignore_errors=True)
        place = os.path.join(settings.old_mail, mailbox)
        words = ("restore", snapshot, "--tag", "mailwiz", "--target", stage, "--include", _pattern(place))
        must(restic(settings, *words), "old mail cannot be fetched")
        _upload(settings, f"{stage}{place}", f"{settings.bucket}/{mailbox}", wanted)
        came += sum(os.path.basename(name).startswith("u.") for name in wanted)
    shutil.rmtree(stage, ignore_errors=True)
    return came


def _upload(settings: BackupSettings, source: str, target: str, names: Sequence[str]) -> None:
    """Copies these files alone; what the bucket has is not written over."""
    listed = f"{source}.names"
    with open(listed, "w", encoding="utf-8") as handle:
        handle.writelines(f"{name}\n" for name in names)
    words = _rclone(
        settings, "copy", "--ignore-existing", "--no-traverse", "--transfers", "8", "--files-from-raw", listed,
        source, target,
    )  # fmt: skip
    must(call(words), "old mail cannot be put back into the object store", "restore once more: it goes on")


def _rclone(settings: BackupSettings, *words: str) -> list[str]:
    return ["rclone", "--config", settings.bucket_config, "--contimeout", "10s", *words]


def _pattern(path: str) -> str:
    """A path as a pattern that means itself (restic's are those of Go's filepath.Match)."""
    return re.sub(r"([\\*?\[])", r"\\\1", path)


@contextlib.contextmanager
def unmounted(needed: bool) -> Iterator[None]:
    """The bucket is not mounted meanwhile, if it is about to be filled."""
    if not needed:
        yield
        return
    for unit in (TIMER, MOUNT):
        call(["systemctl", "stop", unit])
    try:
        yield
    finally:
        for unit in (MOUNT, TIMER):
            call(["systemctl", "start", unit])

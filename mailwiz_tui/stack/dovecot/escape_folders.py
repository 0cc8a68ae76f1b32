"""Renames folders of Maildirs with a backslash in their names, so that Dovecot finds them when it escapes names.

Runs on servers, with Python 3.11 and newer, before Dovecot is first started with ``listescape`` (2.3) or
``mailbox_list_storage_escape_char`` (2.4). From then on a folder ``2024.1`` is stored as ``.2024\\2e1``, and
Dovecot looks for the folder ``old\\new`` in ``.old\\5cnew``. It is still in ``.old\\new``, so its mail would not
be found.

    python3 -m mailwiz.dovecot.escape_folders /var/vmail

Mailboxes are ``STORAGE/domain/user/Maildir``. Names that Dovecot escaped stay, so the program may run again.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ESCAPE = "\\"
_RAW = re.compile(r"\\(?!2e|2f|5c|7e)")
"""A backslash that is not an escape: Dovecot writes ``\\2e`` (.), ``\\2f`` (/), ``\\5c`` (itself), ``\\7e`` (~)."""


def escaped(name: str) -> str:
    """The escaped form of a folder's name on disk, or of a line of ``subscriptions``."""
    return _RAW.sub(lambda _: rf"{ESCAPE}5c", name)


def maildirs(storage: Path) -> Iterator[Path]:
    """Every mailbox's Maildir."""
    for domain in _folders(storage):
        for user in _folders(domain):
            place = user / "Maildir"
            if place.is_dir() and not place.is_symlink():
                yield place


def escape(maildir: Path) -> list[str]:
    """Renames the folders of one mailbox and its subscriptions; returns the former names.

    A folder stays if a folder with the new name exists.
    """
    renamed = []
    for folder in _folders(maildir):
        new = maildir / escaped(folder.name)
        if folder.name.startswith(".") and new != folder and not new.exists():
            folder.rename(new)
            renamed.append(folder.name)
    _subscriptions(maildir / "subscriptions")
    return renamed


def _subscriptions(path: Path) -> None:
    if path.is_symlink() or not path.is_file():
        return
    before = path.read_bytes()
    after = os.fsencode("\n".join(escaped(line) for line in os.fsdecode(before).split("\n")))
    if after == before:
        return
    state = path.stat()
    new = path.with_name("subscriptions.escaped")
    new.write_bytes(after)
    os.chown(new, state.st_uid, state.st_gid)
    new.chmod(state.st_mode & 0o777)
    new.rename(path)


def _folders(place: Path) -> list[Path]:
    with os.scandir(place) as entries:
        return sorted(Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False))


def main(arguments: list[str]) -> int:
    """Does it for all mailboxes below the storage path."""
    storage = Path(arguments[0])
    for maildir in maildirs(storage) if storage.is_dir() else ():
        for name in escape(maildir):
            sys.stdout.write(f"{maildir}: {name} is now {escaped(name)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

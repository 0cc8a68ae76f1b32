"""A mailbox as a tree of files: what is in it, and a copy of it brought to the same state.

Files are copied as they are – messages, UIDs, flags, keywords, subscriptions, Sieve scripts and Dovecot's
indexes – because every release of Dovecot that is installed here reads what the others wrote (2.3 and 2.4 have
one format of Maildir and of indexes), and nothing is then left to be translated. A message file never changes
its content under one name; it changes its name when its flags change.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

from ..protocol.codec import read_tuple

OLD = ".old-mail"
"""The folder of the tree that stands for the mailbox's part in the object store."""


@dataclass(frozen=True)
class Parts:
    """The two folders of a mailbox: its home, and its old mail on the object store's mount (empty without one)."""

    home: str
    old: str = ""

    def at(self, path: str) -> str:
        """Where a path of the tree is."""
        first, _, rest = path.partition("/")
        return os.path.join(self.old, rest) if first == OLD else os.path.join(self.home, path)

    def walk(self, *, digests: bool = False) -> Iterator[Entry]:
        """Everything of the mailbox; old mail without times and modes, which an object store does not keep."""
        yield from walk(self.home, digests=digests)
        for entry in walk(self.old) if self.old else ():
            yield replace(entry, path=f"{OLD}/{entry.path}", time=0, mode=0, same=0)

    def messages(self) -> int:
        """How many messages there are; one in both places, as an interrupted ``altmove`` leaves it, is one."""
        found = (e.path for e in self.walk() if e.kind == "f" and is_message(e.path))
        return len({path.removeprefix(f"{OLD}/").removeprefix("sdbox/") for path in found})


def is_old(path: str) -> bool:
    """Whether a path of the tree is in the object store."""
    return path.startswith(f"{OLD}/")


@dataclass(frozen=True)
class Entry:
    """A file (``f``), folder (``d``) or link (``l``) by its path; times in nanoseconds. ``same`` is the inode of a
    file with several names, or 0."""

    path: str
    kind: str
    size: int = 0
    time: int = 0
    mode: int = 0
    same: int = 0
    target: str = ""
    digest: str = ""

    @property
    def content(self) -> tuple[object, ...]:
        """What two copies of it have in common."""
        if self.kind == "f":
            return (self.path, self.kind, self.size, self.time if is_message(self.path) else 0, self.digest)
        return (self.path, self.kind, self.target)


def is_message(path: str) -> bool:
    """Whether a file is a message, of a Maildir or of sdbox."""
    *_, folder, name = ("", *path.split("/"))
    return (folder in ("cur", "new") and path.count("/") > 1) or (folder == "dbox-Mails" and name.startswith("u."))


def is_lock(name: str) -> bool:
    """Whether a file is the lock of a program at work, by its name."""
    return name.endswith(".lock") and name.startswith(("dovecot", "subscriptions", "maildirsize"))


def forget_locks(root: str) -> None:
    """Takes away the locks in a mailbox that nobody has open.

    They are of deliveries that found their mailbox set aside. At its next place, or back at this one, Dovecot
    would wait for minutes until it takes such a lock for forgotten.
    """
    for folder, _, names in os.walk(root):
        for name in filter(is_lock, names):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(folder, name))


def key(entry: Entry) -> tuple[object, ...]:
    """What a message keeps when its flags or its read state change: folder, unique name, size, time."""
    folder, _, name = entry.path.rpartition("/")
    return (folder.rpartition("/")[0], name.partition(":")[0], entry.size, entry.time)


def walk(root: str, *, digests: bool = False) -> Iterator[Entry]:
    """Everything below a folder but what is being written (``tmp``) and locks; parents first.

    What vanishes meanwhile is left out. ``digests``: with the SHA-256 of each file that is no message.
    """
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            found = sorted(os.scandir(os.path.join(root, folder)), key=lambda entry: entry.name)
        except FileNotFoundError:
            continue
        for item in found:
            path = f"{folder}/{item.name}" if folder else item.name
            try:
                entry = _entry(path, item, digests)
            except FileNotFoundError:
                continue
            if entry.kind == "d":
                waiting.append(path)
                yield entry
            elif not (entry.kind == "f" and (os.path.basename(folder) == "tmp" or is_lock(item.name))):
                yield entry


def _entry(path: str, item: os.DirEntry[str], digests: bool) -> Entry:
    about = item.stat(follow_symlinks=False)
    if item.is_symlink():
        return Entry(path, "l", target=os.readlink(item.path))
    if item.is_dir(follow_symlinks=False):
        return Entry(path, "d", mode=about.st_mode & 0o7777)
    digest = ""
    if digests and not is_message(path):
        with open(item.path, "rb") as handle:
            digest = hashlib.file_digest(handle, "sha256").hexdigest()
    same = about.st_ino if about.st_nlink > 1 else 0
    return Entry(path, "f", about.st_size, about.st_mtime_ns, about.st_mode & 0o7777, same, "", digest)


def as_raw(entries: Iterator[Entry]) -> list[dict[str, object]]:
    """For a JSON line."""
    return [asdict(entry) for entry in entries]


def from_raw(raw: object) -> list[Entry]:
    """From a JSON line. Raises ValueError for what is no tree, or a path that leads out of it."""
    entries = list(read_tuple(Entry, raw))
    for entry in entries:
        if entry.path.startswith("/") or ".." in entry.path.split("/") or "\0" in entry.path or not entry.path:
            raise ValueError(f"{entry.path!r} is no path within a mailbox")
    return entries


class Copy:
    """A copy of a mailbox: brought near while the mailbox is in use, and level with it once it rests."""

    def __init__(self, parts: Parts, owner: tuple[int, int] | None) -> None:
        self.parts, self.owner = parts, owner
        os.makedirs(parts.home, mode=0o700, exist_ok=True)
        self._own(parts.home)

    def prepare(self, wanted: list[Entry], *, whole: bool) -> list[Entry]:
        """Makes folders, renames messages whose flags changed, and takes away what is gone; returns the files
        that have to be fetched. Without ``whole`` that is messages only, which never change."""
        for entry in wanted:
            if entry.kind == "d":
                self._folder(entry)
        here = {entry.path: entry for entry in self.parts.walk()}
        files = {e.path: e for e in wanted if e.kind == "f" and (whole or is_message(e.path))}
        missing = {p: e for p, e in files.items() if not (is_message(p) and _alike(here.get(p), e))}
        extra = [e for p, e in here.items() if e.kind == "f" and is_message(p) and not _alike(e, files.get(p))]
        spare = {key(entry): entry for entry in extra}
        for path, entry in list(missing.items()):
            found = spare.pop(key(entry), None) if is_message(path) else None
            if found is not None and path not in here:
                os.rename(self.parts.at(found.path), self.parts.at(path))
                del missing[path], here[found.path]
        self._remove([e for p, e in here.items() if p not in {w.path for w in wanted} and (whole or is_message(p))])
        if whole:
            self._links([e for e in wanted if e.kind == "l"])
        return list(missing.values())

    def put(self, entry: Entry, content: Iterator[bytes]) -> None:
        """One file that was fetched; it is there whole or not at all."""
        path, old = self.parts.at(entry.path), is_old(entry.path)
        # the object store would copy a file that is renamed; of one that is cut short the size differs
        new = path if old else self.parts.at(".arriving")
        with open(new, "wb") as out:
            for piece in content:
                out.write(piece)
            if out.tell() != entry.size:
                raise ValueError(f"{entry.path}: {out.tell()} bytes came instead of {entry.size}")
            if not old:
                os.fchmod(out.fileno(), entry.mode)
        if old:
            return
        self._own(new)
        os.utime(new, ns=(entry.time, entry.time))
        os.rename(new, path)

    def another_name(self, first: Entry, entry: Entry) -> None:
        """A file that has several names gets a further one."""
        path = self.parts.at(entry.path)
        if os.path.lexists(path):
            os.unlink(path)
        os.link(self.parts.at(first.path), path)

    def _folder(self, entry: Entry) -> None:
        path = self.parts.at(entry.path)
        if is_old(entry.path):
            os.makedirs(path, exist_ok=True)
            return
        if not os.path.isdir(path):
            if os.path.lexists(path):
                os.unlink(path)
            os.mkdir(path, entry.mode)
            self._own(path)
        os.chmod(path, entry.mode)

    def _links(self, links: list[Entry]) -> None:
        for entry in links:
            path = self.parts.at(entry.path)
            if os.path.lexists(path):
                if os.path.islink(path) and os.readlink(path) == entry.target:
                    continue
                os.unlink(path)
            os.symlink(entry.target, path)
            self._own(path)

    def _remove(self, entries: list[Entry]) -> None:
        for entry in sorted(entries, key=lambda e: e.path, reverse=True):
            path = self.parts.at(entry.path)
            if entry.kind == "d":
                for left in os.scandir(path):
                    os.unlink(left.path)
                os.rmdir(path)
            else:
                os.unlink(path)

    def _own(self, path: str) -> None:
        if self.owner is not None:
            os.lchown(path, *self.owner)


def _alike(one: Entry | None, other: Entry | None) -> bool:
    return one is not None and other is not None and (one.size, one.time) == (other.size, other.time)


def difference(wanted: list[Entry], here: list[Entry]) -> list[str]:
    """Paths that are not the same in two trees."""
    one, other = {e.content for e in wanted}, {e.content for e in here}
    return sorted({str(content[0]) for content in one ^ other})

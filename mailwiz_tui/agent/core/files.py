"""Files and directories: written only if they differ, atomically, with the replaced version kept.

A write goes to a new file in the same directory (O_EXCL, O_NOFOLLOW, 0600), gets owner and mode, is synced,
and then takes the old one's place by rename(2); the directory is synced last, so that a power cut leaves
either the old or the new version.
"""

from __future__ import annotations

import contextlib
import grp
import hashlib
import os
import pwd
import stat
from dataclasses import dataclass

from .fault import AgentFault
from .host import Host


@dataclass(frozen=True)
class OnDisk:
    """What is at a path: content (None for a directory), link target, mode bits and owner."""

    content: bytes | None
    link: str
    mode: int
    uid: int
    gid: int

    @property
    def sha256(self) -> str:
        """The content's digest; links are told from files by their target."""
        return digest(self.content if self.content is not None else b"link:" + self.link.encode())


def digest(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def look(host: Host, path: str) -> OnDisk | None:
    """What is at ``path``, not following a symbolic link in the last place; None where nothing is."""
    real = host.path(path)
    try:
        info = os.lstat(real)
    except (FileNotFoundError, NotADirectoryError):
        return None
    mode, link, content = stat.S_IMODE(info.st_mode), "", None
    if stat.S_ISLNK(info.st_mode):
        link = os.readlink(real)
    elif stat.S_ISREG(info.st_mode):
        with open(real, "rb") as handle:
            content = handle.read()
    return OnDisk(content, link, mode, info.st_uid, info.st_gid)


def uid_of(name: str) -> int | None:
    """The user's number, or None where there is no such user yet."""
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return None


def gid_of(name: str) -> int | None:
    """The group's number, or None where there is no such group yet."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return None


def ids(host: Host, owner: str, group: str, where: str) -> tuple[int, int]:
    """Numbers of owner and group; -1 (leave as it is) on roots where owners are not ours to set."""
    if not host.can_chown:
        return -1, -1
    uid, gid = uid_of(owner), gid_of(group)
    if uid is None or gid is None:
        missing = f"user {owner}" if uid is None else f"group {group}"
        raise AgentFault(f"{missing} does not exist", where, "the package or step that creates it must come first")
    return uid, gid


def same_owner(host: Host, found: OnDisk, owner: str, group: str) -> bool:
    """Whether the owner is as wanted (always, where owners are not ours to set)."""
    return not host.can_chown or (found.uid == uid_of(owner) and found.gid == gid_of(group))


def write(host: Host, path: str, content: bytes, mode: int, uid: int = -1, gid: int = -1) -> None:
    """Puts ``content`` at ``path`` so that any reader sees the whole old or the whole new file."""
    real = host.path(path)
    folder = os.path.dirname(real)
    os.makedirs(folder, mode=0o755, exist_ok=True)
    temporary = os.path.join(folder, f".{os.path.basename(real)}.mailwiz-{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(temporary)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        try:
            view = memoryview(content)
            while view:
                view = view[os.write(handle, view) :]
            if uid != -1 or gid != -1:
                os.fchown(handle, uid, gid)
            os.fchmod(handle, mode)
            os.fsync(handle)
        finally:
            os.close(handle)
        os.rename(temporary, real)
    except OSError as error:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        advice = "free disk space and run apply again" if error.errno == 28 else ""
        raise AgentFault(f"cannot write {path}: {error.strerror}", path, advice) from error
    sync_dir(folder)


def sync_dir(folder: str) -> None:
    """Makes renames in a directory durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(host: Host, path: str) -> None:
    """Removes a file or link if it is there."""
    real = host.path(path)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(real)
        sync_dir(os.path.dirname(real))


def back_up(host: Host, run_id: str, path: str, found: OnDisk) -> str:
    """Keeps a copy of what is at ``path`` below ``backup/<run>`` (0600) and returns where."""
    kept = host.state("backup", run_id, path.lstrip("/"))
    os.makedirs(os.path.dirname(kept), mode=0o700, exist_ok=True)
    if os.path.lexists(kept):
        return kept
    data = found.content if found.content is not None else f"symbolic link to {found.link}\n".encode()
    handle = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        os.write(handle, data)
        os.fsync(handle)
    finally:
        os.close(handle)
    return kept


def restore(host: Host, path: str, found: OnDisk | None) -> None:
    """Puts back what ``look`` had found at ``path``."""
    if found is None:
        remove(host, path)
    elif found.content is None:
        remove(host, path)
        if found.link:
            os.symlink(found.link, host.path(path))
    elif host.can_chown:
        write(host, path, found.content, found.mode, found.uid, found.gid)
    else:
        write(host, path, found.content, found.mode)


def tree_digest(host: Host, path: str) -> str:
    """The digest of a file, or of a directory with all files below it; empty where nothing is."""
    real = host.path(path)
    if not os.path.isdir(real):
        try:
            with open(real, "rb") as handle:
                return digest(handle.read())
        except OSError:
            return ""
    total = hashlib.sha256()
    for folder, names, files in os.walk(real):
        names.sort()
        for name in sorted(files):
            full = os.path.join(folder, name)
            total.update(os.path.relpath(full, real).encode() + b"\0")
            with contextlib.suppress(OSError), open(full, "rb") as handle:
                total.update(hashlib.sha256(handle.read()).digest())
    return total.hexdigest()

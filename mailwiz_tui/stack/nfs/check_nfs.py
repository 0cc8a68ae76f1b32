"""Tests an NFS export for mailboxes: mounts it at a temporary place and writes as the user of the mailboxes.

usage: check-nfs SERVER:EXPORT OPTIONS UID

Exits with the fault and what to do about it. Runs on servers.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys

MOUNT_POINT = "/run/mailwiz-nfs-check"
NAMES = ("a", "b", "c")


class ExportError(Exception):
    """The fault of the export, and what to do."""


def mount(source: str, options: str, place: str = MOUNT_POINT) -> None:
    """Mounts the export "soft" with a short time-out, so that a server that hangs is an error."""
    quick = options.replace("hard", "soft").replace("timeo=150", "timeo=50")
    command = ["mount", "-t", "nfs4", "-o", f"{quick},retry=0", source, place]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        said = " ".join((done.stderr or done.stdout).split())
        if "perm" in said.lower() or "such device" in said.lower():
            said += " (in a container the kernel may forbid it)"
        raise ExportError(
            f"{source} cannot be mounted: {said}; check that it is exported to this server by NFS 4.1"
        )


def take_ownership(source: str, uid: int, place: str = MOUNT_POINT) -> None:
    """Makes the user of the mailboxes the owner of the export, if it is not."""
    found = os.stat(place)
    if (found.st_uid, found.st_gid) == (uid, uid):
        return
    server, _, export = source.rpartition(":")
    try:
        os.chown(place, uid, uid)
        os.chmod(place, 0o750)  # noqa: S103 - as the mailboxes' folder on a local disk
    except OSError as error:
        raise ExportError(
            f"the export belongs to uid {found.st_uid} and root cannot change that from here ({error.strerror}); "
            f"on {server}: chown {uid}:{uid} {export} && chmod 750 {export}"
        ) from error
    now = os.stat(place)
    if now.st_uid != uid:
        raise ExportError(
            f"the file server shows uid {now.st_uid} for files of uid {uid}; "
            "use numeric ids on the file server (no id mapping)"
        )


def write_as_dovecot(uid: int, place: str = MOUNT_POINT) -> None:
    """Performs Dovecot's operations on a message: write, sync, link, rename, lock, remove."""
    folder = os.path.join(place, f".mailwiz-check-{os.getpid()}")
    paths = [os.path.join(folder, name) for name in NAMES]
    os.mkdir(folder, 0o700)
    text = os.urandom(5000)
    try:
        with open(paths[0], "xb") as handle:
            fcntl.lockf(handle, fcntl.LOCK_EX)
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
            owner = os.fstat(handle.fileno()).st_uid
        os.link(paths[0], paths[1])
        os.rename(paths[1], paths[2])
        with open(paths[2], "rb") as handle:
            # from the file server, not from this kernel's cache
            os.posix_fadvise(handle.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            same = handle.read() == text
    finally:
        for path in paths:
            with contextlib.suppress(OSError):
                os.unlink(path)
        os.rmdir(folder)
    if owner != uid:
        raise ExportError(
            f"the file server stores files of uid {uid} (mailboxes) as uid {owner}; "
            "do not squash users on the file server (no all_squash)"
        )
    if not same:
        raise ExportError("a file has other content when it is read again; see the file server's log")


def write_in_child(uid: int) -> None:
    """Writes as the user of the mailboxes, in a process of its own that drops root privileges."""
    child = os.fork()
    if child:
        if os.waitpid(child, 0)[1] != 0:
            sys.exit(1)
        return
    try:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
        write_as_dovecot(uid)
    except OSError as error:
        print(  # noqa: T201
            f"uid {uid} (mailboxes) cannot write to the export: {error.strerror}; do not squash users on the "
            f"file server (no all_squash), and let uid {uid} write to the export",
            file=sys.stderr,
        )
        os._exit(1)
    except ExportError as error:
        print(error, file=sys.stderr)  # noqa: T201
        os._exit(1)
    os._exit(0)


def check(source: str, options: str, uid: int) -> None:
    """Raises ``ExportError``; unmounts the export in every case."""
    os.makedirs(MOUNT_POINT, mode=0o700, exist_ok=True)
    subprocess.run(["umount", "-l", MOUNT_POINT], capture_output=True, check=False)
    mount(source, options)
    try:
        take_ownership(source, uid)
        write_in_child(uid)
    finally:
        subprocess.run(["umount", MOUNT_POINT], capture_output=True, check=False)
        with contextlib.suppress(OSError):
            os.rmdir(MOUNT_POINT)


def main(arguments: list[str]) -> None:
    """The command; see the module's first lines."""
    source, options, uid = arguments
    try:
        check(source, options, int(uid))
    except ExportError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(sys.argv[1:])

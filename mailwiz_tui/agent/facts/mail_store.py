"""Where an installation stores mail, and whether there is any; does not hang if a file server does not answer."""

from __future__ import annotations

from ..core.host import Host
from ..protocol.facts import MailStore

RECORD = "/etc/mailwiz/mail-store"
_MOUNTS = "/proc/self/mountinfo"
_REMOTE = ("nfs", "nfs4")


def find(host: Host) -> MailStore | None:
    """What the record says, and whether a domain's folder with something in it is there.

    Mail on a file server that cannot be asked now counts as being there.
    """
    recorded = _record(host)
    return MailStore(*recorded, _holds_mail(host, recorded[0], host.path(recorded[1]))) if recorded else None


def kind(host: Host) -> str:
    """The format of the mailboxes and their kind of storage; empty without an installation."""
    recorded = _record(host)
    return recorded[0] if recorded else ""


def _record(host: Host) -> tuple[str, str] | None:
    try:
        with open(host.path(RECORD), encoding="utf-8") as handle:
            kind, path = handle.read().splitlines()[-1].split()
    except (OSError, ValueError, IndexError):
        return None
    return kind, path


def remote_mounts() -> set[str]:
    """Where file servers are mounted, from the kernel's table."""
    found = set()
    with open(_MOUNTS, encoding="utf-8", errors="replace") as handle:
        for line in handle:
            fields, _, rest = line.partition(" - ")
            if rest.split()[0] in _REMOTE:
                found.add(fields.split()[4].encode().decode("unicode_escape"))
    return found


def _holds_mail(host: Host, kind: str, place: str) -> bool:
    remote = kind.startswith("nfs")
    if remote and place not in remote_mounts():
        return True
    words = ["find", place, "-mindepth", "2", "-maxdepth", "2", "-path", f"{place}/*.*/*", "-print", "-quit"]
    done = host.run(words, timeout=3)
    return bool(done.output.strip()) if done.ok else remote

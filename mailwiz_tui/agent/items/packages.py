"""Debian packages: missing ones are found by dpkg-query and installed by one apt-get, without questions."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable

from ..core import policy
from ..core.context import Context
from ..core.fault import AgentFault
from ..core.host import Done, Host, require
from ..protocol.blueprint import Packages
from ..protocol.clean import clean_lines
from ..protocol.runs import Change
from . import apt_locks

ENVIRONMENT = {
    "DEBIAN_FRONTEND": "noninteractive",
    "DEBCONF_NONINTERACTIVE_SEEN": "true",
    "NEEDRESTART_SUSPEND": "1",
    "APT_LISTCHANGES_FRONTEND": "none",
    "LC_ALL": "C",
}
OPTIONS = (
    "-y", "--no-install-recommends",
    "-o", "DPkg::Lock::Timeout=600",
    "-o", "Dpkg::Options::=--force-confdef",
    "-o", "Dpkg::Options::=--force-confold",
    "-o", "Dpkg::Use-Pty=0",
    "-o", "Acquire::Retries=3",
)  # fmt: skip
STAMP = "apt-updated"
_FRESH = 3600.0
_DOWNLOAD_SHARE = 20.0


def installed(host: Host) -> dict[str, str]:
    """Every package that dpkg knows, by name without architecture, with its state (``ii`` is whole)."""
    done = host.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Abbrev}\n"], timeout=60)
    found: dict[str, str] = {}
    for line in done.output.decode("utf-8", "replace").splitlines():
        name, _, state = line.partition(" ")
        if found.get(name) != "ii":
            found[name] = state.strip()
    return found


def missing(ctx: Context, item: Packages) -> list[str]:
    """The packages of an item that are not fully installed."""
    if ctx.installed is None:
        ctx.installed = installed(ctx.host)
    return [name for name in item.names if ctx.installed.get(name, "") not in ("ii", "hi")]


def status(ctx: Context, item: Packages) -> Change | None:
    """Which packages are to be installed; the note counts those that are there already."""
    names = missing(ctx, item)
    there = len(item.names) - len(names)
    note = f"{there} of {len(item.names)} are there already" if there else ""
    lines = tuple(f"+{name}" for name in names)
    return Change("packages", " ".join(names), "install", lines, note) if names else None


def apply(ctx: Context, item: Packages) -> None:
    """Installs what is missing; services stay down until their own step starts them."""
    host, names = ctx.host, missing(ctx, item)
    ctx.installed = None
    if item.debconf and os.path.exists(host.path("/usr/bin/debconf-set-selections")):
        answers = "\n".join(item.debconf) + "\n"
        require(host.run(["debconf-set-selections"], answers.encode()), "debconf rejected the answers", "debconf")
    with policy.held_back(host):
        apt_locks.wait(host, ctx.say)
        recover(host, ctx.say)
        if _stale(host):
            update(host, ctx.say)
        _install(ctx, names)
    forget_gone_units(host)
    left = [name for name in names if installed(host).get(name) not in ("ii", "hi")]
    if left:
        raise AgentFault(f"apt-get succeeded, but {', '.join(left)} is not installed", "packages",
                         "on the server: dpkg --audit")  # fmt: skip


def recover(host: Host, say: Callable[[str], None]) -> None:
    """Finishes what an interrupted dpkg left half-done."""
    audit = host.run(["dpkg", "--audit"], timeout=60)
    if audit.ok and not audit.output.strip():
        return
    say("completing an interrupted installation: dpkg --configure -a")
    host.stream(["dpkg", "--configure", "-a", "--force-confdef", "--force-confold"], say,
                timeout=1800, env=ENVIRONMENT)  # fmt: skip
    done = host.stream(["apt-get", *OPTIONS, "-f", "install"], say, timeout=1800, env=ENVIRONMENT)
    if not done.ok:
        raise AgentFault(f"an interrupted installation cannot be completed: {_last(done)}", "dpkg",
                         "on the server: dpkg --configure -a; apt-get -f install")  # fmt: skip


def forget_gone_units(host: Host) -> None:
    """Resets failed units whose file went with a package: they would count as failures of the server for ever."""
    done = host.run(["systemctl", "list-units", "--all", "--failed", "--plain", "--no-legend"], timeout=30)
    for line in done.text.splitlines() if done.ok else ():
        words = line.split()
        if len(words) > 2 and words[1] == "not-found":
            host.run(["systemctl", "reset-failed", "--", words[0]], timeout=30)


def update(host: Host, say: Callable[[str], None]) -> None:
    """Fetches the package lists (``apt-get update``), waiting for its lock."""
    argv = ["apt-get", "-q", "update", "-o", "Acquire::Retries=3", "-o", "APT::Update::Error-Mode=any"]
    done = _with_retry(host, say, lambda: host.stream(argv, say, timeout=900, env=ENVIRONMENT))
    if not done.ok:
        raise AgentFault(f"the package lists cannot be fetched: {_last(done)}", "apt-get update",
                         "on the server: check /etc/apt/sources.list*, name resolution, and access to the Debian "
                         "archive")  # fmt: skip
    os.makedirs(host.state_dir, mode=0o700, exist_ok=True)
    os.close(os.open(host.state(STAMP), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
    os.utime(host.state(STAMP))


def _stale(host: Host) -> bool:
    with contextlib.suppress(OSError):
        return time.time() - os.stat(host.state(STAMP)).st_mtime > _FRESH
    return True


def _install(ctx: Context, names: list[str]) -> None:
    host = ctx.host
    done = _with_retry(host, ctx.say, lambda: _apt(ctx, ["install", *names]))
    text = done.output.decode("utf-8", "replace")
    if not done.ok and any(
        w in text for w in ("Unable to locate", "Failed to fetch", "404  Not Found", "Hash Sum")
    ):
        update(host, ctx.say)
        done = _with_retry(host, ctx.say, lambda: _apt(ctx, ["install", *names]))
    if not done.ok:
        how = "took more than 60 min" if done.exit is None else f"ended with {done.exit}"
        raise AgentFault(f"apt-get {how}: {_last(done)}", "packages",
                         "the log has the whole output; correct the fault, then run apply again")  # fmt: skip


def _apt(ctx: Context, words: list[str]) -> Done:
    read_end, write_end = os.pipe()
    os.set_inheritable(write_end, True)
    reader = threading.Thread(target=_follow_status, args=(ctx, read_end), daemon=True)
    reader.start()
    closed = threading.Event()

    def close_ours() -> None:
        if not closed.is_set():
            closed.set()
            os.close(write_end)

    try:
        argv = ["apt-get", "-q", *OPTIONS, "-o", f"APT::Status-Fd={write_end}", *words]
        return ctx.host.stream(
            argv, ctx.say, timeout=3600, env=ENVIRONMENT, pass_fds=(write_end,), started=close_ours
        )
    finally:
        close_ours()
        reader.join(5)


def _follow_status(ctx: Context, handle: int) -> None:
    with os.fdopen(handle, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if ctx.journal and (found := parse_status(line)):
                done, what = found
                ctx.journal.progress(done, 100.0, what)


def parse_status(line: str) -> tuple[float, str] | None:
    """One line of APT::Status-Fd as (percent of the whole, what is done): downloads are the first fifth."""
    parts = line.rstrip("\n").split(":", 3)
    if len(parts) < 4 or parts[0] not in ("dlstatus", "pmstatus"):
        return None
    try:
        percent = min(100.0, max(0.0, float(parts[2])))
    except ValueError:
        return None
    if parts[0] == "dlstatus":
        return percent * _DOWNLOAD_SHARE / 100, parts[3]
    return _DOWNLOAD_SHARE + percent * (100 - _DOWNLOAD_SHARE) / 100, parts[3]


def _with_retry(host: Host, say: Callable[[str], None], attempt: Callable[[], Done]) -> Done:
    """Repeats what failed for a lock: DPkg::Lock::Timeout covers neither the lists' nor the archives' lock."""
    for _ in range(20):
        done = attempt()
        text = done.output.decode("utf-8", "replace")
        if done.exit != 100 or not any(
            w in text for w in ("Could not get lock", "Unable to lock", "Unable to acquire")
        ):
            return done
        apt_locks.wait(host, say)
        time.sleep(1)
    return done


def _last(done: Done) -> str:
    lines = clean_lines(done.output)
    errors = [line for line in lines if line.startswith(("E:", "Err:", "dpkg: error"))]
    return " / ".join((errors or lines)[-3:])

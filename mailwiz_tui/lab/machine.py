"""The requirements of the lab on its machine: programs, rights, processes, mounts and cgroups."""

from __future__ import annotations

import ctypes
import ctypes.util
import fcntl
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from mailwiz_tui.plan.files import replace_file

CACHE = Path("/var/cache/mailwiz-lab")
"""Base images and downloaded packages: shared by all labs, kept by ``down``."""
STATE = Path("/var/lib/mailwiz-lab")
"""One folder per lab: its state and the files of its hosts."""
RUN = Path("/run/mailwiz-lab")
"""One folder per lab: locks, console logs and running processes."""

Report = Callable[[str], None]

PROGRAMS: dict[str, str] = {
    "debootstrap": "debootstrap",
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "nft": "nftables",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "setpriv": "util-linux",
    "mount": "mount",
    "ssh-keygen": "openssh-client",
}
"""Program that the lab calls -> its Debian package."""
KERNEL_PROGRAMS: dict[str, str] = {"mke2fs": "e2fsprogs", "ssh": "openssh-client"}
"""Those that hosts with a kernel of their own need besides."""
TUN = Path("/dev/net/tun")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class LabError(Exception):
    """An error that the operator can act on: what failed, why, and what to do."""


def silent(_line: str) -> None:
    """Discard a progress line."""


def run(
    *command: str | Path,
    stdin: str | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 900,
    check: bool = True,
    called: str = "",
) -> subprocess.CompletedProcess[str]:
    """Run one program to its end and return what it printed.

    Raises LabError with the command (or what it is ``called``), its exit code and its last lines, unless ``check``
    is off.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            input=(stdin or "").encode("utf-8", "surrogateescape"),
            capture_output=True,
            env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})},
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as error:
        raise LabError(f"{words[0]} is not installed; run: mailwiz-tui lab up --install") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"did not end within {timeout:.0f} s: {called or shlex.join(words)}") from error
    stdout, stderr = (stream.decode("utf-8", "replace") for stream in (done.stdout, done.stderr))
    if check and done.returncode != 0:
        lines = [line.strip() for line in (stdout + "\n" + stderr).splitlines() if line.strip()]
        tail = " | ".join(lines[-4:]) or "it printed nothing"
        raise LabError(f"{(called or shlex.join(words))[:300]}: exit {done.returncode}: {tail}")
    return subprocess.CompletedProcess(words, done.returncode, stdout, stderr)


def missing(*, kernel: bool = False) -> list[str]:
    """List what this machine lacks for a lab, each with its remedy; empty if nothing is missing.

    ``kernel`` is for a lab whose hosts have a kernel of their own.
    """
    absent = []
    if sys.platform != "linux":
        return ["Linux (a lab boots real Debian hosts on this machine)"]
    if os.geteuid() != 0:
        absent.append("root (use sudo)")
    packages = missing_packages(kernel=kernel)
    if packages:
        absent.append(f"packages: {' '.join(packages)} (apt-get install them, or use --install)")
    if not Path("/proc/sys/net/ipv6/conf").exists():
        absent.append("IPv6 in the kernel")
    if "overlay" not in Path("/proc/filesystems").read_text():
        run("modprobe", "overlay", check=False)
        if "overlay" not in Path("/proc/filesystems").read_text():
            absent.append("overlayfs in the kernel")
    if cgroup_root() is None:
        absent.append("a mounted cgroup2 file system")
    if kernel:
        absent += _missing_for_kernels()
    return absent


def _missing_for_kernels() -> list[str]:
    absent = []
    if os.uname().machine != "x86_64":
        absent.append(f"an x86-64 processor (User-Mode Linux does not run on {os.uname().machine})")
    if not TUN.exists():
        absent.append(f"{TUN} (modprobe tun)")
    return absent


def missing_packages(*, kernel: bool = False) -> list[str]:
    """List the Debian packages that hold the programs not found on this machine."""
    programs = PROGRAMS | KERNEL_PROGRAMS if kernel else PROGRAMS
    packages = {package for program, package in programs.items() if shutil.which(program) is None}
    if not KEYRING.exists():
        packages.add("debian-archive-keyring")
    return sorted(packages)


def install_packages(report: Report, *, kernel: bool = False) -> None:
    """Install what ``missing_packages`` names, with apt."""
    packages = missing_packages(kernel=kernel)
    if not packages:
        return
    if shutil.which("apt-get") is None:
        raise LabError(f"this machine has no apt-get: install {' '.join(packages)} by hand")
    report(f"installing {' '.join(packages)}")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run("apt-get", "update", "-qq", env=quiet)
    run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages, env=quiet)


def require(*, kernel: bool = False) -> None:
    """Raise LabError naming everything that is missing."""
    absent = missing(kernel=kernel)
    if absent:
        raise LabError("the lab cannot start: this machine lacks " + "; ".join(absent))


def mounts(under: Path) -> list[Path]:
    """List the mount points at or below a folder, deepest first."""
    prefix = str(under)
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        point = line.split()[4].encode().decode("unicode_escape")
        if point == prefix or point.startswith(prefix + "/"):
            found.append(Path(point))
    return sorted(found, key=lambda point: len(point.parts), reverse=True)


def unmount(under: Path) -> None:
    """Unmount everything at or below a folder; busy mounts are detached."""
    libc = ctypes.CDLL(ctypes.util.find_library("c") or "libc.so.6", use_errno=True)
    detach = 2
    for point in mounts(under):
        if libc.umount2(os.fsencode(point), 0) != 0:
            libc.umount2(os.fsencode(point), detach)


def boot_id() -> str:
    """Return the id of this boot of the machine, which identifies run folders of earlier boots."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def start_time(pid: int) -> int | None:
    """Return when a process started (clock ticks since boot), None when it has ended, reaped or not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def cgroup_root() -> Path | None:
    """Return where the unified cgroup hierarchy is mounted, wherever a distribution put it."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, rest = line.partition(" - ")
        if rest.split()[0] == "cgroup2":
            return Path(fields.split()[4])
    return None


def cgroup_hierarchies() -> list[Path]:
    """List every mounted cgroup hierarchy: nspawn mirrors a container's groups into the older ones."""
    found = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        fields, _, rest = line.partition(" - ")
        if rest.split()[0] in ("cgroup", "cgroup2"):
            found.append(Path(fields.split()[4]))
    return found


def wait_until(condition: Callable[[], bool], seconds: float, every: float = 0.05) -> bool:
    """Test a condition repeatedly until it is true; False after the time limit."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(every)
    return True


@contextmanager
def locked(path: Path, waiting: Callable[[], None] | None = None, *, shared: bool = False) -> Iterator[None]:
    """Hold a lock that the kernel releases when its holder dies; ``waiting`` is called if it is taken.

    Several processes can hold a ``shared`` lock together.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as handle:
            try:
                fcntl.flock(handle, kind | fcntl.LOCK_NB)
            except BlockingIOError:
                if waiting:
                    waiting()
                fcntl.flock(handle, kind)
            if _is_file_at(handle, path):
                yield
                return


def forget_idle_locks() -> None:
    """Remove the lock files that nobody holds."""
    for path in RUN.glob("*.lock"):
        with path.open("a") as handle, suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_file_at(handle, path):
                path.unlink()


def _is_file_at(handle: IO[str], path: Path) -> bool:
    """Tell whether an open lock file is still the one at its path, and not one removed meanwhile."""
    try:
        return os.path.samestat(os.fstat(handle.fileno()), path.stat())
    except FileNotFoundError:
        return False


def write(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file atomically, in a folder that all may read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, text.encode(), mode)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object; an absent or broken file is an empty one."""
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def words_of(command: str | Sequence[str]) -> list[str]:
    """Turn a shell line into a command for ``sh``, and leave a list of words as it is."""
    return ["sh", "-c", command] if isinstance(command, str) else list(command)

"""Everything an installation must know of a server, gathered in one go (``fleet.facts.Facts`` names the keys).

What takes time (resolvers, recursion, port 25, programs) runs side by side; the whole takes under 4 s even
where nothing answers, but for a server that is too busy to say what it is itself. Nothing is changed and no
lock is taken. On other roots than ``/`` the network is not asked.
"""

from __future__ import annotations

import os
import platform
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from ..core.fault import AgentFault
from ..core.host import Host
from ..core.lock import active_run
from ..core.state import State
from ..items import apt_locks
from . import account_domains, listeners, mail_packages, mail_store, network_facts

_DEADLINE = 3.8
"""How long what may stay unknown is waited for, in seconds; such as what a name server has to say."""
_PATIENCE = 90.0
_ESSENTIAL = {
    "addresses": "which addresses it has",
    "apt": "whether packages are being installed",
    "mail": "which mail software it has",
    "listeners": "what listens on it",
    "sshd": "which ports SSH is on",
}
"""What must be known: a server that is too busy to say it must not be taken for an empty one."""


def gather(host: Host) -> dict[str, Any]:
    """The facts as JSON-compatible values."""
    jobs: dict[str, Callable[[], Any]] = {
        "addresses": lambda: network_facts.addresses(host),
        "resolvers": lambda: network_facts.resolvers(host),
        "recursion": lambda: network_facts.recursion(host),
        "port25": network_facts.outbound_25,
        "apt": lambda: apt_locks.busy(host),
        "mail": lambda: mail_packages.find(host),
        "listeners": lambda: listeners.find(host, State(host).names("units")),
        "systemd": lambda: host.run(["systemctl", "is-system-running"], timeout=3).text.split("\n")[0],
        "virtualization": lambda: host.run(["systemd-detect-virt"], timeout=3).text.split("\n")[0],
        "synchronized": lambda: host.run(["timedatectl", "show", "-p", "NTPSynchronized", "--value"], timeout=3),
        "sshd": lambda: _ssh_ports(host),
        "ssh_rsa_bits": lambda: _rsa_bits(host),
        "fqdn": _fqdn,
        "wireguard": lambda: _wireguard(host),
        "account_domains": lambda: account_domains.find(host),
    }
    if not host.real:
        jobs = {name: job for name, job in jobs.items() if name not in ("resolvers", "recursion", "port25")}
    found = _together(jobs)
    release = _os_release(host)
    room = memory()
    recursion, recursion_dnssec = found.get("recursion") or (None, None)
    port4, port6 = found.get("port25") or (None, None)
    addresses, public4, public6 = found["addresses"]
    synchronized = found["synchronized"]
    return {
        "gathered_at": time.time(),
        "os_id": release.get("ID", ""),
        "os_version": release.get("VERSION_ID", ""),
        "codename": release.get("VERSION_CODENAME", ""),
        "os_name": release.get("PRETTY_NAME", ""),
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine()),
        "kernel": platform.release(),
        "virtualization": found["virtualization"] or "",
        "hostname": socket.gethostname(),
        "fqdn": found["fqdn"] or "",
        "timezone": _timezone(host),
        "addresses": addresses,
        "public_ipv4": public4,
        "public_ipv6": public6,
        "cpus": os.cpu_count() or 0,
        "memory_total": room.get("MemTotal", 0),
        "memory_available": room.get("MemAvailable", 0),
        "disks": disks(host),
        "clock": time.time(),
        "clock_synchronized": {"yes": True, "no": False}.get(synchronized.text) if synchronized else None,
        "listeners": found["listeners"],
        "mail_software": found["mail"],
        "apt_busy": found["apt"],
        "privilege": "root" if os.geteuid() == 0 else "user",
        "systemd": found["systemd"] or "" if os.path.isdir("/run/systemd/system") else "",
        "python": platform.python_version(),
        "ssh_ports": found["sshd"],
        "ssh_rsa_bits": found["ssh_rsa_bits"] or 0,
        "outbound_25_ipv4": port4,
        "outbound_25_ipv6": port6,
        "reboot_pending": os.path.exists(host.path("/run/reboot-required")),
        "resolvers": found.get("resolvers") or [],
        "recursion": recursion,
        "recursion_dnssec": recursion_dnssec,
        "has_tun": os.path.exists("/dev/net/tun"),
        "has_wireguard": bool(found["wireguard"]),
        "has_fuse": os.path.exists("/dev/fuse"),
        "run_active": active_run(host),
        "installed_digest": State(host).installed_digest,
        "mail_store": mail_store.find(host),
        "account_domains": found["account_domains"],
    }


def _together(jobs: dict[str, Callable[[], Any]]) -> dict[str, Any]:
    """The results of all jobs, run side by side; None where one failed or is not done in time.

    One unreadable corner, or a resolver that never answers, must not hide the rest. Raises AgentFault where
    something that must be known is not.
    """
    pool = ThreadPoolExecutor(len(jobs))
    running = {name: pool.submit(job) for name, job in jobs.items()}
    wait(running.values(), _DEADLINE)
    wait([running[name] for name in _ESSENTIAL], _PATIENCE)
    pool.shutdown(wait=False, cancel_futures=True)
    for name, what in _ESSENTIAL.items():
        job = running[name]
        error = job.exception() if job.done() else TimeoutError("it takes too long")
        if isinstance(error, AgentFault):
            raise error
        if error:
            advice = "see how busy it is (top, dmesg), and try again"
            raise AgentFault(f"the server cannot say {what}: {error}", "facts", advice) from error
    return {
        name: future.result() if future.done() and not future.cancelled() and not future.exception() else None
        for name, future in running.items()
    }


def _os_release(host: Host) -> dict[str, str]:
    found = {}
    try:
        with open(host.path("/etc/os-release"), encoding="utf-8", errors="replace") as handle:
            for line in handle:
                key, _, value = line.strip().partition("=")
                found[key] = value.strip("\"'")
    except OSError:
        pass
    return found


def memory() -> dict[str, int]:
    """What /proc/meminfo says, in bytes (proc(5))."""
    found = {}
    with open("/proc/meminfo", encoding="ascii") as handle:
        for line in handle:
            key, _, value = line.partition(":")
            found[key] = int(value.split()[0]) * 1024
    return found


def disks(host: Host) -> list[dict[str, Any]]:
    """Size and room of each local file system that mail or the system may live on; a file server might hang."""
    found, seen = [], set()
    remote = mail_store.remote_mounts()
    for mount in ("/", "/var", "/var/lib", "/var/vmail", "/var/mail", "/home", "/srv"):
        path = host.path(mount)
        if path in remote or not os.path.isdir(path):
            continue
        device = os.stat(path).st_dev
        if device in seen:
            continue
        seen.add(device)
        info = os.statvfs(path)
        found.append(
            {"mount": mount, "total": info.f_blocks * info.f_frsize, "free": info.f_bavail * info.f_frsize}
        )
    return found


def _wireguard(host: Host) -> bool:
    """Whether the kernel can make WireGuard links: the module is there already, or can be loaded."""
    return os.path.isdir("/sys/module/wireguard") or host.run(["modprobe", "-nq", "wireguard"], timeout=3).ok


def _timezone(host: Host) -> str:
    try:
        target = os.readlink(host.path("/etc/localtime"))
        return target.partition("zoneinfo/")[2] or target
    except OSError:
        return "Etc/UTC"


def _fqdn() -> str:
    """The canonical name that the resolver gives the host's own name (as ``hostname --fqdn`` does)."""
    name = socket.gethostname()
    try:
        found = socket.getaddrinfo(name, None, flags=socket.AI_CANONNAME)
    except OSError:
        return name
    return next((entry[3] for entry in found if entry[3]), name)


def _rsa_bits(host: Host) -> int:
    """How long the RSA host key for SSH is; 0 where there is none."""
    done = host.run(["ssh-keygen", "-l", "-f", host.path("/etc/ssh/ssh_host_rsa_key.pub")], timeout=10)
    bits = done.text.split(" ", 1)[0] if done.ok else ""
    return int(bits) if bits.isdigit() else 0


def _ssh_ports(host: Host) -> list[int]:
    done = host.run(["sshd", "-T"], timeout=30)
    ports = (
        {int(line.split()[1]) for line in done.text.split("\n") if line.startswith("port ")} if done.ok else set()
    )
    used = os.environ.get("SSH_CONNECTION", "").split()
    if len(used) == 4 and used[3].isdigit():
        ports.add(int(used[3]))
    ports |= {entry["port"] for entry in listeners.find(host) if entry["process"].startswith("sshd")}
    return sorted(ports)

"""The facts about a server that an installation needs, gathered in one request (``protocol/facts.py`` names it).

What takes time (resolvers, recursion, port 25, programs) runs side by side; the whole takes under 4 s even
where nothing answers, except on an overloaded server. Nothing is changed and no
lock is taken. On other roots than ``/`` the network is not asked.
"""

from __future__ import annotations

import os
import platform
import socket
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from ..accounts import account_list
from ..core.fault import AgentFault
from ..core.host import Host
from ..core.lock import active_run
from ..core.state import State
from ..items import apt_locks
from ..protocol.facts import Disk, ServerFacts
from . import empty_disks, listeners, mail_packages, mail_store, network_facts

_DEADLINE = 3.8
"""Time limit in seconds for facts that may stay unknown, such as a name server's answer."""
_PATIENCE = 90.0
T = TypeVar("T")


def gather(host: Host) -> ServerFacts:
    """The facts. Raises AgentFault where something that must be known is not."""
    pool = ThreadPoolExecutor(17)
    addresses = pool.submit(network_facts.addresses, host)
    apt = pool.submit(apt_locks.busy, host)
    mail = pool.submit(mail_packages.find, host)
    heard = pool.submit(listeners.find, host, State(host).names("units"))
    sshd = pool.submit(_ssh_ports, host)
    systemd = pool.submit(_said, host, "systemctl", "is-system-running")
    virtualization = pool.submit(_said, host, "systemd-detect-virt")
    synchronized = pool.submit(_said, host, "timedatectl", "show", "-p", "NTPSynchronized", "--value")
    rsa_bits = pool.submit(_rsa_bits, host)
    fqdn = pool.submit(_fqdn)
    wireguard = pool.submit(_wireguard, host)
    domains = pool.submit(account_list.mailbox_domains, host)
    unused = pool.submit(empty_disks.find, host)
    resolvers = pool.submit(network_facts.resolvers, host) if host.real else None
    recursion = pool.submit(network_facts.recursion, host) if host.real else None
    port25 = pool.submit(network_facts.outbound_25) if host.real else None
    pool.shutdown(wait=False)
    end = time.monotonic() + _DEADLINE
    found, public4, public6 = _needed(addresses, end, "which addresses it has")
    busy = _needed(apt, end, "whether packages are being installed")
    software = _needed(mail, end, "which mail software it has")
    reachable, signed = _known(recursion, end) or (None, None)
    port4, port6 = _known(port25, end) or (None, None)
    release, room = _os_release(host), memory()
    return ServerFacts(
        gathered_at=time.time(),
        os_id=release.get("ID", ""),
        os_version=release.get("VERSION_ID", ""),
        codename=release.get("VERSION_CODENAME", ""),
        os_name=release.get("PRETTY_NAME", ""),
        architecture={"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine()),
        kernel=platform.release(),
        virtualization=_known(virtualization, end) or "",
        hostname=socket.gethostname(),
        fqdn=_known(fqdn, end) or "",
        timezone=_timezone(host),
        addresses=found,
        public_ipv4=public4,
        public_ipv6=public6,
        cpus=os.cpu_count() or 0,
        memory_total=room.get("MemTotal", 0),
        memory_available=room.get("MemAvailable", 0),
        disks=disks(host),
        clock=time.time(),
        clock_synchronized={"yes": True, "no": False}.get(_known(synchronized, end) or ""),
        listeners=_needed(heard, end, "what listens on it"),
        mail_software=software,
        apt_busy=tuple(busy),
        privilege="root" if os.geteuid() == 0 else "user",
        systemd=_known(systemd, end) or "" if os.path.isdir("/run/systemd/system") else "",
        python=platform.python_version(),
        ssh_ports=_needed(sshd, end, "which ports SSH is on"),
        ssh_rsa_bits=_known(rsa_bits, end) or 0,
        outbound_25_ipv4=port4,
        outbound_25_ipv6=port6,
        reboot_pending=os.path.exists(host.path("/run/reboot-required")),
        resolvers=_known(resolvers, end) or (),
        recursion=reachable,
        recursion_dnssec=signed,
        has_tun=os.path.exists("/dev/net/tun"),
        has_wireguard=_known(wireguard, end) or False,
        has_fuse=os.path.exists("/dev/fuse"),
        run_active=active_run(host),
        installed_digest=State(host).installed_digest,
        mail_store=mail_store.find(host),
        account_domains=_known(domains, end),
        empty_disks=_known(unused, end),
    )


def _known(job: Future[T] | None, end: float) -> T | None:
    """The result of a job; None where it failed or is not done by ``end``: one unreadable corner hides no other."""
    if job is None:
        return None
    wait([job], max(0.0, end - time.monotonic()))
    return job.result() if job.done() and not job.exception() else None


def _needed(job: Future[T], end: float, what: str) -> T:
    """The result of a job that must be known: a server too busy to say it must not be taken for an empty one.

    Raises AgentFault where it failed, or is not done long after ``end``.
    """
    wait([job], max(0.0, end - time.monotonic()) + _PATIENCE)
    error = job.exception() if job.done() else TimeoutError("no answer in time")
    if isinstance(error, AgentFault):
        raise error
    if error:
        advice = "on the server: look at top and dmesg; then try again"
        raise AgentFault(f"the server did not report {what}: {error}", "facts", advice) from error
    return job.result()


def _said(host: Host, *words: str) -> str:
    """The first line that a program prints."""
    return host.run(list(words), timeout=3).text.split("\n")[0]


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


def disks(host: Host) -> tuple[Disk, ...]:
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
        found.append(Disk(mount, info.f_blocks * info.f_frsize, info.f_bavail * info.f_frsize))
    return tuple(found)


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


def _ssh_ports(host: Host) -> tuple[int, ...]:
    done = host.run(["sshd", "-T"], timeout=30)
    ports = (
        {int(line.split()[1]) for line in done.text.split("\n") if line.startswith("port ")} if done.ok else set()
    )
    used = os.environ.get("SSH_CONNECTION", "").split()
    if len(used) == 4 and used[3].isdigit():
        ports.add(int(used[3]))
    ports |= {entry.port for entry in listeners.find(host) if entry.process.startswith("sshd")}
    return tuple(sorted(ports))

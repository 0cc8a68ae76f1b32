"""A lab host with a kernel of its own: User-Mode Linux runs it as processes of this machine; its disks are files.

It has what a container cannot have: DRBD, a watchdog, NFS, and a second disk, which is empty.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import guest_kernel, machine, network, templates
from .lab_machine import LabMachine, write_files
from .machine import LabError, run

ROOT_DISK = "disk.img"
SECOND_DISK = "disk2.img"
ROOT_DISK_MB = 8192
"""Room on the first disk; its file is sparse."""
FIRST_HARDWARE_BYTES = "52:54:00"

_LAUNCHER = """
host=$1
shift
ulimit -c 0
mkdir -p "$host/launcher"
echo $$ > "$host/launcher/cgroup.procs" || exit 1
boot=0
while :; do
    boot=$((boot + 1))
    mkdir -p "$host/boot$boot"
    sh -c 'echo $$ > "$0/cgroup.procs" && exec "$@"' "$host/boot$boot" "$@"
    ended=$?
    echo 1 > "$host/boot$boot/cgroup.kill"
    [ $ended -ne 0 ] || exit 0
    sleep 1
done
"""
"""Boots the host, and again unless it switched itself off (exit code 0); a panic ends it by a signal.

For a reboot the kernel executes what its name says, in the same process, where its network device would be taken.
So the name is a script that ends with another exit code.
"""
_AGAIN = "#!/bin/sh\nexit 64\n"


@dataclass(frozen=True)
class KernelHost(LabMachine):
    """A host that runs a kernel of its own."""

    number: int
    address: str
    """Its IPv4 address."""
    memory_mb: int
    disk_mb: int
    """Size of the second disk."""
    identity_file: Path

    def seal(self) -> None:
        """Write the first disk from the host's files, and make the second one."""
        write_files(
            self.root,
            {
                "etc/fstab": "/dev/ubda / ext4 errors=remount-ro 0 1\n",
                "etc/systemd/network/10-host0.link": templates.source("kernel-host.link"),
                "etc/.updated": "",
                "var/.updated": "",
            },
        )
        disk = self.folder / ROOT_DISK
        disk.unlink(missing_ok=True)
        options = ("-q", "-t", "ext4", "-E", "lazy_itable_init=1,nodiscard")
        run("mke2fs", *options, "-d", self.root, disk, f"{ROOT_DISK_MB}M")
        with (self.folder / SECOND_DISK).open("wb") as second:
            second.truncate(self.disk_mb << 20)

    def boot(self) -> None:
        """Start the host in the background, outliving this program; its console goes to a file."""
        self._plug()
        memory = self.folder / "memory"
        if not machine.mounts(memory):
            memory.mkdir(exist_ok=True)
            run("mount", "-t", "tmpfs", "-o", f"size={self.memory_mb + 64}m,mode=700", "tmpfs", memory)
        again = self.folder / "again"
        machine.write(again, _AGAIN, 0o755)
        hardware = f"{FIRST_HARDWARE_BYTES}:00:{self.slot:02x}:{self.number:02x}"
        command = [
            "nsenter",
            f"--net={network.namespace_path(self.lab)}",
            "bash",
            "-c",
            'exec -a "$@"',
            "bash",
            str(again),
            str(guest_kernel.program(self.images)),
            f"mem={self.memory_mb}M",
            f"uml_dir={self.folder}/",
            "umid=control",
            f"ubda={self.folder / ROOT_DISK}",
            f"ubdb={self.folder / SECOND_DISK}",
            "root=/dev/ubda",
            "rw",
            f"vec0:transport=tap,ifname={self.port},mac={hardware}",
            "con=null",
            "con0=null,fd:1",
            "panic=1",
        ]
        self._spawn(_LAUNCHER, *command, env={"TMPDIR": str(memory)})

    def init(self) -> int | None:
        """Return the process id, on the machine, of the host's kernel; None while it is not up."""
        started = []
        for pid in self._pids():
            try:
                program = Path(f"/proc/{pid}/exe").readlink()
            except OSError:
                continue
            since = machine.start_time(pid)
            if since is not None and program.name == guest_kernel.PROGRAM:
                started.append((since, pid))
        return min(started)[1] if started else None

    def run(
        self, command: str | Sequence[str], *, stdin: str | None = None, check: bool = True, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run a program on the host as root, by SSH from the bridge, which no cut of ``lab.sever`` concerns."""
        if self.init() is None:
            raise LabError(f"{self.id} is not running; see {self.console}, or: mailwiz-tui lab reset {self.id}")
        options = {
            "IdentityFile": self.identity_file,
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "no",
            "BatchMode": "yes",
            "ConnectTimeout": "20",
            "ServerAliveInterval": "10",
            "LogLevel": "ERROR",
        }
        words = shlex.join(machine.words_of(command))
        clean = "exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "
        return run(
            "nsenter",
            f"--net={network.namespace_path(self.lab)}",
            "ssh",
            "-F",
            "none",
            *(word for key, value in options.items() for word in ("-o", f"{key}={value}")),
            f"root@{self.address}",
            clean + words,
            stdin=stdin,
            check=check,
            timeout=timeout,
            called=f"on {self.id}: {words}",
        )

    def wait(self, addresses: Sequence[str] = (), seconds: float = 240, must_be: str = "running") -> str:
        """Wait until boot has finished and SSH answers on every address; a kernel of its own takes longer."""
        return super().wait(addresses, seconds, must_be)

    def _plug(self) -> None:
        """Make the host's end of the bridge; no packet above the MTU, which the guest's device would drop."""
        self._unplug()
        for words in (
            f"ip tuntap add {self.port} mode tap",
            f"ip link set {self.port} gso_max_segs 1",
            f"ip link set {self.bridge} gso_max_segs 1",
            f"ip link set {self.port} master {self.bridge} up",
        ):
            network.inside(self.lab, *words.split())

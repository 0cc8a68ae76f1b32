"""The usual host of a lab: a writable layer over a base image, booted by systemd-nspawn in the lab's network."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import machine, network
from .lab_machine import LabMachine
from .machine import LabError, run

_LAUNCHER = """
host=$1
shift
mkdir -p "$host/launcher"
echo $$ > "$host/launcher/cgroup.procs" || exit 1
boot=0
while :; do
    boot=$((boot + 1))
    mkdir -p "$host/boot$boot"
    sh -c 'echo $$ > "$0/cgroup.procs" && exec "$@"' "$host/boot$boot" "$@"
    [ $? -eq 133 ] || exit
done
"""
"""Boots the host in a cgroup of its own, and again when it asks for a reboot (exit code 133).

Each boot gets a fresh cgroup, without this shell in it: cgroup2 gives controllers only to groups whose
processes are all in leaves (cgroups(7), "no internal processes").
"""


@dataclass(frozen=True)
class Machine(LabMachine):
    """A host that shares the machine's kernel."""

    binds: tuple[tuple[Path, str], ...] = ()
    """Folders of the machine in the host: (here, there)."""

    def seal(self) -> None:
        """Leave the files as they are: the host uses them in place."""

    def boot(self) -> None:
        """Start the host in the background, outliving this program; its console goes to a file."""
        command = [
            "nsenter",
            f"--net={network.namespace_path(self.lab)}",
            "systemd-nspawn",
            "--quiet",
            f"--directory={self.root}",
            f"--machine={self._name}",
            "--register=no",
            "--keep-unit",
            f"--network-bridge={self.bridge}",
            "--resolv-conf=off",
            "--link-journal=no",
            "--timezone=off",
            "--capability=CAP_NET_ADMIN,CAP_SYS_ADMIN",
            *(f"--bind={device}" for device in ("/dev/fuse", "/dev/net/tun") if Path(device).exists()),
            *(f"--bind={here}:{there}" for here, there in self.binds),
            "--boot",
        ]
        self._spawn(_LAUNCHER, *command, env={"UNIFIED_CGROUP_HIERARCHY": "1"})

    def init(self) -> int | None:
        """Return the process id, on the machine, of the host's own process 1; None while it is not up."""
        for pid in self._pids():
            try:
                status = Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            spaces = next((line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:")), [])
            if len(spaces) == 2 and spaces[1] == "1":
                return pid
        return None

    def stop(self) -> None:
        """End every process of the host, and remove what nspawn leaves of a killed one."""
        super().stop()
        for place in ("propagate", "unix-export"):
            shutil.rmtree(Path("/run/systemd/nspawn") / place / self._name, ignore_errors=True)

    def run(
        self, command: str | Sequence[str], *, stdin: str | None = None, check: bool = True, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run a program on the host as root, without SSH; a string is a line for its shell."""
        pid = self.init()
        if pid is None:
            raise LabError(f"{self.id} is not running; see {self.console}, or: mailwiz-tui lab reset {self.id}")
        clean = ["env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"]
        return run(
            "nsenter",
            f"--target={pid}",
            "--all",
            *clean,
            *machine.words_of(command),
            stdin=stdin,
            check=check,
            timeout=timeout,
        )

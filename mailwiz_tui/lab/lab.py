"""The lab: starts real Debian hosts, finds them again, resets them, and removes them without leftovers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from subprocess import CompletedProcess

from mailwiz_tui.plan.words import counted

from . import addresses, base, disturbance, guest_kernel, machine, network, site, state, zones
from . import kernel as kernel_settings
from .dns import LabDns
from .host import Machine
from .inventory import LabHost
from .keys import LabPaths, operator_data_folder
from .lab_machine import remove_cgroup
from .machine import LabError, Report, silent
from .outside import Outside
from .site import Site
from .state import HostSpec

__all__ = ["Lab", "LabError", "LabHost", "LabPaths"]

LEAST_MEMORY_MB = 256
"""With less a host with a kernel of its own does not boot."""


class Lab:
    """One lab by its name; several can exist at once, each with addresses and an internet of its own.

    Every method works in any state: after a killed ``up``, after a reboot of the machine, or without a lab.
    """

    def __init__(self, name: str = "lab") -> None:
        self.name = state.check_name(name)
        self.paths = LabPaths(operator_data_folder() / "mailwiz-tui" / f"lab-{name}")

    def missing(self, *, kernel: bool = False) -> list[str]:
        """Name what this machine lacks, each with its remedy; ``kernel``: for hosts with a kernel of their own."""
        return machine.missing(kernel=kernel)

    def up(
        self,
        count: int = 3,
        *,
        suite: str = "trixie",
        kernel: bool = False,
        memory_mb: int = state.MEMORY_MB,
        disk_mb: int = state.DISK_MB,
        install: bool = False,
        report: Report = silent,
    ) -> LabPaths:
        """Start the lab with at least ``count`` hosts of a Debian release and kind; existing hosts are kept.

        With ``kernel`` they have a kernel of their own, ``memory_mb`` of memory, and a second disk of ``disk_mb``,
        which is empty. ``install`` lets it install the Debian packages this machine lacks. Raises LabError when the
        machine lacks something, or a host does not boot.
        """
        if not 1 <= count <= addresses.MAX_HOSTS:
            raise LabError(f"{counted(count, 'host')} are not possible; a lab has 1 to {addresses.MAX_HOSTS}")
        if memory_mb < LEAST_MEMORY_MB or disk_mb < 1:
            raise LabError(f"a host needs at least {LEAST_MEMORY_MB} MB of memory and 1 MB of disk")
        if install and os.geteuid() == 0:
            machine.install_packages(report, kernel=kernel)
        machine.require(kernel=kernel)
        wanted = HostSpec("", 0, suite, state.KERNEL if kernel else state.CONTAINER, memory_mb, disk_mb)
        if kernel:
            guest_kernel.images(suite, report)
        base.base_image(suite, report)
        with self._alone(report):
            here = Site.remember(self.name, self.paths)
            here.grow(count, wanted)
            here.start(report)
        return self.paths

    def down(self, report: Report = silent) -> None:
        """End the lab and remove it, except the cached images; no error without a lab."""
        if os.geteuid() != 0:
            raise LabError("only root can take a lab down; use sudo")
        with self._alone(report):
            memory = _or_nothing(self.name)
            folder, run_folder = state.folder(self.name), machine.RUN / self.name
            ids = {path.parent.name for path in folder.glob("*/upper")}
            ids |= {path.stem for path in run_folder.glob("*.json")}
            for host_id in sorted(ids):
                Machine(self.name, memory.plan.slot if memory else 0, host_id, (), "").stop()
            machine.unmount(folder)
            network.down(self.name, memory.plan if memory else None)
            for top in machine.cgroup_hierarchies():
                remove_cgroup(top / "mailwiz-lab" / self.name)
                _remove_if_empty(top / "mailwiz-lab")
            shutil.rmtree(folder, ignore_errors=True)
            for path in self.paths.all():
                path.unlink(missing_ok=True)
            _remove_if_empty(self.paths.directory)
            shutil.rmtree(run_folder, ignore_errors=True)
            if not state.slots():
                kernel_settings.restore()
                _remove_if_empty(machine.STATE)
        machine.forget_idle_locks()
        _remove_if_empty(machine.RUN)

    def hosts(self) -> list[LabHost]:
        """List the lab's hosts, running or not; empty when there is no lab."""
        memory = state.load(self.name)
        return [Site(self.name, memory, self.paths).view(spec) for spec in memory.hosts] if memory else []

    def host(self, host_id: str) -> LabHost:
        """Return one host; raises LabError if it does not exist."""
        return self._site.view(self._site.memory.host(host_id))

    def reset(self, host_id: str, *, new_host_keys: bool = False, report: Report = silent) -> None:
        """Reset a host to its first state and boot it; it keeps its addresses and SSH keys.

        ``new_host_keys`` is for a reinstalled server: its SSH host keys change, and known_hosts with them.
        Several hosts can be reset at the same time.
        """
        machine.require()
        with self._alone(report, shared=True):
            site.reset(self._site, host_id, new_host_keys, report)

    def cut(self, host_id: str) -> None:
        """Kill a host like a power cut; its files stay, for ``boot``."""
        with self._alone(silent, shared=True):
            site.cut(self._site, host_id)

    def boot(self, host_id: str) -> None:
        """Boot a host and wait until it has started; a running one stays unchanged."""
        machine.require()
        with self._alone(silent, shared=True):
            site.boot(self._site, host_id)

    def freeze(self, host_id: str) -> None:
        """Stop a host in the middle of what it does, until ``thaw``; its clock goes on."""
        disturbance.freeze(self._site, host_id, True)

    def thaw(self, host_id: str) -> None:
        """Let a frozen host go on."""
        disturbance.freeze(self._site, host_id, False)

    def sever(self, host_id: str, other: str = "") -> None:
        """Cut the link between two hosts, of one host to all others, or with ``outside`` to all that is no host."""
        disturbance.sever(self._site, host_id, other)

    def mend(self, host_id: str = "", other: str = "") -> None:
        """Restore what ``sever`` cut between the same names; everything without names."""
        disturbance.mend(self._site, host_id, other)

    def fail_disk(self, host_id: str) -> None:
        """Let the second disk of a kernel host fail every request, until ``heal_disk`` or a boot."""
        disturbance.fail_disk(self._site, host_id, True)

    def heal_disk(self, host_id: str) -> None:
        """Let the second disk of a kernel host work again; what it holds is as before."""
        disturbance.fail_disk(self._site, host_id, False)

    def run(
        self,
        host_id: str,
        command: str | Sequence[str],
        *,
        stdin: str | None = None,
        check: bool = True,
        timeout: float = 120,
    ) -> CompletedProcess[str]:
        """Run a program on a host as root; a string is a line for its shell.

        A host with a kernel of its own is reached by SSH from inside the lab, any other without.
        """
        box = self._site.box(self._site.memory.host(host_id))
        return box.run(command, stdin=stdin, check=check, timeout=timeout)

    @property
    def plan(self) -> addresses.AddressPlan:
        """All addresses of this lab."""
        return self._site.memory.plan

    @property
    def dns(self) -> LabDns:
        """The lab's DNS: publish, remove, look up."""
        return self._site.dns

    @property
    def outside(self) -> Outside:
        """The correspondent at outside.test: what it received, and sending from there."""
        return self._site.outside

    def clear_dns(self, *domains: str) -> None:
        """Reset the lab's zones (all, or those named) to their first content."""
        memory = self._site.memory
        keep = "".join(zones.host_records(memory.plan, spec.id, spec.number) for spec in memory.hosts)
        self.dns.clear(*domains, keep=keep + zones.reverse_records(memory.plan))

    @property
    def _site(self) -> Site:
        return site.existing(self.name, self.paths)

    def _alone(self, report: Report, *, shared: bool = False) -> AbstractContextManager[None]:
        path = machine.RUN / f"{self.name}.lock"
        return machine.locked(
            path, lambda: report(f"waiting for another command on the lab {self.name}"), shared=shared
        )


def _or_nothing(name: str) -> state.State | None:
    try:
        return state.load(name)
    except LabError:
        return None


def _remove_if_empty(folder: Path) -> None:
    """Remove a folder (or a cgroup, which looks full of files and is empty) unless something is in it."""
    if folder.is_dir():
        with suppress(OSError):
            folder.rmdir()

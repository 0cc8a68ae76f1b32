"""The lab: brings real Debian hosts up, finds them again, resets them, and leaves nothing behind."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from subprocess import CompletedProcess

from . import addresses, base, inventory, keys, machine, network, outside, provider, state, zones
from .dns import LabDns
from .host import Machine, remove_cgroup
from .inventory import LabHost
from .keys import LabPaths
from .machine import LabError, Report, silent
from .state import HostSpec, State

__all__ = ["Lab", "LabError", "LabHost", "LabPaths"]


class Lab:
    """One lab by its name; several can exist at once, each with addresses and an internet of its own.

    Every method takes what it finds: a lab half made by a killed ``up``, one from before a reboot of the
    machine, or none at all.
    """

    def __init__(self, name: str = "lab") -> None:
        self.name = state.check_name(name)
        data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
        self.paths = LabPaths(data / "mailwiz-tui" / f"lab-{name}")

    def missing(self) -> list[str]:
        """Name what this machine lacks, each with its remedy."""
        return machine.missing()

    def up(
        self, count: int = 3, *, suite: str = "trixie", install: bool = False, report: Report = silent
    ) -> LabPaths:
        """Bring the lab up with at least ``count`` hosts of a Debian release; hosts there already are kept.

        Raises LabError when the machine lacks something, or a host does not boot.
        """
        if count < 0:
            raise LabError(f"{count} hosts make no sense; use 1 to {addresses.MAX_HOSTS}")
        if install and os.geteuid() == 0:
            machine.install_packages(report)
        machine.require()
        base.base_image(suite, report)
        with self._lock(report):
            memory = self._remember()
            self._grow(memory, count, suite)
            keys.ensure(self.paths)
            world = self._outside_box(memory, report)
            layer = world.images[0]
            self._connect(memory, layer)
            boxes = {spec.id: self._box(memory, spec, report) for spec in memory.hosts}
            anchor = outside.trust_anchor(layer)
            started = []
            reborn = not world.prepared
            if reborn or not world.running():
                world.stop()
                self._lay(world, lambda: outside.prepare(world, memory.plan, self.paths))
                outside.refresh(world.root)
                world.boot()
                started.append(outside.ID)
            else:
                outside.refresh(world.root)
            newborn = []
            for spec in memory.hosts:
                box = boxes[spec.id]
                if not box.prepared:
                    newborn.append(spec)
                elif box.running():
                    continue
                box.stop()
                self._lay(box, lambda b=box, s=spec: provider.prepare(b, s, memory.plan, self.paths, anchor))  # type: ignore[misc]
                box.boot()
                started.append(spec.id)
            if started:
                report(f"booting {' '.join(started)}")
            self._await(memory, world, boxes, started, {spec.id for spec in newborn}, report)
            self._dns(memory).publish(
                zones.host_records(memory.plan, spec.id, spec.number)
                for spec in (memory.hosts if reborn else newborn)
            )
            for spec in newborn:
                boxes[spec.id].mark_prepared()
            world.mark_prepared()
            correspondent = outside.Outside(world, memory.plan, self.paths)
            if outside.ID in started or not self.paths.acme_roots.exists():
                correspondent.fetch_acme_roots()
            self._write(memory)
        return self.paths

    def down(self, report: Report = silent) -> None:
        """End the lab and remove all of it but the cached images; fine when there is none."""
        if os.geteuid() != 0:
            raise LabError("only root can take a lab down; use sudo")
        with self._lock(report):
            memory = self._memory_or_nothing()
            slot = memory.plan.slot if memory else 0
            folder = state.folder(self.name)
            ids = {path.parent.name for path in folder.glob("*/upper")}
            ids |= {path.stem for path in self._run_folder.glob("*.json")}
            for host_id in sorted(ids):
                Machine(self.name, slot, host_id, (), "").stop()
            machine.unmount(folder)
            network.down(self.name, memory.plan if memory else None)
            for top in machine.cgroup_hierarchies():
                remove_cgroup(top / "mailwiz-lab" / self.name)
                if (top / "mailwiz-lab").is_dir() and not any(p.is_dir() for p in (top / "mailwiz-lab").iterdir()):
                    remove_cgroup(top / "mailwiz-lab")
            shutil.rmtree(folder, ignore_errors=True)
            for path in self.paths.all():
                path.unlink(missing_ok=True)
            if self.paths.directory.is_dir() and not any(self.paths.directory.iterdir()):
                self.paths.directory.rmdir()
            shutil.rmtree(self._run_folder, ignore_errors=True)
            if not state.slots():
                network.restore_forwarding()
                if machine.STATE.is_dir() and not any(machine.STATE.iterdir()):
                    machine.STATE.rmdir()

    def hosts(self) -> list[LabHost]:
        """List the lab's hosts, running or not; empty when there is no lab."""
        memory = state.load(self.name)
        return [self._view(memory, spec) for spec in memory.hosts] if memory else []

    def host(self, host_id: str) -> LabHost:
        """Return one host; LabError when there is no such one."""
        memory = self._memory()
        return self._view(memory, memory.host(host_id))

    def reset(self, host_id: str, *, new_host_keys: bool = False, report: Report = silent) -> None:
        """Make a host bare again, as from the provider, and boot it; it keeps its addresses and SSH keys.

        ``new_host_keys`` plays a re-installed server: its SSH host keys change, and known_hosts with them.
        """
        machine.require()
        memory = self._memory()
        spec = memory.host(host_id)
        with machine.locked(self._run_folder / f"{host_id}.lock"):
            box = self._box(memory, spec, report)
            box.stop()
            box.wipe()
            box = self._box(memory, spec, report)
            if new_host_keys:
                shutil.rmtree(state.folder(self.name) / "host-keys" / host_id, ignore_errors=True)
            anchor = outside.trust_anchor(self._outside_box(memory, report).images[0])
            self._lay(box, lambda: provider.prepare(box, spec, memory.plan, self.paths, anchor))
            box.mark_prepared()
            box.boot()
            pair = memory.plan.host(spec.number)
            box.wait((str(pair.ipv4), str(pair.ipv6)))
        if new_host_keys:
            with self._lock(report):
                self._write(memory)

    def run(
        self,
        host_id: str,
        command: str | Sequence[str],
        *,
        stdin: str | None = None,
        check: bool = True,
        timeout: float = 120,
    ) -> CompletedProcess[str]:
        """Run a program on a host as root without SSH; a string is a line for its shell."""
        memory = self._memory()
        spec = memory.host(host_id)
        return Machine(self.name, memory.plan.slot, spec.id, (), "").run(
            command, stdin=stdin, check=check, timeout=timeout
        )

    @property
    def plan(self) -> addresses.AddressPlan:
        """All addresses of this lab."""
        return self._memory().plan

    @property
    def dns(self) -> LabDns:
        """The lab's name service: publish, remove, clear, ask."""
        return self._dns(self._memory())

    @property
    def outside(self) -> outside.Outside:
        """The correspondent at outside.test: what it received, and sending from there."""
        memory = self._memory()
        box = Machine(self.name, memory.plan.slot, outside.ID, (), "")
        return outside.Outside(box, memory.plan, self.paths)

    def clear_dns(self, *domains: str) -> None:
        """Bring the lab's zones (all, or those named) back to what they were when its hosts were new."""
        memory = self._memory()
        keep = "".join(zones.host_records(memory.plan, spec.id, spec.number) for spec in memory.hosts)
        self._dns(memory).clear(*domains, keep=keep + zones.reverse_records(memory.plan))

    @cached_property
    def _run_folder(self) -> Path:
        return machine.RUN / self.name

    @contextmanager
    def _lock(self, report: Report) -> Iterator[None]:
        path = machine.RUN / f"{self.name}.lock"
        with machine.locked(path, lambda: report(f"waiting for another command on the lab {self.name}")):
            yield

    def _remember(self) -> State:
        """Load the lab's memory, or begin one in a free slot."""
        with machine.locked(machine.RUN / "slots.lock"):
            memory = state.load(self.name)
            if memory is None:
                plan = addresses.allocate(state.slots(self.name).values(), network.taken())
                memory = State(plan)
                state.save(self.name, memory)
        return memory

    def _memory(self) -> State:
        memory = state.load(self.name)
        if memory is None:
            raise LabError(f"there is no lab {self.name!r}; start it: mailwiz-tui lab up --name {self.name}")
        return memory

    def _memory_or_nothing(self) -> State | None:
        try:
            return state.load(self.name)
        except LabError:
            return None

    def _grow(self, memory: State, count: int, suite: str) -> None:
        """Add hosts until there are ``count`` of a release, and write that down before any of them exists."""
        have = sum(spec.suite == suite for spec in memory.hosts)
        for _more in range(count - have):
            number = max((spec.number for spec in memory.hosts), default=0) + 1
            memory.plan.host(number)
            memory.hosts.append(HostSpec(f"mx{number}", number, suite))
        state.save(self.name, memory)

    def _connect(self, memory: State, layer: Path) -> None:
        """Build the network, anew where it is not whole."""
        whole = self._run_folder / "network"
        intact = whole.exists() and whole.read_text() == machine.boot_id() and network.exists(self.name)
        if not intact:
            for host_id in (outside.ID, *(spec.id for spec in memory.hosts)):
                Machine(self.name, memory.plan.slot, host_id, (), "").stop()
            network.down(self.name, memory.plan)
            network.up(self.name, memory.plan, outside.root_servers(layer))
            machine.write(whole, machine.boot_id())
        network.open_archive(memory.plan)

    def _lay(self, box: Machine, prepare: Callable[[], None]) -> None:
        """Mount a host's files; write them first if that was never finished."""
        if box.prepared:
            box.mount()
            return
        box.wipe()
        box.mount()
        prepare()

    def _await(
        self,
        memory: State,
        world: Machine,
        boxes: dict[str, Machine],
        started: list[str],
        newborn: set[str],
        report: Report,
    ) -> None:
        def ready(host_id: str) -> str:
            if host_id == outside.ID:
                verdict = world.wait()
                self._dns(memory).wait()
                return f"outside: {verdict}"
            pair = memory.plan.host(memory.host(host_id).number)
            must_be = "running" if host_id in newborn else ""
            verdict = boxes[host_id].wait((str(pair.ipv4), str(pair.ipv6)), must_be=must_be)
            return f"{host_id}: {verdict}, {pair}, {memory.host(host_id).suite}"

        with ThreadPoolExecutor(max_workers=8) as pool:
            for line in pool.map(ready, started):
                report(line)

    def _box(self, memory: State, spec: HostSpec, report: Report) -> Machine:
        box = Machine(self.name, memory.plan.slot, spec.id, (), network.HOSTS_BRIDGE)
        images = box.images_used() if box.prepared else ()
        return replace(box, images=images or (base.base_image(spec.suite, report),))

    def _outside_box(self, memory: State, report: Report) -> Machine:
        box = Machine(self.name, memory.plan.slot, outside.ID, (), network.OUTSIDE_BRIDGE)
        images = (box.images_used() if box.prepared else ()) or base.outside_image(report)
        packages = outside.packages_folder(memory.plan, images[0])
        return replace(box, images=images, binds=((packages, "/var/cache/apt-cacher-ng"),))

    def _dns(self, memory: State) -> LabDns:
        return LabDns(memory.plan, self.paths)

    def _view(self, memory: State, spec: HostSpec) -> LabHost:
        box = Machine(self.name, memory.plan.slot, spec.id, (), "")
        pair = memory.plan.host(spec.number)
        pid = box.init() if box.running() else None
        return LabHost(spec.id, str(pair.ipv4), str(pair.ipv6), spec.suite, pid, provider.fqdn(spec.id), box.root)

    def _write(self, memory: State) -> None:
        hosts = [self._view(memory, spec) for spec in memory.hosts]
        inventory.write_known_hosts(self.paths, hosts)
        inventory.write_inventory(self.paths, hosts)

"""An existing lab: its hosts, created from its state, started together, with the files for its operator."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from . import (
    addresses,
    base,
    guest_kernel,
    inventory,
    kernel,
    keys,
    machine,
    network,
    outside,
    provider,
    state,
    zones,
)
from .dns import LabDns
from .host import Machine
from .inventory import LabHost
from .kernel_host import KernelHost
from .keys import LabPaths
from .lab_machine import LabMachine
from .machine import LabError, Report, silent
from .state import HostSpec, State


@dataclass(frozen=True)
class Site:
    """One lab's name, state and files, and the operations on them."""

    name: str
    memory: State
    paths: LabPaths

    @classmethod
    def remember(cls, name: str, paths: LabPaths) -> Site:
        """Load a lab's state, or create one in a free slot."""
        with machine.locked(machine.RUN / "slots.lock"):
            memory = state.load(name)
            if memory is None:
                memory = State(addresses.allocate(state.slots(name).values(), network.taken()))
                state.save(name, memory)
        return cls(name, memory, paths)

    def grow(self, count: int, wanted: HostSpec) -> None:
        """Add hosts to the state until ``count`` have the wanted release and kind; saved before they exist."""
        have = sum((spec.suite, spec.kind) == (wanted.suite, wanted.kind) for spec in self.memory.hosts)
        for _more in range(count - have):
            number = max((spec.number for spec in self.memory.hosts), default=0) + 1
            self.memory.plan.host(number)
            self.memory.hosts.append(replace(wanted, id=f"mx{number}", number=number))
        state.save(self.name, self.memory)

    def start(self, report: Report) -> None:
        """Start everything in the state that does not run yet."""
        keys.ensure(self.paths)
        kernel.allow_many_hosts()
        world = self.world(report)
        self._connect(world.images[0], report)
        started = []
        reborn = not world.prepared
        if reborn or not world.running():
            world.stop()
            _lay(world, lambda: outside.prepare(world, self.memory.plan, self.paths))
            outside.refresh(world.root, self.memory.plan)
            world.boot()
            started.append(outside.ID)
        else:
            outside.refresh(world.root, self.memory.plan)
        newborn = []
        for spec in self.memory.hosts:
            box = self.box(spec, report)
            if not box.prepared:
                newborn.append(spec)
            elif box.running():
                continue
            box.stop()
            self.lay(box, spec, world.images[0])
            box.boot()
            started.append(spec.id)
        if started:
            report(f"booting {' '.join(started)}")
        self._await(started, {spec.id for spec in newborn}, report)
        self.dns.publish(
            zones.host_records(self.memory.plan, spec.id, spec.number)
            for spec in (self.memory.hosts if reborn else newborn)
        )
        for spec in newborn:
            self.box(spec).mark_prepared()
        world.mark_prepared()
        correspondent = self.outside
        if outside.ID in started or not self.paths.acme_roots.exists():
            correspondent.fetch_acme_roots()
        if outside.ID in started:
            correspondent.check_archive(report)
        self.hand_over()

    def lay(self, box: LabMachine, spec: HostSpec, layer: Path) -> None:
        """Mount a host's files; write them first if they are incomplete."""
        anchor = outside.trust_anchor(layer)
        _lay(box, lambda: provider.prepare(box, spec, self.memory.plan, self.paths, anchor))

    def box(self, spec: HostSpec, report: Report | None = None) -> LabMachine:
        """Return a host; with ``report`` also its images, built if need be, so that it can be started."""
        box = self._kind(spec)
        if report is None:
            return box
        images = box.images_used() if box.prepared else ()
        return replace(box, images=images or _images(spec, report))

    def _kind(self, spec: HostSpec) -> LabMachine:
        slot = self.memory.plan.slot
        if spec.kind == state.CONTAINER:
            return Machine(self.name, slot, spec.id, (), network.HOSTS_BRIDGE)
        return KernelHost(
            self.name,
            slot,
            spec.id,
            (),
            network.HOSTS_BRIDGE,
            spec.number,
            str(self.memory.plan.host(spec.number).ipv4),
            spec.memory_mb,
            spec.disk_mb,
            self.paths.identity_file,
        )

    def world(self, report: Report | None = None) -> Machine:
        """Return the outside host, with its images if ``report`` is given."""
        box = Machine(self.name, self.memory.plan.slot, outside.ID, (), network.OUTSIDE_BRIDGE)
        if report is None:
            return box
        images = (box.images_used() if box.prepared else ()) or base.outside_image(report)
        packages = outside.packages_folder(self.memory.plan, images[0])
        return replace(box, images=images, binds=((packages, "/var/cache/apt-cacher-ng"),))

    @property
    def dns(self) -> LabDns:
        return LabDns(self.memory.plan, self.paths)

    @property
    def outside(self) -> outside.Outside:
        return outside.Outside(self.world(), self.memory.plan, self.paths)

    def view(self, spec: HostSpec) -> LabHost:
        """Return a host for its operator."""
        box = self.box(spec)
        pair = self.memory.plan.host(spec.number)
        pid = box.init() if box.running() else None
        name = provider.fqdn(spec.id)
        return LabHost(spec.id, str(pair.ipv4), str(pair.ipv6), spec.suite, pid, name, box.root, spec.kind)

    def hand_over(self) -> None:
        """Write inventory and known_hosts."""
        hosts = [self.view(spec) for spec in self.memory.hosts]
        inventory.write_known_hosts(self.paths, hosts)
        inventory.write_inventory(self.paths, hosts, str(self.memory.plan.resolver.ipv4))
        self.paths.give_to_operator()

    def _connect(self, layer: Path, report: Report) -> None:
        """Create the network, again if it is incomplete."""
        whole = machine.RUN / self.name / "network"
        intact = whole.exists() and whole.read_text() == machine.boot_id() and network.exists(self.name)
        if not intact:
            for box in (self.world(), *(self.box(spec) for spec in self.memory.hosts)):
                box.stop()
            network.down(self.name, self.memory.plan)
            (machine.RUN / self.name / "cuts.json").unlink(missing_ok=True)
            network.up(self.name, self.memory.plan, outside.root_servers(layer))
            machine.write(whole, machine.boot_id())
        network.open_archive(self.memory.plan, report)

    def _await(self, started: list[str], newborn: set[str], report: Report) -> None:
        def ready(host_id: str) -> str:
            if host_id == outside.ID:
                verdict = self.world().wait()
                self.dns.wait()
                return f"outside: {verdict}"
            spec = self.memory.host(host_id)
            pair = self.memory.plan.host(spec.number)
            must_be = "running" if host_id in newborn else ""
            verdict = self.box(spec).wait((str(pair.ipv4), str(pair.ipv6)), must_be=must_be)
            return f"{host_id}: {verdict}, {pair}, {spec.suite}"

        with ThreadPoolExecutor(max_workers=8) as pool:
            for line in pool.map(ready, started):
                report(line)


def existing(name: str, paths: LabPaths) -> Site:
    """Return an existing lab; raises LabError if there is none."""
    memory = state.load(name)
    if memory is None:
        raise LabError(f"there is no lab {name!r}; start it: mailwiz-tui lab up --name {name}")
    return Site(name, memory, paths)


def reset(site: Site, host_id: str, new_host_keys: bool, report: Report = silent) -> None:
    """Delete the files of a host and boot it as new."""
    spec = site.memory.host(host_id)
    with machine.locked(machine.RUN / site.name / f"{host_id}.lock"):
        site.box(spec).stop()
        site.box(spec).wipe()
        if new_host_keys:
            provider.forget_host_keys(site.box(spec))
        box = site.box(spec, report)
        site.lay(box, spec, site.world(report).images[0])
        box.mark_prepared()
        box.boot()
        pair = site.memory.plan.host(spec.number)
        box.wait((str(pair.ipv4), str(pair.ipv6)))
    if new_host_keys:
        site.hand_over()


def cut(site: Site, host_id: str) -> None:
    """End every process of a host at once."""
    with machine.locked(machine.RUN / site.name / f"{host_id}.lock"):
        site.box(site.memory.host(host_id)).stop()


def boot(site: Site, host_id: str) -> None:
    """Start a host with the files it has."""
    spec = site.memory.host(host_id)
    with machine.locked(machine.RUN / site.name / f"{host_id}.lock"):
        box = site.box(spec, silent)
        if box.running():
            return
        box.stop()
        site.lay(box, spec, site.world(silent).images[0])
        box.boot()
        pair = site.memory.plan.host(spec.number)
        box.wait((str(pair.ipv4), str(pair.ipv6)), must_be="")


def _images(spec: HostSpec, report: Report) -> tuple[Path, ...]:
    if spec.kind == state.KERNEL:
        return guest_kernel.images(spec.suite, report)
    return (base.base_image(spec.suite, report),)


def _lay(box: LabMachine, prepare: Callable[[], None]) -> None:
    if not box.prepared:
        box.wipe()
    box.mount()
    if not box.prepared:
        prepare()
        box.seal()

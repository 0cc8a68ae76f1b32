"""A lab host with a kernel of its own: QEMU boots Debian's cloud kernel from an image of the host's files.

A container shares this machine's kernel, which may know no NFS. The guest has the borrowed host's addresses,
names and SSH keys; the lab takes it for that host, so ``reset`` and ``down`` end it. With KVM where this machine
has it, else emulated.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from mailwiz_tui.lab import base, machine, network, outside, provider
from mailwiz_tui.lab.lab import Lab
from mailwiz_tui.lab.lab_machine import banner

QEMU = "qemu-system-x86_64"
SCRIPT = """set -e
export DEBIAN_FRONTEND=noninteractive
printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
apt-get update -qq
apt-get install -y -qq --no-install-recommends linux-image-cloud-amd64 {packages}
rm /usr/sbin/policy-rc.d
systemctl disable $(systemctl list-unit-files --state=enabled --no-legend | \
awk '{{ print $1 }}' | grep -E '{services}')
apt-get clean
rm -rf /var/lib/apt/lists/*
"""
SERVICES = "^(dovecot|fail2ban|mariadb|postfix|postsrsd|redis-server|rpcbind|rspamd|unbound)"
FILES = {
    "etc/systemd/network/10-host0.link": "[Match]\nDriver=virtio_net\n\n[Link]\nName=host0\n",
    "etc/initramfs-tools/conf.d/small": "MODULES=list\n",
    "usr/share/initramfs-tools/modules.d/disk": "virtio_pci\nvirtio_blk\next4\n",
}
SIZE = "6G"
MEMORY = "1536"

Ssh = Callable[..., subprocess.CompletedProcess[str]]


def require_qemu() -> None:
    """Install QEMU from Debian where it is missing."""
    if shutil.which(QEMU) is None:
        environment = {"DEBIAN_FRONTEND": "noninteractive"}
        packages = ("qemu-system-x86", "ipxe-qemu", "seabios")
        machine.run("apt-get", "update", "-qq", env=environment)
        machine.run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages, env=environment)


def accelerated() -> bool:
    """Whether the processor really virtualises: others offer /dev/kvm and then fail in the guest."""
    flags = set(Path("/proc/cpuinfo").read_text().split())
    return Path("/dev/kvm").exists() and bool(flags & {"vmx", "svm"})


def accelerator() -> tuple[str, ...]:
    """QEMU's words for how the guest's processor is made."""
    return ("-accel", "kvm", "-cpu", "host") if accelerated() else ("-accel", "tcg,thread=multi", "-cpu", "max")


class KernelHost:
    """A borrowed host of the lab, booted as a virtual machine.

    ``packages`` are in its image from the start, for unpacking them takes long where the machine is emulated.
    """

    def __init__(self, lab: Lab, host: str, packages: Sequence[str] = (), suite: str = "trixie") -> None:
        require_qemu()
        site = lab._site
        self.lab, self.id = lab, host
        self.spec = site.memory.host(host)
        script = SCRIPT.format(packages=" ".join(packages), services=SERVICES)
        what = f"{suite} with a kernel"
        layer = base.layer_image(f"kernel-{suite}", what, script, print, suite=suite, files=FILES)
        self.box = replace(site.box(self.spec), images=layer)
        self._anchor = outside.trust_anchor(site.world(machine.silent).images[0])
        self._disk = self.box.folder / "disk.img"
        self._tap = f"vm{self.spec.number}"
        self._log = self.box.run_folder / f"{host}-qemu.log"
        self._guest: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return self.lab.host(self.id).ipv4

    def boot(self) -> None:
        """Make the host's disk anew and boot it; returns when SSH answers."""
        box = self.box
        with self.lab._alone(machine.silent, shared=True):
            box.stop()
            box.wipe()
            box.mount()
            provider.prepare(box, self.spec, self.lab.plan, self.lab.paths, self._anchor)
            (box.root / "etc/fstab").write_text("/dev/vda / ext4 errors=remount-ro 0 1\n")
            for stamp in (
                "etc/.updated",
                "var/.updated",
            ):  # or the first boot rebuilds caches (systemd-update-done)
                (box.root / stamp).touch()
            machine.run("mke2fs", "-q", "-t", "ext4", "-E", "lazy_itable_init=1", "-d", box.root, self._disk, SIZE)
            box.mark_prepared()
            # What the lab takes for the host while its power is cut: it would boot a container in its place.
            stand_in = self._spawn(["sleep", "infinity"])
            record = {"pid": stand_in.pid, "start": machine.start_time(stand_in.pid), "boot": machine.boot_id()}
            machine.write(box.record, json.dumps(record))
        self.start()

    def start(self) -> None:
        """Start it from its disk as it is now."""
        kernel, initrd = (next((self.box.root / "boot").glob(f"{name}-*")) for name in ("vmlinuz", "initrd.img"))
        self._in_network("sh", "-ec", (
            f"ip link del {self._tap} 2>/dev/null || :; ip tuntap add {self._tap} mode tap;"
            f" ip link set {self._tap} master {network.HOSTS_BRIDGE} up"
        ))  # fmt: skip
        words = [
            QEMU, *accelerator(), "-smp", "2", "-m", MEMORY, "-nodefaults", "-display", "none",
            "-serial", f"file:{self.box.console}", "-kernel", str(kernel), "-initrd", str(initrd),
            "-append", "root=/dev/vda rw console=ttyS0 net.ifnames=0 panic=-1",
            "-drive", f"file={self._disk},if=virtio,format=raw,cache=unsafe",
            "-netdev", f"tap,id=n0,ifname={self._tap},script=no,downscript=no",
            "-device", f"virtio-net-pci,netdev=n0,mac=52:54:00:00:00:{self.spec.number:02x}",
            "-device", "virtio-rng-pci",
        ]  # fmt: skip
        self._guest = self._spawn(["nsenter", f"--net={network.namespace_path(self.box.lab)}", *words])
        if (
            not machine.wait_until(lambda: banner(self.address) or self._guest_ended(), 400, 0.2)
            or self._guest_ended()
        ):
            raise AssertionError(f"the guest does not answer: {self._log.read_text()}{self._last_words()}")

    def cut_power(self) -> None:
        """End the machine at once, as when its power fails."""
        if self._guest is not None:
            self._guest.kill()
            self._guest.wait(20)
            self._guest = None

    def close(self) -> None:
        """End it and leave the host to the lab, which makes it anew for the next borrower."""
        with self.lab._alone(machine.silent, shared=True):
            self.cut_power()
            self.box.stop()
            self._in_network("sh", "-c", f"ip link del {self._tap} || :")
            self.box.wipe()

    def _spawn(self, words: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start a program in the host's cgroup, where ``lab down`` and ``lab reset`` find it."""
        leaf = self.box.cgroup / "guest"
        leaf.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            return subprocess.Popen(
                ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', str(leaf), *words],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd="/",
            )  # fmt: skip

    def _guest_ended(self) -> bool:
        return self._guest is None or self._guest.poll() is not None

    def _in_network(self, *command: str) -> None:
        network.inside(self.box.lab, *command)

    def sh(self, script: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a shell script in the guest as root, by SSH."""
        options = {
            "IdentityFile": self.lab.paths.identity_file, "UserKnownHostsFile": self.lab.paths.known_hosts,
            "IdentitiesOnly": "yes", "BatchMode": "yes", "ConnectTimeout": "10",
        }  # fmt: skip
        words = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
        return subprocess.run(
            ["ssh", "-F", "none", *words, f"root@{self.address}", "sh -s"],
            input=script, capture_output=True, text=True, check=False, timeout=timeout, env={**os.environ},
        )  # fmt: skip

    def _last_words(self) -> str:
        console: Path = self.box.console
        return "\n".join(console.read_text(errors="replace").splitlines()[-15:]) if console.exists() else ""

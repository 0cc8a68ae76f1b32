"""The hosting provider of the lab: the configuration of a new server before its operator first logs in."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from . import keys, templates
from .addresses import AddressPlan
from .keys import LabPaths
from .lab_machine import LabMachine, write_files
from .machine import run
from .outside import PROXY_PORT
from .state import HostSpec

DOMAIN = "lab.test"


def fqdn(host_id: str) -> str:
    return f"{host_id}.{DOMAIN}"


def prepare(box: LabMachine, spec: HostSpec, plan: AddressPlan, paths: LabPaths, anchor: Mapping[str, str]) -> None:
    """Write a bare host's files: name, network, resolver, packages by proxy, the lab's trust anchor, SSH keys."""
    pair = plan.host(spec.number)
    four, six = plan.hosts_net
    root = box.root
    files = {
        "etc/hostname": f"{spec.id}\n",
        "etc/hosts": (
            "127.0.0.1 localhost\n"
            "::1 localhost ip6-localhost ip6-loopback\n"
            f"{pair.ipv4} {fqdn(spec.id)} {spec.id}\n"
            f"{pair.ipv6} {fqdn(spec.id)} {spec.id}\n"
        ),
        "etc/resolv.conf": f"nameserver {plan.resolver.ipv4}\nnameserver {plan.resolver.ipv6}\n",
        "etc/apt/apt.conf.d/90provider": f'Acquire::http::Proxy "http://{plan.proxy.ipv4}:{PROXY_PORT}";\n',
        "etc/systemd/network/10-provider.network": templates.render(
            "host.network",
            addresses=f"Address={pair.ipv4}/{four.prefixlen}\nAddress={pair.ipv6}/{six.prefixlen}",
            gateway4=plan.hosts_gateway.ipv4,
            gateway6=plan.hosts_gateway.ipv6,
            source4=pair.ipv4,
            source6=pair.ipv6,
        ),
        "etc/unbound/unbound.conf.d/00-provider.conf": templates.source("unbound-host.conf"),
        **anchor,
    }
    write_files(root, files)
    public = keys.public_identity(paths)
    _authorize(root / "root", public, 0)
    _authorize(root / "home/admin", public, (root / "home/admin").stat().st_uid)
    host_keys(box)


def _authorize(home: Path, public: str, owner: int) -> None:
    folder = home / ".ssh"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / "authorized_keys"
    path.write_text(public)
    path.chmod(0o600)
    for item in (folder, path):
        shutil.chown(item, owner, owner)


def forget_host_keys(box: LabMachine) -> None:
    """Give the host new SSH keys at its next reset."""
    shutil.rmtree(_kept_keys(box), ignore_errors=True)


def _kept_keys(box: LabMachine) -> Path:
    return box.folder.parent / "host-keys" / box.id


def host_keys(box: LabMachine) -> None:
    """Give the host its SSH keys: those it had before a reset, else new ones.

    They are created in a folder of this call: the ``ssh-keygen`` of a killed call may still write into its own.
    """
    kept = _kept_keys(box)
    target = box.root / "etc/ssh"
    if not kept.is_dir():
        kept.parent.mkdir(mode=0o700, exist_ok=True)
        for stale in kept.parent.glob(f".{kept.name}.*"):
            shutil.rmtree(stale, ignore_errors=True)
        fresh = Path(tempfile.mkdtemp(prefix=f".{kept.name}.", dir=kept.parent))
        (fresh / "etc/ssh").mkdir(parents=True, mode=0o700)
        run("ssh-keygen", "-A", "-f", fresh)
        for path in (fresh / "etc/ssh").glob("*.pub"):
            path.write_text(" ".join([*path.read_text().split()[:2], f"root@{box.id}"]) + "\n")
        (fresh / "etc/ssh").rename(kept)
        shutil.rmtree(fresh)
    for path in kept.iterdir():
        shutil.copy(path, target)

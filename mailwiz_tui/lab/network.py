"""The lab's network: one namespace with a bridge for the hosts, one for the outside, and a wire to the machine."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from . import kernel, machine, sources, templates
from .addresses import AddressPlan, Pair
from .machine import Report, run

HOSTS_BRIDGE = "hosts"
OUTSIDE_BRIDGE = "outside"
NOBODY = "240.0.0.0"
"""An unused address, for a set that must not be empty."""


def namespace(name: str) -> str:
    """Return the name of a lab's network namespace."""
    return f"mailwiz-lab-{name}"


def namespace_path(name: str) -> Path:
    return Path("/run/netns") / namespace(name)


def exists(name: str) -> bool:
    """Tell whether the namespace exists: after a reboot only its empty file may be left."""
    return bool(machine.mounts(namespace_path(name)))


def archive_addresses() -> dict[str, list[str]]:
    """Resolve the package servers: name -> IPv4 addresses; without those that do not resolve."""
    proxy = sources.apt_proxy()
    urls = [proxy] if proxy else list(sources.read_archive().urls)
    found = {}
    for url in urls:
        name = urlsplit(url).hostname or ""
        try:
            answers = socket.getaddrinfo(name, None, socket.AF_INET, socket.SOCK_STREAM)
        except OSError:
            continue
        found[name] = sorted({str(answer[4][0]) for answer in answers})
    return found


def taken() -> list[str]:
    """List what this machine uses itself: its routes, its resolvers and its package servers."""
    found = [address for addresses in archive_addresses().values() for address in addresses]
    for family in ("-4", "-6"):
        for route in json.loads(run("ip", family, "-j", "route", "show", "table", "all").stdout or "[]"):
            wide = route["dst"] in ("default", "0.0.0.0/0", "::/0", "::/1", "8000::/1")
            if not wide and not str(route.get("dev", "")).startswith("mwl"):
                found.append(route["dst"])
    for line in Path("/etc/resolv.conf").read_text().splitlines() if Path("/etc/resolv.conf").exists() else []:
        words = line.split()
        if len(words) > 1 and words[0] == "nameserver":
            found.append(words[1].partition("%")[0])
    return found


def up(name: str, plan: AddressPlan, root_servers: Iterable[str]) -> None:
    """Build namespace, bridges, wire and routes; ``root_servers`` become addresses of the lab's outside.

    There is no default route for IPv6, so that targets outside the lab are unreachable at once: packages use IPv4.
    """
    space = namespace(name)
    run("ip", "netns", "add", space)
    inside(name, "ip", "link", "set", "lo", "up")
    settings = {
        "net/ipv6/conf/all/accept_dad": "0",
        "net/ipv6/conf/default/accept_dad": "0",
        "net/ipv4/ip_forward": "1",
        "net/ipv6/conf/all/forwarding": "1",
    }
    script = "\n".join(f"echo {value} > /proc/sys/{key}" for key, value in settings.items())
    inside(name, "sh", "-ec", script)
    for bridge, gateway, nets in (
        (HOSTS_BRIDGE, plan.hosts_gateway, plan.hosts_net),
        (OUTSIDE_BRIDGE, plan.outside_gateway, plan.outside_net),
    ):
        inside(name, "ip", "link", "add", bridge, "type", "bridge")
        inside(name, "ip", "link", "set", bridge, "up")
        _address(name, bridge, gateway, nets[0].prefixlen)
    run("ip", "link", "add", plan.device, "type", "veth", "peer", "name", "machine", "netns", space)
    wide = plan.operator_net[0].prefixlen
    _address(name, "machine", plan.wire, wide)
    inside(name, "ip", "link", "set", "machine", "up")
    Path(f"/proc/sys/net/ipv6/conf/{plan.device}/accept_dad").write_text("0")
    run("ip", "addr", "add", f"{plan.operator.ipv4}/{wide}", "dev", plan.device)
    run("ip", "addr", "add", f"{plan.operator.ipv6}/64", "dev", plan.device, "nodad")
    run("ip", "link", "set", plan.device, "up")
    for four, six in (plan.hosts_net, plan.outside_net):
        run("ip", "route", "add", str(four), "via", str(plan.wire.ipv4))
        run("ip", "-6", "route", "add", str(six), "via", str(plan.wire.ipv6))
    inside(name, "ip", "route", "add", "default", "via", str(plan.operator.ipv4))
    server = plan.nameservers[0]
    for address in root_servers:
        via = server.ipv6 if ":" in address else server.ipv4
        inside(name, "ip", "-6" if ":" in address else "-4", "route", "add", address, "via", str(via))


def open_archive(plan: AddressPlan, report: Report) -> None:
    """Allow connections from the outside host to the package servers, and no others."""
    addresses = sorted({address for found in archive_addresses().values() for address in found})
    if not addresses:
        report("this machine cannot resolve its own package server: hosts get packages from the cache only")
    port = urlsplit(sources.apt_proxy()).port
    rules = templates.render(
        "nft-machine.nft",
        slot=plan.slot,
        device=plan.device,
        outside=plan.outside_net[0],
        archive=", ".join(addresses or [NOBODY]),
        ports="80, 443" + (f", {port}" if port and port not in (80, 443) else ""),
    )
    run("nft", "-f", "-", stdin=rules)
    kernel.forwarding(plan.device).write_text("1")
    for device in _devices_towards(addresses):
        kernel.turn(kernel.forwarding(device), "1")


def down(name: str, plan: AddressPlan | None) -> None:
    """Remove the network, complete or not."""
    if plan is not None:
        run("ip", "link", "del", plan.device, check=False)
        run("nft", "delete", "table", "inet", f"mailwiz_lab_{plan.slot}", check=False)
    path = namespace_path(name)
    if path.exists():
        run("ip", "netns", "del", namespace(name), check=False)
        machine.unmount(path)
        path.unlink(missing_ok=True)


def inside(name: str, *command: str) -> str:
    """Run a program in the lab's network namespace, in the machine's file system."""
    return run("nsenter", f"--net={namespace_path(name)}", *command).stdout


def _devices_towards(addresses: Iterable[str]) -> list[str]:
    devices = set()
    for address in addresses:
        for route in json.loads(run("ip", "-j", "route", "get", address).stdout or "[]"):
            devices.add(route.get("dev", ""))
    return sorted(devices - {"", "lo"})


def _address(name: str, device: str, pair: Pair, length: int) -> None:
    inside(name, "ip", "addr", "add", f"{pair.ipv4}/{length}", "dev", device)
    inside(name, "ip", "addr", "add", f"{pair.ipv6}/64", "dev", device, "nodad")

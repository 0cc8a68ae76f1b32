#!/usr/bin/python3 -I
# Managed by mailwiz-tui: the next apply writes this file again. Own settings: there are none to make here.
"""Points /etc/resolv.conf at unbound on this host, when it answers for the names that the server needs.

``use-own-resolver NAME...``: names that the plan needs, besides the hosts of packages (sources.list(5), or apt's
proxy). The root is not among them: a resolver of a company may answer for its own names alone. unbound has to
resolve each name that the former resolver resolves, and to answer for at least one. Otherwise the host keeps its
former resolver, and the program prints what failed. Programs that would rewrite resolv.conf (dhclient, dhcpcd,
NetworkManager) are configured to leave it. A link to systemd-resolved's file is replaced by a file.

``use-own-resolver --before [DNS SERVER,...] NAME...`` changes nothing and needs no package: before an installation
it prints the names that would fail. The hosts of packages must resolve in apt's way, and the DNS servers that
unbound will forward to are tested like unbound above. A host that forwards to them already is not tested.
"""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

WANTED = Path("/etc/mailwiz/resolv.conf")
LIVE = Path("/etc/resolv.conf")
FORWARDING = Path("/etc/unbound/unbound.conf.d/mailwiz.conf")
KEPT = Path("/var/lib/mailwiz/backup/resolv.conf")
OWN = "127.0.0.1"
NOTE = "# Managed by mailwiz-tui: this host's resolver is unbound on 127.0.0.1.\n"
HOOKS = {
    "/etc/dhcp/dhclient-enter-hooks.d/mailwiz-resolver": "make_resolv_conf() { :; }\n",
    "/etc/dhcpcd.enter-hook": 'skip_hooks="$skip_hooks resolv.conf"\n',
    "/etc/NetworkManager/conf.d/90-mailwiz.conf": "[main]\ndns=none\nrc-manager=unmanaged\n",
}
PROGRAMS = {
    "/etc/dhcp/dhclient-enter-hooks.d/mailwiz-resolver": "/etc/dhcp/dhclient-enter-hooks.d",
    "/etc/dhcpcd.enter-hook": "/etc/dhcpcd.conf",
    "/etc/NetworkManager/conf.d/90-mailwiz.conf": "/etc/NetworkManager/conf.d",
}
"""The program of each hook: it is written if this exists."""
Ask = Callable[[str, str], str]


STATUS = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED")
"""The first response codes of the DNS, by number (RFC 1035 section 4.1.1)."""
PATIENCE = 2.5


def main(names: list[str]) -> int:
    """Switch, or print why not; with ``--before`` only print."""
    if names[:1] == ["--before"]:
        reason = before(names[1].split(",") if names[1] else [], [name for name in names[2:] if name])
        sys.stderr.write(f"{reason}\n" if reason else "")
        return 1 if reason else 0
    needed = list(dict.fromkeys([*package_hosts(), *(name for name in names if name)]))
    if reason := refusal(needed, dig):
        sys.stderr.write(f"{reason}; /etc/resolv.conf stays unchanged\n")
        sys.stderr.write("see journalctl -u unbound, or set other resolvers: network.resolvers in the plan\n")
        return 1
    switch()
    return 0


def refusal(names: list[str], ask: Ask, server: str = OWN, title: str = "unbound on 127.0.0.1") -> str:
    """Why a server, called ``title``, is not used; empty if it resolves all names that resolve at all.

    ``ask(server, name)`` gives the answer's status (NOERROR, NXDOMAIN, …); the empty server is the one in use.
    """
    said = {name: ask(server, name) for name in names}
    missing = [name for name, status in said.items() if status != "NOERROR"]
    lost = [name for name in missing if ask("", name) == "NOERROR"]
    if lost:
        return f"{title} does not resolve " + ", ".join(f"{name} ({said[name]})" for name in lost)
    if said and not {"NOERROR", "NXDOMAIN"} & set(said.values()):
        told = ", ".join(f"{name} ({status})" for name, status in said.items())
        return f"{title} resolves none of the names that this server needs: {told}"
    return ""


def before(forwarders: list[str], names: list[str]) -> str:
    """Why name resolution is not good enough for an installation; empty if it is, or is in use here already."""
    if switched_to(forwarders):
        return ""
    packages = package_hosts()
    with ThreadPoolExecutor(8) as pool:
        found = dict(zip(packages, pool.map(unresolved, packages), strict=True))
    if missing := [f"{name} ({why})" for name, why in found.items() if why]:
        return "the hosts of packages do not resolve: " + ", ".join(missing)
    needed = list(dict.fromkeys([*packages, *names]))
    refusals = [
        refusal(needed, answers(needed, server), server, f"the DNS server {server}") for server in forwarders
    ]
    return "; ".join(refusals) if refusals and all(refusals) else ""


def switched_to(forwarders: list[str]) -> bool:
    """Whether the host uses its own resolver, and that one these forwarders."""
    try:
        used = LIVE.read_bytes() == WANTED.read_bytes()
        text = FORWARDING.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return used and set(re.findall(r"(?m)^\s*forward-addr:\s*(\S+)", text)) == set(forwarders)


def unresolved(name: str) -> str:
    """Why programs cannot resolve a name here (/etc/hosts counts); empty if they can."""
    try:
        socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM)
    except OSError as error:
        return str(error.strerror or error)
    return ""


def answers(names: list[str], server: str) -> Ask:
    """The answers of ``server`` and of those in use, in parallel."""
    in_use = re.findall(r"(?m)^nameserver\s+(\S+)", LIVE.read_text(errors="replace")) if LIVE.exists() else []
    pairs = [(place, name) for place in dict.fromkeys([server, *in_use]) for name in names]
    with ThreadPoolExecutor(16) as pool:
        said = dict(zip(pairs, pool.map(lambda pair: query(*pair), pairs), strict=True))

    def ask(place: str, name: str) -> str:
        told = [said[each, name] for each in ([place] if place else in_use)]
        return "NOERROR" if "NOERROR" in told else next(iter(told), "no answer")

    return ask


def query(server: str, name: str) -> str:
    """The status of a DNS server's answer over UDP, in two attempts; ``no answer`` without one."""
    number = secrets.randbits(16)
    labels = b"".join(bytes([len(x)]) + x for x in name.encode("ascii").strip(b".").split(b".") if x) + b"\0"
    message = struct.pack("!HHHHHH", number, 0x0100, 1, 0, 0, 0) + labels + struct.pack("!HH", 1, 1)
    for _ in range(2):
        try:
            with socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM) as channel:
                channel.settimeout(PATIENCE)
                channel.connect((server.partition("%")[0], 53))
                channel.send(message)
                answer = channel.recv(4096)
        except OSError:
            continue
        if len(answer) >= 12 and answer[:2] == message[:2]:
            code = answer[3] & 0x0F
            return STATUS[code] if code < len(STATUS) else f"code {code}"
    return "no answer"


def dig(server: str, name: str) -> str:
    """The status of an answer; ``no answer`` without one."""
    where = [f"@{server}"] if server else []
    argv = ["dig", *where, "+time=5", "+tries=2", name, "A"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    found = re.search(r"status: ([A-Z]+)", done.stdout)
    return found[1] if found else "no answer"


def package_hosts(root: Path = Path("/")) -> list[str]:
    """The names of apt's hosts: its proxy if it has one, else the archives."""
    done = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False)
    proxies = re.findall(r'(?m)^Acquire::https?::Proxy "([^"]+)";', done.stdout)
    if proxies:
        return hosts_in(proxies)
    folder = root / "etc/apt"
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    return hosts_in(word for file in files for word in _words(file))


def _words(file: Path) -> list[str]:
    if file.suffix not in (".list", ".sources") or not file.is_file():
        return []
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    return [word for line in lines if not line.lstrip().startswith("#") for word in line.split()]


def hosts_in(words: Iterable[str]) -> list[str]:
    """The host names of the addresses (https://…) among words, each once; numeric addresses need no resolver."""
    found = []
    for word in words:
        try:
            host = urlsplit(word).hostname if "://" in word else None
        except ValueError:
            continue
        if host and not _numeric(host) and host not in found:
            found.append(host)
    return found


def _numeric(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def switch() -> None:
    """Keep the former file, replace it atomically, and configure programs that would overwrite it."""
    if LIVE.is_symlink() or not LIVE.exists() or LIVE.read_bytes() != WANTED.read_bytes():
        KEPT.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        KEPT.parent.chmod(0o700)
        if LIVE.exists() and not KEPT.exists():
            link = f"# was a link to {os.readlink(LIVE)}\n" if LIVE.is_symlink() else ""
            KEPT.write_text(LIVE.read_text(encoding="utf-8", errors="replace") + link)
        _write(LIVE, WANTED.read_text())
    for path, text in HOOKS.items():
        hook = Path(path)
        ours = not hook.exists() or hook.read_text(encoding="utf-8", errors="replace").startswith(NOTE)
        if Path(PROGRAMS[path]).exists() and ours:
            _write(hook, NOTE + text)


def _write(path: Path, text: str) -> None:
    new = path.with_name(f"{path.name}.mailwiz-new")
    new.write_text(text)
    new.chmod(0o644)
    os.replace(new, path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

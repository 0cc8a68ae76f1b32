"""Preflight: the conditions for an installation on a server; each refusal says why and what to do."""

from __future__ import annotations

from dataclasses import dataclass

from mailwiz_tui.deploy import relocation
from mailwiz_tui.deploy.sanitize import clean_text
from mailwiz_tui.fleet.facts import Facts
from mailwiz_tui.plan import memory
from mailwiz_tui.stack.blueprint import Blueprint, Probe, Scope

CODENAMES = ("trixie", "bookworm")
ARCHITECTURES = ("amd64", "arm64")
MEMORY = 512 << 20
DISK = 2 << 30
CLOCK_SKEW = 300.0

_STOP = {
    name: f"on the server: systemctl disable --now {name}"
    for name in ("apache2", "caddy", "haproxy", "lighttpd", "named", "traefik", "varnishd")
}
_FIND = "systemctl status PID names its unit, ss -ltnp its PID"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason not to install on a server."""

    reason: str
    advice: str


def refusals(facts: Facts, blueprint: Blueprint | None, *, adopt: bool = False) -> list[Refusal]:
    """Every reason not to install; empty if there is none. ``adopt`` allows to replace foreign configuration."""
    found: list[Refusal] = []
    if unsuitable := unsupported_system(facts):
        return [unsuitable]
    if facts.privilege != "root":
        found.append(
            Refusal("the agent does not run as root on the server", "connect as root or as a user who may use sudo")
        )
    if facts.systemd in ("", "offline"):
        found.append(Refusal("systemd does not run on the server", "boot the server with systemd as its init"))
    if facts.memory_total and facts.memory_total < MEMORY:
        found.append(Refusal(f"it has only {facts.memory_total >> 20} MB of memory", "give it 1 GB or more"))
    scanner = blueprint.meta.get("virus_scanner", "") if blueprint else ""
    if scanner == "clamav" and 0 < facts.memory_total < memory.LEAST_WITH_CLAMAV:
        found.append(
            Refusal(
                f"it has {facts.memory_total >> 20} MB of memory; ClamAV's signatures alone need about "
                f"{memory.CLAMAV_MB} MB, and the rest of the stack {memory.STACK_MB} MB",
                f"give it {memory.SERVER_WORDS}, or choose services.antivirus = false",
            )
        )
    if not facts.installed_digest:
        for disk in facts.disks:
            if disk.mount in ("/", "/var", "/var/lib") and disk.free < DISK:
                free = f"{disk.free / (1 << 30):.1f} GB"
                found.append(Refusal(f"only {free} are free on {disk.mount}", "free at least 2 GB there"))
    if abs(facts.clock_skew) > CLOCK_SKEW:
        minutes, side = abs(facts.clock_skew) / 60, "ahead of" if facts.clock_skew > 0 else "behind"
        found.append(
            Refusal(
                f"its clock is {minutes:.0f} minutes {side} this machine's",
                "set the clocks (timedatectl set-ntp true): signatures and certificates depend on them",
            )
        )
    if blueprint is not None:
        found += _occupied(facts, blueprint)
    foreign = [software for software in facts.mail_software if software.owner == "other"]
    if foreign and not adopt:
        names = ", ".join(software.name for software in foreign)
        found.append(
            Refusal(
                f"{names} is already configured on the server, not by mailwiz-tui",
                "choose a bare server, or allow the replacement: F7, then F8 in the screens, or --adopt on the "
                "command line; the present files are kept as backups",
            )
        )
    if blueprint is not None:
        found += [Refusal(*words) for words in relocation.needed(facts, blueprint)]
    return found


def advice(refused: list[Refusal]) -> str:
    """What to do about each refusal, in their order."""
    return "; ".join(dict.fromkeys(refusal.advice for refusal in refused))


def not_shown(probe: Probe, output: str) -> str:
    """The refusal for a failed probe of ``Blueprint.preflight``, with the last line of its program."""
    said = clean_text(output.strip().rpartition("\n")[2])
    return f"this check failed: {probe.proves}" + (f": {said}" if said else "")


def unsupported_system(facts: Facts) -> Refusal | None:
    """Why this operating system or architecture is refused, if it is."""
    name = facts.os_name or "an unknown system"
    if facts.os_id != "debian" or facts.codename not in CODENAMES:
        return Refusal(f"it runs {name}", "only Debian 12 (bookworm) and 13 (trixie) are supported")
    if facts.architecture not in ARCHITECTURES:
        return Refusal(f"its architecture is {facts.architecture}", "only amd64 and arm64 are supported")
    return None


def _occupied(facts: Facts, blueprint: Blueprint) -> list[Refusal]:
    found_packages = {"", *(software.name for software in facts.mail_software)}
    wanted = {(port.protocol, port.number): port for port in blueprint.ports}
    found: dict[tuple[int, str], Refusal] = {}
    for listener in facts.listeners:
        port = wanted.get((listener.protocol, listener.port))
        if port is None or not listener.process or listener.ours:
            continue
        if any(p.name == listener.process and p.package in found_packages for p in port.holders):
            continue
        if port.scope is Scope.PEERS and listener.address.startswith(("127.", "::1")):
            continue
        if port.scope is Scope.LOCAL and listener.address.startswith("127.") and listener.address != "127.0.0.1":
            continue
        name = listener.process
        found[listener.port, name] = Refusal(
            f"port {listener.port} ({port.service}) is in use by {name}",
            f"disable {name} ({_STOP.get(name, _FIND)}) or choose another server; --adopt replaces mail software "
            "only",
        )
    return list(found.values())

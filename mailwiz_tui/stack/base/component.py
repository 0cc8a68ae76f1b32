"""The host itself: name, the folders of mailwiz-tui, security updates."""

from __future__ import annotations

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Command, Directory, File, Packages, Probe, Step, Unit
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.probes import unit_active
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.unit_words import UnitWords

_RELEASES = {"trixie": "Debian 13 (trixie)", "bookworm": "Debian 12 (bookworm)"}


class Base(Component):
    """Name of the host, the folders of mailwiz-tui, unattended security updates."""

    name = "base"
    title = "host name, security updates"
    units = (
        UnitWords("apt-daily.timer", "lists of packages are not updated", ""),
        UnitWords("apt-daily-upgrade.timer", "security updates are not installed", ""),
    )

    def wanted(self, context: Context) -> bool:
        """Every server gets it."""
        return True

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """Set the mail hostname as the host's name (Rspamd and cron read it), resolvable without the DNS."""
        host = context.hostname
        address = self._own_address(context)
        entry = f"{address} {host} # mailwiz-tui"
        script = f"{layout.LIB_DIR}/set-host-entry"
        step = Step(
            id="base",
            title="Set host name, security updates",
            component=self.name,
            items=(
                Directory(layout.CONF_DIR),
                Directory(f"{layout.CONF_DIR}/local.d"),
                Directory(layout.LIB_DIR),
                Directory(layout.STATE_DIR, mode=0o700),
                File(f"{layout.CONF_DIR}/README", render("base", "README")),
                File(
                    f"{layout.CONF_DIR}/release",
                    render("base", "release", name=_RELEASES.get(context.codename, _RELEASES["trixie"])),
                ),
                File("/etc/hostname", f"{host}\n"),
                File("/etc/mailname", f"{context.plan.domain.primary_domain}\n"),
                File(script, render("base", "set-host-entry"), mode=0o755),
                File("/etc/apt/apt.conf.d/60mailwiz-updates", render("base", "unattended-upgrades.conf")),
                Directory("/etc/needrestart/conf.d"),
                File("/etc/needrestart/conf.d/mailwiz.conf", render("base", "needrestart.conf")),
                Command(
                    id="base.hostname",
                    argv=("hostname", "-F", "/etc/hostname"),
                    unless=("sh", "-c", f'[ "$(hostname)" = {host} ]'),
                ),
                Command(
                    id="base.hosts",
                    argv=(script, address, host),
                    unless=("grep", "-qxF", entry, "/etc/hosts"),
                ),
                Unit("apt-daily.timer"),
                Unit("apt-daily-upgrade.timer"),
            ),
            validators=(("apt-config", "dump"),),
        )
        return Contribution(
            packages=Packages(names=("ca-certificates", "needrestart", "openssl", "unattended-upgrades")),
            steps=(step,),
            kept=(f"{layout.CONF_DIR}/local.d",),
            probes=self._probes(context),
            findings=self._findings(context),
        )

    @staticmethod
    def _own_address(context: Context) -> str:
        """The address for the host's own name: a public one of an interface, else Debian's 127.0.1.1."""
        present = {a.ip for a in context.facts.addresses}
        for address in (context.public_ipv4, context.public_ipv6):
            if address and address in present:
                return address
        return "127.0.1.1"

    @staticmethod
    def _findings(context: Context) -> tuple[str, ...]:
        found = []
        if context.facts.clock_synchronized is False and context.facts.virtualization not in (
            "lxc",
            "systemd-nspawn",
        ):
            found.append(
                "No time service runs: a wrong clock breaks TLS and DKIM signatures; "
                "install systemd-timesyncd or chrony."
            )
        return tuple(found)

    @staticmethod
    def _probes(context: Context) -> tuple[Probe, ...]:
        return (
            Probe(
                id="host.name",
                proves="the host name is the mail hostname",
                argv=("hostname", "-f"),
                expect=rf"^{context.hostname.replace('.', '[.]')}$",
                advice="a program resets it (cloud-init: set preserve_hostname: true); then run apply again",
            ),
            Probe(
                id="host.units",
                proves="no systemd unit has failed",
                argv=("systemctl", "list-units", "--failed", "--plain", "--no-legend"),
                refuse=r"\S",
                advice="see the failed units: systemctl --failed",
            ),
            Probe(
                id="host.disk",
                proves="at least a tenth of the disk with the mailboxes is free",
                argv=("sh", "-c", f"df --output=pcent {_existing(context.plan.storage.path)} | tail -1"),
                expect=r"^\s*(?:[0-9]|[1-8][0-9])%",
                advice="free disk space or enlarge the disk; Postfix defers mail when it is full",
            ),
            Probe(
                id="host.memory",
                proves="at least 100 MB of memory are available",
                argv=("sh", "-c", "awk '/^MemAvailable/ {print int($2/1024) \" MB\"}' /proc/meminfo"),
                expect=r"^[1-9][0-9]{2,} MB",
                advice="the spam filter needs about 1 GB: add memory or swap",
            ),
            unit_active("apt-daily-upgrade.timer", "package lists are updated every day"),
            Probe(
                id="host.updates",
                proves="security updates are installed every day",
                argv=("apt-config", "dump", "APT::Periodic::Unattended-Upgrade"),
                expect='"1"',
                advice="a file in /etc/apt/apt.conf.d/ switches them off: change it, then run apply again",
            ),
        )


def _existing(path: str) -> str:
    """A shell word for the path, or for / if it does not exist."""
    return f'"$([ -d {path} ] && echo {path} || echo /)"'

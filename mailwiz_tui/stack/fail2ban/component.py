"""fail2ban: bans from the journal, in nftables, for every service with passwords."""

from __future__ import annotations

from importlib.resources import files

from mailwiz_tui.stack.blueprint import Ask, File, Packages, Probe, Ready, Step, Unit
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.jails import jail
from mailwiz_tui.stack.probes import clean_check, unit_active
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.unit_words import UnitWords

JAILS = "/etc/fail2ban/jail.d/mailwiz.conf"
FILTER = "/etc/fail2ban/filter.d/mailwiz-dovecot.conf"
RECIDIVE = "/etc/fail2ban/filter.d/mailwiz-recidive.conf"
ACTION = "/etc/fail2ban/action.d/mailwiz-nftables.conf"
NETWORKS = "/etc/fail2ban/action.d/mailwiz-networks.py"
SETTINGS = "/etc/fail2ban/fail2ban.d/mailwiz.conf"


class Fail2ban(Component):
    """The jails of all components, that of SSH, and one for repeated offenders."""

    name = "fail2ban"
    title = "fail2ban"
    units = (UnitWords("fail2ban", "clients that guess passwords are not banned"),)
    telling_packages = ("fail2ban",)

    def wanted(self, context: Context) -> bool:
        """Every server."""
        return True

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """Collect the jails of the components before; it must come after them."""
        ssh = ",".join(str(port) for port in context.facts.ssh_ports or (22,))
        own = (
            jail("sshd", ssh, maxretry=8, filter_name="sshd", mode="normal"),
            _recidive(),
        )
        jails = (*own, *(text for contribution in so_far for text in contribution.jails))
        filters = (
            File(NETWORKS, files(__package__).joinpath("networks.py").read_text(encoding="utf-8")),
            File(ACTION, render("fail2ban", "mailwiz-nftables.conf")),
            File(RECIDIVE, render("fail2ban", "mailwiz-recidive.conf")),
            File(FILTER, render("fail2ban", "mailwiz-dovecot.conf")),
            *(file for contribution in so_far for file in contribution.filters),
        )
        step = Step(
            id="fail2ban",
            title="Configure fail2ban",
            component=self.name,
            items=(
                File(JAILS, render("fail2ban", "mailwiz.conf", jails="\n".join(jails).rstrip("\n"))),
                *filters,
                File(SETTINGS, render("fail2ban", "fail2ban.conf")),
                # after a reload, jails that read the journal find nothing more; a restart keeps the bans
                Unit("fail2ban.service", restart_on=(SETTINGS, JAILS, *(file.path for file in filters))),
                Ready("fail2ban", "fail2ban.service", Ask.COMMAND, argv=("fail2ban-client", "ping")),
            ),
            validators=(("fail2ban-client", "-t"),),
            optional=True,
        )
        names = [text.split("]", 1)[0].lstrip("[") for text in jails]
        return Contribution(
            packages=Packages(names=("fail2ban", "nftables", "python3-systemd")),
            steps=(step,),
            kept=("/etc/fail2ban/jail.local", "/etc/fail2ban/fail2ban.local"),
            probes=(
                unit_active("fail2ban.service", "fail2ban runs"),
                clean_check("fail2ban.config", "fail2ban accepts its configuration", ("fail2ban-client", "-t")),
                *(
                    Probe(
                        id=f"fail2ban.{name}",
                        proves=f"the jail {name} is active and finds its lines in the journal",
                        argv=("sh", "-c", _HEARS, name),
                        expect=r"Currently banned",
                        advice="journalctl -u fail2ban -n 50; /var/log/fail2ban.log",
                    )
                    for name in names
                ),
            ),
        )


_HEARS = (
    'said=$(fail2ban-client status "$0") || exit 1; echo "$said"; '
    'match=$(echo "$said" | sed -n \'s/.*Journal matches:[[:space:]]*//p\'); [ -z "$match" ] || '
    'journalctl -q --no-pager -n 1 -o cat $match | grep -q . || { echo "no line of the journal matches"; exit 1; }'
)
"""A jail whose journal match fits no line looks active in its status, but bans nobody."""


def _recidive() -> str:
    """The jail for repeated offenders; fail2ban's own log is a file, the only log outside the journal."""
    text = jail("recidive", "0:65535", maxretry=5, filter_name="mailwiz-recidive", findtime="1d", allports=True)
    text = text.replace("backend = systemd", "backend = polling\nlogpath = /var/log/fail2ban.log")
    return text.replace("bantime = 15m", "bantime = 1d")

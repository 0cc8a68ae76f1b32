"""The firewall: accepts the blueprint's public ports, the plan's other servers and SSH, drops the rest."""

from __future__ import annotations

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Command, File, Packages, Port, Probe, Scope, Step, Unit
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.probes import clean_check, unit_active
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.unit_words import UnitWords

RULES = f"{layout.CONF_DIR}/firewall.nft"
PEER_RULES = f"{layout.CONF_DIR}/peers.nft"
"""The rules for the plan's other servers, from the component ``peers``; included if there are any."""
UNIT_FILE = "/etc/systemd/system/mailwiz-firewall.service"


class Nftables(Component):
    """A table of its own, loaded by a unit of its own."""

    name = "nftables"
    title = "nftables (firewall)"
    units = (UnitWords("mailwiz-firewall", "the firewall is not loaded", "firewall"),)
    telling_packages = ("nftables",)

    def wanted(self, context: Context) -> bool:
        """Every server."""
        return True

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """Open the public ports of all components before; it must come last."""
        ports = [port for contribution in so_far for port in contribution.ports]
        ssh = context.facts.ssh_ports or (22,)
        rules = render(
            "nftables",
            "firewall.nft",
            ssh=", ".join(str(port) for port in sorted(set(ssh))),
            rules="\n".join(f"        {line}" for line in [*_peers(context), *_rules(ports)]),
        )
        step = Step(
            id="nftables",
            title="Load the firewall (nftables)",
            component=self.name,
            items=(
                File(RULES, rules),
                File(UNIT_FILE, render("nftables", "mailwiz-firewall.service")),
                Unit("mailwiz-firewall.service", reload_on=(RULES,), restart_on=(UNIT_FILE,)),
                Command(
                    id="nftables.table",
                    argv=("systemctl", "restart", "mailwiz-firewall.service"),
                    unless=("nft", "list", "table", "inet", "mailwiz"),
                ),
            ),
            validators=(("nft", "-c", "-f", RULES),),
            lockout=True,
        )
        return Contribution(
            packages=Packages(names=("nftables",)),
            steps=(step,),
            probes=(
                unit_active("mailwiz-firewall.service", "the firewall is loaded"),
                clean_check("firewall.config", "nft accepts the firewall's rules", ("nft", "-c", "-f", RULES)),
                Probe(
                    id="firewall.table",
                    proves="the firewall drops all other packets",
                    argv=("nft", "list", "table", "inet", "mailwiz"),
                    expect=r"policy drop",
                    advice="systemctl restart mailwiz-firewall",
                ),
            ),
        )


def _peers(context: Context) -> list[str]:
    return [f'include "{PEER_RULES}"'] if context.topology.peers else []


def _rules(ports: list[Port]) -> list[str]:
    """One rule for each protocol with the public ports, and a comment with the services' names."""
    lines = []
    for protocol in ("tcp", "udp"):
        public = sorted(
            {(p.number, p.service) for p in ports if p.scope is Scope.PUBLIC and p.protocol == protocol}
        )
        if public:
            lines.append("# " + ", ".join(f"{service} {number}" for number, service in public))
            lines.append(f"{protocol} dport {{ {', '.join(str(number) for number, _ in public)} }} accept")
    return lines

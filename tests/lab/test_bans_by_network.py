"""fail2ban of each release with the jails of a whole server, on a bare host: IPv6 clients are banned by their /64.

The lines are those that the daemons write, under the names of their units; fail2ban, its journal and the firewall
are real.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
from functools import partial
from pathlib import Path

import pytest

from mailwiz_tui.deploy.engine import Engine
from mailwiz_tui.deploy.events import ServerPhase
from mailwiz_tui.deploy.prompts import RefusingPrompts
from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.fleet.inventory import load_inventory
from mailwiz_tui.lab.lab import Lab
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.plan.toml import load_plan
from mailwiz_tui.stack.blueprint import Blueprint, Packages, Step
from mailwiz_tui.stack.compile import compile_server
from tests.lab.bans import banned_in, neighbours, reached, reaches_from_outside
from tests.lab.clients import until
from tests.lab.conftest import FreshHost
from tests.lab.site import Site
from tests.lab.workspace import Workspace, make_workspace

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

SERVICES = '\n[services]\nwebmail = "roundcube"\nadmin_panel = "postfixadmin"\n'
PACKAGES = Step("packages", "Packages", "test", (Packages(("fail2ban", "nftables", "python3-systemd")),))
GUESSES = {
    "roundcube": (
        "mailwiz-roundcube",
        "roundcube",
        "<gtlfs8cp> Failed login for bob@example.test from {address} in session gtlfs8cp5u (error: 1)",
        10,
    ),
    "postfixadmin": (
        "mailwiz-postfixadmin",
        "postfixadmin",
        "PostfixAdmin admin login failed (username: bob@example.test, ip_address: {address})",
        8,
    ),
    "dovecot": (
        "mailwiz-dovecot",
        "dovecot",
        "imap-login: Disconnected: Connection closed (auth failed, 1 attempts in 3 secs): user=<bob@example.test>, "
        "method=PLAIN, rip={address}, lip=2001:db8:1:2::1, TLS: Connection closed, session=<W8a0v4RhKOPGM2Qy>",
        8,
    ),
    "postfix-sasl": (
        "mailwiz-sasl",
        "dovecot",
        "auth-worker(bob@example.test,{address})<17807>: request [1]: sql: Password mismatch",
        8,
    ),
    "postfix": (
        "mailwiz-postfix",
        "postfix/smtpd",
        "NOQUEUE: reject: RCPT from unknown[{address}]: 554 5.7.1 <a@outside.test>: Relay access denied; from=<>",
        30,
    ),
}
"""For each jail its filter, who writes the line, the line, and how many end in a ban."""


def fail2ban_alone(plan: Plan, server_id: str, known: FactsFile) -> Blueprint:
    blueprint = compile_server(plan, server_id, known)
    steps = tuple(step for step in blueprint.steps if step.id == "fail2ban")
    return dataclasses.replace(blueprint, steps=(PACKAGES, *steps), secrets=(), ports=(), probes=(), preflight=())


async def install(workspace: Workspace) -> None:
    engine = Engine(
        load_plan(workspace.plan),
        load_inventory(workspace.lab.paths.inventory),
        prompts=RefusingPrompts(),
        compile_blueprint=fail2ban_alone,
    )
    try:
        outcome = (await engine.apply())[workspace.host]
    finally:
        await engine.close()
    assert outcome.state is ServerPhase.DONE, outcome


def write(site: Site, jail: str, addresses: list[str]) -> None:
    """Write the lines of guesses as the daemon's own unit does."""
    filter_name, program, line, _ = GUESSES[jail]
    text = site.run(f"cat /etc/fail2ban/filter.d/{filter_name}.conf")
    unit = re.search(r"(?m)^journalmatch = _SYSTEMD_UNIT=(\S+)$", text)
    assert unit, text
    path = f"var/lib/{jail}.lines"
    (site.lab.host(site.workspace.host).root / path).write_text(
        "".join(line.format(address=address) + "\n" for address in addresses)
    )
    site.run(f"systemd-run -q --wait --collect --unit {unit[1]} -p SyslogIdentifier={program} cat /{path}")


def is_banned(site: Site, jail: str, network: ipaddress.IPv6Network) -> bool:
    return str(network) in banned_in(site, jail)


@pytest.mark.parametrize("suite", ["trixie", pytest.param("bookworm", marks=pytest.mark.long)])
async def test_every_jail_bans_a_network_and_recidive_closes_every_port_to_it(
    lab: Lab, fresh_host: FreshHost, tmp_path: Path, suite: str
) -> None:
    workspace = make_workspace(lab, tmp_path, fresh_host(suite).id, "example.test")
    workspace.plan.write_text(workspace.plan.read_text() + SERVICES)
    await install(workspace)
    site, host = Site(workspace), lab.host(workspace.host)
    site.run("systemd-run -q --unit listens python3 -m http.server 443 --bind ::")
    network = ipaddress.IPv6Network(f"{lab.plan.operator.ipv6}/64", strict=False)
    with neighbours(lab, 1) as (neighbour,):
        assert until(lambda: reached(host.ipv6, 443, neighbour))
        for jail, (_, _, _, tries) in GUESSES.items():
            addresses = [str(network[0x1000 + number]) for number in range(tries)]
            write(site, jail, addresses[:-1])
            write(site, jail, [str(lab.plan.mail.ipv6)])
            assert not until(partial(is_banned, site, jail, network), 5), "one guess too few"
            write(site, jail, addresses[-1:])
            assert until(partial(is_banned, site, jail, network)), jail
            closed = jail in ("roundcube", "postfixadmin")
            assert until(lambda: reached(host.ipv6, 443, neighbour) != closed), jail  # noqa: B023 - it is asked here
            assert reaches_from_outside(site, host.ipv6, 443), "another network"
            assert reached(host.ipv4, 443)
            if jail != "postfix":
                site.run(f"fail2ban-client set {jail} unbanip {network}")
        assert until(partial(is_banned, site, "recidive", network))
        for port in (22, 443):
            assert until(lambda: not reached(host.ipv6, port, neighbour)), port  # noqa: B023 - it is asked here
            assert reaches_from_outside(site, host.ipv6, port)
            assert reached(host.ipv4, port)
        site.run("fail2ban-client unban --all")
        assert until(lambda: reached(host.ipv6, 443, neighbour))

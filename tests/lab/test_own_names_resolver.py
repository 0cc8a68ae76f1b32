"""A network whose only resolver answers for the operator's own names, and not for the root, or for nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailwiz_tui.lab.lab import Lab
from tests.lab.conftest import FreshDomain, FreshHost
from tests.lab.workspace import make_workspace

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(2400), pytest.mark.xdist_group("ownnames")]

INSTALL = "export DEBIAN_FRONTEND=noninteractive; apt-get -q update; apt-get -qy install --no-install-recommends "
FORWARDER = """
cat >/tmp/own.conf <<END
server:
    directory: "/tmp"
    chroot: ""
    username: ""
    pidfile: "/tmp/own.pid"
    interface: {forwarder}
    access-control: 0.0.0.0/0 allow
    do-ip6: no
    module-config: "iterator"
    local-zone: "." refuse
    local-zone: "test." transparent
    local-zone: "100.51.198.in-addr.arpa." transparent
forward-zone:
    name: "."
    forward-addr: {resolver}
END
systemctl stop unbound; unbound -c /tmp/own.conf
"""
CUT = """
nft -f - <<END
table inet cut {{
  chain out {{
    type filter hook output priority 0;
    ip daddr != {{ {forwarder}, 127.0.0.0/8 }} meta l4proto {{ tcp, udp }} th dport 53 reject
    ip6 daddr != ::1 meta l4proto {{ tcp, udp }} th dport 53 reject
  }}
}}
END
rm -f /etc/unbound/unbound.conf.d/*; echo nameserver {forwarder} >/etc/resolv.conf
"""


@pytest.mark.parametrize("suite", ["trixie", "bookworm"])
def test_own_names_are_enough_and_special_ones_are_asked_of_the_forwarder(
    lab: Lab, fresh_host: FreshHost, fresh_domain: FreshDomain, tmp_path: Path, suite: str
) -> None:
    other = fresh_host("trixie")
    workspace = make_workspace(lab, tmp_path, fresh_host(suite).id, fresh_domain())
    values = {"forwarder": other.ipv4, "resolver": lab.dns.resolver}
    lab.run(other.id, ["sh", "-c", INSTALL + "unbound dns-root-data"], timeout=300)
    lab.run(other.id, ["sh", "-c", "systemctl stop unbound"])
    lab.run(workspace.host, ["sh", "-c", INSTALL + "nftables bind9-dnsutils"], timeout=300)
    lab.run(workspace.host, ["sh", "-c", CUT.format(**values)])
    workspace.plan.write_text(workspace.plan.read_text() + f'\n[network]\nresolvers = ["{other.ipv4}"]\n')

    nothing = f"the DNS server {other.ipv4} resolves none of the names that this server needs: {workspace.domain}"
    done = workspace.mailwiz("apply", "--yes")
    assert done.code == 1
    assert nothing in done.err
    assert lab.run(workspace.host, "dpkg-query -W postfix unbound", check=False).stdout == "", "nothing was changed"
    lab.run(other.id, ["sh", "-c", FORWARDER.format(**values)])

    def ask(name: str) -> str:
        return str(lab.run(workspace.host, ["dig", "@127.0.0.1", name, "SOA"], check=False).stdout)

    done = workspace.mailwiz("apply", "--yes", timeout=1500)
    assert done.code == 0, done.out + done.err
    assert "status: NOERROR" in ask(workspace.domain)
    assert "status: NOERROR" not in ask(".")
    assert lab.run(workspace.host, "grep ^nameserver /etc/resolv.conf").stdout.split() == [
        "nameserver",
        "127.0.0.1",
    ]

    lab.run(other.id, ["sh", "-c", "kill $(cat /tmp/own.pid)"])
    lab.run(
        workspace.host, ["sh", "-c", f"systemctl restart unbound; echo nameserver {other.ipv4} >/etc/resolv.conf"]
    )
    done = workspace.mailwiz("apply", "--yes", timeout=600)
    assert done.code == 1
    assert nothing in done.err

"""The plans and facts that the golden files and properties are made with."""

from __future__ import annotations

from typing import Any

from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.plan.model import Plan


def plan(**changes: Any) -> Plan:
    """A single server for two mailbox domains; ``changes`` replace top-level keys."""
    raw: dict[str, Any] = {
        "servers": [{"id": "mx1", "roles": ["all-in-one"]}],
        "domain": {
            "primary_domain": "example.com",
            "hostname": "mail.example.com",
            "additional_domains": [{"name": "example.org"}],
        },
        "security": {"tls": {"provider": "selfsigned"}, "dkim": {"selector": "2026a"}},
    }
    return Plan.model_validate(raw | changes)


def facts(**changes: Any) -> FactsFile:
    """What is known of ``mx1``: a server with both versions of IP in a network that lets everything through."""
    raw: dict[str, Any] = {
        "os_id": "debian",
        "os_version": "13",
        "codename": "trixie",
        "addresses": [
            {"ip": "192.0.2.21", "interface": "eth0", "is_global": True},
            {"ip": "2001:db8::21", "interface": "eth0", "is_global": True},
        ],
        "public_ipv4": "192.0.2.21",
        "public_ipv6": "2001:db8::21",
        "cpus": 2,
        "memory_total": 4 * 1024**3,
        "ssh_ports": [22],
        "resolvers": [{"address": "192.0.2.53", "answers": True, "dnssec": True}],
        "recursion": True,
        "recursion_dnssec": True,
    }
    return FactsFile.model_validate({"servers": {"mx1": {"facts": raw | changes}}})


def distributed(**changes: Any) -> Plan:
    """Six servers that share the roles, over WireGuard; ``changes`` replace top-level keys."""
    roles = {
        "in1": ["mx-inbound"],
        "in2": ["mx-inbound"],
        "out1": ["mx-outbound"],
        "filter": ["antispam"],
        "store1": ["mail-storage"],
        "store2": ["mail-storage"],
    }
    servers = [
        {"id": name, "roles": held, "internal_ip": f"10.80.0.{number}"}
        for number, (name, held) in enumerate(roles.items(), 1)
    ]
    return plan(**{"architecture": "distributed", "servers": servers} | changes)


def with_second_front() -> list[dict[str, Any]]:
    """The same servers, of which ``in2`` serves clients too."""
    servers = [server.model_dump(mode="json") for server in distributed().servers]
    return [s | {"roles": ["mx-inbound", "mx-outbound"]} if s["id"] == "in2" else s for s in servers]


def distributed_facts(**changes: Any) -> FactsFile:
    """What is known of the six servers: both versions of IP, but ``filter`` has IPv4 and ``in2`` IPv6 only.

    The kernel of ``store1`` has no WireGuard.
    """
    records = {}
    for number, name in enumerate(("in1", "in2", "out1", "filter", "store1", "store2"), 1):
        four = "" if name == "in2" else f"192.0.2.{20 + number}"
        six = "" if name == "filter" else f"2001:db8::{20 + number}"
        record = facts(
            addresses=[{"ip": ip, "interface": "eth0", "is_global": True} for ip in (four, six) if ip],
            public_ipv4=four,
            public_ipv6=six,
            has_wireguard=name != "store1",
            **changes,
        ).servers["mx1"]
        pem = f"-----BEGIN CERTIFICATE-----\n{name}\n-----END CERTIFICATE-----\n"
        keys = {"wireguard": f"{name:x<43}=", "internal": {"pem": pem}}
        records[name] = record.model_dump(mode="json") | keys
    return FactsFile.model_validate({"servers": records})


def two_fronts(**tls: str) -> Plan:
    """Two servers that serve clients, one of which receives mail too, and a store; ``tls`` are further settings."""
    roles = {
        "out1": ["mx-inbound", "mx-outbound"],
        "out2": ["mx-outbound"],
        "store1": ["mail-storage", "antispam"],
        "in1": ["mx-inbound"],
    }
    servers = [
        {"id": name, "roles": held, "internal_ip": f"10.80.0.{number}"}
        for number, (name, held) in enumerate(roles.items(), 1)
    ]
    security = {"tls": {"provider": "letsencrypt"} | tls, "dkim": {"selector": "2026a"}}
    return plan(architecture="distributed", servers=servers, security=security)


def two_fronts_facts() -> FactsFile:
    """What is known of these servers: both versions of IP, but ``out2`` has IPv4 only."""
    records = {}
    for number, name in enumerate(("out1", "out2", "store1", "in1"), 1):
        found = [f"192.0.2.{30 + number}", *([f"2001:db8::{30 + number}"] if name != "out2" else [])]
        addresses = [{"ip": ip, "interface": "eth0", "is_global": True} for ip in found]
        known = facts(addresses=addresses, public_ipv4=found[0], public_ipv6="".join(found[1:]))
        records[name] = known.servers["mx1"].model_dump(mode="json")
    return FactsFile.model_validate({"servers": records})


def cluster(**changes: Any) -> Plan:
    """Two servers between which the store moves, and one that votes and receives mail."""
    roles = {"n1": ["all-in-one"], "n2": ["all-in-one"], "n3": ["mx-inbound", "antispam"]}
    servers = [
        {"id": name, "roles": held, "internal_ip": f"10.80.0.{number}"}
        for number, (name, held) in enumerate(roles.items(), 1)
    ]
    moving = {"virtual_ip": "192.0.2.99", "virtual_ipv6": "2001:db8::99", "witness": "n3", "device": "/dev/vdb"}
    return plan(**{"architecture": "ha-cluster", "servers": servers, "cluster": moving} | changes)


def cluster_facts(**changes: Any) -> FactsFile:
    """What is known of the cluster's servers."""
    known = distributed_facts(**changes).servers
    found = {
        name: known[other].model_copy(
            update={"facts": known[other].facts.model_copy(update={"hostname": name, "has_wireguard": True})}
        )
        for name, other in (("n1", "in1"), ("n2", "out1"), ("n3", "store1"))
    }
    return FactsFile(servers=found)


def behind_a_stripping_resolver() -> FactsFile:
    """A small server with IPv4 only, in a network that lets no DNS out and whose resolver strips DNSSEC."""
    return facts(
        addresses=[{"ip": "10.0.0.5", "interface": "eth0"}],
        public_ipv4="192.0.2.21",
        public_ipv6="",
        memory_total=1024**3,
        recursion=False,
        recursion_dnssec=False,
        resolvers=[{"address": "10.0.0.1", "answers": True, "dnssec": False}],
        outbound_25_ipv4=False,
        ssh_ports=[22, 2222],
    )


def bookworm() -> FactsFile:
    """The same server with Debian 12."""
    return facts(os_version="12", codename="bookworm")

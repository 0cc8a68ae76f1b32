"""Servers, roles, internal addresses, and what the servers told."""

from typing import Any

import pytest

from mailwiz_tui.fleet.facts import Address, Facts, FactsFile, ServerRecord


def server(id_: str, *roles: str, ip: str = "") -> dict[str, Any]:
    return {"id": id_, "roles": list(roles), "internal_ip": ip}


FOUR = [
    server("in", "mx-inbound", ip="10.80.0.1"),
    server("out", "mx-outbound", ip="10.80.0.2"),
    server("store", "mail-storage", ip="10.80.0.3"),
    server("filter", "antispam", ip="10.80.0.4"),
]
NODES = [
    server("n1", "all-in-one", ip="10.80.0.1"),
    server("n2", "all-in-one", ip="10.80.0.2"),
    server("n3", "mx-inbound", "antispam", ip="10.80.0.3"),
]
DISTRIBUTED = {"architecture": "distributed", "servers": FOUR}
CLUSTER = {
    "architecture": "ha-cluster",
    "servers": NODES,
    "cluster.virtual_ip": "203.0.113.10",
    "cluster.witness": "n3",
}


def test_sound_plans_have_no_findings(lines: Any) -> None:
    assert lines() == []


def test_a_distributed_plan_with_every_role_is_sound(lines: Any) -> None:
    assert lines(DISTRIBUTED) == []


def test_a_cluster_of_three_is_sound(lines: Any) -> None:
    assert lines(CLUSTER) == []


@pytest.mark.parametrize("missing", range(4))
def test_each_role_is_needed_in_a_distributed_plan(lines: Any, missing: int) -> None:
    rest = [s for i, s in enumerate(FOUR) if i != missing]
    (line,) = lines({**DISTRIBUTED, "servers": rest})
    assert line.startswith(f"fault servers: no server has the role {FOUR[missing]['roles'][0]}")


def test_antispam_is_not_needed_without_a_filter(lines: Any) -> None:
    found = lines({**DISTRIBUTED, "servers": FOUR[:3], "services.antispam": "none"})
    assert [line for line in found if line.startswith("fault")] == []


def test_antispam_with_nothing_to_filter_is_warned_of(lines: Any) -> None:
    found = lines({**DISTRIBUTED, "services.antispam": "none"})
    assert any(line.startswith("warning servers.3.roles: the role antispam is not used") for line in found)


def test_all_in_one_contradicts_a_distributed_plan(lines: Any) -> None:
    (line,) = lines({**DISTRIBUTED, "servers": [*FOUR[:3], server("all", "all-in-one", ip="10.80.0.9")]})
    assert line.startswith("fault servers.3.roles: all is all-in-one, but")


def test_mailboxes_may_be_spread_over_several_stores(lines: Any) -> None:
    servers = [*FOUR, server("store2", "mail-storage", ip="10.80.0.5")]
    assert lines({**DISTRIBUTED, "servers": servers}) == lines(DISTRIBUTED)


def test_a_server_cannot_go_by_the_mail_hostname(lines: Any) -> None:
    servers = [{**FOUR[0], "id": "mail"}, *FOUR[1:]]
    said = lines({**DISTRIBUTED, "servers": servers, "domain.hostname": "mail.acme.se"})
    assert any("servers.0.id: mail would have the name mail.acme.se" in line for line in said)


def test_every_server_of_several_needs_an_internal_address(lines: Any) -> None:
    (line,) = lines({**DISTRIBUTED, "servers": [*FOUR[:3], server("filter", "antispam")]})
    assert line.startswith("fault servers.3.internal_ip: filter has no internal address for the private link")
    assert "10.80.0.4" in line


@pytest.mark.parametrize(
    ("address", "begin"),
    [
        ("127.0.0.1", "fault servers.3.internal_ip: 127.0.0.1 is a loopback"),
        ("fe80::1", "fault servers.3.internal_ip: fe80::1 is a loopback"),
        ("8.8.8.8", "warning servers.3.internal_ip: 8.8.8.8 is a public address"),
        ("10.80.0.1", "fault servers.3.internal_ip: 10.80.0.1 is already the internal address of in"),
        ("fd00::4", "fault servers: some internal addresses are IPv4 and some are IPv6"),
    ],
)
def test_internal_addresses(lines: Any, address: str, begin: str) -> None:
    found = lines({**DISTRIBUTED, "servers": [*FOUR[:3], server("filter", "antispam", ip=address)]})
    assert [line for line in found if line.startswith(begin)]
    assert len(found) == (2 if address == "fe80::1" else 1)


def test_a_cluster_needs_a_free_virtual_address(lines: Any) -> None:
    assert lines({**CLUSTER, "cluster.virtual_ip": ""})[0].startswith("fault cluster.virtual_ip: is missing")
    taken = lines({**CLUSTER, "cluster.virtual_ip": "10.80.0.2"})
    assert taken[0].startswith("fault cluster.virtual_ip: 10.80.0.2 is the internal address of n2")
    assert lines({**CLUSTER, "cluster.virtual_ip": "127.0.0.1"})[0].startswith("fault cluster.virtual_ip")


def test_a_virtual_address_without_a_cluster_is_warned_of(lines: Any) -> None:
    (line,) = lines({"cluster.virtual_ip": "203.0.113.10"})
    assert line.startswith("warning cluster.virtual_ip: the architecture single does not use it")


def test_two_servers_of_a_cluster_need_a_third_vote(lines: Any) -> None:
    (line,) = lines({**CLUSTER, "servers": NODES[:2], "cluster.witness": ""})
    assert line.startswith("fault servers: two servers cannot tell a failed peer from a broken link")


def test_an_even_number_of_votes_is_warned_of(lines: Any) -> None:
    (line,) = lines({**CLUSTER, "servers": [*NODES, server("n4", ip="10.80.0.4")]})
    assert line.startswith("warning servers: 4 servers vote")


def test_exactly_two_servers_of_a_cluster_hold_mail(lines: Any) -> None:
    three = [*NODES[:2], server("n3", "all-in-one", ip="10.80.0.3")]
    (line,) = lines({**CLUSTER, "servers": three, "cluster.witness": ""})
    assert line.startswith("fault servers: 3 servers would hold mail; a cluster has exactly two")
    (line,) = lines({**CLUSTER, "servers": three})
    assert line.startswith("fault servers.2.roles: n3 is the witness, which holds no mail")
    (line,) = lines({**CLUSTER, "servers": [*NODES[:2], server("n3", "mx-outbound", ip="10.80.0.3")]})
    assert line.startswith("fault servers.2.roles: n3 only votes, so it cannot be mx-outbound")
    assert lines({**CLUSTER, "servers": [*NODES[:2], server("n3", ip="10.80.0.3")]}) == []


def test_the_witness_is_a_server_of_the_plan(lines: Any) -> None:
    (line,) = lines({**CLUSTER, "cluster.witness": "n9"})
    assert line.startswith("fault cluster.witness: n9 is not a server of this plan")


def test_each_virtual_address_has_its_version_of_ip(lines: Any) -> None:
    (line,) = lines({**CLUSTER, "cluster.virtual_ip": "2001:db8::10"})
    assert line.endswith("(enter it as cluster.virtual_ipv6)")
    assert lines({**CLUSTER, "cluster.virtual_ip": "", "cluster.virtual_ipv6": "2001:db8::10"}) == []


@pytest.mark.parametrize("architecture", ["distributed", "ha-cluster"])
def test_one_server_is_too_few(lines: Any, architecture: str) -> None:
    found = lines({"architecture": architecture})
    assert any(line.startswith("fault servers: only one server is chosen") for line in found)


def test_servers_must_be_in_the_inventory(lines: Any) -> None:
    assert lines(inventory_ids=["mx1", "mx2"]) == []
    (line,) = lines(inventory_ids=["mx-1", "db"])
    assert line == "fault servers.0.id: mx1 is not in the inventory (did you mean mx-1?)"
    (line,) = lines(inventory_ids=[])
    assert line.endswith("(the inventory has no servers)")


def test_ids_of_several_signers_must_fit_into_selectors(lines: Any) -> None:
    servers = [*FOUR, server("out_2", "mx-outbound", ip="10.80.0.5")]
    (line,) = lines({**DISTRIBUTED, "servers": servers})
    assert line.startswith("fault servers.4.id: out_2 becomes part of the server's DKIM selector")


def known(**facts: Any) -> FactsFile:
    return FactsFile(servers={"mx1": ServerRecord(facts=Facts(**facts))})


ADDRESSES = (Address(ip="192.0.2.1", interface="eth0", is_global=True), Address(ip="::1", interface="lo"))


def test_facts_without_trouble_bring_no_findings(lines: Any) -> None:
    facts = known(public_ipv4="192.0.2.1", addresses=ADDRESSES, memory_total=4 << 30, outbound_25_ipv4=True)
    assert lines({"services.antivirus": True}, known=facts, hostname_addresses=["192.0.2.1"]) == []


def test_closed_port_25_is_warned_of_unless_there_is_a_smart_host(lines: Any) -> None:
    facts = known(outbound_25_ipv4=False, outbound_25_ipv6=False)
    (line,) = lines(known=facts)
    assert line.startswith("warning network.relay_host: mx1 cannot connect to port 25")
    relayed = {"network.relay_host": "[smtp.isp.se]", "security.spf.includes": ["spf.isp.se"]}
    assert lines(relayed, known=facts) == []


def test_clamav_on_a_small_server_is_warned_of(lines: Any) -> None:
    (line,) = lines({"services.antivirus": True}, known=known(memory_total=2 << 30))
    assert line.startswith("warning services.antivirus: mx1 has 2147 MB")


def test_a_server_without_a_public_address_is_warned_of(lines: Any) -> None:
    (line,) = lines(known=known(addresses=(Address(ip="10.0.0.1", interface="eth0"),)))
    assert line.startswith("warning servers.0: no public address of mx1 is known")


def test_the_host_name_must_lead_to_a_chosen_server(lines: Any) -> None:
    facts = known(public_ipv4="192.0.2.1", public_ipv6="2001:db8::1", addresses=ADDRESSES)
    assert lines(known=facts, hostname_addresses=["192.0.2.1", "2001:DB8::1"]) == []
    (line,) = lines(known=facts, hostname_addresses=["198.51.100.7"])
    assert line.startswith("warning domain.hostname: mail.acme.se has the address 198.51.100.7 in the DNS")
    (line,) = lines(known=facts, hostname_addresses=[])
    assert line.startswith("warning domain.hostname: mail.acme.se has no address in the DNS yet")


def with_address(ip: str, interface: str) -> FactsFile:
    facts = Facts(public_ipv4="192.0.2.1", addresses=(Address(ip=ip, interface=interface),))
    return FactsFile(servers={"in": ServerRecord(facts=facts)})


def test_an_existing_network_must_have_the_internal_addresses(lines: Any) -> None:
    existing = {**DISTRIBUTED, "network.private": "existing"}
    assert lines(existing, known=with_address("10.80.0.1", "eth1")) == []
    (line,) = lines(existing, known=with_address("10.9.0.7", "eth1"))
    assert line.startswith("fault servers.0.internal_ip: no interface of in has 10.80.0.1")
    assert "it has 10.9.0.7" in line


def test_a_new_link_must_not_take_an_address_that_is_there(lines: Any) -> None:
    assert lines(DISTRIBUTED, known=with_address("10.80.0.1", "mwz0")) == []
    (line,) = lines(DISTRIBUTED, known=with_address("10.80.0.1", "eth1"))
    assert line.startswith("fault servers.0.internal_ip: 10.80.0.1 is already an address of in's interface eth1")


def test_two_servers_must_not_share_a_name(lines: Any) -> None:
    servers = [dict(entry) for entry in FOUR]
    servers[0]["id"], servers[1]["id"] = "mx_1", "mx-1"
    found = lines({**DISTRIBUTED, "servers": servers})
    assert [line for line in found if "mx-1 and mx_1 would have the same name: mx-1" in line]

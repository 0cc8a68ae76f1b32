"""Who talks to whom: the table of flows, the links' endpoints, and the firewall that follows from them."""

from __future__ import annotations

import re

import pytest

from mailwiz_tui.plan.model import Plan
from mailwiz_tui.stack import traffic
from mailwiz_tui.stack.compile import compile_server
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.flows import flows_of, links_of
from mailwiz_tui.stack.rspamd import milter

from . import cases


def pairs(plan: Plan, service: str) -> set[tuple[str, str]]:
    return {(flow.source_id, flow.target_id) for flow in flows_of(plan) if flow.service == service}


def context(server_id: str) -> Context:
    known = cases.distributed_facts()
    return Context(cases.distributed(), server_id, known.servers[server_id].facts, known)


def test_one_server_talks_to_nobody() -> None:
    assert flows_of(cases.plan()) == ()
    assert links_of(cases.plan()) == ()


def test_each_service_is_reached_by_those_who_need_it_and_nobody_else() -> None:
    plan = cases.distributed()
    stores, fronts, inbound = {"store1", "store2"}, {"out1"}, {"in1", "in2"}
    assert pairs(plan, "lmtp") == {(a, b) for a in fronts | inbound for b in stores}
    assert pairs(plan, "imap") == pairs(plan, "managesieve") == {("out1", b) for b in stores}
    assert pairs(plan, "accounts") == {(a, "store1") for a in (*inbound, *fronts, "store2")}
    assert pairs(plan, "milter") == {(a, "filter") for a in inbound | fronts}
    assert pairs(plan, "learning") == {(a, "filter") for a in stores}
    assert pairs(plan, "sync") == {("store1", "store2"), ("store2", "store1")}
    assert pairs(plan, "relay") == {(a, "out1") for a in stores | inbound | {"filter"}}
    assert len(pairs(plan, "wireguard")) == 6 * 5


def test_the_links_are_those_of_the_filter_that_was_chosen() -> None:
    def services(**chosen: object) -> set[str]:
        return {link.service for link in links_of(cases.distributed(services=chosen))}

    assert services(antispam="rspamd", antivirus=True) == {"milter", "learning", "viruses"}
    assert services(antispam="spamassassin") == {"spamassassin", "spamd"}
    assert services(antispam="none", antivirus=True) == {"viruses"}
    assert services(antispam="none") == set()


def test_no_filter_and_an_existing_network_bring_no_flows_of_theirs() -> None:
    plan = cases.distributed(services={"antispam": "none"}, network={"private": "existing"})
    assert not pairs(plan, "milter") | pairs(plan, "learning") | pairs(plan, "wireguard")
    assert pairs(plan, "lmtp")


@pytest.mark.parametrize(
    ("server_id", "found"),
    [
        ("in1", [("127.0.0.1", ("f1", "f2"))]),
        ("f1", [("127.0.0.2", ("f1", "f2"))]),
        ("f2", [("127.0.0.2", ("f2", "f1"))]),
    ],
)
def test_a_consumer_is_brought_to_any_filter_its_own_first(server_id: str, found: list[object]) -> None:
    servers = [
        {"id": "in1", "roles": ["mx-inbound", "mx-outbound", "mail-storage"], "internal_ip": "10.80.0.1"},
        {"id": "f1", "roles": ["antispam", "mx-inbound"], "internal_ip": "10.80.0.2"},
        {"id": "f2", "roles": ["antispam", "mx-inbound"], "internal_ip": "10.80.0.3"},
    ]
    ends = traffic.endpoints(cases.distributed(servers=servers), server_id, milter.LINK)
    assert [(end.address, end.provider_ids) for end in ends] == found


def test_what_is_learnt_reaches_every_filter_and_one_server_asks_itself() -> None:
    servers = [
        {"id": "s1", "roles": ["mail-storage", "antispam"], "internal_ip": "10.80.0.1"},
        {"id": "f2", "roles": ["antispam", "mx-inbound", "mx-outbound"], "internal_ip": "10.80.0.2"},
    ]
    ends = traffic.endpoints(cases.distributed(servers=servers), "s1", milter.TEACHING)
    assert [(end.address, end.provider_ids) for end in ends] == [("127.0.0.1", ("s1",)), ("127.0.0.11", ("f2",))]
    alone = traffic.endpoints(cases.plan(), "mx1", milter.LINK)
    assert [(end.address, end.provider_ids) for end in alone] == [("127.0.0.1", ("mx1",))]


def test_the_context_knows_the_servers_of_the_private_link() -> None:
    here = context("store2")
    assert here.internal_ip() == "10.80.0.6"
    assert here.internal_name() == "store2.mailwiz.internal"
    assert here.internal_ip("in1") == "10.80.0.1"
    with pytest.raises(KeyError, match="mx9"):
        here.internal_ip("mx9")


def test_the_firewall_lets_in_exactly_the_flows() -> None:
    plan, known = cases.distributed(), cases.distributed_facts()
    addresses = {server.internal_ip: server.id for server in plan.servers}
    rule = re.compile(r'^iifname "mwz0" ip saddr \{ (.*) \} tcp dport (\d+) accept$', re.MULTILINE)
    for server in plan.servers:
        files = compile_server(plan, server.id, known).files()
        opened = {
            (addresses[source], int(port))
            for sources, port in rule.findall(files["/etc/mailwiz/peers.nft"].content)
            for source in sources.split(", ")
        }
        wanted = {
            (flow.source_id, flow.port)
            for flow in flows_of(plan)
            if flow.target_id == server.id and not flow.public
        }
        assert opened == wanted
        assert 'include "/etc/mailwiz/peers.nft"' in files["/etc/mailwiz/firewall.nft"].content


def test_the_link_itself_is_open_to_the_peers_public_addresses_only() -> None:
    rules = compile_server(cases.distributed(), "filter", cases.distributed_facts()).files()[
        "/etc/mailwiz/peers.nft"
    ]
    four = "192.0.2.21, 192.0.2.23, 192.0.2.25, 192.0.2.26"
    six = "2001:db8::21, 2001:db8::22, 2001:db8::23, 2001:db8::25, 2001:db8::26"
    assert f"\nip saddr {{ {four} }} udp dport 51820 accept\n" in rules.content
    assert f"\nip6 saddr {{ {six} }} udp dport 51820 accept\n" in rules.content


def test_an_existing_network_is_known_by_addresses_alone() -> None:
    plan = cases.distributed(network={"private": "existing"})
    rules = compile_server(plan, "store1", cases.distributed_facts()).files()["/etc/mailwiz/peers.nft"].content
    assert "\nip saddr { 10.80.0.1, 10.80.0.2, 10.80.0.3 } tcp dport 24 accept\n" in rules
    assert "51820" not in rules


@pytest.mark.parametrize(("path", "inside"), [(0, 1420), (1500, 1420), (1480, 1400), (1280, 1280)])
def test_packets_inside_the_link_fit_the_worst_path(path: int, inside: int) -> None:
    known = cases.distributed_facts()
    known.servers["in1"].path_mtu = path
    unit = compile_server(cases.distributed(), "in1", known).files()["/etc/systemd/system/mailwiz-mesh.service"]
    assert f"mailwiz-mesh up 10.80.0.1 {inside}\n" in unit.content

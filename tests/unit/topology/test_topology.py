"""What servers can rely on: one alone, several with divided roles, and the nodes of a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from mailwiz_tui.plan.model import Plan, PlanServer
from mailwiz_tui.topology.derive import topology_of
from mailwiz_tui.topology.model import AccountSource, MailboxPlace, ServerTopology, Signer
from mailwiz_tui.topology.servers import (
    account_store_id,
    client_addresses,
    copy_servers,
    fronts,
    inbound,
    linked,
    places,
    server_of,
    signers,
    spread_stores,
    stores,
    voters,
)

IN, OUT, STORE, FILTER = "mx-inbound", "mx-outbound", "mail-storage", "antispam"


def plan(architecture: str, servers: Mapping[str, Iterable[str]], **changes: object) -> Plan:
    return Plan.model_validate(
        {
            "architecture": architecture,
            "servers": [
                {"id": name, "roles": list(roles), "internal_ip": f"10.80.0.{number}"}
                for number, (name, roles) in enumerate(servers.items(), 1)
            ],
            "domain": {"primary_domain": "example.com", "hostname": "mail.example.com"},
            **changes,
        }
    )


SINGLE = plan("single", {"mx1": ["all-in-one"]})
SIX = plan(
    "distributed",
    {"in1": [IN], "in2": [IN], "out1": [OUT], "filter": [FILTER], "store1": [STORE], "store2": [STORE]},
)
TWO = plan("distributed", {"edge": [IN, OUT, FILTER], "store": [STORE]})
FULL = plan("distributed", {"main": [IN, OUT, STORE, FILTER], "more": [STORE]})
NODES = plan(
    "ha-cluster",
    {"n1": ["all-in-one"], "n2": ["all-in-one"], "n3": [IN, FILTER]},
    cluster={"virtual_ip": "192.0.2.99", "virtual_ipv6": "2001:db8::99", "witness": "n3"},
)


def ids(servers: Iterable[PlanServer]) -> list[str]:
    return [server.id for server in servers]


def of(wanted: Plan) -> dict[str, ServerTopology]:
    return {server.id: topology_of(wanted, server.id) for server in wanted.servers}


def test_one_server_does_everything_by_itself() -> None:
    here = topology_of(SINGLE, "mx1")
    assert (here.accounts.source, here.accounts.store) == (AccountSource.LOCAL, "mx1")
    assert (here.mailboxes.place, here.mailboxes.here) == (MailboxPlace.HERE, True)
    assert (here.filters.reachable, here.filters.exclusive) == (("mx1",), True)
    assert here.receives
    assert here.sends
    assert here.serves_clients
    assert here.signer is Signer.FILTER
    assert ids(here.fronts) == ids(here.inbound) == ids(here.mailboxes.stores) == ["mx1"]
    for nobody in (here.peers, here.relays_for, here.delivers_to, here.hands_over_to, here.waits_for):
        assert not nobody
    assert here.accounts.database_here
    assert not here.accounts.offered
    assert not here.accounts.copied
    assert not here.filters.shared
    assert not here.logins_copied
    assert not copy_servers(SINGLE)
    assert not spread_stores(SINGLE)


@pytest.mark.parametrize("roles", [[], [IN], ["all-in-one"]])
def test_the_only_server_has_all_the_work_whatever_roles_an_unfinished_plan_gives_it(roles: list[str]) -> None:
    for architecture in ("single", "distributed", "ha-cluster"):
        here = topology_of(plan(architecture, {"mx1": roles}), "mx1")
        assert here.receives
        assert here.sends
        assert here.mailboxes.here
        assert here.filters.exclusive
        assert here.peers == ()


def test_accounts_are_copied_where_mail_must_go_on_without_their_database() -> None:
    found = of(SIX)
    sources = {name: here.accounts.source.value for name, here in found.items()}
    assert sources == {
        "in1": "copied", "in2": "copied", "out1": "copied", "filter": "none", "store1": "local", "store2": "copied",
    }  # fmt: skip
    assert {here.accounts.store for here in found.values()} == {"store1"}
    assert [name for name, here in found.items() if here.accounts.database_here] == ["store1"]
    assert [name for name, here in found.items() if here.accounts.offered] == ["store1"]
    assert [name for name, here in found.items() if here.logins_copied] == ["out1", "store2"]
    assert found["store1"].accounts.copied_to == ("in1", "in2", "out1", "store2")


def test_stores_come_first_then_fronts_then_those_that_only_receive() -> None:
    both = ("store1", "store2")
    assert {name: here.waits_for for name, here in of(SIX).items()} == {
        "in1": (*both, "out1"), "in2": (*both, "out1"), "out1": both, "filter": ("out1",), "store1": (),
        "store2": ("store1",),
    }  # fmt: skip


def test_mailboxes_of_several_servers_are_reached_over_the_private_link() -> None:
    found = of(SIX)
    assert {here.mailboxes.place for here in found.values()} == {MailboxPlace.STORES}
    assert [name for name, here in found.items() if here.mailboxes.here] == ["store1", "store2"]
    assert ids(found["in1"].delivers_to) == ["store1", "store2"]
    assert found["filter"].delivers_to == found["store1"].delivers_to == ()
    assert ids(found["store1"].mailboxes.delivered_by) == ["in1", "in2", "out1"]
    assert spread_stores(SIX) == ("store1", "store2")
    assert spread_stores(TWO) == ()


def test_who_sends_signs_and_takes_the_mail_of_the_others() -> None:
    found = of(SIX)
    assert {name: here.signer.value for name, here in found.items() if here.signs} == {"out1": "separate"}
    assert all(ids(here.hands_over_to) == ["out1"] for here in found.values() if not here.sends)
    assert ids(found["out1"].relays_for) == ["in1", "in2", "filter", "store1", "store2"]
    assert found["out1"].hands_over_to == ()
    unsigned = plan("single", {"mx1": ["all-in-one"]}, security={"dkim": {"enabled": False}})
    assert not topology_of(unsigned, "mx1").signs
    other = plan("single", {"mx1": ["all-in-one"]}, services={"antispam": "spamassassin"})
    assert topology_of(other, "mx1").signer is Signer.SEPARATE


def test_filters_are_reached_own_first() -> None:
    filters = {"f1": [FILTER, IN], "f2": [FILTER, IN], "out": [OUT], "store": [STORE]}
    found = of(plan("distributed", filters))
    assert {name: here.filters.reachable for name, here in found.items()} == {
        "f1": ("f1", "f2"), "f2": ("f2", "f1"), "out": ("f1", "f2"), "store": ("f1", "f2"),
    }  # fmt: skip
    assert [name for name, here in found.items() if here.filters.shared] == ["f1", "f2"]
    assert not any(here.filters.exclusive for here in found.values())


def test_a_filter_that_a_store_teaches_is_not_its_servers_own() -> None:
    for wanted, name in ((TWO, "edge"), (FULL, "main")):
        here = topology_of(wanted, name)
        assert here.filters.shared
        assert here.signer is Signer.SEPARATE


def test_a_server_with_all_roles_among_others_keeps_a_copy_beside_the_database() -> None:
    here, more = of(FULL)["main"], of(FULL)["more"]
    assert here.accounts.database_here
    assert here.accounts.copied
    assert here.accounts.offered
    assert here.logins_copied
    assert here.waits_for == ()
    assert here.mailboxes.on_stores
    assert ids(here.delivers_to) == ["main", "more"]
    assert (more.waits_for, more.logins_copied) == (("main",), True)


def test_a_store_that_receives_mail_answers_logins_from_its_database() -> None:
    here = topology_of(plan("distributed", {"a": [IN, STORE, FILTER], "b": [OUT]}), "a")
    assert here.accounts.copied
    assert not here.logins_copied
    assert ids(here.hands_over_to) == ["b"]


def test_the_store_of_a_cluster_moves_between_the_servers_that_hold_mail() -> None:
    found = of(NODES)
    for name in ("n1", "n2"):
        here = found[name]
        assert here.mailboxes.here
        assert here.accounts.database_here
        assert here.accounts.copied
        assert here.logins_copied
        assert here.serves_clients
        assert here.waits_for == ()
        assert here.filters.reachable[0] == name
    for here in found.values():
        assert here.mailboxes.moves
        assert ids(here.mailboxes.places) == ids(here.fronts) == ["n1", "n2"]
        assert ids(here.mailboxes.stores) == ids(here.delivers_to) == ["n1"]
        assert here.accounts.store == "n1"
        assert here.accounts.copied_to == ("n1", "n2", "n3")
        assert here.receives
    assert ids(places(NODES)) == ["n1", "n2"]
    assert ids(voters(NODES)) == ["n1", "n2", "n3"]
    assert spread_stores(NODES) == ()
    assert client_addresses(NODES) == ("192.0.2.99", "2001:db8::99")
    assert client_addresses(SINGLE) == client_addresses(SIX) == ()
    assert not of(SIX)["store1"].mailboxes.moves


def test_the_witness_of_a_cluster_holds_no_mail_and_lets_the_others_send_its_own() -> None:
    here = of(NODES)["n3"]
    assert not here.mailboxes.here
    assert not here.accounts.database_here
    assert not here.serves_clients
    assert ids(here.hands_over_to) == ["n1", "n2"]
    assert here.waits_for == ("n1", "n2")


def test_servers_are_found_by_what_they_do() -> None:
    assert ids(fronts(SIX)) == ids(signers(SIX)) == ["out1"]
    assert ids(inbound(SIX)) == ["in1", "in2"]
    assert ids(stores(SIX)) == ["store1", "store2"]
    assert account_store_id(SIX) == "store1"
    assert linked(SIX)
    unsigned = plan("single", {"mx1": ["all-in-one"]}, security={"dkim": {"enabled": False}})
    assert signers(unsigned) == ()


@pytest.mark.parametrize("roles", [[], [IN], ["all-in-one"]])
def test_the_only_server_is_found_whatever_is_asked_for(roles: list[str]) -> None:
    for architecture in ("single", "distributed", "ha-cluster"):
        alone = plan(architecture, {"mx1": roles})
        assert ids(fronts(alone)) == ids(inbound(alone)) == ids(stores(alone)) == ["mx1"]
        assert account_store_id(alone) == "mx1"
        assert not linked(alone)


def test_a_plan_whose_roles_are_not_given_yet_has_no_account_store() -> None:
    assert account_store_id(plan("distributed", {"a": [], "b": []})) == ""


def test_a_server_that_is_not_in_the_plan_has_no_topology() -> None:
    with pytest.raises(KeyError, match="mx9"):
        topology_of(SIX, "mx9")
    with pytest.raises(KeyError, match="mx9"):
        server_of(SINGLE, "mx9")

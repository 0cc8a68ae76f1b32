"""Every lab gets documentation addresses that neither the machine nor another lab uses."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwiz_tui.lab.addresses import BLOCKS_V4, MAX_HOSTS, RANGE_V6, RANGES_V4, SLOTS, AddressPlan, Pair, allocate
from mailwiz_tui.lab.machine import LabError


def pairs(plan: AddressPlan) -> list[Pair]:
    return [
        plan.hosts_gateway,
        plan.outside_gateway,
        plan.wire,
        plan.operator,
        *plan.nameservers,
        plan.resolver,
        plan.mail,
        plan.proxy,
        plan.acme,
        *plan.virtual,
        *(plan.host(number) for number in range(1, MAX_HOSTS + 1)),
    ]


def every_address(plan: AddressPlan) -> list[str]:
    return [text for pair in pairs(plan) for text in str(pair).split()]


def test_first_lab_is_where_the_documentation_says() -> None:
    plan = allocate([], ["192.0.2.0/24", "10.0.0.0/8"])
    assert str(plan.host(1)) == "198.51.100.11 2001:db8:ca00:1::11"
    assert str(plan.operator) == "198.51.100.50 2001:db8:ca00:3::2"


def test_all_addresses_of_all_labs_are_distinct_and_for_documentation() -> None:
    labs = [allocate(range(slot), []) for slot in range(SLOTS)]
    addresses = [address for lab in labs for address in every_address(lab)]
    assert len(set(addresses)) == len(addresses)
    for text in addresses:
        ranges = RANGES_V4 if "." in text else (RANGE_V6,)
        assert any(ip_address(text) in net for net in ranges)
    assert len({lab.device for lab in labs}) == SLOTS


def test_parts_hold_their_addresses_and_never_the_network_or_broadcast_address() -> None:
    plan = allocate([0, 1], [])
    groups = {
        plan.hosts_net: [plan.hosts_gateway, *plan.virtual, *(plan.host(n) for n in range(1, MAX_HOSTS + 1))],
        plan.outside_net: [
            plan.outside_gateway,
            *plan.nameservers,
            plan.resolver,
            plan.mail,
            plan.proxy,
            plan.acme,
        ],
        plan.operator_net: [plan.wire, plan.operator],
    }
    for (four, six), members in groups.items():
        assert four.subnet_of(plan.ipv4)
        assert six.subnet_of(plan.ipv6)
        for pair in members:
            assert pair.ipv4 in four.hosts()
            assert pair.ipv6 in six


@given(
    st.lists(
        st.sampled_from(
            ["192.0.2.0/24", "192.0.2.2", "198.51.100.129", "203.0.113.80", "2001:db8:ca00::/47", "fd00::/64"]
        ),
        max_size=5,
    ),
    st.sets(st.integers(0, SLOTS - 1), max_size=SLOTS - 1),
)
def test_never_takes_what_the_machine_uses(taken: list[str], slots: set[int]) -> None:
    try:
        plan = allocate(slots, taken)
    except LabError:
        nets = [ip_network(text) for text in taken if "." in text]
        left = (slot for slot, block in enumerate(BLOCKS_V4) if not any(net.overlaps(block) for net in nets))
        assert set(left) <= slots
        return
    assert plan.slot not in slots
    for text in taken:
        net = ip_network(text)
        mine = plan.ipv4 if net.version == 4 else plan.ipv6
        assert not net.overlaps(mine)


def test_says_what_to_do_when_all_slots_are_used() -> None:
    with pytest.raises(LabError, match="lab down --name"):
        allocate(range(SLOTS), [])


def test_says_when_the_machine_uses_every_range_itself() -> None:
    with pytest.raises(LabError, match="documentation ranges"):
        allocate([], [str(net) for net in RANGES_V4])
    with pytest.raises(LabError, match="2001:db8::/32"):
        allocate([], ["2001:db8::/32"])


@pytest.mark.parametrize("number", [0, MAX_HOSTS + 1])
def test_host_beyond_the_plan_is_an_error(number: int) -> None:
    with pytest.raises(LabError, match=str(MAX_HOSTS)):
        allocate([], []).host(number)

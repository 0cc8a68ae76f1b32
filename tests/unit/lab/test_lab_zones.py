"""The lab's zones hang together: delegated, signed where they should be, forward and reverse the same."""

from __future__ import annotations

from ipaddress import ip_address

import dns.name
import dns.rdatatype
import dns.zone
import pytest

from mailwiz_tui.lab import zones
from mailwiz_tui.lab.addresses import allocate

PLAN = allocate([], [])
DS = "".join(f"{zone} DS {number} 13 2 {number:064x}\n" for number, zone in enumerate(zones.SIGNED_ZONES, 1))
TEXTS = zones.zone_files(PLAN, DS, dkim='lab._domainkey.outside.test. 5 IN TXT "v=DKIM1; p=AA=="', tlsa="ab" * 32)


def parsed(zone: str) -> dns.zone.Zone:
    return dns.zone.from_text(TEXTS[zone], origin=zone, relativize=False)


def texts(zone: str, name: str, rdtype: str) -> set[str]:
    found = parsed(zone).get_rdataset(dns.name.from_text(name), rdtype)
    return {str(data) for data in found} if found else set()


@pytest.mark.parametrize("zone", zones.ZONES)
def test_zone_is_complete_and_nothing_in_it_is_out_of_zone(zone: str) -> None:
    content = parsed(zone)
    content.check_origin()
    cuts = [other for other in zones.ZONES if other != zone and other.endswith("." + zone.lstrip("."))]
    for name, node in content.nodes.items():
        for rdataset in node:
            if rdataset.rdtype in (dns.rdatatype.NS, dns.rdatatype.DS) or (zone == "." and "ns" in str(name)):
                continue
            assert not any(str(name) == cut or str(name).endswith("." + cut) for cut in cuts), name


@pytest.mark.parametrize("zone", [zone for zone in zones.ZONES if zone != "."])
def test_zone_is_delegated_with_the_right_trust(zone: str) -> None:
    parent = zones.parent_of(zone)
    assert texts(parent, zone, "NS") == {"ns1.test.", "ns2.test."}
    signers = {zone: {f"{number} 13 2 {number:064x}"} for number, zone in enumerate(zones.SIGNED_ZONES, 1)}
    expected = {zones.UNSIGNED_ZONE: set(), zones.BOGUS_ZONE: signers["."]}.get(zone, signers.get(zone))
    assert texts(parent, zone, "DS") == expected


def test_name_servers_have_glue_in_the_root() -> None:
    for number, pair in enumerate(PLAN.nameservers, 1):
        assert texts(".", f"ns{number}.test.", "A") == {str(pair.ipv4)}
        assert texts(".", f"ns{number}.test.", "AAAA") == {str(pair.ipv6)}


def test_outside_addresses_and_their_names_agree_both_ways() -> None:
    for line in zones.reverse_records(PLAN).splitlines():
        pointer, *_rest, name = line.split()
        zone = zones.zone_of(name)
        forward = texts(zone, name, "A") | texts(zone, name, "AAAA")
        if name == "acme.outside.test." and "ip6" in pointer:
            continue
        assert pointer in {f"{ip_address(address).reverse_pointer}." for address in forward}


def test_host_gets_forward_and_reverse_records() -> None:
    text = zones.host_records(PLAN, "mx3", 3)
    assert "mx3.lab.test. 5 IN A 198.51.100.13" in text
    assert "13.100.51.198.in-addr.arpa. 5 IN PTR mx3.lab.test." in text
    homes = {zones.zone_of(line.split()[0]) for line in text.splitlines()}
    assert homes == {"lab.test.", "100.51.198.in-addr.arpa.", "8.b.d.0.1.0.0.2.ip6.arpa."}


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("mail.example.test.", "example.test."),
        ("example.test.", "example.test."),
        ("badexample.test.", "test."),
        ("example2.test.", "example2.test."),
        ("example.com.", "."),
        ("11.100.51.198.in-addr.arpa.", "100.51.198.in-addr.arpa."),
        (".", "."),
    ],
)
def test_name_finds_its_zone(name: str, zone: str) -> None:
    assert zones.zone_of(name) == zone

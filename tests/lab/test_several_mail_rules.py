"""What holds for addresses and folders of one server holds for several of mixed releases, seen from outside.

Mail comes in at one server, users log in and send at another, the mailboxes and the accounts are on a third.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mailwiz_tui.lab.lab import Lab
from tests.lab.addresses import LONG_PROOFS, PROOFS, Proof, with_international_domain
from tests.lab.conftest import lending_domains, lending_hosts
from tests.lab.fleet import Fleet, Member, make_fleet
from tests.lab.site import Site

pytestmark = [
    pytest.mark.lab,
    pytest.mark.long,
    pytest.mark.timeout(1500),
    pytest.mark.xdist_group("several-mail-rules"),
]

COPY = "/usr/local/lib/mailwiz/account-copy"


class SeveralServers(Site):
    """Three servers with the mailboxes bob@ and carol@; ``run`` and ``sql`` are for the one that keeps them."""

    def __init__(self, fleet: Fleet, inbound: str, front: str, store: str) -> None:
        super().__init__(fleet)
        self.fleet, self.inbound, self.front, self.store = fleet, inbound, front, store

    @property
    def exchanger(self) -> str:
        return self.lab.host(self.inbound).ipv4

    def run(self, command: str) -> str:
        return self.lab.run(self.store, command).stdout

    def at_queue(self, command: str) -> str:
        return self.lab.run(self.inbound, command).stdout

    def sql(self, statement: str) -> None:
        """Change the accounts as the admin panel does; the copies do not wait for their timer here."""
        self.lab.run(self.store, "mariadb postfix", stdin=statement)
        for host in (self.inbound, self.front):
            self.fleet.run(host, COPY)


@pytest.fixture(
    scope="module",
    params=[("trixie", "bookworm", "trixie"), ("bookworm", "trixie", "bookworm")],
    ids=lambda releases: releases[0],
)
def site(
    request: pytest.FixtureRequest, lab: Lab, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SeveralServers]:
    """Installed by the commands that an operator types; named by the release of the server that takes mail."""
    with lending_hosts(lab) as take_host, lending_domains(lab) as take_domain:
        inbound, front, store = (take_host(suite).id for suite in request.param)
        members = [
            Member(inbound, ("mx-inbound", "antispam"), 1),
            Member(front, ("mx-outbound",), 2),
            Member(store, ("mail-storage",), 3),
        ]
        fleet = make_fleet(lab, tmp_path_factory.mktemp("rules"), take_domain(), members)
        with_international_domain(fleet)
        assert fleet.mailwiz("diff").code == 1
        fleet.publish()
        done = fleet.apply("--credentials", str(fleet.credentials))
        # a busy machine may miss a deadline of a check; what is wrong stays wrong
        assert done.code == 0 or fleet.failed_checks() == [], done.out + done.err
        made = SeveralServers(fleet, inbound, front, store)
        for address in (made.bob, made.carol):
            made.mailbox(address)
        yield made


@pytest.mark.parametrize("proof", [*PROOFS, *LONG_PROOFS])
def test_addresses_and_folders(site: SeveralServers, proof: Proof) -> None:
    proof(site)


def test_nothing_is_left_to_do(site: SeveralServers) -> None:
    done = site.fleet.apply()
    assert "no changes" in done.out, done.out + done.err

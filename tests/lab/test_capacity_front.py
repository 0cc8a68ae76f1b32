"""A front of 2 GB carries 400 waiting and 100 busy IMAP clients to two stores, also when all wake at once."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from mailwiz_tui.lab.lab import Lab
from tests.lab.conftest import FreshHost
from tests.lab.fleet import Fleet, Member, make_fleet
from tests.lab.load import Crowd, LoadTest, add_mailboxes, smaller

pytestmark = [
    pytest.mark.lab,
    pytest.mark.long,
    pytest.mark.timeout(1500),
    pytest.mark.xdist_group("capacity-front"),
]

WAITING, BUSY, USERS = 400, 100, 20
MEMORY_KB = 2_000_000
"""What each server shall take for its memory."""
ROLES = (("mx-inbound", "mx-outbound", "antispam"), ("mail-storage",), ("mail-storage",))


@dataclass(frozen=True)
class Site:
    """The front, and the stores behind it; half of the users have their mailbox on each."""

    fleet: Fleet
    front: str
    stores: tuple[str, str]

    @property
    def hosts(self) -> tuple[str, ...]:
        return (self.front, *self.stores)

    @property
    def users(self) -> list[str]:
        return [f"load{number}@{self.fleet.domain}" for number in range(USERS)]

    def with_users(self) -> None:
        """Their mailboxes, known to all before the first login."""
        first, second = self.stores
        add_mailboxes(self.fleet.lab, first, self.users)
        moved = "".join(
            f"INSERT INTO mailwiz_store (username, store) VALUES ('{address}', '{second}');"
            for address in self.users[1::2]
        )
        self.fleet.lab.run(first, "mariadb postfix", stdin=moved)
        for host in (self.front, second):
            self.fleet.run(host, "/usr/local/lib/mailwiz/account-copy")


@pytest.fixture(scope="module")
def site(lab: Lab, lend_hosts: FreshHost, lent_domain: str, tmp_path_factory: pytest.TempPathFactory) -> Site:
    members = [Member(lend_hosts().id, roles, number) for number, roles in enumerate(ROLES, 1)]
    for member in members:
        smaller(lab, member.host, MEMORY_KB)
    fleet = make_fleet(lab, tmp_path_factory.mktemp("capacity-front"), lent_domain, members)
    fleet.mailwiz("diff")
    fleet.publish()
    done = fleet.apply("--credentials", str(fleet.credentials))
    # a busy machine may miss a deadline of a check; what is wrong stays wrong
    assert done.code == 0 or fleet.failed_checks() == [], done.out + done.err
    front, first, second = (member.host for member in members)
    made = Site(fleet, front, (first, second))
    made.with_users()
    return made


def test_nobody_is_dropped_and_all_wake(site: Site) -> None:
    crowd = Crowd(site.fleet.address, site.users)
    LoadTest(site.fleet.lab, crowd, site.hosts, site.stores).all_wake(WAITING, BUSY, site.users[0], MEMORY_KB)

"""A server with 4 GB of memory carries 1,000 waiting and 200 busy IMAP clients, also when all wake at once."""

from __future__ import annotations

import pytest

from mailwiz_tui.lab.lab import Lab
from tests.lab.load import Crowd, LoadTest, add_mailboxes, smaller
from tests.lab.site import Site, installed
from tests.lab.workspace import make_workspace

pytestmark = [
    pytest.mark.lab,
    pytest.mark.long,
    pytest.mark.timeout(1500),
    pytest.mark.xdist_group("capacity"),
    pytest.mark.parametrize("lent_host", ["trixie", "bookworm"], indirect=True, scope="module"),
]

WAITING, BUSY, USERS = 1000, 200, 50
MEMORY_KB = 4_000_000
"""What the server shall take for its memory: a usual small one, not that of the machine that runs the tests."""


@pytest.fixture(scope="module")
def site(lab: Lab, lent_host: str, lent_domain: str, tmp_path_factory: pytest.TempPathFactory) -> Site:
    lab.clear_dns(lent_domain)  # the host of the other release had it
    smaller(lab, lent_host, MEMORY_KB)
    site = installed(make_workspace(lab, tmp_path_factory.mktemp("capacity"), lent_host, lent_domain))
    add_mailboxes(lab, lent_host, users(site))
    return site


def users(site: Site) -> list[str]:
    return [f"load{number}@{site.domain}" for number in range(USERS)]


def test_nobody_is_dropped_and_all_wake(site: Site) -> None:
    host, crowd = site.workspace.host, Crowd(site.workspace.address, users(site))
    LoadTest(site.lab, crowd, (host,), (host,)).all_wake(WAITING, BUSY, site.bob, MEMORY_KB)

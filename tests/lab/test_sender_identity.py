"""The whole table of identities on real servers: every filter, one server and several, both releases."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailwiz_tui.lab.lab import Lab
from tests.lab.clients import PASSWORD
from tests.lab.conftest import lending_domains, lending_hosts
from tests.lab.fleet import Fleet, Member, make_fleet
from tests.lab.identities import FOREIGN, SUBMISSION
from tests.lab.identity_judge import Place, everything_wrong, forget_domains, letters, with_domains
from tests.lab.passed_on import signed_wrongly
from tests.lab.told_authentication import LET_TEST_BE_A_SUFFIX
from tests.lab.workspace import Workspace, make_workspace

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(2400), pytest.mark.xdist_group("identity")]

FILTERS = ("rspamd", "spamassassin", "none")


@dataclasses.dataclass
class World:
    """Servers that go from one filter to the next by their plan."""

    workspace: Workspace
    place: Place
    text: str
    filters: str
    """The host that filters."""

    def use(self, antispam: str, *, foreign: bool = False) -> None:
        """Install with a filter, and with or without foreign authors."""
        allowed = "[security]\nallow_foreign_from = true\n\n" if foreign else ""
        text = self.text.replace("[security.tls]", f"{allowed}[security.tls]", 1)
        self.workspace.plan.write_text(f'{text}\n[services]\nantispam = "{antispam}"\n')
        self.workspace.mailwiz("diff")
        self.workspace.publish()
        resolver = ("--resolver", self.workspace.lab.dns.resolver)
        done = self.workspace.mailwiz("apply", "--yes", *resolver, timeout=1800)
        if done.code != 0:
            # a busy machine may miss a deadline of a check; what is wrong stays wrong
            again = self.workspace.mailwiz("verify", *resolver)
            assert again.code == 0, done.out + done.err + again.out
        if antispam == "spamassassin":
            self.workspace.lab.run(self.filters, LET_TEST_BE_A_SUFFIX)


def one_server(lab: Lab, folder: Path, domain: str, hosts: list[str]) -> World:
    workspace = make_workspace(lab, folder, hosts[0], domain)
    text = with_domains(workspace.plan.read_text(), domain)
    address = workspace.address
    return World(workspace, _place(lab, domain, hosts[0], address, address), text, hosts[0])


def several_servers(lab: Lab, folder: Path, domain: str, hosts: list[str]) -> World:
    inbound, front, store = hosts
    members = (
        Member(inbound, ("mx-inbound", "antispam"), 1),
        Member(front, ("mx-outbound",), 2),
        Member(store, ("mail-storage",), 3),
    )
    fleet: Fleet = make_fleet(lab, folder, domain, members)
    text = with_domains(fleet.plan.read_text(), domain)
    place = _place(lab, domain, store, *(lab.host(host).ipv4 for host in (inbound, front)))
    place.copy_accounts = lambda: [
        fleet.run(host, "/usr/local/lib/mailwiz/account-copy") for host in (inbound, front)
    ]
    return World(fleet, place, text, inbound)


def _place(lab: Lab, domain: str, store: str, inbound: str, front: str) -> Place:
    return Place(
        lab, inbound, front, letters(domain), lambda command, stdin: lab.run(store, command, stdin=stdin).stdout
    )


@pytest.fixture(scope="module", params=[(r, n) for r in ("trixie", "bookworm") for n in (1, 3)],
                ids=lambda p: f"{p[0]}-{p[1]}")  # fmt: skip
def world(lab: Lab, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    release, count = request.param
    with lending_hosts(lab) as hosts, lending_domains(lab) as domains:
        taken = [hosts(release).id for _ in range(count)]
        build = one_server if count == 1 else several_servers
        domain = domains()
        forget_domains(lab, domain)
        yield build(lab, tmp_path_factory.mktemp("identity"), domain, taken)


@pytest.mark.parametrize("antispam", FILTERS)
def test_every_row_of_the_table_comes_out_as_it_says(world: World, antispam: str) -> None:
    world.use(antispam)
    world.place.prepare(PASSWORD)
    assert everything_wrong(world.place, antispam) == []
    assert world.place.filters_wrong() == []
    assert signed_wrongly(world.place, antispam) == []


def test_where_the_plan_allows_it_foreign_authors_leave_unsigned_and_served_ones_do_not(world: World) -> None:
    world.use("rspamd", foreign=True)
    world.place.prepare(PASSWORD)
    rows = [*FOREIGN, *(row for row in SUBMISSION if row.id not in {foreign.id for foreign in FOREIGN})]
    assert world.place.wrong(rows, "rspamd") == []

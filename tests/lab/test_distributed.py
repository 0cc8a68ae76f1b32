"""Six servers of mixed releases as one mail system: one plan installs it, and each is cut off under load."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator

import pytest

from mailwiz_tui.lab.lab import Lab
from tests.lab.conftest import FreshHost
from tests.lab.fleet import Fleet, Member, by_role, make_fleet
from tests.lab.steady_flow import HEADER, Flow, steady_flow

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(1500)]

PASSWORD = "Steady-Stetig-4711"
USERS = 24
"""Enough that none of them comes near what one account may send in an hour."""
RATE = 5.0
OUTAGE = 25.0
RECOVERY = 240.0
SHAPE = (
    ("trixie", ("mx-inbound",)),
    ("bookworm", ("mx-inbound",)),
    ("trixie", ("mx-outbound",)),
    ("bookworm", ("mail-storage",)),
    ("trixie", ("mail-storage",)),
    ("bookworm", ("antispam",)),
)
OPEN = {"mx-inbound": {22, 25}, "mx-outbound": {22, 143, 465, 587, 993, 4190}}


@pytest.fixture(scope="module")
def members(lend_hosts: FreshHost) -> list[Member]:
    return [Member(lend_hosts(suite).id, roles, number) for number, (suite, roles) in enumerate(SHAPE, 1)]


@pytest.fixture(scope="module")
def fleet(lab: Lab, members: list[Member], lent_domain: str, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """Installed by the commands that an operator types."""
    fleet = make_fleet(lab, tmp_path_factory.mktemp("fleet"), lent_domain, members)
    before = fleet.mailwiz("diff")
    assert before.code == 1, before.err
    fleet.publish()
    done = fleet.apply("--credentials", str(fleet.credentials))
    (fleet.folder / "apply.out").write_text(done.out + done.err)
    # a busy machine may miss a deadline of a check; what is wrong stays wrong
    assert done.code == 0 or fleet.failed_checks() == [], done.out + done.err
    print(f"six servers installed and verified in {done.seconds:.0f} s")
    return fleet


@pytest.fixture(scope="module")
def roles(members: list[Member]) -> dict[str, list[str]]:
    return dict(by_role(members))


@pytest.fixture(scope="module")
def stores(roles: dict[str, list[str]]) -> list[str]:
    return roles["mail-storage"]


@pytest.fixture(scope="module")
def flow(fleet: Fleet, stores: list[str]) -> Iterator[Flow]:
    """Mail in both ways from here to the end; half of the mailboxes are on each store."""
    first, second = stores
    one = f"user00@{fleet.domain}"
    done = fleet.mailwiz("mailbox add", one, "--password-stdin", stdin=f"{PASSWORD}\n")
    assert done.code == 0, done.err
    names = [f"user{number:02}@{fleet.domain}" for number in range(USERS)]
    columns = "password, name, quota, local_part, domain, created, modified, active"
    statements = [
        f"INSERT INTO mailbox (username, maildir, {columns}) SELECT '{name}', "
        f"REPLACE(maildir, 'user00', '{name.partition('@')[0]}'), {columns} FROM mailbox WHERE username = '{one}'; "
        f"INSERT INTO alias (address, goto, domain, active) VALUES ('{name}', '{name}', '{fleet.domain}', 1);"
        for name in names[1:]
    ]
    statements += [
        f"INSERT INTO mailwiz_store (username, store) VALUES ('{name}', '{second}');" for name in names[1::2]
    ]
    assert fleet.lab.run(first, ["mariadb", "postfix"], stdin="\n".join(statements)).returncode == 0
    time.sleep(32)
    with steady_flow(fleet, names, PASSWORD, RATE) as flow:
        flow.drained(stores, RECOVERY)
        time.sleep(5)
        yield flow


def test_every_check_passes(fleet: Fleet) -> None:
    # a busy machine may miss a deadline of a check; what is wrong stays wrong
    failed = fleet.failed_checks() and fleet.failed_checks()
    assert failed == []


def test_a_second_apply_changes_nothing(fleet: Fleet) -> None:
    done = fleet.apply()
    assert (done.code, "no changes" in done.out) == (0, True), done.out + done.err
    print(f"no changes, said in {done.seconds:.1f} s")
    after = fleet.mailwiz("diff")
    assert (after.code, "nothing to do" in after.out) == (0, True), after.out


async def test_from_outside_only_the_public_ports_answer(fleet: Fleet, members: list[Member]) -> None:
    """Every port that anything listens on anywhere in the fleet is tried at every public address."""
    listening: set[int] = set()
    for member in members:
        lines = fleet.run(member.host, "ss -Hltn").splitlines()
        listening |= {int(line.split()[3].rpartition(":")[2]) for line in lines}
    assert {24, 3306, 10025, 11332, 11334} <= listening

    async def answers(address: str, port: int) -> bool:
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), 5)
        except OSError:
            return False
        writer.close()
        return True

    for member in members:
        host = fleet.lab.host(member.host)
        expected = OPEN.get(member.roles[0], {22})
        for address in (host.ipv4, host.ipv6):
            ports = sorted(listening)
            found = await asyncio.gather(*(answers(address, port) for port in ports))
            assert {port for port, open_ in zip(ports, found, strict=True) if open_} == expected, member


@pytest.mark.parametrize("place", range(len(SHAPE)), ids=["in1", "in2", "out", "store1", "store2", "filter"])
def test_a_power_cut_loses_and_bounces_nothing(
    flow: Flow, fleet: Fleet, members: list[Member], stores: list[str], place: int
) -> None:
    lab, host = fleet.lab, members[place].host
    taken = (len(flow.accepted_in), len(flow.accepted_out))
    begun = time.monotonic()
    lab.cut(host)
    time.sleep(OUTAGE)
    if members[place].roles == ("antispam",):
        nothing_passes_unseen(flow, fleet, members, stores)
    meanwhile = [len(flow.accepted_in) - taken[0], len(flow.accepted_out) - taken[1]]
    lab.boot(host)
    down = time.monotonic() - begun
    seconds = flow.drained(stores, RECOVERY)
    print(
        f"{host} ({', '.join(members[place].roles)}) down {down:.0f} s, meanwhile accepted in and out {meanwhile}; "
        f"all arrived {seconds:.0f} s after it was back"
    )
    assert bounces(flow, members) == []


def nothing_passes_unseen(flow: Flow, fleet: Fleet, members: list[Member], stores: list[str]) -> None:
    """While no filter works, mail is put off at the door, both ways."""
    before = set(flow.arrived_in(stores)), set(flow.arrived_out())
    for host in by_role(members)["mx-inbound"]:
        where = ("--server", fleet.lab.host(host).ipv4, "--helo", "mail.outside.test")
        options = ("--from", "anna@outside.test", "--to", f"postmaster@{fleet.domain}", "--timeout", "60")
        said = fleet.lab.outside.swaks(*where, *options).stdout
        assert "<** 451 4.7.1 Service unavailable - try again later" in said or "<** 451 4.3.0" in said, said
    after = set(flow.arrived_in(stores)), set(flow.arrived_out())
    assert after == before


def test_all_is_counted_on_both_ends(flow: Flow, fleet: Fleet, members: list[Member], stores: list[str]) -> None:
    flow.end()
    flow.drained(stores, RECOVERY)
    came_in, came_out = flow.arrived_in(stores), flow.arrived_out()
    twice = [sum(times > 1 for times in came.values()) for came in (came_in, came_out)]
    print(
        f"accepted in {len(flow.accepted_in)}, out {len(flow.accepted_out)}; arrived {len(came_in)} and "
        f"{len(came_out)}, of these twice {twice}; refused to the mail programs: {dict(flow.refusals)}"
    )
    assert flow.trouble == []
    assert flow.missing(stores) == (set(), set())
    assert bounces(flow, members) == []
    assert unfiltered(fleet, stores) == []


def test_the_account_store_knows_how_full_every_mailbox_is(fleet: Fleet, flow: Flow, stores: list[str]) -> None:
    assert flow.ended.is_set()
    end = time.monotonic() + 90
    while True:
        done = fleet.mailwiz("mailbox list", "--json")
        told = {box["address"]: box["messages"] for box in json.loads(done.out)["mailboxes"]}
        held = {
            address: sum(len(fleet.mail_of(store, address)) for store in stores)
            for address in told
            if address.startswith("user")
        }
        if all(told[address] == held[address] for address in held):
            break
        assert time.monotonic() < end, {a: (told[a], held[a]) for a in held if told[a] != held[a]}
        time.sleep(3)
    assert len(held) == USERS
    assert all(held.values())


def test_the_fleet_is_whole_again(fleet: Fleet, flow: Flow) -> None:
    assert flow.ended.is_set()
    assert fleet.failed_checks() == []
    done = fleet.apply()
    assert "no changes" in done.out, done.out + done.err


def bounces(flow: Flow, members: list[Member]) -> list[str]:
    """What mail servers inside and outside said they gave up since the flow began, and reports of it."""
    fleet = flow.fleet
    logged = fleet.lab.outside.log()[flow.log_begin :].splitlines()
    found = [line for line in logged if "status=bounced" in line and fleet.domain in line]
    for member in members:
        command = (
            "journalctl -o cat --no-pager -t postfix/bounce -t postfix/smtp -t postfix/lmtp -t postfix/peers/smtp"
        )
        told = fleet.lab.run(member.host, f"{command} | grep -E 'status=(bounced|expired)' || true").stdout
        found += [f"{member.host}: {line}" for line in told.splitlines() if "user" in line or "sink" in line]
    found += [str(m["Subject"]) for m in fleet.lab.outside.messages(flow.correspondent)]
    return found


def unfiltered(fleet: Fleet, stores: list[str]) -> list[str]:
    """Mail of the flow in mailboxes that no filter has judged."""
    found = []
    for store in stores:
        folder = fleet.lab.host(store).root / "var/vmail" / fleet.domain
        for path in folder.rglob("new/*"):
            head = path.read_bytes().partition(b"\n\n")[0]
            if f"{HEADER}:".encode() in head and b"Authentication-Results:" not in head:
                found.append(str(path))
    return found

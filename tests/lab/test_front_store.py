"""A server that keeps mail and is the door to the others' at once, beside another store; on both releases."""

from __future__ import annotations

import functools
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from mailwiz_tui.lab.lab import Lab
from tests.lab.clients import PASSWORD, imap, imap_opens, mail, submit, until, unverified
from tests.lab.conftest import lending_domains, lending_hosts
from tests.lab.fleet import Fleet, Member, make_fleet
from tests.lab.managesieve import ManageSieve

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(1500), pytest.mark.xdist_group("front-store")]

FRONT = ("mx-inbound", "mx-outbound", "antispam", "mail-storage")
SCRIPT = 'require ["fileinto", "mailbox"];\nif header :contains "subject" "[list]" { fileinto :create "Lists"; }\n'


@dataclass(frozen=True)
class Pair:
    """The two servers: near@ has its mailbox on the front itself, far@ on the other."""

    fleet: Fleet
    front: str
    store: str

    @property
    def near(self) -> str:
        return f"near@{self.fleet.domain}"

    @property
    def far(self) -> str:
        return f"far@{self.fleet.domain}"

    @property
    def homes(self) -> dict[str, str]:
        return {self.near: self.front, self.far: self.store}

    def subjects(self, address: str, folder: str = "INBOX") -> list[str]:
        """The subjects in a folder, as a client of the front sees them."""
        client = imap(self.fleet.address, address)
        found = []
        if client.select(folder, readonly=True)[0] == "OK":
            for number in client.search(None, "ALL")[1][0].split():
                part = client.fetch(number.decode(), "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1][0]
                assert isinstance(part, tuple)
                found.append(part[1].decode().partition(": ")[2].strip())
        client.logout()
        return found

    def stores(self) -> dict[str, str]:
        """Which store has whose mailbox, as the program says."""
        done = self.fleet.mailwiz("mailbox list", "--json")
        assert done.code == 0, done.err
        boxes = {box["address"]: box["store"] for box in json.loads(done.out)["mailboxes"]}
        return {address: boxes[address] for address in self.homes}


@pytest.fixture(scope="module", params=[("bookworm", "trixie"), ("trixie", "bookworm")], ids=lambda p: p[0])
def pair(request: pytest.FixtureRequest, lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Installed, with a mailbox on each; named by the front's release."""
    with lending_hosts(lab) as take_host, lending_domains(lab) as take_domain:
        front, store = (take_host(suite).id for suite in request.param)
        members = [Member(front, FRONT, 1), Member(store, ("mail-storage",), 2)]
        fleet = make_fleet(lab, tmp_path_factory.mktemp("front-store"), take_domain(), members)
        fleet.mailwiz("diff")
        fleet.publish()
        done = fleet.apply("--credentials", str(fleet.credentials))
        # a busy machine may miss a deadline of a check; what is wrong stays wrong
        assert done.code == 0 or fleet.failed_checks() == [], done.out + done.err
        made = Pair(fleet, front, store)
        for address, home in made.homes.items():
            options = ("--store", home, "--password-stdin")
            added = fleet.mailwiz("mailbox add", address, *options, stdin=f"{PASSWORD}\n")
            assert added.code == 0, added.err
        yield made


def test_each_mailbox_is_where_it_was_put(pair: Pair) -> None:
    assert pair.stores() == pair.homes


def test_mail_from_the_world_and_from_users_arrives_on_either_store(pair: Pair) -> None:
    subjects = {address: {f"{origin} {uuid.uuid4().hex}" for origin in ("world", "user")} for address in pair.homes}
    for address, (first, second) in subjects.items():
        pair.fleet.lab.outside.send(mail("alice@outside.test", address, first), "alice@outside.test", address)
        submit(pair.fleet.address, pair.near, mail(pair.near, address, second))
    for address, wanted in subjects.items():
        assert until(functools.partial(_arrived, pair, address, wanted), 120), (address, pair.subjects(address))
        assert len(pair.fleet.mail_of(pair.homes[address], address)) == 2


def _arrived(pair: Pair, address: str, subjects: set[str], folder: str = "INBOX") -> bool:
    """Whether all these messages are in a folder."""
    return subjects <= set(pair.subjects(address, folder))


def test_every_protocol_of_the_front_opens_either_store(pair: Pair) -> None:
    for address in pair.homes:
        assert not imap_opens(pair.fleet.address, address, "wrong-password")
        assert len(pair.subjects(address)) >= 2
        sieve = ManageSieve(pair.fleet.address, address, PASSWORD, unverified())
        sieve.put("lists", SCRIPT)
        sieve.close()
        subject = f"[list] {uuid.uuid4().hex}"
        pair.fleet.lab.outside.send(mail("bob@outside.test", address, subject), "bob@outside.test", address)
        assert until(functools.partial(_arrived, pair, address, {subject}, "Lists"), 120)


def test_a_mailbox_goes_to_the_other_store_and_comes_back_with_all_that_is_in_it(pair: Pair) -> None:
    for address, home in pair.homes.items():
        away = pair.store if home == pair.front else pair.front
        before = sorted(pair.subjects(address)), pair.subjects(address, "Lists")
        for target in (away, home):
            moved = pair.fleet.mailwiz("mailbox move", address, target)
            assert moved.code == 0, moved.err
            assert pair.stores()[address] == target
            assert (sorted(pair.subjects(address)), pair.subjects(address, "Lists")) == before


def test_every_check_passes_and_nothing_is_left_to_do(pair: Pair) -> None:
    # a busy machine may miss a deadline of a check; what is wrong stays wrong
    failed = pair.fleet.failed_checks() and pair.fleet.failed_checks()
    assert failed == []
    done = pair.fleet.apply()
    assert "no changes" in done.out, done.out + done.err

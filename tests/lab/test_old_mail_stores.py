"""Two stores that share a bucket: each has its own folder in it, and old mail moves with its mailbox."""

from __future__ import annotations

import imaplib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from mailwiz_tui.lab.lab import Lab
from tests.lab.clients import PASSWORD, imap, mail, until
from tests.lab.conftest import lending_domains, lending_hosts
from tests.lab.fleet import Fleet, Member, make_fleet
from tests.lab.objectstore import ACCESS_KEY, SECRET, ObjectStore

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(2400), pytest.mark.xdist_group("stores-s3")]

MOUNT = "/var/lib/mailwiz-objectstore/mail"
CHOICE = """
[storage]
type = "s3"
s3_endpoint = "{endpoint}"
s3_bucket = "{bucket}"
s3_access_key = "{key}"
s3_after_days = 1
"""


@dataclass(frozen=True)
class Stores:
    """A front and two stores; anna@ has her mailbox on the first, bob@ on the second."""

    fleet: Fleet
    bucket: ObjectStore
    first: str
    second: str

    def address(self, name: str) -> str:
        return f"{name}@{self.fleet.domain}"

    def receive(self, name: str, *subjects: str) -> None:
        for subject in subjects:
            message = mail("alice@outside.test", self.address(name), subject, f"The text of {subject}.\n")
            self.fleet.lab.outside.send(message, "alice@outside.test", self.address(name))
        assert until(lambda: set(subjects) <= self.letters(name).keys(), 120)

    def letters(self, name: str) -> dict[str, str]:
        """The text of each message, by subject; empty for one that cannot be read."""
        found = {}
        client = imap(self.fleet.address, self.address(name))
        client.select("INBOX", readonly=True)
        numbers = client.search(None, "ALL")[1][0].split()
        for number in numbers:
            header = client.fetch(number.decode(), "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1][0]
            assert isinstance(header, tuple)
            subject = header[1].decode().partition(": ")[2].strip()
            assert subject not in found, f"{subject} is there twice"
            try:
                text = client.fetch(number.decode(), "(BODY.PEEK[TEXT])")[1][0]
                found[subject] = text[1].decode().strip() if isinstance(text, tuple) else ""
            except imaplib.IMAP4.abort:
                found[subject] = ""
                client = imap(self.fleet.address, self.address(name))
                client.select("INBOX", readonly=True)
        return found

    def stored(self, name: str = "") -> set[str]:
        """The messages in the bucket, by path, of one user or of all."""
        paths = {str(p.relative_to(self.bucket.folder)) for p in self.bucket.objects() if p.name.startswith("u.")}
        return {path for path in paths if not name or f"/{self.fleet.domain}/{name}/" in path}

    def move_old(self, store: str, name: str) -> None:
        """Move what a user has on the disk into the bucket."""
        time.sleep(2)
        self.fleet.run(store, f"doveadm altmove -u {self.address(name)} savedbefore 1s && sync {MOUNT}")

    def store_of(self, name: str) -> str:
        boxes = json.loads(self.fleet.mailwiz("mailbox list", "--json").out)["mailboxes"]
        return str(next(box["store"] for box in boxes if box["address"] == self.address(name)))


@pytest.fixture(
    scope="module", params=[("trixie", "trixie"), ("bookworm", "trixie")], ids=lambda pair: "-".join(pair)
)
def stores(request: pytest.FixtureRequest, lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stores]:
    """Installed, with old and new mail on both stores."""
    with (
        lending_hosts(lab) as take_host,
        lending_domains(lab) as take_domain,
        ObjectStore(lab, tmp_path_factory.mktemp("s3")) as bucket,
    ):
        first, second = (take_host(suite).id for suite in request.param)
        members = [
            Member(take_host("trixie").id, ("mx-inbound", "mx-outbound", "antispam"), 1),
            Member(first, ("mail-storage",), 2),
            Member(second, ("mail-storage",), 3),
        ]
        fleet = make_fleet(lab, tmp_path_factory.mktemp("stores"), take_domain(), members)
        choice = CHOICE.format(endpoint=bucket.endpoint, bucket=bucket.bucket, key=ACCESS_KEY)
        fleet.plan.write_text(fleet.plan.read_text() + choice)
        assert fleet.mailwiz("diff").code == 1
        fleet.publish()
        given = fleet.give("s3-key", SECRET)
        assert given.code == 0, given.out + given.err
        done = fleet.apply("--credentials", str(fleet.credentials))
        assert done.code == 0 or fleet.failed_checks() == [], done.out + done.err
        made = Stores(fleet, bucket, first, second)
        for name, store in (("anna", first), ("bob", second)):
            options = ("--store", store, "--password-stdin")
            added = fleet.mailwiz("mailbox add", made.address(name), *options, stdin=f"{PASSWORD}\n")
            assert added.code == 0, added.err
            made.receive(name, f"{name} 1", f"{name} 2", f"{name} 3")
            made.move_old(store, name)
            made.receive(name, f"{name} new")
        assert until(lambda: len(made.stored("anna")) == len(made.stored("bob")) == 3, 60), made.stored()
        yield made


def test_each_store_has_its_own_folder_and_sees_no_other(stores: Stores) -> None:
    for name, store in (("anna", stores.first), ("bob", stores.second)):
        assert {path.split("/")[1] for path in stores.stored(name)} == {store}
        assert {path.split("/")[0] for path in stores.stored(name)} == {"servers"}
    seen = stores.fleet.run(stores.second, f"ls {MOUNT}/{stores.fleet.domain}").split()
    assert seen == ["bob"]


def test_every_check_passes_and_nothing_is_left_to_do(stores: Stores) -> None:
    failed = stores.fleet.failed_checks() and stores.fleet.failed_checks()
    assert failed == []
    assert "no changes" in stores.fleet.apply().out


def test_a_mailbox_moves_with_its_old_mail_and_back_again(stores: Stores) -> None:
    letters = stores.letters("bob")
    assert len(letters) == 4
    assert all(text.startswith("The text of") for text in letters.values())
    moved = stores.fleet.mailwiz("mailbox move", stores.address("bob"), stores.first)
    assert moved.code == 0, moved.out + moved.err
    print(moved.out)
    assert "4 messages" in moved.out
    assert stores.store_of("bob") == stores.first
    assert stores.letters("bob") == letters
    in_use = {path for path in stores.stored() if f"/{stores.fleet.domain}/bob/" in path}
    assert until(
        lambda: {p.split("/")[1] for p in stores.stored("bob") if ".mailwiz-trash" not in p} == {stores.first}
    )
    assert in_use
    stores.receive("bob", "bob at the new store")
    stores.move_old(stores.first, "bob")
    after = stores.letters("bob")
    assert after.keys() == {*letters, "bob at the new store"}
    assert all(after.values())

    back = stores.fleet.mailwiz("mailbox move", stores.address("bob"), stores.second)
    assert back.code == 0, back.out + back.err
    assert stores.letters("bob") == after
    assert until(
        lambda: {p.split("/")[1] for p in stores.stored("bob") if ".mailwiz-trash" not in p} == {stores.second}
    )


def test_a_mailbox_moves_while_mail_comes_in(stores: Stores) -> None:
    letters = stores.letters("anna")
    for number in range(5):
        message = mail("alice@outside.test", stores.address("anna"), f"anna meanwhile {number}", "Text.\n")
        stores.fleet.lab.outside.send(message, "alice@outside.test", stores.address("anna"))
    moved = stores.fleet.mailwiz("mailbox move", stores.address("anna"), stores.second)
    assert moved.code == 0, moved.out + moved.err
    wanted = {*letters, *(f"anna meanwhile {number}" for number in range(5))}
    assert until(lambda: stores.letters("anna").keys() == wanted, 180), stores.letters("anna").keys()
    assert all(stores.letters("anna").values())


def test_no_mailbox_moves_while_a_bucket_is_not_mounted(stores: Stores) -> None:
    stores.fleet.run(stores.first, "systemctl stop mailwiz-objectstore")
    try:
        refused = stores.fleet.mailwiz("mailbox move", stores.address("anna"), stores.first)
        assert refused.code == 1
        assert "not mounted" in refused.err
    finally:
        stores.fleet.run(stores.first, "systemctl start mailwiz-objectstore")
    assert stores.store_of("anna") == stores.second
    assert all(stores.letters("anna").values())


def test_a_removed_mailbox_leaves_nothing_in_the_bucket(stores: Stores) -> None:
    done = stores.fleet.mailwiz("mailbox remove", stores.address("bob"), "--delete-mail", "--yes")
    assert done.code == 0, done.out + done.err
    assert until(lambda: not [path for path in stores.stored("bob") if ".mailwiz-trash" not in path], 60)

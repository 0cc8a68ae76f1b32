"""Two stores of different Debian releases behind one front: which has whose mail, and how a mailbox moves."""

from __future__ import annotations

import email.message
import email.utils
import imaplib
import json
import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from mailwiz_tui.lab.lab import Lab, LabHost
from tests.lab.clients import imap, unverified
from tests.lab.managesieve import ManageSieve
from tests.lab.workspace import MAIL, Done, Workspace, make_workspace

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(1800), pytest.mark.xdist_group("stores")]

PASSWORD = "Canary-Kuckuck-4711"
PLAN = (
    """
version = 1
architecture = "distributed"

[[servers]]
id = "{front}"
roles = ["mx-inbound", "mx-outbound", "antispam"]
internal_ip = "10.80.0.1"

[[servers]]
id = "{first}"
roles = ["mail-storage"]
internal_ip = "10.80.0.2"

[[servers]]
id = "{second}"
roles = ["mail-storage"]
internal_ip = "10.80.0.3"

"""
    + MAIL
)
SCRIPT = 'require ["fileinto", "mailbox"];\nif header :contains "subject" "even" { fileinto :create "Even"; }\n'


@dataclass(frozen=True)
class Post:
    """The three servers; clients and the world see ``front`` only. The first store is Debian 13's."""

    work: Workspace
    first: str
    second: str

    def mailwiz(self, command: str, *options: str, stdin: str = "") -> Done:
        return self.work.mailwiz(command, *options, stdin=stdin)

    def address(self, name: str) -> str:
        return f"{name}@{self.work.domain}"

    def add(self, name: str, *options: str) -> str:
        address = self.address(name)
        done = self.mailwiz("mailbox add", address, "--password-stdin", *options, stdin=f"{PASSWORD}\n")
        assert done.code == 0, done.err
        return address

    def book(self) -> dict[str, dict[str, Any]]:
        done = self.mailwiz("mailbox list", "--json")
        assert done.code == 0, done.err
        return {box["address"]: box for box in json.loads(done.out)["mailboxes"]}

    def imap(self, address: str) -> imaplib.IMAP4_SSL:
        return imap(self.work.address, address, PASSWORD)

    def send(self, recipient: str, subject: str) -> None:
        message = email.message.EmailMessage()
        message["From"], message["To"], message["Subject"] = "anna@outside.test", recipient, subject
        message["Message-ID"] = f"<{time.time_ns()}@outside.test>"
        message["Date"] = email.utils.formatdate()
        message.set_content("Hello.\n")
        self.work.lab.outside.send(message, "anna@outside.test", recipient)

    def subjects(self, address: str) -> list[str]:
        """The subjects of all mail that a client sees, in all folders."""
        session, found = self.imap(address), []
        try:
            for line in session.list()[1]:
                assert isinstance(line, bytes)
                folder = line.decode().rpartition(' "/" ')[2]
                if session.select(folder, readonly=True)[0] != "OK":
                    continue
                numbers = session.search(None, "ALL")[1][0].replace(b" ", b",").decode()
                if numbers:
                    parts = session.fetch(numbers, "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
                    found += [p[1].decode().partition(": ")[2].strip() for p in parts if isinstance(p, tuple)]
        finally:
            session.logout()
        return found

    def arrived(self, address: str, wanted: set[str], seconds: float = 240) -> list[str]:
        """All subjects, once the wanted ones are there; queues are pushed on meanwhile."""
        end, seen = time.monotonic() + seconds, list[str]()
        while time.monotonic() < end:
            self.work.lab.outside.run("postqueue -f")
            seen = self.subjects(address)
            if wanted <= set(seen):
                return seen
            time.sleep(2)
        pytest.fail(f"{sorted(wanted - set(seen))} did not arrive at {address}")

    def failed_checks(self) -> list[tuple[str, str]]:
        done = self.mailwiz("verify", "--json", "--resolver", self.work.lab.dns.resolver)
        return [(c["id"], c["detail"]) for c in json.loads(done.out)["results"] if c["state"] == "failed"]

    def on(self, host: str, command: str) -> str:
        return str(self.work.lab.run(host, command, check=False).stdout).strip()

    def held(self, host: str, name: str) -> str:
        """What is in a mailbox's place on a store."""
        return self.on(host, f"stat -c %F /var/vmail/{self.work.domain}/{name} 2>/dev/null")


@pytest.fixture(scope="module")
def post(
    lab: Lab, lend_hosts: Callable[..., LabHost], lent_domain: str, tmp_path_factory: pytest.TempPathFactory
) -> Post:
    """Installed once for all tests here."""
    front, first, second = (lend_hosts(suite).id for suite in ("trixie", "trixie", "bookworm"))
    work = make_workspace(lab, tmp_path_factory.mktemp("stores"), front, lent_domain)
    work.plan.write_text(PLAN.format(front=front, first=first, second=second, domain=lent_domain))
    work.mailwiz("diff")
    work.publish()
    done = work.mailwiz("apply", "--yes", "--credentials", str(work.credentials), "--resolver", lab.dns.resolver)
    # a busy machine may miss a deadline of a check; what is wrong stays wrong
    assert done.code == 0 or work.mailwiz("verify", "--resolver", lab.dns.resolver).code == 0, done.out + done.err
    return Post(work, first, second)


def test_a_mailbox_is_on_the_store_that_was_named_or_the_emptier_one(post: Post) -> None:
    anna = post.add("anna", "--store", post.second)
    bob, carl = post.add("bob"), post.add("carl")
    book = post.book()
    assert book[post.address("postmaster")]["store"] == post.first
    assert (book[anna]["store"], book[bob]["store"], book[carl]["store"]) == (post.second, post.first, post.second)
    refused = post.mailwiz("mailbox add", post.address("dora"), "--store", "mx99")
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert f"no store “mx99”; its stores: {post.first}, {post.second}" in refused.err
    refused = post.mailwiz("mailbox move", anna, "mx99")
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert post.mailwiz("mailbox remove", carl, "--delete-mail", "--yes").code == 0
    assert carl not in post.book()


def test_mail_and_logins_find_the_right_store(post: Post) -> None:
    anna, bob = post.address("anna"), post.address("bob")
    for address in (anna, bob):
        post.send(address, f"first for {address}")
    for address in (anna, bob):
        assert post.arrived(address, {f"first for {address}"}) == [f"first for {address}"]
    assert (post.held(post.first, "anna"), post.held(post.second, "anna")) == ("", "directory")
    assert (post.held(post.first, "bob"), post.held(post.second, "bob")) == ("directory", "")
    said = post.on(post.first, f"doveadm user {anna} 2>&1; true")
    assert "lookup failed" in said or "Internal error" in said, "a store makes no second mailbox"


def test_how_full_a_mailbox_is_on_either_store_is_known_at_the_door(post: Post) -> None:
    anna, bob = post.address("anna"), post.address("bob")
    large = b"Subject: large\r\n\r\n" + (b"x" * 70 + b"\r\n") * 20_000
    for address in (anna, bob):
        assert post.mailwiz("mailbox set", address, "--quota", "1M").code == 0
        session = post.imap(address)
        assert session.append("Trash", None, None, large)[0] == "OK", "Trash may hold more"
        session.logout()
    where = ("--server", post.work.address, "--helo", "mail.outside.test", "--timeout", "60")
    refused, end = dict[str, str](), time.monotonic() + 90
    while refused.keys() != {anna, bob}:
        assert time.monotonic() < end, (refused, post.book())
        time.sleep(3)
        for address in {anna, bob} - refused.keys():
            sent = ("--from", "carla@outside.test", "--to", address, "--quit-after", "RCPT")
            said = post.work.lab.outside.swaks(*where, *sent).stdout
            if "<** 552 5.2.2 " in said and "The mailbox is full" in said:
                refused[address] = said
    book = post.book()
    for address in (anna, bob):
        assert book[address]["used"] >= len(large), book[address]
        assert post.mailwiz("mailbox set", address, "--quota", "none").code == 0
        session = post.imap(address)
        session.select("Trash")
        session.store("1:*", "+FLAGS", "(\\Deleted)")
        session.expunge()
        session.logout()


def test_a_mailbox_moves_while_mail_comes_in_and_every_mail_is_there_once(post: Post) -> None:
    bob = post.address("bob")
    sieve = ManageSieve(post.work.address, bob, PASSWORD, unverified())
    sieve.put("mine", SCRIPT)
    sieve.close()
    session = post.imap(bob)
    session.select("INBOX")
    session.store("1", "+FLAGS", "(\\Flagged $Work)")
    uid = session.response("UIDVALIDITY")[1]
    subjects = {f"{'even' if n % 2 == 0 else 'odd'} {n}" for n in range(60)}
    todo = sorted(subjects)

    def trickle() -> None:
        for subject in todo:
            post.send(bob, subject)
            time.sleep(0.4)

    sender = threading.Thread(target=trickle)
    sender.start()
    time.sleep(4)
    moved = post.mailwiz("mailbox move", bob, post.second)
    assert moved.code == 0, moved.err
    assert f"{bob} was moved from {post.first} to {post.second}" in moved.out
    print(moved.out)
    with pytest.raises((imaplib.IMAP4.abort, OSError)):
        all(session.noop() for _ in range(1000))
    sender.join()
    seen = Counter(post.arrived(bob, subjects))
    assert seen == Counter([*subjects, f"first for {bob}"])
    assert post.book()[bob]["store"] == post.second
    assert (post.held(post.first, "bob"), post.held(post.second, "bob")) == ("regular file", "directory")
    trash = moved.out.rpartition(" in ")[2].strip()
    assert post.on(post.first, f"ls -d {trash}/Maildir/cur") == f"{trash}/Maildir/cur"
    session = post.imap(bob)
    assert session.select("INBOX")[1] != [b"0"]
    assert session.response("UIDVALIDITY")[1] == uid
    flags = session.fetch("1", "(FLAGS)")[1][0]
    assert isinstance(flags, bytes)
    assert b"\\Flagged" in flags
    assert b"$Work" in flags
    assert session.select("Even")[1] == [b"30"], "the Sieve script works on"
    session.logout()
    sieve = ManageSieve(post.work.address, bob, PASSWORD, unverified())
    assert sieve.scripts() == ['"mine" ACTIVE']
    assert sieve.text("mine") == SCRIPT
    sieve.close()


def test_a_move_that_was_killed_is_finished_by_the_same_command(post: Post) -> None:
    bob = post.address("bob")
    before = Counter(post.subjects(bob))
    command = post.work.command("mailbox move", bob, post.first)
    running = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=post.work.environment)
    assert running.stderr is not None
    for line in running.stderr:
        if "set aside" in line or "setting it aside" in line:
            break
    time.sleep(0.5)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    running.stderr.close()
    box = post.book()[bob]
    assert box["store"] in (post.first, post.second)
    post.send(bob, "odd meanwhile")
    done = post.mailwiz("mailbox move", bob, post.first)
    assert done.code == 0, done.err
    box = post.book()[bob]
    assert (box["store"], box["moving_to"]) == (post.first, "")
    assert Counter(post.arrived(bob, {"odd meanwhile"})) == before + Counter(["odd meanwhile"])
    assert (post.held(post.first, "bob"), post.held(post.second, "bob")) == ("directory", "regular file")
    again = post.mailwiz("mailbox move", bob, post.first)
    assert again.out.strip() == f"{bob} is on {post.first}"


def test_all_checks_pass_and_apply_has_nothing_to_do(post: Post) -> None:
    # a busy machine may miss a deadline of a check; what is wrong stays wrong
    failed = post.failed_checks() and post.failed_checks()
    assert failed == []
    done = post.mailwiz("apply", "--yes")
    assert "no changes" in done.out, done.out + done.err
    for store in (post.first, post.second):
        left = f"find /var/vmail/{post.work.domain} -maxdepth 1 -name 'mailwiz-probe*' -size +0 -path '*cur*'"
        assert post.on(store, left) == ""

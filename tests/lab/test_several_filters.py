"""Filters of several servers of mixed releases: SpamAssassin on two of three, and what is done without any."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from mailwiz_tui.lab.lab import Lab
from mailwiz_tui.verify.message import GTUBE
from tests.lab.clients import PASSWORD, eventually, imap, other, refused, submit, submit_as_written, until
from tests.lab.conftest import lending_domains, lending_hosts
from tests.lab.fleet import Fleet, Member, make_fleet
from tests.lab.signed_as_sent import signers
from tests.lab.site import arrived_outside
from tests.lab.told_authentication import FORGED, LET_TEST_BE_A_SUFFIX, LET_TEST_NAMES_BE, signature

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(1500), pytest.mark.xdist_group("filters")]

FILTER = {"spamd", "mailwiz-spamd-milter"}
DUMP = "runuser -u debian-spamd -- sa-learn --dbpath /var/lib/spamassassin/bayes/bayes --dump magic || true"
OUTSIDE = "alice@outside.test"
FLOOD = tuple(f"r{n}@outside.test" for n in range(15))


@dataclass(frozen=True)
class Trio:
    """A server that takes mail from the world, one that users send through, one with the mailboxes."""

    fleet: Fleet
    inbound: str
    front: str
    store: str

    @property
    def bob(self) -> str:
        return f"bob@{self.fleet.domain}"

    @property
    def carol(self) -> str:
        return f"carol@{self.fleet.domain}"

    @property
    def filters(self) -> tuple[str, str]:
        return self.front, self.store

    def offer(self, message: EmailMessage) -> int:
        """Offer a mail on port 25 from outside, under an envelope of its own; the answer's code, 0 for taken."""
        sender = f"a{secrets.randbelow(10**6)}@outside.test"
        done = self.fleet.lab.outside.swaks(
            "--server", self.fleet.lab.host(self.inbound).ipv4, "--from", sender, "--to", self.bob,
            "--helo", "mail.outside.test", "--data", "-", stdin=message.as_string(),
        )  # fmt: skip
        lines = [line.split() for line in done.stdout.splitlines() if line.startswith("<**")]
        return int(lines[-1][1]) if lines else 0

    def send(self, message: EmailMessage, *recipients: str, user: str = "") -> int:
        """Send a mail of bob's after login, or another's; the code it is answered with, 0 for taken."""
        return refused(lambda: submit(self.fleet.address, user or self.bob, message, *recipients))

    def flows(self) -> bool:
        """Whether mail is taken from both sides, whichever filter it meets."""
        time.sleep(2)
        taken = [self.offer(other(OUTSIDE, self.bob)) for _ in range(4)]
        return not any(taken) and self.send(other(self.bob, self.bob)) == 0

    def header(self, message: EmailMessage, name: str) -> str:
        """A header of a mail in bob's mailbox, unfolded; waits for the mail."""
        return next(iter(self.headers(message, name)), "")

    def headers(self, message: EmailMessage, name: str) -> list[str]:
        """Every header of a name of a mail in bob's mailbox, unfolded; waits for the mail."""
        found: list[bytes] = []

        def arrived() -> bool:
            wanted = f"Subject: {message['Subject']}".encode()
            found[:] = [
                data for p in self.fleet.mail_of(self.store, self.bob) if wanted in (data := p.read_bytes())
            ]
            return bool(found)

        assert until(arrived, 90), message["Subject"]
        head = found[0].partition(b"\n\n")[0].decode().replace("\n\t", " ").replace("\n ", " ")
        return [
            line.partition(": ")[2] for line in head.splitlines() if line.lower().startswith(f"{name.lower()}:")
        ]

    def uid(self, folder: str, message: EmailMessage) -> str:
        """The number of a mail in a folder; waits for it."""
        numbers: list[str] = []

        def there() -> bool:
            client = imap(self.fleet.address, self.bob)
            if client.select(folder, readonly=True)[0] == "OK":
                numbers[:] = client.uid("SEARCH", "SUBJECT", str(message["Subject"]))[1][0].decode().split()
            client.logout()
            return bool(numbers)

        assert until(there, 90), (folder, message["Subject"])
        return numbers[0]

    def move(self, message: EmailMessage, source: str, target: str) -> None:
        """Move a mail as a user does."""
        number = self.uid(source, message)
        client = imap(self.fleet.address, self.bob)
        client.select(source)
        assert client.uid("MOVE", number, target)[0] == "OK"
        client.logout()

    def learnt(self, word: str) -> dict[str, int]:
        """How many mails each filter has learnt, as ``nspam`` or ``nham``."""
        counts = {}
        for host in self.filters:
            lines = [line.split() for line in self.fleet.run(host, DUMP).splitlines()]
            counts[host] = next((int(line[2]) for line in lines if line[-1:] == [word]), 0)
        return counts

    def running(self, host: str, *units: str) -> set[str]:
        """Which of some units run."""
        asked = f"for unit in {' '.join(units)}; do systemctl -q is-active $unit && echo $unit; done; true"
        return set(self.fleet.run(host, asked).split())

    @contextmanager
    def without(self, host: str, *units: str) -> Iterator[None]:
        self.fleet.run(host, f"systemctl stop {' '.join(units)}")
        try:
            yield
        finally:
            self.fleet.run(host, f"systemctl start {' '.join(units)}")


@pytest.fixture(
    scope="module",
    params=[("bookworm", "trixie", "bookworm"), ("trixie", "bookworm", "trixie")],
    ids=lambda suites: suites[0],
)
def trio(request: pytest.FixtureRequest, lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trio]:
    """Installed, with a mailbox; named by the release of the server that takes mail."""
    with lending_hosts(lab) as take_host, lending_domains(lab) as take_domain:
        inbound, front, store = (take_host(suite).id for suite in request.param)
        members = [
            Member(inbound, ("mx-inbound",), 1),
            Member(front, ("mx-outbound", "antispam"), 2),
            Member(store, ("mail-storage", "antispam"), 3),
        ]
        fleet = make_fleet(lab, tmp_path_factory.mktemp("filters"), take_domain(), members)
        yield installed(Trio(fleet, inbound, front, store), "spamassassin")


@pytest.fixture(scope="module")
def unfiltered(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trio]:
    """Two servers without any filter: one that users send through, one that keeps mail and takes it."""
    with lending_hosts(lab) as take_host, lending_domains(lab) as take_domain:
        front, store = take_host("trixie").id, take_host("bookworm").id
        members = [Member(front, ("mx-outbound",), 1), Member(store, ("mail-storage", "mx-inbound"), 2)]
        fleet = make_fleet(lab, tmp_path_factory.mktemp("unfiltered"), take_domain(), members)
        yield installed(Trio(fleet, store, front, store), "none")


def installed(trio: Trio, antispam: str) -> Trio:
    """Install by an operator's commands, with two mailboxes."""
    fleet = trio.fleet
    fleet.plan.write_text(fleet.plan.read_text() + f'\n[services]\nantispam = "{antispam}"\n')
    fleet.mailwiz("diff")
    fleet.publish()
    done = fleet.apply("--credentials", str(fleet.credentials))
    # a busy machine may miss a deadline of a check; what is wrong stays wrong
    assert done.code == 0 or fleet.failed_checks() == [], done.out + done.err
    for address in (trio.bob, trio.carol):
        added = fleet.mailwiz("mailbox add", address, "--password-stdin", stdin=f"{PASSWORD}\n")
        assert added.code == 0, added.err
    return trio


def test_each_server_runs_what_its_roles_need_and_a_second_apply_changes_nothing(trio: Trio) -> None:
    every = (*FILTER, "opendkim", "mailwiz-rate-limiter", "rspamd")
    assert trio.running(trio.inbound, *every) == {"opendkim"}
    assert trio.running(trio.front, *every) == {*FILTER, "opendkim", "mailwiz-rate-limiter"}
    assert trio.running(trio.store, *every) == FILTER
    done = trio.fleet.apply()
    assert (done.code, "no changes" in done.out) == (0, True), done.out + done.err


def test_mail_from_the_world_is_judged_and_its_signatures_are_told(trio: Trio) -> None:
    ham = other(OUTSIDE, trio.bob)
    assert trio.offer(ham) == 0
    assert trio.header(ham, "X-Spam-Status").startswith("No, score=")
    trio.fleet.run(trio.inbound, LET_TEST_NAMES_BE)
    for host in trio.filters:
        trio.fleet.run(host, LET_TEST_BE_A_SUFFIX)
    assert until(trio.flows, 60)
    for broken, verdict in ((False, "dkim=pass"), (True, "dkim=fail")):
        signed = other(OUTSIDE, trio.bob)
        signed["DKIM-Signature"] = signature(signed, trio.fleet.lab)
        signed["Authentication-Results"] = f"{trio.fleet.hostname}; {FORGED}"
        if broken:
            signed.replace_header("To", f"Bob <{trio.bob}>")
        assert trio.offer(signed) == 0
        (told,) = trio.headers(signed, "Authentication-Results")
        assert f"; {verdict}" in told
        assert "; spf=pass smtp.mailfrom=a" in told
        assert "; dmarc=pass header.from=outside.test" in told
        assert "bank.example" not in told


def test_spam_is_refused_from_the_world_and_from_users(trio: Trio) -> None:
    assert trio.offer(other(OUTSIDE, trio.bob, body=GTUBE + "\n")) == 554
    assert trio.send(other(trio.bob, OUTSIDE, body=GTUBE + "\n")) == 554
    assert trio.offer(other(trio.carol, trio.bob)) == 554, "somebody sends in a user's name"
    assert trio.send(other(trio.carol, OUTSIDE)) == 550, "a user sends as another one"


def test_what_users_send_leaves_signed_and_without_marks(trio: Trio) -> None:
    letter = other(trio.bob, f"{uuid.uuid4().hex}@outside.test")
    letter["References"] = " ".join(f"<{number:030d}@mail.elsewhere.test>" for number in range(26))
    data = letter.as_bytes(policy=SMTP.clone(max_line_length=None))
    assert refused(lambda: submit_as_written(trio.fleet.address, trio.bob, data, str(letter["To"]))) == 0
    received = arrived_outside(trio.fleet.lab, str(letter["To"]))
    assert signers(trio.fleet.plan, received) == [trio.fleet.domain]
    assert max(map(len, received.split(b"\n"))) <= 998
    seen = trio.fleet.lab.outside.wait_for(str(letter["To"]))
    assert not [name for name in seen if name.lower().startswith(("x-spam", "authentication-results"))]


def test_a_domain_that_only_the_accounts_have_is_signed_for_and_named(trio: Trio) -> None:
    domain = f"extra-{uuid.uuid4().hex[:6]}.test"
    user, fleet = f"dora@{domain}", trio.fleet
    add = f"INSERT INTO domain (domain, description, transport) VALUES ('{domain}', '', 'virtual')"
    fleet.run(trio.store, f'mariadb postfix -e "{add}"')
    added = fleet.mailwiz("mailbox add", user, "--password-stdin", stdin=f"{PASSWORD}\n")
    assert added.code == 0, added.err

    def signed() -> bool:
        letter = other(user, f"{uuid.uuid4().hex}@outside.test")
        if refused(lambda: submit(fleet.address, user, letter)):
            return False
        return signers(fleet.plan, arrived_outside(fleet.lab, str(letter["To"]))) == [domain]

    assert until(signed, 120)
    said = fleet.mailwiz("monitor", "--once").out
    assert f"WARN accounts.domains: {domain} is in the accounts (admin panel) but not in the plan" in said
    fleet.run(trio.store, f"mariadb postfix -e \"DELETE FROM domain WHERE domain = '{domain}'\"")


def test_a_policy_is_obeyed_and_both_filters_learn_what_users_sort(trio: Trio) -> None:
    trio.fleet.lab.dns.publish(
        '_dmarc.unsigned.test. 5 IN TXT "v=DMARC1; p=quarantine"\nunsigned.test. 5 IN TXT "v=spf1 -all"\n'
        '_dmarc.refuse.unsigned.test. 5 IN TXT "v=DMARC1; p=reject"\nrefuse.unsigned.test. 5 IN TXT "v=spf1 -all"'
    )
    for host in trio.filters:
        trio.fleet.run(host, LET_TEST_BE_A_SUFFIX)
    ham = other(OUTSIDE, trio.bob)
    assert eventually(lambda: trio.offer(ham), 0)
    assert trio.offer(other("x@refuse.unsigned.test", trio.bob)) == 554
    spam = other("x@unsigned.test", trio.bob)
    assert trio.offer(spam) == 0
    before = trio.learnt("nham")
    trio.move(spam, "Junk", "INBOX")
    assert until(lambda: all(n > before[host] for host, n in trio.learnt("nham").items())), trio.learnt("nham")
    before = trio.learnt("nspam")
    trio.move(ham, "INBOX", "Junk")
    assert until(lambda: all(n > before[host] for host, n in trio.learnt("nspam").items())), trio.learnt("nspam")


@pytest.mark.parametrize("unit", ["spamd", "mailwiz-spamd-milter"])
def test_one_filter_is_enough_and_without_any_mail_waits(trio: Trio, unit: str) -> None:
    for host in trio.filters:
        with trio.without(host, unit):
            assert until(trio.flows, 60)
            assert [trio.flows() for _ in range(3)] == [True] * 3
    with ExitStack() as stack:
        for host in trio.filters:
            stack.enter_context(trio.without(host, unit))
        assert trio.offer(other(OUTSIDE, trio.bob)) == 451
        assert trio.send(other(trio.bob, OUTSIDE)) // 100 == 4
    assert until(trio.flows, 60)


def flood(trio: Trio) -> list[int]:
    """What carol's mails to many are answered with, up to the first that is refused."""
    codes: list[int] = []
    while not any(codes) and len(codes) < 12:
        codes.append(trio.send(other(trio.carol, FLOOD[0]), *FLOOD, user=trio.carol))
    return codes


def test_a_flood_of_a_user_is_stopped(trio: Trio) -> None:
    codes = flood(trio)
    assert codes[-1] == 451
    assert len(codes) > 5


def test_without_a_filter_users_are_limited_and_foreign_marks_believed(unfiltered: Trio) -> None:
    assert unfiltered.running(unfiltered.front, *FILTER, "opendkim", "mailwiz-rate-limiter") == {
        "opendkim",
        "mailwiz-rate-limiter",
    }
    assert unfiltered.running(unfiltered.store, *FILTER, "opendkim", "mailwiz-rate-limiter") == set()
    assert unfiltered.send(other(unfiltered.carol, OUTSIDE)) == 550, "a user sends as another one"
    marked = other(OUTSIDE, unfiltered.bob)
    marked["X-Spam-Flag"] = "YES"
    assert unfiltered.offer(marked) == 0
    assert unfiltered.uid("Junk", marked)
    assert flood(unfiltered)[-1] == 451
    assert "no changes" in unfiltered.fleet.apply().out

"""Every filter, with and without the virus scanner, on one server that goes from one to the next by its plan."""

from __future__ import annotations

import dataclasses
import secrets
import smtplib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage

import pytest

from mailwiz_tui.dns.records import plan_records
from mailwiz_tui.fleet.facts_store import facts_path_for, load_facts
from mailwiz_tui.lab.lab import Lab
from mailwiz_tui.plan.toml import load_plan
from mailwiz_tui.verify.message import GTUBE
from tests.lab import forwarding, signed_as_sent, told_authentication
from tests.lab.clients import PASSWORD, eventually, other, refused, until, unverified, virus
from tests.lab.conftest import FreshHost
from tests.lab.signatures import signature_mirror
from tests.lab.site import Site
from tests.lab.told_authentication import LET_TEST_BE_A_SUFFIX, LET_TEST_NAMES_BE
from tests.lab.workspace import Done, Workspace, make_workspace

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(1500), pytest.mark.xdist_group("matrix")]

CELLS = [
    ("rspamd", False),
    ("rspamd", True),
    ("spamassassin", True),
    ("spamassassin", False),
    ("none", False),
    ("none", True),
    ("rspamd", False),
]
NAMES = [f"{n}-{antispam}{'-clamav' if scans else ''}" for n, (antispam, scans) in enumerate(CELLS)]
SERVICES = """
[services]
antispam = "{antispam}"
antivirus = {antivirus}
clamav_mirror = "{mirror}"
"""
UNITS = {
    "rspamd": {"rspamd", "redis-server@rspamd"},
    "spamassassin": {"spamd", "mailwiz-spamd-milter", "opendkim", "mailwiz-rate-limiter"},
    "none": {"opendkim", "mailwiz-rate-limiter"},
}
SCANNER = {"clamav-daemon", "clamav-freshclam", "clamav-daemon.socket", "mailwiz-clamav-milter"}
FLOOD = tuple(f"r{n}@outside.test" for n in range(15))
DUMP = "runuser -u debian-spamd -- sa-learn --dbpath /var/lib/spamassassin/bayes/bayes --dump magic"
EVERY = {*(unit for units in UNITS.values() for unit in units), *SCANNER}


@dataclasses.dataclass
class Walk:
    """The server on its way through the cells, and what lies in bob's mailbox."""

    site: Site
    text: str
    mirror: str
    antispam: str = ""
    antivirus: bool = False
    received: list[str] = dataclasses.field(default_factory=list)

    @property
    def workspace(self) -> Workspace:
        return self.site.workspace

    def choose(self, antispam: str, antivirus: bool) -> None:
        """Write the plan of a cell, install, verify."""
        first, self.antispam, self.antivirus = not self.antispam, antispam, antivirus
        word = "true" if antivirus else "false"
        services = SERVICES.format(antispam=antispam, antivirus=word, mirror=self.mirror)
        self.workspace.plan.write_text(self.text + services)
        if first:
            assert self.workspace.mailwiz("diff").code == 1
            self.workspace.publish()
        options = ["--credentials", str(self.workspace.credentials)] if first else []
        done = self.workspace.mailwiz("apply", "--yes", "--resolver", self.site.lab.dns.resolver, *options)
        # a busy machine may miss a deadline of a check; what is wrong stays wrong
        assert done.code == 0 or self.verify().code == 0, done.out + done.err
        again = self.workspace.mailwiz("apply", "--yes")
        assert "no changes" in again.out, again.out + again.err

    def verify(self) -> Done:
        return self.workspace.mailwiz("verify", "--resolver", self.site.lab.dns.resolver)

    def offer(self, message: EmailMessage) -> int:
        """Offer a mail on port 25 from outside; the code it is answered with, 0 for taken.

        Each has an envelope sender of its own, or Rspamd would greylist mail for what came before it.
        """
        sender = f"a{secrets.randbelow(10**6)}@outside.test"
        done = self.site.lab.outside.swaks(
            "--server", self.workspace.address, "--from", sender, "--to", self.site.bob,
            "--helo", "mail.outside.test", "--data", "-", stdin=message.as_string(),
        )  # fmt: skip
        lines = [line.split() for line in done.stdout.splitlines() if line.startswith("<**")]
        return int(lines[-1][1]) if lines else 0

    def submit(self, message: EmailMessage) -> int:
        """Send a mail of bob's after login; the code it is answered with, 0 for taken."""

        def send() -> None:
            with smtplib.SMTP(self.workspace.address, 587, timeout=60, local_hostname="laptop") as client:
                client.starttls(context=unverified())
                client.login(self.site.bob, PASSWORD)
                client.sendmail(self.site.bob, [str(message["To"])], message.as_bytes())

        return refused(send)

    def running(self) -> set[str]:
        """Which of the filters' units run or would after a boot."""
        names = [name if "." in name else f"{name}.service" for name in sorted(EVERY)]
        asked = "for u in {}; do echo $u $(systemctl is-active $u) $(systemctl is-enabled $u 2>/dev/null); done"
        lines = [line.split() for line in self.site.run(asked.format(" ".join(names))).splitlines()]
        return {line[0].removesuffix(".service") for line in lines if {"active", "enabled"} & set(line[1:])}

    @contextmanager
    def without(self, *units: str) -> Iterator[None]:
        self.site.run(f"systemctl stop {' '.join(units)}")
        try:
            yield
        finally:
            self.site.run(f"systemctl start {' '.join(reversed(units))}")

    def received_before(self) -> list[str]:
        """Which of the mails that arrived in earlier cells can still be found."""
        client = self.site.imap(self.site.bob)
        client.select("INBOX")
        found = [s for s in self.received if client.search(None, "SUBJECT", f'"{s}"')[1][0]]
        client.logout()
        return found


@pytest.fixture(scope="module")
def suite() -> str:
    return "trixie"


@pytest.fixture(scope="module")
def walk(
    lab: Lab, lend_hosts: FreshHost, suite: str, lent_domain: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Walk]:
    host = lend_hosts(suite).id
    workspace = make_workspace(lab, tmp_path_factory.mktemp("matrix"), host, lent_domain)
    with signature_mirror(lab) as mirror:
        yield Walk(Site(workspace), workspace.plan.read_text(), mirror)


@pytest.mark.parametrize("cell", range(len(CELLS)), ids=NAMES)
def test_cell(walk: Walk, cell: int) -> None:
    antispam, antivirus = CELLS[cell]
    site = walk.site
    walk.choose(antispam, antivirus)
    assert walk.running() == UNITS[antispam] | (SCANNER if antivirus else set())
    if cell == 0:
        for address in (site.bob, site.carol):
            site.mailbox(address)
    assert walk.received_before() == walk.received
    inside, outside = "bob@" + site.domain, "alice@outside.test"

    ham = other(outside, inside)
    assert eventually(lambda: walk.offer(ham), 0)
    site.found(site.bob, "INBOX", str(ham["Subject"]))
    walk.received.append(str(ham["Subject"]))

    filtered = antispam != "none"
    assert walk.offer(other(outside, inside, body=GTUBE + "\n")) == (554 if filtered else 0)
    assert walk.submit(other(inside, outside, body=GTUBE + "\n")) == (554 if filtered else 0)
    assert walk.offer(other(site.carol, inside)) == (554 if filtered else 0)
    assert walk.submit(other(site.carol, outside)) == 550, "a user sends as another one"
    assert (walk.offer(virus(outside, inside)) // 100 == 5) == antivirus
    assert (walk.submit(virus(inside, outside)) // 100 == 5) == antivirus
    assert walk.submit(other(inside, outside)) == 0
    letter = other(inside, f"{uuid.uuid4().hex}@outside.test")
    assert walk.submit(letter) == 0
    seen = site.lab.outside.wait_for(str(letter["To"]))
    assert "s=2026a" in str(seen["DKIM-Signature"])
    assert not [name for name in seen if name.lower().startswith(("x-spam", "authentication-results"))]

    if not antivirus:
        for proof in signed_as_sent.PROOFS:
            proof(site)
        forwarding.comes_back(site)

    if antivirus:
        with walk.without("clamav-daemon.socket", "clamav-daemon.service"):
            assert walk.offer(other(outside, inside)) == 451
            assert walk.submit(other(inside, outside)) == 451
        assert eventually(lambda: walk.offer(other(outside, inside)), 0)
    if (antispam, antivirus) == ("spamassassin", False):
        spamassassin(walk)
    if antispam == "spamassassin":
        with walk.without("spamd"):
            assert walk.offer(other(outside, inside)) == 451
            assert walk.submit(other(inside, outside)) == 451
        assert eventually(lambda: walk.offer(other(outside, inside)), 0)
    if (antispam, antivirus) == ("none", False):
        many = [f"q{n}@outside.test" for n in range(60)]
        assert refused(lambda: site.submit(site.carol, *many)) == 451, "it is forgotten what she sent just before"


def spamassassin(walk: Walk) -> None:
    """DMARC is obeyed, spam is filed into Junk, moving it teaches, and users' floods are stopped."""
    site = walk.site
    site.lab.dns.publish(
        '_dmarc.unsigned.test. 5 IN TXT "v=DMARC1; p=quarantine"\nunsigned.test. 5 IN TXT "v=spf1 -all"\n'
        '_dmarc.refuse.unsigned.test. 5 IN TXT "v=DMARC1; p=reject"\nrefuse.unsigned.test. 5 IN TXT "v=spf1 -all"'
    )
    site.run(LET_TEST_BE_A_SUFFIX)
    site.run(LET_TEST_NAMES_BE)
    assert eventually(lambda: walk.offer(other("alice@outside.test", site.bob)), 0)
    assert walk.offer(other("x@refuse.unsigned.test", site.bob)) == 554
    told_authentication.spf_dkim_and_dmarc_are_told_in_one_field(site)
    told_authentication.nothing_is_told_of_mail_after_a_login(site)
    spam, ham = other("x@unsigned.test", site.bob), other("alice@outside.test", site.bob)
    forged = other("alice@outside.test", site.bob)
    forged["X-Spam"] = "Yes"
    assert [walk.offer(message) for message in (spam, ham, forged)] == [0, 0, 0]
    in_junk = site.found(site.bob, "Junk", str(spam["Subject"]))
    in_inbox = site.found(site.bob, "INBOX", str(ham["Subject"]))
    site.found(site.bob, "INBOX", str(forged["Subject"]))
    client = site.imap(site.bob)
    client.select("Junk")
    before = learnt(site)
    assert client.uid("MOVE", in_junk.decode(), "INBOX")[0] == "OK"
    assert until(lambda: learnt(site)[1] > before[1]), site.run(DUMP)
    client.select("INBOX")
    assert client.uid("MOVE", in_inbox.decode(), "Junk")[0] == "OK"
    assert until(lambda: learnt(site)[0] > before[0]), site.run(DUMP)
    flood(walk)


def learnt(site: Site) -> tuple[int, int]:
    """How many mails the filter has learnt as spam and as ham; before the first there is no database."""
    words = [line.split() for line in site.run(f"{DUMP} || true").splitlines()]
    counts = {line[-1]: int(line[2]) for line in words if line[-1] in ("nspam", "nham")}
    return counts.get("nspam", 0), counts.get("nham", 0)


def flood(walk: Walk) -> None:
    codes = []
    for _ in range(12):
        codes.append(refused(lambda: walk.site.submit(walk.site.carol, *FLOOD)))
        if codes[-1]:
            break
    assert codes[-1] == 451
    assert len(codes) > 5


def test_the_same_key_signs_in_every_cell(walk: Walk) -> None:
    records = plan_records(load_plan(walk.workspace.plan), load_facts(facts_path_for(walk.workspace.plan)))
    (record,) = [r for r in records if "._domainkey." in r.name]
    assert record.name == f"2026a._domainkey.{walk.site.domain}"
    done = walk.verify()
    assert done.code == 0, "the record was published before the first cell: " + done.out


def test_without_signatures_apply_says_so_and_does_not_hang(walk: Walk) -> None:
    site = walk.site
    site.run("rm -f /var/lib/clamav/*.hdb")
    text = walk.text + SERVICES.format(antispam="rspamd", antivirus="true", mirror="http://192.0.2.250/none.hdb")
    walk.workspace.plan.write_text(text)
    refused_ = walk.workspace.mailwiz("apply", "--yes", timeout=300)
    assert refused_.code == 1
    assert "no virus signatures could be had from http://192.0.2.250/none.hdb" in refused_.err
    assert "services.clamav_mirror" in refused_.err
    assert walk.offer(other("alice@outside.test", site.bob)) == 0, "the former filter goes on"

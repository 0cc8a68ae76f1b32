"""Forwarding with SRS: between servers of both releases, of several servers, and what is not rewritten."""

from __future__ import annotations

import email
import email.policy
import re
import uuid
from collections.abc import Callable, Iterator

import pytest

from mailwiz_tui.lab.lab import Lab
from tests.lab.clients import until
from tests.lab.conftest import FreshHost, lending_domains, lending_hosts
from tests.lab.fleet import Fleet, Member, make_fleet
from tests.lab.forwarding import SENDER, bounce, forwarded, is_ours, reply, signed
from tests.lab.site import Site, installed
from tests.lab.workspace import make_workspace

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(1500), pytest.mark.xdist_group("forwarding")]

RELEASES = ("trixie", "bookworm")


def alias(site: Site, local: str, goto: str) -> str:
    """Make an alias; its address."""
    address = f"{local}@{site.domain}"
    site.sql(f"REPLACE INTO alias (address, goto, domain) VALUES ('{address}', '{goto}', '{site.domain}')")
    return address


@pytest.fixture(scope="module")
def sites(lab: Lab, lend_hosts: FreshHost, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Site]]:
    """A server of each release."""
    with lending_domains(lab) as take:
        found = {}
        for release in RELEASES:
            workspace = make_workspace(lab, tmp_path_factory.mktemp(release), lend_hosts(release).id, take())
            found[release] = installed(workspace)
        yield found


def headers(site: Site, user: str, subject: str) -> email.message.EmailMessage:
    uid = site.found(user, "INBOX", subject, 60)
    client = site.imap(user)
    client.select("INBOX")
    raw = client.uid("FETCH", uid.decode(), "(BODY.PEEK[])")[1][0][1]
    return email.message_from_bytes(raw, policy=email.policy.default)


@pytest.mark.parametrize("release", RELEASES)
def test_a_forwarded_mail_passes_spf_and_dmarc_at_its_receiver(sites: dict[str, Site], release: str) -> None:
    """The receiver is the other server: its filter evaluates what the lab's DNS says."""
    here, there = sites[release], sites[RELEASES[RELEASES[0] == release]]
    subject = uuid.uuid4().hex
    to = alias(here, "onward", there.bob)
    here.lab.outside.send(signed(here.lab, to, subject), SENDER, to)
    message = headers(there, there.bob, subject)
    assert is_ours(str(message["Return-Path"]).strip("<> "), here.domain)
    results = str(message["Authentication-Results"])
    for verdict in ("spf=pass", "dmarc=pass", "dkim=pass header.d=outside.test", f'arc=pass ("{here.domain}:'):
        assert verdict in results


@pytest.mark.parametrize("release", RELEASES)
def test_a_bounce_comes_back_to_the_original_sender(sites: dict[str, Site], release: str) -> None:
    site = sites[release]
    friend = f"{uuid.uuid4().hex}@outside.test"
    there = forwarded(site.lab, alias(site, "friend", friend), friend)
    assert is_ours(there.envelope, site.domain)
    assert there.signature_holds(site.lab)
    site.lab.outside.wait_for(SENDER, bounce(site.lab, there.envelope), seconds=60)


@pytest.mark.parametrize("release", RELEASES)
def test_forged_and_expired_addresses_are_refused_even_with_a_catch_all(
    sites: dict[str, Site], release: str
) -> None:
    site = sites[release]
    site.sql(
        f"REPLACE INTO alias (address, goto, domain) VALUES ('@{site.domain}', '{site.carol}', '{site.domain}')"
    )
    try:
        assert reply(site.lab, site.workspace.address, f"anything@{site.domain}").startswith("250")
        genuine = site.run("postmap -q alice@outside.test tcp:127.0.0.1:10001").strip()
        assert reply(site.lab, site.workspace.address, genuine).startswith("250")
        mark, stamp = genuine.split("=")[1:3]
        forged = genuine.replace(f"={mark}=", f"={'A' * len(mark)}=")
        assert reply(site.lab, site.workspace.address, forged).startswith("550 5.1.1")
        old = genuine.replace(f"={stamp}=", "=AA=")
        assert reply(site.lab, site.workspace.address, old).startswith("550 5.1.1")
        assert reply(site.lab, site.workspace.address, f"SRS1=AAAA=x=y@{site.domain}").startswith("550 5.1.1")
        # mail that was forwarded back to us: the address is ours, and yet nobody has to log in for it
        assert reply(site.lab, site.workspace.address, site.bob, genuine).startswith("250")
        assert reply(site.lab, site.workspace.address, site.bob, forged).startswith(("550", "553"))
        assert reply(site.lab, site.workspace.address, "victim@outside.test").startswith("554")
    finally:
        site.sql(f"DELETE FROM alias WHERE address = '@{site.domain}'")


@pytest.mark.parametrize("release", RELEASES)
def test_what_is_not_forwarded_keeps_its_envelope(sites: dict[str, Site], release: str) -> None:
    site = sites[release]
    subject = uuid.uuid4().hex
    site.from_outside(subject, site.bob)
    assert str(headers(site, site.bob, subject)["Return-Path"]) == f"<{SENDER}>"
    friend = f"{uuid.uuid4().hex}@outside.test"
    site.submit(site.bob, alias(site, "own", friend))
    assert str(site.lab.outside.wait_for(friend)["Return-Path"]) == f"<{site.bob}>"
    notice = f"{uuid.uuid4().hex}@outside.test"
    mark = bounce(site.lab, alias(site, "notices", notice))
    assert str(site.lab.outside.wait_for(notice, mark)["Return-Path"]) == "<>"


@pytest.mark.parametrize("release", RELEASES)
def test_a_users_redirect_leaves_under_the_users_own_address(sites: dict[str, Site], release: str) -> None:
    site = sites[release]
    friend = f"{uuid.uuid4().hex}@outside.test"
    script = f'require "copy";\nredirect :copy "{friend}";\n'
    put = f"doveadm sieve put -u {site.carol} -a onward"
    site.lab.run(site.workspace.host, put, stdin=script)
    there = forwarded(site.lab, site.carol, friend)
    assert there.envelope == site.carol
    assert there.signature_holds(site.lab)


@pytest.mark.parametrize("release", RELEASES)
def test_without_postsrsd_forwarded_mail_waits_and_all_other_mail_goes_on(
    sites: dict[str, Site], release: str
) -> None:
    site = sites[release]
    friend, other = (f"{uuid.uuid4().hex}@outside.test" for _ in range(2))
    to, subject = alias(site, "patient", friend), uuid.uuid4().hex
    genuine = site.run("postmap -q alice@outside.test tcp:127.0.0.1:10001").strip()
    site.run("systemctl stop postsrsd")
    try:
        assert reply(site.lab, site.workspace.address, genuine).startswith("4")
        site.lab.outside.send(signed(site.lab, to, subject), SENDER, to)
        site.from_outside(subject, site.bob)
        site.found(site.bob, "INBOX", subject)
        site.submit(site.bob, other)
        site.lab.outside.wait_for(other)
        assert until(lambda: friend in site.run("postqueue -p"))
        assert not site.lab.outside.messages(friend)
        failed = site.workspace.mailwiz("verify", "--resolver", site.lab.dns.resolver)
        assert "srs.round-trip" in re.sub(r"(?m)^ok .*$", "", failed.out)
    finally:
        site.run("systemctl start postsrsd")
    site.run("postqueue -f")
    assert is_ours(str(site.lab.outside.wait_for(friend, subject, 60)["Return-Path"]).strip("<>"), site.domain)


FILTERED = (("bookworm", ("mx-inbound",)), ("trixie", ("mx-outbound",)), ("bookworm", ("mail-storage", "antispam")))
UNFILTERED = (("trixie", ("mx-inbound",)), ("bookworm", ("mx-outbound",)), ("trixie", ("mail-storage",)))


@pytest.fixture(scope="module", params=["rspamd", "spamassassin", "none"])
def fleet(request: pytest.FixtureRequest, lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Mail comes in at one server and leaves at another, of another release."""
    with lending_hosts(lab) as take_host, lending_domains(lab) as take_domain:
        shape = UNFILTERED if request.param == "none" else FILTERED
        members = [Member(take_host(suite).id, roles, number) for number, (suite, roles) in enumerate(shape, 1)]
        fleet = make_fleet(lab, tmp_path_factory.mktemp("fleet"), take_domain(), members)
        fleet.plan.write_text(fleet.plan.read_text() + f'\n[services]\nantispam = "{request.param}"\n')
        assert fleet.mailwiz("diff").code == 1
        fleet.publish()
        done = fleet.apply("--credentials", str(fleet.credentials))
        assert done.code == 0 or fleet.failed_checks() == [], done.out + done.err
        yield fleet


def test_of_several_servers_one_sends_and_another_takes_the_bounce(fleet: Fleet) -> None:
    lab, domain = fleet.lab, fleet.domain
    incoming, front, store = (host for host, _ in _places(fleet))
    friend = f"{uuid.uuid4().hex}@outside.test"
    row = f"INSERT INTO alias (address, goto, domain) VALUES ('friend@{domain}', '{friend}', '{domain}')"
    lab.run(store, ["mariadb", "postfix"], stdin=row)
    for host in (incoming, front):
        fleet.run(host, "/usr/local/lib/mailwiz/account-copy")
    there = forwarded(lab, f"friend@{domain}", friend)
    assert is_ours(there.envelope, domain)
    assert there.signature_holds(lab)
    sent_by = str(there.message["Received"])
    assert str(lab.host(front).ipv4) in sent_by or str(lab.host(front).ipv6) in sent_by
    lab.outside.wait_for(SENDER, bounce(lab, there.envelope), seconds=60)
    answer = reply(lab, lab.host(incoming).ipv4, there.envelope.replace("SRS0=", "SRS0=x"))
    assert answer.startswith("550 5.1.1")


def test_another_secret_in_the_store_reaches_every_server(fleet: Fleet) -> None:
    lab = fleet.lab
    incoming, front, store = (host for host, _ in _places(fleet))
    read = "sha256sum /etc/postsrsd.secret | cut -d' ' -f1"
    before = {fleet.run(host, read) for host in (incoming, front)}
    assert len(before) == 1
    lab.run(
        store, ["mariadb", "postfix"], stdin="UPDATE mailwiz_secret SET value = 'another-one' WHERE name = 'srs'"
    )
    for host in (incoming, front):
        fleet.run(host, "/usr/local/lib/mailwiz/account-copy")
    assert until(lambda: {fleet.run(host, read) for host in (incoming, front)} != before)
    there = fleet.run(front, "postmap -q alice@outside.test tcp:127.0.0.1:10001").strip()
    found: Callable[[], bool] = lambda: reply(lab, lab.host(incoming).ipv4, there).startswith("250")  # noqa: E731
    assert until(found)


def _places(fleet: Fleet) -> list[tuple[str, str]]:
    """Host and role, in the order of ``FILTERED``."""
    found = re.findall(r'id = "(mx\d+)"\nroles = \["([a-z-]+)"', fleet.plan.read_text())
    assert len(found) == len(FILTERED)
    return found

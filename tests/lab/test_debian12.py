"""Debian 12: all that holds on Debian 13 holds there, and the upgrade to Debian 13 loses nothing."""

from __future__ import annotations

import imaplib
import json
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from mailwiz_tui.lab.lab import Lab
from tests.lab import signed_as_sent
from tests.lab import test_stack as stack
from tests.lab.addresses import LONG_PROOFS, PROOFS, with_international_domain
from tests.lab.clients import PASSWORD, until, unverified
from tests.lab.conftest import FreshHost
from tests.lab.managesieve import ManageSieve
from tests.lab.site import Site, installed
from tests.lab.workspace import make_workspace

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(2400), pytest.mark.xdist_group("debian12")]

LISTS = 'require ["fileinto", "mailbox"];\nif header :contains "subject" "[list]" { fileinto :create "Lists"; }\n'
FOLDER = '"Project/Caf&AOk-"'
UPGRADE = """
set -e
systemctl mask --now dovecot
export DEBIAN_FRONTEND=noninteractive
sed -i s/bookworm/trixie/g /etc/apt/sources.list
apt-get -q update
apt-get -qy -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold full-upgrade
"""


@pytest.fixture(scope="module")
def site(lab: Lab, lend_hosts: FreshHost, lent_domain: str, tmp_path_factory: pytest.TempPathFactory) -> Site:
    made = make_workspace(lab, tmp_path_factory.mktemp("debian12"), lend_hosts("bookworm").id, lent_domain)
    with_international_domain(made)
    assert made.mailwiz("diff").code == 1
    return installed(made)


def not_passed(site: Site) -> dict[str, str]:
    """What was seen where a check did not pass, by the check."""
    return {r["id"]: f"{r['state']}: {r['detail']}" for r in site.workspace.not_passed()}


def passed(site: Site, check: str) -> bool:
    """Whether a check passes now, on a server that may not be up yet."""
    done = site.workspace.mailwiz("verify", "--json", "--resolver", site.lab.dns.resolver)
    return any((r["id"], r["state"]) == (check, "passed") for r in json.loads(done.out)["results"])


def test_every_check_passes_and_nothing_is_left_to_do(site: Site) -> None:
    assert not_passed(site) == {}
    again = site.workspace.mailwiz("apply", "--yes")
    assert (again.code, "no changes" in again.out) == (0, True), again.out + again.err
    assert site.workspace.mailwiz("diff").code == 0


@pytest.mark.parametrize(
    "proof",
    [
        stack.test_spam_is_filed_into_junk_and_moving_teaches_the_filter,
        stack.test_mail_with_an_extension_and_to_an_alias_arrives,
        stack.test_a_domain_that_asks_for_it_learns_who_sent_in_its_name,
        stack.test_who_logs_in_sends_only_as_oneself_in_the_envelope_and_in_the_header,
        stack.test_the_world_does_not_learn_where_a_user_sits,
        *signed_as_sent.PROOFS,
        stack.test_a_domain_that_only_the_accounts_have_is_named_with_its_records,
        stack.test_spf_dkim_and_dmarc_of_mail_from_the_world_are_told,
        stack.test_mail_for_a_full_mailbox_is_refused_before_it_is_taken,
        stack.test_mail_waits_at_the_sender_while_the_filter_is_down,
        stack.test_nobody_is_refused_while_the_database_restarts,
        stack.test_killed_daemons_come_back_by_themselves_and_mail_flows,
        stack.test_one_account_cannot_flood_the_world,
        *PROOFS,
        *LONG_PROOFS,
        stack.test_hang_ups_handshakes_and_health_checks_are_not_banned,
        stack.test_who_guesses_passwords_over_imap_is_banned_for_a_while_but_not_from_ssh,
        stack.test_who_guesses_passwords_at_submission_is_banned_for_a_while,
        stack.test_who_guesses_from_an_ipv6_network_is_banned_with_all_of_it,
        stack.test_users_are_not_banned_because_the_database_is_down,
        stack.test_sshd_is_hardened_and_debians_again,
    ],
)
def test_mail_is_treated_as_on_debian_13(site: Site, proof: Callable[[Site], None]) -> None:
    proof(site)


def test_a_stopped_postfix_is_seen_though_its_service_is_an_empty_shell(site: Site) -> None:
    site.run("systemctl stop postfix@-.service")
    assert site.run("systemctl is-active postfix.service").strip() == "active"
    assert "postfix@-.service" in site.workspace.mailwiz("diff").out
    assert site.workspace.mailwiz("apply", "--yes").code == 0
    assert site.run("systemctl is-active postfix@-.service").strip() == "active"


def _names(listed: list[Any]) -> list[bytes]:
    """The folders of a LIST, without marks such as ``\\UnMarked`` that say what is new in them."""
    return sorted(line.rpartition(b'"/" ')[2] for line in listed)


def _known(head: bytes) -> tuple[str, str, frozenset[bytes]]:
    """A message's UID, date and flags, as FETCH answers them."""
    text = head.decode()
    uid, date = re.search(r"UID (\d+)", text), re.search(r'INTERNALDATE "([^"]+)"', text)
    assert uid is not None, text
    assert date is not None, text
    return uid[1], date[1], frozenset(imaplib.ParseFlags(head)) - {b"\\Recent"}


def kept_scripts(site: Site) -> tuple[list[str], str]:
    session = ManageSieve(site.workspace.address, site.bob, PASSWORD, unverified())
    found = session.scripts(), session.text("lists")
    session.close()
    return found


def kept(site: Site) -> dict[str, Any]:
    """What a user has: folders, messages with their numbers and flags, subscriptions, Sieve scripts, usage."""
    client = site.imap(site.bob)
    found: dict[str, Any] = {"folders": _names(client.list()[1]), "subscribed": _names(client.lsub()[1])}
    for folder in ("INBOX", "Junk", FOLDER):
        assert client.select(folder, readonly=True)[0] == "OK"
        validity = client.response("UIDVALIDITY")[1]
        answer = client.uid("FETCH", "1:*", "(UID FLAGS INTERNALDATE BODY.PEEK[])")[1]
        messages = [part for part in answer if isinstance(part, tuple)]
        found[folder] = (validity, [(_known(head), body) for head, body in messages])
    client.logout()
    found["scripts"] = kept_scripts(site)
    book = json.loads(site.workspace.mailwiz("mailbox list", "--json").out)
    found["accounts"] = sorted((m["address"], m["active"]) for m in book["mailboxes"])
    return found


def arrived(site: Site, folder: str, subject: str) -> bool:
    """Whether a mail is there; where it waits in a queue, it is tried again."""
    site.lab.outside.run("postqueue -f")
    site.run("postqueue -f")
    client = site.imap(site.bob)
    found = client.select(folder)[0] == "OK" and client.uid("SEARCH", "SUBJECT", f'"{subject}"')[1][0]
    client.logout()
    return bool(found)


def test_the_upgrade_to_debian_13_keeps_all(site: Site) -> None:
    """As the README says: upgrade Debian, then ``diff`` and ``apply``."""
    scripts = ManageSieve(site.workspace.address, site.bob, PASSWORD, unverified())
    scripts.put("lists", LISTS)
    scripts.close()
    assert "lists" in "".join(kept_scripts(site)[0])
    client = site.imap(site.bob)
    client.create("Lists")
    client.create(FOLDER)
    client.subscribe(FOLDER)
    for number in range(30):
        flags = r"(\Seen \Flagged Important)" if number % 3 else r"(\Answered)"
        message = f"Subject: {number}\r\nFrom: a@outside.test\r\n\r\nbody {number}\r\n".encode()
        assert client.append(FOLDER, flags, f'"0{1 + number % 9}-Nov-2024 10:00:00 +0100"', message)[0] == "OK"
    client.logout()
    before = kept(site)
    drift = set(not_passed(site))  # domains that the tests before made in the accounts alone
    assert len(before[FOLDER][1]) == 30
    assert len(before["INBOX"][1]) > 0

    upgraded = site.lab.run(site.workspace.host, UPGRADE, check=False, timeout=1500)
    assert upgraded.returncode == 0, upgraded.stdout[-4000:] + upgraded.stderr[-4000:]
    assert "13 (trixie)" in site.run("cat /etc/os-release")
    waiting = f"[list] {uuid.uuid4().hex}"
    site.from_outside(waiting, site.bob)

    said = site.workspace.mailwiz("diff")
    assert said.code == 1, said.err
    for word in ("Debian 12", "Debian 13", "dovecot_config_version", "mailwiz-accounts.conf.ext"):
        assert word in said.out, said.out
    site.run("echo 'disable_plaintext_auth = yes' > /etc/dovecot/mailwiz.d/own.conf")
    done = site.workspace.mailwiz("apply", "--yes")
    assert (done.code, "mailwiz.d/own.conf line 1" in done.err) == (1, True), done.out + done.err
    site.run("rm /etc/dovecot/mailwiz.d/own.conf")
    done = site.workspace.mailwiz("apply", "--yes", "--resolver", site.lab.dns.resolver)
    assert done.code == 0, done.out + done.err
    assert kept(site) == before
    assert until(lambda: arrived(site, "Lists", waiting), 120)
    assert set(not_passed(site)) <= drift
    again = site.workspace.mailwiz("apply", "--yes")
    assert (again.code, "no changes" in again.out) == (0, True), again.out + again.err
    site.lab.run(site.workspace.host, "systemctl reboot", check=False)
    assert until(lambda: passed(site, "unit.dovecot"), 120)
    assert "2.4" in site.run("dovecot --version")
    stack.test_spam_is_filed_into_junk_and_moving_teaches_the_filter(site)

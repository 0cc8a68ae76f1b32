"""The stack as an administrator and an attacker meet it: filing, learning, quota, limits, bans, drift."""

from __future__ import annotations

import gzip
import imaplib
import json
import re
import secrets
import smtplib
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

import pytest

from mailwiz_tui.lab.lab import Lab
from tests.lab import bans, hardened_ssh, outages, signed_as_sent, told_authentication
from tests.lab.addresses import LONG_PROOFS, PROOFS, Proof, with_international_domain
from tests.lab.clients import PASSWORD, refused, until, unverified
from tests.lab.crashes import came_back, crash_every_daemon
from tests.lab.forwarding import Forward, comes_back
from tests.lab.identity_judge import Place, everything_wrong, forget_domains, letters, with_domains
from tests.lab.passed_on import signed_wrongly
from tests.lab.site import Site, installed
from tests.lab.workspace import make_workspace

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1500), pytest.mark.xdist_group("stack")]

CONTROLLER = "/run/rspamd/controller.sock"


@pytest.fixture(scope="module")
def site(lab: Lab, lent_host: str, lent_domain: str, tmp_path_factory: pytest.TempPathFactory) -> Site:
    workspace = make_workspace(lab, tmp_path_factory.mktemp("stack"), lent_host, lent_domain)
    forget_domains(lab, lent_domain)
    workspace.plan.write_text(with_domains(workspace.plan.read_text(), lent_domain))
    return installed(with_international_domain(workspace))


def learned(site: Site) -> int:
    """How many messages the filter has learnt from."""
    found = re.search(r"Messages learned: (\d+)", site.run(f"rspamc -h {CONTROLLER} stat"))
    assert found
    return int(found[1])


def test_spam_is_filed_into_junk_and_moving_teaches_the_filter(site: Site) -> None:
    site.lab.dns.publish(
        '_dmarc.unsigned.test. 5 IN TXT "v=DMARC1; p=quarantine"\nunsigned.test. 5 IN TXT "v=spf1 -all"'
    )
    spam, ham = uuid.uuid4().hex, uuid.uuid4().hex
    words = "cheap watches casino bonus lottery winner congratulations million dollars transfer urgent offer now"
    site.from_outside(spam, site.bob, "x@unsigned.test", words + "\n")
    site.from_outside(ham, site.bob)
    in_junk, in_inbox = site.found(site.bob, "Junk", spam), site.found(site.bob, "INBOX", ham)

    before = learned(site)
    client = site.imap(site.bob)
    client.select("Junk")
    assert client.uid("MOVE", in_junk.decode(), "INBOX")[0] == "OK"
    client.select("INBOX")
    assert client.uid("MOVE", in_inbox.decode(), "Junk")[0] == "OK"
    assert until(lambda: learned(site) == before + 2)


def test_mail_with_an_extension_and_to_an_alias_arrives(site: Site) -> None:
    site.sql(
        "INSERT IGNORE INTO alias (address, goto, domain) "
        f"VALUES ('team@{site.domain}', '{site.carol}', '{site.domain}')"
    )
    first, second = uuid.uuid4().hex, uuid.uuid4().hex
    site.from_outside(first, f"carol+list@{site.domain}")
    site.from_outside(second, f"team@{site.domain}")
    site.found(site.carol, "INBOX", first)
    site.found(site.carol, "INBOX", second)


def test_forwarded_mail_leaves_under_our_name_and_its_bounce_finds_the_sender(site: Site) -> None:
    comes_back(site)


def with_public_suffix(site: Site, suffix: str) -> None:
    """Have Rspamd take names below ``suffix`` for domains of the world: only in those it finds a report's address.

    Its package brings the list along on Debian 12; on Debian 13 it reads the one of the package publicsuffix.
    """
    path = json.loads(site.run("rspamadm configdump --json options"))["url_tld"]
    site.run(f"grep -qx {suffix} {path} || echo {suffix} >> {path}")


def test_a_domain_that_asks_for_it_learns_who_sent_in_its_name(site: Site) -> None:
    """The day's results are moved to yesterday, as the reports are about that."""
    reader = f"{uuid.uuid4().hex}@outside.test"
    site.lab.dns.publish(
        f'_dmarc.unsigned.test. 5 IN TXT "v=DMARC1; p=quarantine; rua=mailto:{reader}"\n'
        'unsigned.test. 5 IN TXT "v=spf1 -all"\n'
        'unsigned.test._report._dmarc.outside.test. 5 IN TXT "v=DMARC1"'
    )
    with_public_suffix(site, "test")
    time.sleep(6)  # what the server knows of the record from before
    subject = uuid.uuid4().hex
    site.from_outside(subject, site.bob, "x@unsigned.test")
    site.found(site.bob, "Junk", subject)
    redis = "redis-cli -s /run/redis-rspamd/redis-server.sock"
    assert until(lambda: "dmarc_idx" in site.run(f"{redis} --scan --pattern 'dmarc_*'"))
    site.run(f"{redis} rename 'dmarc_idx;'$(date +%Y%m%d) 'dmarc_idx;'$(date -d yesterday +%Y%m%d)")
    site.run("systemctl start mailwiz-dmarc-reports.service")
    letter = site.lab.outside.wait_for(reader, "Report Domain: unsigned.test", seconds=60)
    assert letter["Return-Path"] == f"<postmaster@{site.domain}>"
    assert Forward("", letter).signature_holds(site.lab)
    (packed,) = (part.get_content() for part in letter.iter_attachments())
    report = ElementTree.fromstring(gzip.decompress(packed))
    found = {path: report.findtext(path) for path in ("report_metadata/org_name", "policy_published/domain")}
    assert found == {"report_metadata/org_name": site.domain, "policy_published/domain": "unsigned.test"}
    (record,) = (r for r in report.iter("record") if r.findtext("identifiers/header_from") == "unsigned.test")
    assert record.findtext("row/source_ip") in (str(site.lab.plan.mail.ipv4), str(site.lab.plan.mail.ipv6))
    evaluated = [record.findtext(f"row/policy_evaluated/{name}") for name in ("disposition", "dkim", "spf")]
    assert evaluated == ["quarantine", "fail", "fail"]


def test_who_logs_in_sends_only_as_oneself_in_the_envelope_and_in_the_header(site: Site) -> None:
    assert refused(lambda: site.submit(site.bob, "x@outside.test", sender=site.carol)) == 553
    assert refused(lambda: site.submit(site.bob, "x@outside.test", header=site.carol)) == 550
    assert refused(lambda: site.submit(site.bob, "x@outside.test")) == 0


def test_every_row_of_the_table_of_identities_comes_out_as_it_says(site: Site) -> None:
    address = site.workspace.address
    place = Place(
        site.lab,
        address,
        address,
        letters(site.domain),
        lambda command, stdin: site.lab.run(site.workspace.host, command, stdin=stdin).stdout,
    )
    place.prepare(PASSWORD)
    assert everything_wrong(place, "rspamd") == []
    assert place.filters_wrong() == []
    assert signed_wrongly(place, "rspamd") == []


def test_a_refused_from_bans_nobody(site: Site) -> None:
    before = site.run("fail2ban-client banned")
    for _ in range(25):
        assert refused(lambda: site.submit(site.bob, "x@outside.test", header=site.carol)) == 550
    assert site.run("fail2ban-client banned") == before


def test_while_the_checks_are_down_mail_waits_and_they_come_back_by_themselves(site: Site) -> None:
    site.run("systemctl stop mailwiz-message-checks")
    try:
        assert refused(lambda: site.submit(site.bob, site.carol)) // 100 == 4
    finally:
        site.run("systemctl start mailwiz-message-checks")
    assert until(lambda: refused(lambda: site.submit(site.bob, site.carol)) == 0)
    site.run("systemctl kill -s KILL mailwiz-message-checks")
    assert until(lambda: refused(lambda: site.submit(site.bob, site.carol)) == 0)


def test_the_world_does_not_learn_where_a_user_sits(site: Site) -> None:
    recipient = f"{uuid.uuid4().hex}@outside.test"
    site.submit(site.bob, recipient)
    received = site.lab.outside.wait_for(recipient).as_string()
    assert str(site.lab.plan.operator.ipv4) not in received
    assert "laptop" not in received


@pytest.mark.parametrize("proof", signed_as_sent.PROOFS)
def test_the_world_receives_what_was_written_and_signed(site: Site, proof: Callable[[Site], None]) -> None:
    proof(site)


def test_spf_dkim_and_dmarc_of_mail_from_the_world_are_told(site: Site) -> None:
    told_authentication.spf_dkim_and_dmarc_are_told_in_one_field(site)


def test_a_domain_that_only_the_accounts_have_is_named_with_its_records(site: Site) -> None:
    site.sql("INSERT INTO domain (domain, description, transport) VALUES ('shop-drift.test', '', 'virtual')")
    try:
        assert until(lambda: "shop-drift.test" in site.run("cat /var/lib/mailwiz-signing/senders"))
        said = site.workspace.mailwiz("monitor", "--once").out
        assert "WARN accounts.domains: shop-drift.test is in the accounts (admin panel) but not in the plan" in said
        results = json.loads(site.workspace.mailwiz("verify", "--json").out)["results"]
        (found,) = [r for r in results if r["id"] == "accounts.domains"]
        assert found["state"] != "passed"
        assert "step 3" in found["advice"]
        listed = site.workspace.mailwiz("dns").out
        for name in ("shop-drift.test  3600  MX", "2026a._domainkey.shop-drift.test", "_dmarc.shop-drift.test"):
            assert name in listed
        site.sql(f"UPDATE domain SET active = 0 WHERE domain = '{site.domain}'")
        said = site.workspace.mailwiz("monitor", "--once").out
        fault = f"FAIL accounts.domains: {site.domain} is in the plan but missing or inactive in the accounts"
        assert fault in said
    finally:
        site.sql(f"UPDATE domain SET active = 1 WHERE domain = '{site.domain}'")
        site.sql("DELETE FROM domain WHERE domain = 'shop-drift.test'")
    assert "shop-drift.test" not in site.workspace.mailwiz("monitor", "--once").out


def test_mail_for_a_full_mailbox_is_refused_before_it_is_taken(site: Site) -> None:
    site.sql(f"UPDATE mailbox SET quota = 100000 WHERE username = '{site.carol}'")
    site.submit(site.bob, site.carol, body=("y" * 70 + "\n") * 1600)
    try:
        assert until(lambda: refused(lambda: site.submit(site.bob, site.carol)) == 552)
    finally:
        site.sql(f"UPDATE mailbox SET quota = 0 WHERE username = '{site.carol}'")


def test_mail_waits_at_the_sender_while_the_filter_is_down(site: Site) -> None:
    site.run("systemctl stop rspamd")
    try:
        assert refused(lambda: site.submit(site.bob, site.carol)) // 100 == 4
    finally:
        site.run("systemctl start rspamd")
    assert until(lambda: refused(lambda: site.submit(site.bob, site.carol)) == 0)


def test_one_account_cannot_flood_the_world(site: Site) -> None:
    codes = []
    for _ in range(12):
        codes.append(refused(lambda: site.submit(site.carol, *(f"r{n}@outside.test" for n in range(15)))))
        if codes[-1]:
            break
    assert codes[-1] == 451
    assert len(codes) > 5


@pytest.mark.parametrize("proof", [*PROOFS, *(pytest.param(p, marks=pytest.mark.long) for p in LONG_PROOFS)])
def test_addresses_and_folders(site: Site, proof: Proof) -> None:
    proof(site)


def test_the_operators_own_settings_win_and_stay(site: Site) -> None:
    site.run("echo 'message_size_limit = 60000000' > /etc/mailwiz/local.d/postfix.cf")
    assert "message_size_limit = 60000000" in site.workspace.mailwiz("diff").out
    assert site.workspace.mailwiz("apply", "--yes").code == 0
    assert "60000000" in site.run("postconf -h message_size_limit 2>/dev/null")
    assert site.workspace.mailwiz("diff").code == 0


def test_killed_daemons_come_back_by_themselves_and_mail_flows(site: Site) -> None:
    came_back(
        crash_every_daemon(site.lab, site.workspace.host),
        "dovecot", "fail2ban", "mariadb", "redis-server@rspamd", "rspamd", "unbound",
    )  # fmt: skip
    assert until(lambda: refused(lambda: site.submit(site.bob, site.carol)) == 0)
    subject = uuid.uuid4().hex
    site.from_outside(subject, site.bob)
    site.found(site.bob, "INBOX", subject)
    told = site.workspace.mailwiz("monitor", "--once").out
    assert "WARN dovecot crashed and restarted by itself" in told
    assert "its main process was killed" in told


def test_nobody_is_refused_while_the_database_restarts(site: Site) -> None:
    """Postfix and Dovecot repeat what they were just asking when MariaDB was killed."""

    def attempt(_: int) -> str:
        time.sleep(secrets.randbelow(50) / 10)
        try:
            site.imap(site.bob).logout()
            with smtplib.SMTP(site.workspace.address, 587, timeout=60) as client:
                client.starttls(context=unverified())
                client.login(site.bob, PASSWORD)
                client.mail(site.bob)
                code, said = client.rcpt(site.carol)
        except (smtplib.SMTPException, imaplib.IMAP4.error) as error:
            return str(error)
        return "" if code == 250 else f"{code} {said!r}"

    site.run("fail2ban-client stop")
    try:
        for way in ("systemctl restart mariadb", "systemctl kill -s KILL --kill-whom=main mariadb"):
            with ThreadPoolExecutor(8) as clients:
                tries = [clients.submit(attempt, n) for n in range(24)]
                time.sleep(2)
                site.run(way)
                refusals = [done.result() for done in tries if done.result()]
            assert refusals == []
            assert attempt(0) == ""
    finally:
        site.run("systemctl start fail2ban")


def test_logins_while_the_database_is_down_are_told_so_and_never_a_wrong_password(site: Site) -> None:
    outages.check_logins_are_refused_for_now_only(site)


@pytest.mark.long
def test_mail_is_taken_at_once_after_a_long_outage_of_the_database(site: Site) -> None:
    outages.check_mail_is_taken_at_once_after_a_long_outage(site)


DRIFT = {
    "main.cf edited": "echo 'smtpd_banner = x' >> /etc/postfix/main.cf",
    "firewall flushed": "nft delete table inet mailwiz",
    "key readable": "chmod 644 /etc/mailwiz/tls/privkey.pem",
    "resolver replaced": "echo 'nameserver 192.0.2.1' > /etc/resolv.conf",
    "domain off": "mariadb postfix -e 'UPDATE domain SET active = 0'",
    "unit stopped": "systemctl stop fail2ban",
    "script not compiled": "rm /etc/dovecot/sieve/junk.svbin",
}


@pytest.mark.parametrize("drift", DRIFT)
def test_what_drifted_is_shown_and_put_right(site: Site, drift: str) -> None:
    site.run(DRIFT[drift])
    assert site.workspace.mailwiz("diff").code == 1
    done = site.workspace.mailwiz("apply", "--yes")
    assert done.code == 0, done.out + done.err
    assert site.workspace.mailwiz("diff").code == 0


def test_hang_ups_handshakes_and_health_checks_are_not_banned(site: Site) -> None:
    bans.check_connections_are_no_offence(site)


def test_who_guesses_passwords_over_imap_is_banned_for_a_while_but_not_from_ssh(site: Site) -> None:
    bans.check_a_guesser_is_banned_until_the_ban_ends(site, bans.guess_imap, "dovecot")


def test_who_guesses_passwords_at_submission_is_banned_for_a_while(site: Site) -> None:
    bans.check_a_guesser_is_banned_until_the_ban_ends(site, bans.guess_smtp, "postfix-sasl")


def test_who_guesses_from_an_ipv6_network_is_banned_with_all_of_it(site: Site) -> None:
    bans.check_an_ipv6_network_is_counted_and_banned_as_one(site)


def test_users_are_not_banned_because_the_database_is_down(site: Site) -> None:
    bans.check_an_outage_of_the_database_bans_nobody(site)


def test_sshd_is_hardened_and_debians_again(site: Site) -> None:
    hardened_ssh.check_ssh_audit_is_content_and_everybody_still_gets_in(site)


@pytest.mark.parametrize("port", [25, 587])
def test_an_address_outside_ascii_is_refused_with_the_reason(site: Site, port: int) -> None:
    """SMTPUTF8 is not offered, and who sends such an address all the same is not told that the user is unknown."""
    with smtplib.SMTP(site.workspace.address, port, timeout=60, local_hostname="operator.outside.test") as client:
        sender = "alice@outside.test"
        client.ehlo()
        if port == 587:
            client.starttls(context=unverified())
            client.login(site.bob, PASSWORD)
            sender = site.bob
            client.ehlo()
        assert "smtputf8" not in client.esmtp_features
        assert client.docmd(f"MAIL FROM:<{sender}> SMTPUTF8")[0] == 555
        assert client.mail(sender)[0] == 250
        client.command_encoding = "utf-8"
        refused = client.docmd(f"RCPT TO:<büro@{site.domain}>")
        assert (refused[0], refused[1][:5]) == (553, b"5.6.7")
        assert b"RFC 6531" in refused[1]
        assert client.rcpt(site.carol)[0] == 250
        client.rset()
        client.command_encoding = "utf-8"
        client.docmd("MAIL FROM:<müller@outside.test>")
        assert client.rcpt(site.carol)[1][:5] == b"5.6.7"

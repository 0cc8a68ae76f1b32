"""What holds for addresses and folders on every installed server: proofs that the modules of both releases run."""

from __future__ import annotations

import base64
import imaplib
import json
import smtplib
import uuid
from collections.abc import Callable

from tests.lab.clients import PASSWORD, mail, refused, submit, until, unverified
from tests.lab.managesieve import ManageSieve
from tests.lab.site import Site
from tests.lab.workspace import Workspace

Proof = Callable[[Site], None]


def answer(site: Site, recipient: str, *, sender: str = "alice@outside.test", size: int = 0) -> tuple[int, str]:
    """What port 25 says of a recipient."""
    with smtplib.SMTP(site.exchanger, 25, timeout=60, local_hostname="mail.outside.test") as client:
        client.ehlo()
        client.mail(sender, [f"size={size}"] if size else [])
        code, text = client.rcpt(recipient)
        return code, text.decode()


def alias(site: Site, address: str, goto: str) -> None:
    domain = address.partition("@")[2]
    site.sql(f"REPLACE INTO alias (address, goto, domain, active) VALUES ('{address}', '{goto}', '{domain}', 1);")


def alias_domain(site: Site) -> str:
    """A domain that is another name for the site's."""
    other = f"alias.{site.domain}"
    site.lab.dns.publish([f"{other}. 5 IN MX {mx}" for mx in site.lab.dns.texts(site.domain, "MX")])
    site.sql(
        f"INSERT IGNORE INTO domain (domain, description, transport) VALUES ('{other}', '', 'virtual');"
        f"INSERT IGNORE INTO alias_domain (alias_domain, target_domain) VALUES ('{other}', '{site.domain}');"
    )
    return other


def an_alias_domain_has_its_targets_catch_all(site: Site) -> None:
    other = alias_domain(site)
    # Postfix reads a changed copy of the accounts again with the next client of each of its programs
    unknown = until(lambda: answer(site, f"whoever@{other}")[0] == 550)
    assert unknown, answer(site, f"whoever@{other}")
    alias(site, f"@{site.domain}", site.carol)
    alias(site, f"sales@{site.domain}", site.bob)
    try:
        caught, mine, extended, sold = (uuid.uuid4().hex for _ in range(4))
        site.from_outside(caught, f"whoever@{other}")
        site.from_outside(mine, f"bob@{other}")
        site.from_outside(extended, f"bob+shop@{other}")
        site.from_outside(sold, f"sales@{other}")
        site.found(site.carol, "INBOX", caught)
        for subject in (mine, extended, sold):
            site.found(site.bob, "INBOX", subject)
        alias(site, f"@{other}", site.bob)
        nearer = uuid.uuid4().hex
        site.from_outside(nearer, f"whoever@{other}")
        site.found(site.bob, "INBOX", nearer)
    finally:
        site.sql(f"DELETE FROM alias WHERE address IN ('@{site.domain}', '@{other}', 'sales@{site.domain}');")
    assert until(lambda: answer(site, f"whoever@{other}")[0] == 550)


def folders_of_other_servers_can_be_made_and_filled(site: Site) -> None:
    names = ("2024.1", "Clients/A. Smith & Co./v1.2", ".hidden", "~home", "50% off", "back\\slash", "a/b")
    client = site.imap(site.bob)
    for name in names:
        quoted = '"' + name.replace("\\", "\\\\").replace("&", "&-") + '"'
        subject = uuid.uuid4().hex
        assert client.create(quoted)[0] == "OK", name
        assert client.append(quoted, "", "", f"Subject: {subject}\r\n\r\n{name}\r\n".encode())[0] == "OK"
        assert client.subscribe(quoted)[0] == "OK"
        assert client.select(quoted) == ("OK", [b"1"])
        listed = b"".join(line for line in client.list('""', quoted)[1] if isinstance(line, bytes))
        assert listed.endswith((quoted.encode(), name.encode())), listed
        assert client.rename(quoted, '"for a moment"')[0] == "OK"
        assert client.rename('"for a moment"', quoted)[0] == "OK"
    client.logout()


def an_archive_larger_than_any_mail_can_be_brought_along(site: Site) -> None:
    client = imaplib.IMAP4_SSL(site.workspace.address, ssl_context=unverified(), timeout=120)
    client.login(site.bob, PASSWORD)
    assert (
        client.append("Archive", "", "", b"Subject: archive\r\n\r\n" + (b"y" * 70 + b"\r\n") * 900_000)[0] == "OK"
    )
    client.select("Archive")
    client.store("1:*", "+FLAGS", "\\Deleted")
    client.expunge()
    client.logout()


def international(workspace: Workspace) -> str:
    """The site's domain in a script of its own, as the DNS has it; a plan gets it before it is installed."""
    return f"xn--bcher-kva.{workspace.domain}"


def with_international_domain(workspace: Workspace) -> Workspace:
    """Add it to the plan, as people type it."""
    typed = f"bücher.{workspace.domain}"
    added = f'\n[[domain.additional_domains]]\nname = "{typed}"\nkind = "mailbox"\n'
    workspace.plan.write_text(workspace.plan.read_text() + added)
    return workspace


def both_forms_of_an_international_address_log_in(site: Site) -> None:
    typed, kept = f"anna@bücher.{site.domain}", f"anna@{international(site.workspace)}"
    done = site.workspace.mailwiz("mailbox add", typed, "--password-stdin", stdin=f"{PASSWORD}\n")
    assert f"log in as: {kept}" in done.out, done.out + done.err
    for name in (typed, f"anna@BÜCHER.{site.domain}", kept):
        logs_in_as(site, name, kept)
    subject = uuid.uuid4().hex
    site.from_outside(subject, kept)
    site.found(kept, "INBOX", subject)


def logs_in_as(site: Site, name: str, mailbox: str) -> None:
    """Assert that a login is let in everywhere, and sends as the mailbox's name."""
    address, secret = site.workspace.address, f"\0{name}\0{PASSWORD}".encode()
    with imaplib.IMAP4_SSL(address, ssl_context=unverified(), timeout=60) as client:
        assert client.authenticate("PLAIN", lambda _: secret)[0] == "OK", name
    with smtplib.SMTP_SSL(address, 465, context=unverified(), timeout=60, local_hostname="laptop") as sending:
        sending.ehlo()
        assert sending.docmd("AUTH", f"PLAIN {base64.b64encode(secret).decode()}")[0] == 235, name
        assert sending.mail(mailbox)[0] == 250
        assert sending.rcpt("x@outside.test")[0] == 250, f"{name} sends as {mailbox}"
    session = ManageSieve(address, name, PASSWORD, unverified())
    session.close()


SCRIPTS = (
    ("müller", ("müller", "MÜLLER", "Müller")),
    ("почта", ("почта", "Почта", "ПОЧТА")),
    ("ταχυδρομείο", ("ταχυδρομείο", "ΤΑΧΥΔΡΟΜΕΊΟ")),
    ("straße", ("straße",)),
    ("例え", ("例え",)),
)
"""First labels of domains, and how people type each."""


def both_forms_log_in_where_only_the_accounts_have_the_domain(site: Site) -> None:
    """The domain is made as the admin panel makes it; neither the plan nor an apply knows of it."""
    domains = []
    try:
        for label, forms in SCRIPTS:
            kept = f"xn--{label.encode('punycode').decode()}.{site.domain}"
            domains.append(kept)
            site.sql(f"INSERT INTO domain (domain, description, transport) VALUES ('{kept}', '', 'virtual')")
            site.mailbox(f"anna@{kept}")
            for form in (*(f"{form}.{site.domain}" for form in forms), kept):
                logs_in_as(site, f"anna@{form}", f"anna@{kept}")
        wrong = f"\0anna@müller.{site.domain}\0not-{PASSWORD}".encode()
        with imaplib.IMAP4_SSL(site.workspace.address, ssl_context=unverified(), timeout=60) as client:
            try:
                client.authenticate("PLAIN", lambda _: wrong)
            except imaplib.IMAP4.error:
                return
            raise AssertionError("a wrong password is let in")
    finally:
        for domain in domains:
            site.sql(
                f"DELETE FROM mailbox WHERE domain = '{domain}'; DELETE FROM alias WHERE domain = '{domain}';"
                f"DELETE FROM domain WHERE domain = '{domain}'"
            )


def filled(site: Site) -> str:
    """A mailbox that is full."""
    address = f"full{uuid.uuid4().hex[:8]}@{site.domain}"
    site.mailbox(address)
    client = site.imap(address)
    assert client.append("INBOX", "", "", b"Subject: fills\r\n\r\n" + (b"y" * 70 + b"\r\n") * 1600)[0] == "OK"
    client.logout()
    site.sql(f"UPDATE mailbox SET quota = 100000 WHERE username = '{address}'")
    return address


def waiting(site: Site, recipient: str) -> bool:
    """Whether mail for a recipient waits in the queue."""
    return recipient in site.at_queue("postqueue -j")


def a_full_mailbox_is_refused_at_rcpt_wherever_it_is_behind(site: Site) -> None:
    full, other = filled(site), alias_domain(site)
    local = full.partition("@")[0]
    to_full, gone = f"to-{full}", f"gone-{full}"
    alias(site, to_full, full)
    alias(site, gone, f"nobody-{full}")
    alias(site, f"@{site.domain}", to_full)
    try:
        refusals = {
            full: 552,
            f"{local}+x@{site.domain}": 552,
            to_full: 552,
            f"to-{local}+x@{site.domain}": 552,
            f"to-{local}@{other}": 552,
            f"{uuid.uuid4().hex}@{site.domain}": 552,
            f"{uuid.uuid4().hex}@{other}": 552,
        }
        assert until(lambda: answer(site, full)[0] == 552)
        assert {recipient: answer(site, recipient)[0] for recipient in refusals} == refusals
        assert refused(lambda: site.submit(site.bob, to_full)) == 552
    finally:
        site.sql(f"DELETE FROM alias WHERE address = '@{site.domain}'")
    assert answer(site, gone)[0] == 550
    site.sql(f"UPDATE mailbox SET quota = 1000000 WHERE username = '{full}'")
    assert until(lambda: answer(site, to_full)[0] == 250)
    assert answer(site, to_full, size=20_000_000)[0] == 552
    assert answer(site, to_full, size=200_000)[0] == 250


def of_several_targets_the_full_one_waits_and_nobody_outside_hears_of_it(site: Site) -> None:
    full, forged = filled(site), f"{uuid.uuid4().hex}@outside.test"
    team = f"team-{full}"
    alias(site, team, f"{full},{site.carol}")
    first, second = uuid.uuid4().hex, uuid.uuid4().hex
    assert until(lambda: answer(site, full)[0] == 552)
    site.lab.outside.send(mail("alice@outside.test", team, first), forged, team)
    site.found(site.carol, "INBOX", first)
    assert until(lambda: waiting(site, full)), "it is deferred, not bounced"
    site.sql(f"UPDATE mailbox SET quota = 0 WHERE username = '{full}'")
    site.run("doveadm auth cache flush")
    site.at_queue("postqueue -f")
    site.found(full, "INBOX", first)

    site.sql(f"UPDATE mailbox SET quota = 100000 WHERE username = '{full}'")
    site.run("doveadm auth cache flush")
    assert until(lambda: answer(site, full)[0] == 552)
    site.lab.outside.send(mail("alice@outside.test", team, second), forged, team)
    assert until(lambda: waiting(site, full))
    site.at_queue("postconf -e maximal_queue_lifetime=1s && postfix reload && sleep 2 && postqueue -f")
    try:
        assert until(lambda: not waiting(site, full))
        read = f"doveadm fetch -u postmaster@{site.domain} text mailbox INBOX all"
        told = site.run(f"for i in $(seq 40); do {read} | grep -a {second} && exit; sleep 0.5; done")
        assert second in told, "the postmaster gets the bounce"
        assert forged not in site.at_queue("postqueue -j")
    finally:
        site.at_queue("postconf -X maximal_queue_lifetime && postfix reload")
    assert site.lab.outside.messages(forged) == []
    assert until(lambda: answer(site, site.bob)[0] == 250)


def without_the_recipient_checks_mail_waits_at_its_sender(site: Site) -> None:
    site.at_queue("systemctl stop mailwiz-recipient-checks")
    try:
        assert answer(site, site.bob)[0] == 451
    finally:
        site.at_queue("systemctl start mailwiz-recipient-checks")
    assert until(lambda: answer(site, site.bob)[0] == 250)


STORED = ("o'hara", "a=b", "j&k", "hash#tag", "p|q~r^s$t`u")
REFUSED = ("a/b", "x!y", "plus+x", "per%cent", "st*r", "cur{ly")


def every_name_that_can_be_stored_gets_mail_and_logs_in(site: Site) -> None:
    for name in STORED:
        address = f"{name}@{site.domain}"
        done = site.workspace.mailwiz("mailbox add", address, "--password-stdin", stdin=f"{PASSWORD}\n")
        assert done.code == 0, done.out + done.err
        assert answer(site, address)[0] == 250, address
        message = mail(site.bob, address)
        submit(site.workspace.address, site.bob, message, address, sender=site.bob)
        site.found(address, "INBOX", str(message["Subject"]))
        with smtplib.SMTP_SSL(site.workspace.address, 465, context=unverified(), timeout=60) as sending:
            sending.login(address, PASSWORD)
            assert sending.mail(address)[0] == 250
            assert sending.rcpt("x@outside.test")[0] == 250, f"{address} sends as itself"
        session = ManageSieve(site.workspace.address, address, PASSWORD, unverified())
        session.put("mine", 'require "fileinto";\nfileinto "Archive";\n')
        session.close()
        removed = site.workspace.mailwiz("mailbox remove", address, "--delete-mail", "--yes")
        assert removed.code == 0, removed.err
        assert answer(site, address)[0] == 550


def what_a_panel_let_in_earlier_is_refused_named_and_can_be_removed(site: Site) -> None:
    names = [f"{name}@{site.domain}" for name in REFUSED]
    for address in names:
        done = site.workspace.mailwiz("mailbox add", address, "--password-stdin", stdin=f"{PASSWORD}\n")
        assert done.code != 0, address
        assert "cannot have" in done.err or "can have one" in done.err, done.err
        site.mailbox(address)
        alias(site, f"to-{address}", address)
    for address in names:
        assert answer(site, address)[0] in (550, 554), f"{address}: LMTP would refuse it after it was taken"
        assert answer(site, f"to-{address}")[0] in (550, 554)
    checks = json.loads(site.workspace.mailwiz("verify", "--json", "--resolver", site.lab.dns.resolver).out)[
        "results"
    ]
    (named,) = (c for c in checks if c["id"] == "mariadb.local-parts")
    assert named["state"] == "failed"
    for address in names:
        assert address in named["detail"]
        for command, name in (("mailbox alias remove", f"to-{address}"), ("mailbox remove", address)):
            done = site.workspace.mailwiz(command, name)
            assert done.code == 0, done.err
    left = json.loads(site.workspace.mailwiz("mailbox list", "--json").out)
    held = {row["address"] for row in (*left["mailboxes"], *left["aliases"])}
    assert not held & {*names, *(f"to-{name}" for name in names)}


def an_alias_leads_to_foreign_names_that_no_mailbox_here_could_have(site: Site) -> None:
    far, target = f"far@{site.domain}", "a/b!c+d%e*f@outside.test"
    assert site.workspace.mailwiz("mailbox alias add", far, target).code == 0
    assert answer(site, far)[0] == 250
    assert site.workspace.mailwiz("mailbox alias remove", far, target).code == 0


PROOFS: tuple[Proof, ...] = (
    an_alias_domain_has_its_targets_catch_all,
    folders_of_other_servers_can_be_made_and_filled,
    an_archive_larger_than_any_mail_can_be_brought_along,
    both_forms_of_an_international_address_log_in,
    both_forms_log_in_where_only_the_accounts_have_the_domain,
    every_name_that_can_be_stored_gets_mail_and_logs_in,
    an_alias_leads_to_foreign_names_that_no_mailbox_here_could_have,
    a_full_mailbox_is_refused_at_rcpt_wherever_it_is_behind,
    of_several_targets_the_full_one_waits_and_nobody_outside_hears_of_it,
    without_the_recipient_checks_mail_waits_at_its_sender,
)
LONG_PROOFS: tuple[Proof, ...] = (what_a_panel_let_in_earlier_is_refused_named_and_can_be_removed,)

"""What holds for addresses and folders on every installed server: proofs that the modules of both releases run."""

from __future__ import annotations

import base64
import imaplib
import smtplib
import uuid
from collections.abc import Callable

from tests.lab.clients import PASSWORD, until, unverified
from tests.lab.managesieve import ManageSieve
from tests.lab.site import Site
from tests.lab.workspace import Workspace

Proof = Callable[[Site], None]


def answer(site: Site, recipient: str, *, sender: str = "alice@outside.test", size: int = 0) -> tuple[int, str]:
    """What port 25 says of a recipient."""
    with smtplib.SMTP(site.workspace.address, 25, timeout=60, local_hostname="mail.outside.test") as client:
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
    site.lab.dns.publish([f"{other}. 5 IN MX 10 mail.{site.domain}."])
    site.sql(
        f"INSERT IGNORE INTO domain (domain, description, transport) VALUES ('{other}', '', 'virtual');"
        f"INSERT IGNORE INTO alias_domain (alias_domain, target_domain) VALUES ('{other}', '{site.domain}');"
    )
    return other


def an_alias_domain_has_its_targets_catch_all(site: Site) -> None:
    other = alias_domain(site)
    assert answer(site, f"whoever@{other}")[0] == 550
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
    address = site.workspace.address
    for name in (typed, f"anna@BÜCHER.{site.domain}", kept):
        secret = f"\0{name}\0{PASSWORD}".encode()

        def respond(_: bytes, secret: bytes = secret) -> bytes:
            return secret

        with imaplib.IMAP4_SSL(address, ssl_context=unverified(), timeout=60) as client:
            assert client.authenticate("PLAIN", respond)[0] == "OK", name
        with smtplib.SMTP_SSL(address, 465, context=unverified(), timeout=60, local_hostname="laptop") as sending:
            sending.ehlo()
            assert sending.docmd("AUTH", f"PLAIN {base64.b64encode(secret).decode()}")[0] == 235, name
            assert sending.mail(kept)[0] == 250
            assert sending.rcpt("x@outside.test")[0] == 250, f"{name} sends as {kept}"
        session = ManageSieve(address, name, PASSWORD, unverified())
        session.close()
    subject = uuid.uuid4().hex
    site.from_outside(subject, kept)
    site.found(kept, "INBOX", subject)


PROOFS: tuple[Proof, ...] = (
    an_alias_domain_has_its_targets_catch_all,
    folders_of_other_servers_can_be_made_and_filled,
    an_archive_larger_than_any_mail_can_be_brought_along,
    both_forms_of_an_international_address_log_in,
)

"""What a server tells of mail from the world in Authentication-Results, whichever filter it has."""

from __future__ import annotations

import email
import email.policy
import uuid
from email.message import EmailMessage
from email.policy import SMTP

import dkim

from mailwiz_tui.lab.lab import Lab
from mailwiz_tui.stack.spamassassin.authentication_results import split
from tests.lab.clients import other
from tests.lab.site import Site

OUTSIDE = "alice@outside.test"
LET_TEST_NAMES_BE = """
grep -q opendkim-lab /etc/opendkim.conf || echo 'ResolverConfiguration /etc/opendkim-lab.conf' >> /etc/opendkim.conf
printf 'server:\\n  local-zone: "test." nodefault\\n' > /etc/opendkim-lab.conf
systemctl restart opendkim
"""
"""libunbound, by which OpenDKIM asks, answers by itself that there is nothing below ``.test`` (RFC 6761)."""
LET_TEST_BE_A_SUFFIX = """
list=/usr/share/publicsuffix/public_suffix_list.dat
grep -qx test $list || echo test >> $list
systemctl restart spamd
for try in $(seq 100); do ss -Hltn sport = :783 | grep -q . && exit 0; sleep 0.3; done
"""
"""No public suffix ends in .test, so SpamAssassin takes no domain of the lab for one until it is told."""
FORGED = "dkim=pass header.d=bank.example; spf=pass smtp.mailfrom=bank.example; dmarc=pass header.from=bank.example"


def signature(message: EmailMessage, lab: Lab) -> str:
    """The value of a message's DKIM-Signature, by the key of the world outside."""
    key = lab.paths.dkim_key.read_bytes()
    signed: bytes = dkim.sign(
        message.as_bytes(policy=SMTP), b"lab", b"outside.test", key, include_headers=[b"from", b"to"]
    )
    return signed.decode().partition(": ")[2].replace("\r\n ", " ").strip()


def told(site: Site, message: EmailMessage, sender: str, folder: str = "INBOX") -> list[list[str]]:
    """The parts of each Authentication-Results of a message that was offered on port 25."""
    done = site.lab.outside.swaks(
        "--server", site.workspace.address, "--from", sender or "<>", "--to", site.bob,
        "--helo", "mail.outside.test", "--data", "-", stdin=message.as_string(),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    number = site.found(site.bob, folder, str(message["Subject"]))
    client = site.imap(site.bob)
    client.select(folder, readonly=True)
    data = client.uid("FETCH", number.decode(), "(BODY.PEEK[HEADER])")[1][0]
    client.logout()
    assert isinstance(data, tuple)
    head = email.message_from_bytes(data[1], policy=email.policy.compat32)
    return [split(str(field)) for field in head.get_all("Authentication-Results", [])]


def part(parts: list[str], method: str) -> str:
    (found,) = [part for part in parts if part.startswith(f"{method}=")]
    return found


def spf_dkim_and_dmarc_are_told_in_one_field(site: Site) -> None:
    """One field in our name, above all others; whatever came with the message is out."""
    site.lab.dns.publish(
        '_dmarc.unsigned.test. 5 IN TXT "v=DMARC1; p=quarantine"\nunsigned.test. 5 IN TXT "v=spf1 -all"'
    )
    host = site.workspace.hostname
    message = other(OUTSIDE, site.bob)
    message["DKIM-Signature"] = signature(message, site.lab)
    for server in (host, f"{host}/4ABC", host.upper(), "elsewhere.example"):
        message["Authentication-Results"] = f"{server}; {FORGED}"
    (parts,) = told(site, message, OUTSIDE)
    assert parts[0] == host
    assert part(parts, "dkim").startswith("dkim=pass")
    assert "header.d=outside.test" in part(parts, "dkim")
    assert part(parts, "spf").startswith("spf=pass")
    assert f"smtp.mailfrom={OUTSIDE}" in part(parts, "spf")
    assert "header.from=outside.test" in part(parts, "dmarc")

    changed = other(OUTSIDE, site.bob)
    changed["DKIM-Signature"] = signature(changed, site.lab)
    changed.replace_header("To", f"Bob <{site.bob}>")
    (parts,) = told(site, changed, OUTSIDE)
    assert part(parts, "dkim").startswith("dkim=fail")

    report = other(OUTSIDE, site.bob)
    report["DKIM-Signature"] = signature(report, site.lab)
    (parts,) = told(site, report, "")
    assert "smtp.helo=mail.outside.test" in part(parts, "spf")

    forged = other("x@unsigned.test", site.bob)
    (parts,) = told(site, forged, OUTSIDE, "Junk")
    assert part(parts, "dmarc").startswith("dmarc=fail")
    assert "header.from=unsigned.test" in part(parts, "dmarc")
    assert "quarantine" in part(parts, "dmarc")


def nothing_is_told_of_mail_after_a_login(site: Site) -> None:
    message = other(site.bob, site.bob)
    message.replace_header("Subject", uuid.uuid4().hex)
    site.submit_as_written(message.as_bytes(policy=SMTP), site.bob)
    number = site.found(site.bob, "INBOX", str(message["Subject"]))
    client = site.imap(site.bob)
    client.select("INBOX", readonly=True)
    data = client.uid("FETCH", number.decode(), "(BODY.PEEK[HEADER])")[1][0]
    client.logout()
    assert isinstance(data, tuple)
    assert b"authentication-results:" not in data[1].lower()

"""Mail from outside that an alias or a user's filter sends on: nobody here wrote it, so none of our keys signs it.

Whoever signed everything that leaves with a From of ours would vouch for what others wrote: forged mail where there
is no filter, and mail of a domain of ours that a mailing list or a newsletter service signed.
"""

from __future__ import annotations

import contextlib
import email
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import formatdate

import dkim

from tests.lab.identity_judge import Place
from tests.lab.outside_mail import FromOutside, arrived, signatures

SELECTOR = "2026a"
"""That of the installed servers; others sign with the lab's, ``lab``."""
ONWARD = "onward@outside.test"
"""Where the alias onward@ of the primary domain, and bob's filter, send everything."""


@dataclass(frozen=True)
class Origin:
    """A message from outside: its author and who signed it, as letters of the table's domains; where it goes.

    ``refused`` and ``deferred`` are the filters that refuse it for good or for now, ``filed`` those that file it
    into Junk, where no filter of the user's sees it.
    """

    id: str
    author: str
    signer: str
    refused: tuple[str, ...] = ()
    deferred: tuple[str, ...] = ()
    filed: tuple[str, ...] = ()


FILTERED = ("rspamd", "spamassassin")
ORIGINS = (
    Origin("somebody's, signed", "someone@outside.test", "outside.test"),
    Origin("forged", "alice@{d}", "", refused=FILTERED),
    Origin("ours, signed by somebody", "eve@{p}", "outside.test", filed=FILTERED),
    Origin("ours, signed for the domain elsewhere", "eve@{p}", "{p}"),
    Origin("ours, key out of reach", "eve@{p}", "gone.{p}", deferred=("rspamd",), filed=("spamassassin",)),
)
WAYS = {"alias": "onward@{d}", "filter": "bob@{d}"}


DMARC = {"no DMARC record": "", "p=none": '_dmarc.{p}. 5 IN TXT "v=DMARC1; p=none"'}
"""What the domain that only the accounts know may have published."""


@contextlib.contextmanager
def published_signer(place: Place, dmarc: str) -> Iterator[None]:
    """The domain that only the accounts know has an MX, as a real one, and lets somebody else sign for it.

    All of it is taken out again, and what a test that was killed left: the domain has no zone of its own to be
    cleared.
    """
    dns, name = place.lab.dns, place.domains["p"]
    names = (name, f"lab._domainkey.{name}", f"_dmarc.{name}", f"_domainkey.gone.{name}")
    (key,) = dns.texts("lab._domainkey.outside.test", "TXT")
    records = [
        f"{name}. 5 IN MX 10 mail.{place.domains['d']}.",
        f"lab._domainkey.{name}. 5 IN TXT {key}",
        # no name server there
        f"_domainkey.gone.{name}. 5 IN NS mail.outside.test.",
    ]
    dns.remove(*names)
    try:
        dns.publish([*records, *([place.filled(dmarc)] if dmarc else [])])
        time.sleep(6)  # what the servers know from before
        yield
    finally:
        dns.remove(*names)


def signed_wrongly(place: Place, antispam: str) -> list[str]:
    """Offer every message for every way on, whatever the domain published; what came out otherwise, in words."""
    found = []
    for published, record in DMARC.items():
        with published_signer(place, record):
            found += [f"{published}: {wrong}" for wrong in _signed_wrongly(place, antispam)]
    return found


def _signed_wrongly(place: Place, antispam: str) -> list[str]:
    run, found = uuid.uuid4().hex[:10], []
    sent: list[tuple[Origin, str, str, str]] = []
    place.filter_of_bob(f'redirect "{ONWARD}";\n')
    try:
        for origin in ORIGINS:
            for way, recipient in WAYS.items():
                token = f"{run}-{len(sent)}"
                answer = _offer(place, origin, place.filled(recipient), token)
                sent.append((origin, way, token, answer))
        for origin, way, token, answer in sent:
            wanted = _wanted(origin, way, antispam)
            seen = answer or _seen(place, origin, token, 90 if wanted != "nothing" else 5)
            if not seen.startswith(wanted):
                found.append(f"{origin.id}, {way}: wanted {wanted}, saw {seen}")
    finally:
        place.filter_of_bob("keep;\n")
    return found


def _wanted(origin: Origin, way: str, antispam: str) -> str:
    if antispam in origin.refused:
        return "55"
    if antispam in origin.deferred:
        return "4"
    return "nothing" if way == "filter" and antispam in origin.filed else "as it came"


def _offer(place: Place, origin: Origin, recipient: str, token: str) -> str:
    """The refusal, or empty where it was taken."""
    text = f"From: {place.filled(origin.author)}\nTo: {recipient}\nSubject: {token}\nDate: {formatdate()}\n"
    text += f"Message-ID: <{token}@outside.test>\n\nWe meet on Tuesday in the office, as always.\n"
    raw = text.replace("\n", "\r\n").encode()
    if origin.signer:
        key, domain = place.lab.paths.dkim_key.read_bytes(), place.filled(origin.signer).encode()
        raw = dkim.sign(raw, b"lab", domain, key, include_headers=[b"from", b"to", b"subject", b"date"]) + raw
    client = FromOutside(place.lab, place.inbound)
    try:
        client.ehlo("mail.outside.test")
        client.mail(f"{token}@outside.test")
        code, said = client.rcpt(recipient)
        if code == 250:
            code, said = client.data(raw)
        return "" if code == 250 else f"{code} {said.decode()}"
    finally:
        client.close()


def _seen(place: Place, origin: Origin, token: str, seconds: float) -> str:
    raw = arrived(place.lab, token, seconds)
    if not raw:
        return "nothing"
    signers = signatures(email.message_from_bytes(raw))
    if own := [domain for domain, selector in signers if selector == SELECTOR]:
        return f"signed by us for {', '.join(own)}"
    kept = not origin.signer or (place.filled(origin.signer), "lab") in signers
    return "as it came" if kept else "without the signature that it had"

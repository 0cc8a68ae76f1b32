"""Sends changes to a name server: dynamic update (RFC 2136), signed with a shared key (RFC 8945)."""

from __future__ import annotations

import base64
import binascii
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import dns.asyncquery
import dns.asyncresolver
import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.tsig
import dns.tsigkeyring
import dns.update
from pydantic import SecretStr

from mailwiz_tui.dns.changes import Change
from mailwiz_tui.dns.lookup import rdata_text, split_address
from mailwiz_tui.dns.record import quote_txt
from mailwiz_tui.plan.errors import OperatorError

ALGORITHMS = ("hmac-sha256", "hmac-sha384", "hmac-sha512", "hmac-sha224")
REFUSALS = {
    "REFUSED": "the server does not allow this key to change the zone",
    "NOTAUTH": "the server does not know the key, or is not the zone's primary",
    "NOTZONE": "the server says the name is not in the zone",
    "SERVFAIL": "the server could not write the zone",
    "NOTIMP": "the server does not support dynamic updates",
}


_KEY_NAME = re.compile(r'\bkey\s+"?([^"\s{]+)"?\s*{')
_KEY_ENTRY = re.compile(r'\b(algorithm|secret)\s+"?([^";\s]+)"?\s*;')


class UpdateKeyError(OperatorError):
    """An invalid key; the text never has the secret."""

    def __init__(self, what: str, advice: str) -> None:
        super().__init__(what, "TSIG key", advice)


@dataclass(frozen=True, slots=True)
class UpdateKey:
    """A TSIG key: its name on the server, the algorithm, and the secret in base64."""

    name: str
    secret: SecretStr
    algorithm: str = ALGORITHMS[0]


@dataclass(frozen=True, slots=True)
class Sent:
    """The result of the changes to one zone; ``problem`` is empty if the server accepted them."""

    zone: str
    changes: tuple[Change, ...]
    problem: str = ""


def parse_key(text: str) -> UpdateKey:
    """``[ALGORITHM:]NAME:SECRET`` like in nsupdate(1), or a key file of tsig-keygen(8).

    Raises ``UpdateKeyError``.
    """
    parts = _of_file(text) or text.strip().split(":")
    algorithm = parts.pop(0).lower() if len(parts) == 3 else ALGORITHMS[0]
    if algorithm not in ALGORITHMS:
        raise UpdateKeyError(f"the algorithm {algorithm[:20]} is unknown", f"use one of {', '.join(ALGORITHMS)}")
    if len(parts) != 2 or not all(parts):
        raise UpdateKeyError(
            "it lacks a name or a secret",
            "write ALGORITHM:NAME:SECRET, for example hmac-sha256:mail:c2Vj…",
        )
    try:
        base64.b64decode(parts[1], validate=True)
    except (binascii.Error, ValueError) as error:
        raise UpdateKeyError("its secret is not base64", "copy it from the server's key file again") from error
    return UpdateKey(parts[0], SecretStr(parts[1]), algorithm)


def _of_file(text: str) -> list[str]:
    """Algorithm, name and secret of a ``key "NAME" { algorithm …; secret "…"; };``; empty if it is invalid."""
    name = _KEY_NAME.search(text)
    told = dict(_KEY_ENTRY.findall(text))
    return [told["algorithm"], name[1], told["secret"]] if name and {"algorithm", "secret"} <= told.keys() else []


async def publish(changes: Sequence[Change], server: str, key: UpdateKey, *, patience: float = 10.0) -> list[Sent]:
    """Send the changes to ``server`` (``ADDRESS`` or ``ADDRESS:PORT``), one update for each zone.

    An update is accepted as a whole or not at all. Raises ``lookup.ResolverError`` for an invalid address.
    """
    address, port = split_address(server)
    keyring = dns.tsigkeyring.from_text({key.name: (key.algorithm, key.secret.get_secret_value())})
    zones: dict[str, list[Change]] = defaultdict(list)
    sent: list[Sent] = []
    for change in changes:
        zone = await _zone(change.name, address, port, patience)
        if zone:
            zones[zone].append(change)
        else:
            sent.append(Sent(change.name, (change,), f"{server} serves no zone with {change.name}"))
    for zone, inside in zones.items():
        update = dns.update.UpdateMessage(zone, keyring=keyring, keyalgorithm=key.algorithm)
        for change in inside:
            owner = dns.name.from_text(change.name)
            # a new CNAME replaces the former one (RFC 2136 section 3.4.2.2), and some servers lose one
            # that is deleted and added in the same update
            if not (change.type == "CNAME" and change.add):
                for old in await _present(change, address, port, patience):
                    update.delete(owner, old)
            for value in change.add:
                text = quote_txt(value) if change.type == "TXT" else value
                update.add(owner, change.ttl, change.type, text)
        sent.append(Sent(zone, tuple(inside), await _send(update, address, port, patience)))
    return sent


async def _send(update: dns.update.UpdateMessage, address: str, port: int, patience: float) -> str:
    try:
        reply = await dns.asyncquery.tcp(update, address, timeout=patience, port=port)
    except dns.tsig.PeerError as error:
        return f"the server does not accept the key: {error}"
    except dns.tsig.BadSignature:
        return "the server's answer is not signed with this key"
    except (dns.exception.DNSException, OSError, EOFError) as error:
        return f"no answer from {address}: {' '.join(str(error).split())[:120] or type(error).__name__}"
    if reply.rcode() == dns.rcode.NOERROR:
        return ""
    name = dns.rcode.to_text(reply.rcode())
    return f"{name}: {REFUSALS.get(name, 'the server refused the update')}"


async def _present(change: Change, address: str, port: int, patience: float) -> list[dns.rdata.Rdata]:
    """The server's own form of the values to remove: a TXT text may be split in many ways."""
    if not change.remove:
        return []
    query = dns.message.make_query(change.name, change.type)
    try:
        reply, _ = await dns.asyncquery.udp_with_fallback(query, address, timeout=patience, port=port)
    except (dns.exception.DNSException, OSError, EOFError):
        return []
    return [rdata for rrset in reply.answer for rdata in rrset if rdata_text(rdata) in change.remove]


async def _zone(name: str, address: str, port: int, patience: float) -> str:
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = [address], port
    resolver.timeout = resolver.lifetime = patience
    try:
        return (await dns.asyncresolver.zone_for_name(name, resolver=resolver)).to_text()
    except (dns.exception.DNSException, OSError, EOFError):
        return ""

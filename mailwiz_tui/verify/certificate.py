"""The certificate of a server beyond its own name: shared names, TLSA records, and the proofs for its renewal.

RFC 9525 (names), RFC 7672 and RFC 7673 (DANE), RFC 8555 section 8.3 (HTTP-01 of names with several servers).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from cryptography import x509

from mailwiz_tui.dns import tlsa
from mailwiz_tui.dns.site import Site as DnsSite
from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.plan.published import public_names
from mailwiz_tui.stack.nginx.challenges import samples
from mailwiz_tui.topology.servers import server_of
from mailwiz_tui.verify import tls
from mailwiz_tui.verify.check import Check, Failed, NotRun, Warned
from mailwiz_tui.verify.target import Target
from mailwiz_tui.verify.web import HTTP, Site

_NOT_REPORTED = "the server has not reported its certificate"
_PREPARE = "Run prepare or apply first."
_PUBLISH = "Publish the records of this name if they are missing, then apply again."


def checks(target: Target, plan: Plan, known: FactsFile, left_out: Mapping[str, str]) -> list[Check]:
    """The checks of one server.

    ``left_out`` are names that it could not get a certificate for, with the reason: their check warns.
    """
    found: list[Check] = []
    for name in public_names(plan, server_of(plan, target.server_id)):
        if name != target.hostname and target.tls_ports():
            proves = f"The certificate is valid for {name}, the name that mail programs connect to."
            action = partial(check_name, target, name, left_out.get(name, ""))
            found.append(Check("tls.shared-name", proves, action, _PUBLISH))
    if target.server_id in _listed(plan, known):
        proves = "The key of the certificate is the one in the plan's TLSA records (DANE)."
        action = partial(check_key, target, known)
        found.append(Check("tls.tlsa", proves, action, "Run apply again, then publish the TLSA records."))
    if target.server_id in samples(plan) and target.offers(HTTP):
        proves = "An ACME server may ask this server for the challenges of every server of the mail hostname."
        advice = (
            "Apply again; on this server and on the one that is named: journalctl -u mailwiz-links -n 50; nginx -t"
        )
        found.append(Check("web.challenges", proves, partial(check_challenges, Site(target), plan), advice))
    return found


def check_name(target: Target, name: str, reason: str) -> str:
    """The certificate has the name, or the server says why it could not get it."""
    if reason:
        raise Warned(f"{name} {reason}, so the certificate is not for it")
    names = tls.subject_names(_certificate(target))
    if not tls.covers(names, name):
        raise Failed(f"expected the name {name} in the certificate, got {', '.join(names) or 'none'}")
    return f"its names are {', '.join(names)}"


def check_key(target: Target, known: FactsFile) -> str:
    """The certificate has the key that prepare reported, from which the TLSA records are made."""
    record = known.servers.get(target.server_id)
    if record is None or record.tls is None:
        raise NotRun("the server has not reported its key", _PREPARE)
    found = tls.spki(_certificate(target))
    if found != record.tls.spki_sha256:
        raise Failed(f"expected the key {record.tls.spki_sha256[:16]}…, got {found[:16]}…")
    return f"3 1 1 {found[:16]}…"


def check_challenges(site: Site, plan: Plan) -> str:
    """This server answers with a file of each server, for the mail hostname."""
    shown = samples(plan)
    for server_id, (path, text) in shown.items():
        answer = site.fetch(plan.domain.hostname, path, secure=False)
        if answer.status != 200 or answer.body.decode("utf-8", "replace") != text:
            got = answer.status if answer.status != 200 else "another file"
            raise Failed(f"expected the file of {server_id} at {path}, got {got}")
    return f"challenges of {', '.join(shown)}"


def _certificate(target: Target) -> x509.Certificate:
    if not target.pem:
        raise NotRun(_NOT_REPORTED, _PREPARE)
    return x509.load_pem_x509_certificate(target.pem.encode())


def _listed(plan: Plan, known: FactsFile) -> set[str]:
    """The servers whose keys are in TLSA records."""
    site = DnsSite(plan, known)
    hosts = [*site.inbound, *(site.outbound if tlsa.shared_names(site) else ())]
    return {host.server_id for host in hosts}

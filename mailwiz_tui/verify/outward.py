"""What a server's facts say about the outside: outgoing port 25, and trust in its certificate.

No connection is made. Both are warnings, because the remedy is outside the server.
"""

from __future__ import annotations

from collections.abc import Mapping

from cryptography import x509

from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.plan.model import Plan, TlsProvider
from mailwiz_tui.stack import layout
from mailwiz_tui.topology.derive import topology_of
from mailwiz_tui.verify.obstacle import Concern, Obstacle
from mailwiz_tui.verify.result import CheckResult, CheckState
from mailwiz_tui.verify.target import IMAPS, SUBMISSION, SUBMISSIONS, Target

_TRUST = "Mail programs trust the certificate."
_WAY_OUT = "The server can connect to port 25 of other hosts."
_CHOOSE = 'Use letsencrypt or a public certificate of your own (step 4, security.tls.provider), then "apply".'
_ISSUE = f"Run {layout.ISSUE_CERTIFICATE} on the server: it prints why no certificate was issued."
_UNKNOWN = "Use a certificate of a public authority, or install your authority in the users' mail programs."


def results(plan: Plan, known: FactsFile, targets: Mapping[str, Target]) -> list[CheckResult]:
    """The results of each server, as far as its facts are known."""
    found = [_way_out(plan, known, server_id) for server_id in targets]
    found += [_trust(plan, known, target) for target in targets.values()]
    return [result for result in found if result is not None]


def _way_out(plan: Plan, known: FactsFile, server_id: str) -> CheckResult | None:
    """None if mail leaves through a smart host, or if the server could not tell."""
    facts = known.facts(server_id)
    if facts is None or not topology_of(plan, server_id).sends or plan.network.relay_host:
        return None
    ways = (facts.outbound_25_ipv4, facts.outbound_25_ipv6)
    check = "server.port-25-out"
    if True in ways:
        return CheckResult(check, server_id, CheckState.PASSED, _WAY_OUT, vantage=server_id)
    if False not in ways:
        return None
    blocked = Obstacle(Concern.OUTGOING, "Mail to other hosts cannot leave", f"outgoing port 25 of {server_id}",
                       "is blocked")  # fmt: skip
    return CheckResult(
        check,
        server_id,
        CheckState.WARNING,
        _WAY_OUT,
        "no other host answered on port 25 when the server last tried",
        "Ask the server's provider to open outgoing port 25, or use a smart host (network.relay_host).",
        server_id,
        obstacles=(blocked,),
    )


def _trust(plan: Plan, known: FactsFile, target: Target) -> CheckResult | None:
    """None if no mail program connects, or no certificate was reported."""
    if not target.pem or not any(target.offers(port) for port in (IMAPS, SUBMISSION, SUBMISSIONS)):
        return None
    certificate = x509.load_pem_x509_certificate(target.pem.encode())
    provider = plan.security.tls.provider
    if certificate.issuer == certificate.subject:
        fault, advice = "is self-signed", _ISSUE if provider is TlsProvider.LETSENCRYPT else _CHOOSE
    elif provider is TlsProvider.CUSTOM and known.custom and not known.custom.trusted:
        fault, advice = "was issued by an authority that is not public", _UNKNOWN
    else:
        issuer = certificate.issuer.rfc4514_string()
        return CheckResult("tls.trust", target.server_id, CheckState.PASSED, _TRUST, f"issued by {issuer}")
    subject = f"the certificate of {target.hostname}"
    warns = Obstacle(Concern.CLIENTS, "Mail programs warn users about the certificate", subject, fault)
    return CheckResult(
        "tls.trust",
        target.server_id,
        CheckState.WARNING,
        _TRUST,
        f"{subject} {fault}",
        advice,
        obstacles=(warns,),
    )

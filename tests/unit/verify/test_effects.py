"""Each check says what its failure means for mail, or is listed here as one whose failure says it itself.

Probes of components are "not as planned" without being listed: the unit that they ask tells what fails with it.
"""

from __future__ import annotations

import pytest

from mailwiz_tui.verify.verdict import EFFECTS
from tests.unit.check_ids import known_ids

NOT_AS_PLANNED = frozenset(
    {
        "accounts.domains",
        "auth.imap.no-clear-login",
        "auth.imap.wrong-password",
        "dns.resolver",
        "installed.*",
        "listeners.unexpected",
        "listeners.wanted",
        "mailbox.closed",
        "mailbox.probe",
        "mesh.flow.*.*",
        "mesh.outside",
        "reach.*",
        "relay.*.taken",
        "relay.*.unknown-recipient",
        "server.port-25-out",
        "server.probes",
        "server.verifications",
        "smtp.banner",
        "smtp.eicar",
        "smtp.forged-sender",
        "smtp.gtube",
        "smtp.no-auth",
        "smtp.postmaster",
        "smtp.smuggling",
        "smtp.unknown-recipient",
        "smtp.vrfy",
        "submission.eicar",
        "submission.forged-author",
        "submission.forged-sender",
        "submission.no-clear-login",
        "submission.wrong-password",
        "tls.*.certificate",
        "tls.*.versions",
        "tls.trust",
        "web.*.*",
        "web.*.closed",
        "web.*.login",
        "web.*.page",
        "web.*.wrong-password",
        "web.browser",
        "web.https",
        "web.redirect",
        "web.unknown-name",
    }
)
KNOWN = known_ids()


@pytest.mark.parametrize("check", KNOWN)
def test_each_check_means_something_for_mail_or_is_listed(check: str) -> None:
    means = any(check.startswith(begins) for begins, _, _ in EFFECTS)
    assert means != (check in NOT_AS_PLANNED), "give it an entry in EFFECTS (verify/verdict.py), or list it here"


def test_every_entry_is_of_a_check() -> None:
    assert set(KNOWN) >= NOT_AS_PLANNED
    for begins, _, _ in EFFECTS:
        assert any(check.startswith(begins) or begins.startswith(check.rstrip("*")) for check in KNOWN), begins

"""Submission and logins: each check against a right server and one that is wrong in just that way."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Callable
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from mailwiz_tui.agent.protocol.probes import ProbeAnswer, RunProbes
from mailwiz_tui.verify import auth, mail_out, submission
from mailwiz_tui.verify.check import Failed, Warned, perform
from mailwiz_tui.verify.mailbox import Mailbox
from mailwiz_tui.verify.result import CheckState
from mailwiz_tui.verify.target import Target
from tests.unit.fake_link import FakeLink
from tests.unit.verify import fakes
from tests.unit.verify.conftest import MakeTarget, Serve

Make = Callable[..., Target]


@pytest.fixture
def make(serve: Serve, target: MakeTarget, cert: fakes.Certificate) -> Make:
    """Submission on 587 and 465 and IMAP on 143 and 993 over one store, broken as told."""

    def start(imap: dict[str, Any] | None = None, **broken: Any) -> Target:
        store = fakes.Store()
        smtp = fakes.Smtp(cert.context(), store=store, submission=True, **broken)
        implicit = fakes.Smtp(cert.context(), store=store, submission=True, implicit=True, **broken)
        return target(
            {
                587: serve(smtp),
                465: serve(implicit, cert.context()),
                143: serve(fakes.Imap(store, clear=True, **(imap or {}))),
                993: serve(fakes.Imap(store, **(imap or {})), cert.context()),
            }
        )

    return start


def test_right_server_passes(make: Make, mailbox: Mailbox) -> None:
    made = make()
    assert "530" in submission.check_no_clear_login(made, mailbox)
    assert "554" in submission.check_login_required(made, 465)
    assert "554" in submission.check_login_required(made, 587)
    assert "535" in submission.check_wrong_password(made, 587, mailbox)
    assert "553" in submission.check_forged_sender(made, 465, mailbox)
    assert "refused with 550" in submission.check_forged_author(made, 465, mailbox)
    assert "refused with 554" in submission.check_eicar(made, 587, mailbox)
    assert "inbox opens" in auth.check_login(made, mailbox)
    assert "AUTHENTICATIONFAILED" in auth.check_wrong_password(made, mailbox)
    assert "PRIVACYREQUIRED" in auth.check_no_clear_login(made, mailbox)


def test_broken_submission_fails(make: Make, mailbox: Mailbox) -> None:
    with pytest.raises(Failed, match="expected no AUTH before TLS"):
        submission.check_no_clear_login(make(auth_before_tls=True), mailbox)
    with pytest.raises(Failed, match="to be rejected unread, got 535"):
        submission.check_no_clear_login(make(clear_login_read=True), mailbox)
    with pytest.raises(Failed, match="expected a refusal without login"):
        submission.check_login_required(make(login_needed=False), 587)
    with pytest.raises(Failed, match="expected 535"):
        submission.check_wrong_password(make(any_password=True), 465, mailbox)
    with pytest.raises(Failed, match="to be rejected as sender"):
        submission.check_forged_sender(make(any_sender=True), 465, mailbox)
    with pytest.raises(Failed, match="to be rejected from a probe, got 250"):
        submission.check_forged_author(make(any_author=True), 587, mailbox)
    with pytest.raises(Warned, match=r"to be rejected \(5xx\), got 451"):
        submission.check_forged_author(make(any_author=True, greylisted=1), 587, mailbox)
    with pytest.raises(Failed, match="expected the test virus to be rejected, got 250"):
        submission.check_eicar(make(eicar_accepted=True), 587, mailbox)


def test_users_are_asked_for_a_test_virus_where_there_is_a_scanner(make: Make, mailbox: Mailbox) -> None:
    made = make()
    for scans in (False, True):
        asked = {check.id for check in submission.checks(dataclasses.replace(made, virus_scanner=scans), mailbox)}
        assert ("submission.eicar" in asked) == scans


def test_broken_imap_fails(make: Make, mailbox: Mailbox) -> None:
    with pytest.raises(Failed, match="expected LOGINDISABLED before TLS, got AUTH=PLAIN"):
        auth.check_no_clear_login(make({"login_disabled": False}), mailbox)
    with pytest.raises(Failed, match="to be rejected unread"):
        auth.check_no_clear_login(make({"clear_login_read": True}), mailbox)
    with pytest.raises(Failed, match="expected a wrong password to be rejected"):
        auth.check_wrong_password(make({"any_password": True}), mailbox)
    with pytest.raises(Failed, match="expected the inbox to open"):
        auth.check_login(make({"inbox_broken": True}), mailbox)


async def test_a_password_that_does_not_open_fails_without_showing_it(make: Make, mailbox: Mailbox) -> None:
    wrong = Mailbox(mailbox.address, type(mailbox.password)("some-other-password"))
    for check in (*auth.checks(make(), wrong), *mail_out.checks(make(), wrong, {})):
        result = await perform(check, "mx1")
        assert "some-other-password" not in repr(result)
        if check.id in ("auth.imap.login", "mail-out.465"):
            assert result.state is CheckState.FAILED


class Signer:
    """Signs with a key as Rspamd would, and knows the record that belongs to it."""

    def __init__(self, selector: str = "2026a", domain: str = fakes.DOMAIN) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
        self._pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        der = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self.selector, self.domain = selector, domain
        self.keys = {f"{selector}._domainkey.{domain}": f"v=DKIM1; k=rsa; p={base64.b64encode(der).decode()}"}

    def __call__(self, raw: bytes) -> bytes:
        head: bytes = dkim.sign(raw, self.selector.encode(), self.domain.encode(), self._pem)
        return head + raw


def test_signed_mail_passes(make: Make, mailbox: Mailbox) -> None:
    signer = Signer()
    for port in (587, 465):
        said = mail_out.check_round_trip(make(sign=signer), port, mailbox, signer.keys)
        assert "DKIM signature of 2026a for example.test verified by dkimpy" in said


def test_a_signature_that_cannot_be_verified_does_not_pass(make: Make, mailbox: Mailbox) -> None:
    assert "found in INBOX" in mail_out.check_round_trip(make(), 465, mailbox, None)
    with pytest.raises(Warned, match="was not verified"):
        mail_out.check_round_trip(make(sign=Signer()), 465, mailbox, {})


def test_bad_signatures_fail(make: Make, mailbox: Mailbox) -> None:
    signer, other = Signer(), Signer()
    with pytest.raises(Failed, match="got none"):
        mail_out.check_round_trip(make(), 465, mailbox, signer.keys)
    with pytest.raises(Failed, match="does not match the planned key"):
        mail_out.check_round_trip(make(sign=signer), 465, mailbox, other.keys)
    with pytest.raises(Failed, match="the selector 2025z is not in the plan"):
        mail_out.check_round_trip(make(sign=Signer("2025z")), 465, mailbox, signer.keys)
    with pytest.raises(Failed, match=r"got 2026a for other\.test"):
        mail_out.check_round_trip(make(sign=Signer(domain="other.test")), 465, mailbox, signer.keys)
    with pytest.raises(Failed, match=r"does not match|cannot be verified"):
        mail_out.check_round_trip(
            make(sign=lambda raw: signer(raw).replace(b"No answer", b"An answer")), 465, mailbox, signer.keys
        )


def test_mail_that_never_arrives_fails(make: Make, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail_out, "ARRIVAL", 0.2)
    with pytest.raises(Failed, match="neither in INBOX nor in Junk"):
        mail_out.check_round_trip(make(loses_mail=True), 465, mailbox, None)


class Journal(FakeLink):
    """A link that answers with lines of a mail log."""

    def __init__(self, *outputs: str) -> None:
        super().__init__(RunProbes.by(self._lines))
        self.outputs = list(outputs)

    def _lines(self, request: RunProbes) -> tuple[ProbeAnswer, ...]:
        output = self.outputs.pop(0) if len(self.outputs) > 1 else self.outputs[0]
        return (ProbeAnswer(request.probes[0].id, 0, output),)


LINE = "4XyZ12: to=<you@outside.test>, relay=mx.outside.test[198.51.100.40]:25, dsn=2.0.0, status="


async def test_outside_delivery_follows_the_log(
    make: Make, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_out, "LOG_PAUSE", 0.01)
    made = make()
    to = "you@outside.test"
    sent = Journal("", f"{LINE}sent (250 2.0.0 Ok: queued as 77)")
    assert "sent (250" in await mail_out.check_outside(made, mailbox, sent, to)
    with pytest.raises(Failed, match="550 no such user"):
        await mail_out.check_outside(made, mailbox, Journal(f"{LINE}bounced (550 no such user)"), to)
    with pytest.raises(Failed, match="but it is deferred: deferred"):
        await mail_out.check_outside(made, mailbox, Journal(f"{LINE}deferred (timed out)"), to, patience=0.05)
    with pytest.raises(Warned, match="no delivery attempt of 4XyZ12"):
        await mail_out.check_outside(made, mailbox, Journal(""), to, patience=0.05)

"""Ports 587 and 465: who may send, with which sender, and that no password is accepted without TLS.

RFC 6409 (submission), RFC 8314 (implicit TLS), RFC 4954 (AUTH), RFC 4616 (PLAIN).
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from mailwiz_tui.verify.check import Check, Failed, Warned
from mailwiz_tui.verify.dialog import HELO, Dialog
from mailwiz_tui.verify.mailbox import Mailbox
from mailwiz_tui.verify.message import EICAR, compose, token
from mailwiz_tui.verify.smtp_route import Reply
from mailwiz_tui.verify.target import SUBMISSION, SUBMISSIONS, Target


def checks(target: Target, mailbox: Mailbox) -> list[Check]:
    """What submission must refuse; ``mail_out`` has what it must do."""
    found: list[Check] = []
    if target.offers(SUBMISSION):
        found.append(
            Check(
                "submission.no-clear-login",
                "Port 587 neither offers nor accepts a login before TLS.",
                partial(check_no_clear_login, target, mailbox),
                "smtpd_tls_auth_only must be yes and submission must encrypt.",
            )
        )
    port = next((p for p in (SUBMISSIONS, SUBMISSION) if target.offers(p)), 0)
    if port:
        found += [
            Check(
                "submission.login-required",
                f"Port {port} accepts no mail without a login.",
                partial(check_login_required, target, port),
                "The submission services must end in permit_sasl_authenticated, reject.",
            ),
            Check(
                "submission.wrong-password",
                f"Port {port} refuses a wrong password.",
                partial(check_wrong_password, target, port, mailbox),
                "Look at Dovecot's passdb (doveconf -n passdb): it must not accept any password.",
            ),
            Check(
                "submission.forged-sender",
                "A user who is logged in can use only own addresses as sender.",
                partial(check_forged_sender, target, port, mailbox),
                "smtpd_sender_login_maps with reject_sender_login_mismatch must guard submission.",
            ),
            Check(
                "submission.forged-author",
                "A user who is logged in can use only own addresses in From, even with an empty envelope sender.",
                partial(check_forged_author, target, port, mailbox),
                "mailwiz-message-checks must be the first of submission_milters.",
            ),
        ]
    if port and target.virus_scanner:
        found.append(
            Check(
                "submission.eicar",
                "ClamAV (virus scanner) scans what users send, and Postfix rejects a virus at DATA.",
                partial(check_eicar, target, port, mailbox),
                "Look at `journalctl -u clamav-daemon` and at submission_milters.",
            )
        )
    return found


@contextmanager
def connected(target: Target, port: int) -> Iterator[Dialog]:
    """An encrypted connection, after the greeting and EHLO. Raises ``Failed``, ``OSError``."""
    implicit = port == SUBMISSIONS
    dialog = Dialog(*target.at(port), pem=target.pem, implicit=implicit, seconds=target.seconds)
    try:
        expect(Reply(*dialog.reply()), "the greeting")
        expect(say(dialog, f"EHLO {HELO}"), "EHLO")
        if not implicit:
            expect(say(dialog, "STARTTLS"), "STARTTLS")
            expect(say(dialog, f"EHLO {HELO}"), "EHLO after STARTTLS")
        yield dialog
    finally:
        dialog.close()


def say(dialog: Dialog, command: str) -> Reply:
    """Send a command and return the reply."""
    return Reply(*dialog.send(command))


def expect(reply: Reply, what: str) -> Reply:
    """The reply, if it is positive. Raises ``Failed``."""
    if not reply.accepted:
        raise Failed(f"expected {what} to be accepted, got {reply}")
    return reply


def login(dialog: Dialog, address: str, password: str) -> Reply:
    """Log in with PLAIN; the password is sent on this connection only."""
    credentials = f"\0{address}\0{password}".encode()
    return say(dialog, f"AUTH PLAIN {base64.b64encode(credentials).decode()}")


def check_no_clear_login(target: Target, mailbox: Mailbox) -> str:
    """No AUTH before TLS; the password tried is not a real one."""
    dialog = Dialog(*target.at(SUBMISSION), pem=target.pem, seconds=target.seconds)
    try:
        expect(Reply(*dialog.reply()), "the greeting")
        ehlo = expect(say(dialog, f"EHLO {HELO}"), "EHLO")
        offered = [line for line in ehlo.text.split("\n") if line.upper().startswith("AUTH")]
        if offered:
            raise Failed(f"expected no AUTH before TLS, got {', '.join(offered)}")
        tried = login(dialog, mailbox.address, "never-a-password")
    finally:
        dialog.close()
    if tried.accepted or tried.code == 535:
        raise Failed(f"expected AUTH before TLS to be rejected unread, got {tried}")
    return f"AUTH is not offered, and answered with {tried}"


def check_login_required(target: Target, port: int) -> str:
    """Without a login the sender is rejected, or at the latest the recipient."""
    with connected(target, port) as dialog:
        replies = [say(dialog, "MAIL FROM:<>")]
        if replies[0].accepted:
            replies.append(say(dialog, f"RCPT TO:<postmaster@{target.domain}>"))
    if not replies[-1].refused:
        raise Failed(f"expected a refusal without login, got {replies[-1]}")
    return f"answered with {replies[-1]}"


def check_wrong_password(target: Target, port: int, mailbox: Mailbox) -> str:
    """A login with a wrong password fails."""
    with connected(target, port) as dialog:
        reply = login(dialog, mailbox.address, secrets.token_urlsafe(16))
    if reply.code != 535:
        raise Failed(f"expected 535 to a wrong password, got {reply}")
    return f"answered with {reply}"


def check_forged_sender(target: Target, port: int, mailbox: Mailbox) -> str:
    """After login, another user's address is rejected as the sender."""
    with connected(target, port) as dialog:
        expect(login(dialog, mailbox.address, mailbox.password.get_secret_value()), "the login")
        replies = [say(dialog, f"MAIL FROM:<postmaster@{target.domain}>")]
        if replies[0].accepted:
            replies.append(say(dialog, f"RCPT TO:<{mailbox.address}>"))
    if not replies[-1].refused:
        raise Failed(f"expected postmaster@{target.domain} to be rejected as sender for a probe, got {replies[-1]}")
    return f"answered with {replies[-1]}"


def check_forged_author(target: Target, port: int, mailbox: Mailbox) -> str:
    """After login, another user's address in From is rejected;

    if it is accepted, the message is in the probe mailbox.
    """
    with connected(target, port) as dialog:
        expect(login(dialog, mailbox.address, mailbox.password.get_secret_value()), "the login")
        expect(say(dialog, "MAIL FROM:<>"), "the empty sender")
        expect(say(dialog, f"RCPT TO:<{mailbox.address}>"), "the recipient")
        text = compose(f"postmaster@{target.domain}", mailbox.address, f"forged author {token()}")
        reply = Reply(*dialog.message(text))
    if reply.later:
        raise Warned(f"expected a From of postmaster@{target.domain} to be rejected (5xx), got {reply}")
    if not reply.refused:
        raise Failed(f"expected a From of postmaster@{target.domain} to be rejected from a probe, got {reply}")
    return f"refused with {reply}"


def check_eicar(target: Target, port: int, mailbox: Mailbox) -> str:
    """The test virus is rejected from users, too; if it is accepted, the message is in the probe mailbox."""
    with connected(target, port) as dialog:
        expect(login(dialog, mailbox.address, mailbox.password.get_secret_value()), "the login")
        expect(say(dialog, f"MAIL FROM:<{mailbox.address}>"), "the sender")
        expect(say(dialog, f"RCPT TO:<{mailbox.address}>"), "the recipient")
        text = compose(mailbox.address, mailbox.address, f"test virus {token()}", attachment=EICAR)
        reply = Reply(*dialog.message(text))
    if reply.later:
        raise Warned(f"expected the test virus to be rejected (5xx), got {reply}: it was deferred, not scanned")
    if not reply.refused:
        raise Failed(f"expected the test virus to be rejected, got {reply}")
    return f"refused with {reply}"

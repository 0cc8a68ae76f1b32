"""What mail programs and people at them do: connect to a server that nobody vouches for, write mail, wait."""

from __future__ import annotations

import imaplib
import secrets
import smtplib
import ssl
import time
import uuid
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

from tests.lab.signatures import EICAR

PASSWORD = "a-password-for-the-lab"


def unverified() -> ssl.SSLContext:
    """TLS that takes any certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def imap(address: str, user: str, password: str = PASSWORD) -> imaplib.IMAP4_SSL:
    """Log in over IMAP."""
    client = imaplib.IMAP4_SSL(address, ssl_context=unverified(), timeout=60)
    client.login(user, password)
    return client


def imap_opens(address: str, user: str, password: str) -> bool:
    """Whether a login over IMAP is let in."""
    try:
        imap(address, user, password).logout()
    except imaplib.IMAP4.error:
        return False
    return True


def smtp_opens(address: str, user: str, password: str) -> bool:
    """Whether a login for sending is let in."""
    with smtplib.SMTP_SSL(address, 465, context=unverified(), timeout=30) as client:
        try:
            client.login(user, password)
        except smtplib.SMTPAuthenticationError:
            return False
        return True


def submit(address: str, user: str, message: EmailMessage, *recipients: str, sender: str = "") -> None:
    """Send a mail after login, as a laptop does: STARTTLS on port 587."""
    with smtplib.SMTP(address, 587, timeout=60, local_hostname="laptop") as client:
        client.starttls(context=unverified())
        client.login(user, PASSWORD)
        client.sendmail(sender or user, list(recipients) or [str(message["To"])], message.as_bytes())


def submit_as_written(address: str, user: str, data: bytes, recipient: str, *, sender: str = "") -> None:
    """Send bytes after login; the client changes nothing but line ends. Without a sender it is the user."""
    with smtplib.SMTP(address, 587, timeout=60, local_hostname="laptop") as client:
        client.starttls(context=unverified())
        client.login(user, PASSWORD)
        client.sendmail(sender or user, [recipient], data)


def mail(sender: str, recipient: str, subject: str = "", body: str = "") -> EmailMessage:
    """A mail that no filter minds; without a subject it has one of its own."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, recipient, subject or uuid.uuid4().hex
    message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain=sender.partition("@")[2])
    message.set_content(
        body or "We meet on Tuesday in the office with the whole team to speak about the project.\n"
    )
    return message


def other(sender: str, recipient: str, *, body: str = "") -> EmailMessage:
    """A mail like no other."""
    return mail(
        sender, recipient, body=body or f"We meet on Tuesday in the office, all {secrets.randbelow(10**6)} of us.\n"
    )


def virus(sender: str, recipient: str) -> EmailMessage:
    """A mail with the test file of all scanners."""
    message = other(sender, recipient)
    message.add_attachment(EICAR.encode(), maintype="application", subtype="octet-stream", filename="invoice.com")
    return message


def refused(send: Callable[[], object]) -> int:
    """The code a server refused with; 0 where it took the mail."""
    try:
        send()
    except smtplib.SMTPRecipientsRefused as error:
        return next(iter(error.recipients.values()))[0]
    except smtplib.SMTPResponseException as error:
        return error.smtp_code
    return 0


def until(happened: Callable[[], bool], seconds: float = 40) -> bool:
    """Whether it happens in time."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.3)
    return True


def eventually(send: Callable[[], int], code: int) -> bool:
    """Whether a mail is answered so before long."""
    return until(lambda: send() == code)

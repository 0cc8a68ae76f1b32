"""The messages that checks send: short, plain, well-formed (RFC 5322), and recognised by a random token."""

from __future__ import annotations

import secrets
from email.message import EmailMessage
from email.utils import format_datetime, localtime

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
"""The generic test for unsolicited bulk mail: every spam filter must score this line as spam."""

EICAR = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-" + "ANTIVIRUS-TEST-FILE!$H+H*"
"""The EICAR test virus, which does nothing; in two pieces, so that no scanner flags this file."""

OUTSIDER = "verification@mailwiz-check.invalid"
"""The author of messages from outside: a name that can have neither SPF nor DMARC (RFC 2606 section 2)."""


def token() -> str:
    """A random word that identifies one message."""
    return f"mwcheck{secrets.token_hex(8)}"


def compose(sender: str, recipient: str, subject: str, body: str = "", attachment: str = "") -> str:
    """A message as text, lines ended by CR LF; ``attachment`` is the content of a file that comes with it."""
    mail = EmailMessage()
    mail["From"] = f"Mail server verification <{sender}>"
    mail["To"] = f"<{recipient}>"
    mail["Subject"] = subject
    mail["Date"] = format_datetime(localtime())
    mail["Message-ID"] = f"<{secrets.token_hex(12)}@{sender.rpartition('@')[2]}>"
    mail.set_content(
        body or "mailwiz-tui sent this message to verify that mail is delivered. No answer is needed.\n"
    )
    if attachment:
        mail.add_attachment(
            attachment.encode(), maintype="application", subtype="octet-stream", filename="attachment.bin"
        )
    return mail.as_string().replace("\r\n", "\n").replace("\n", "\r\n")

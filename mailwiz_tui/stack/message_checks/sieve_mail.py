"""Dovecot's replacement of sendmail(1) for mail of users' filters: vacation answers, notices, redirects.

usage: mailwiz-sieve-mail LOGIN OPTIONS-OF-SENDMAIL …    the message on standard input

A script may put any From into a vacation answer (RFC 5230 section 4.3) or a notice (RFC 5436), and the server
signs its own mail. So From of a message that a script made must be an address of the login, as in submission;
redirected mail keeps its author. ``sender_owners`` tells the owners of an address. Runs on servers. Exit status:
sendmail's, 75 (try again) or 77 (rejected), see sysexits.h; Dovecot logs the output.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import syslog
from collections.abc import Callable

from .from_header import FromSyntaxError, parse_from
from .sender_owners import PORT, read_netstring

SENDMAIL = "/usr/sbin/sendmail"
TRY_AGAIN, REFUSED = 75, 77
_FIELD = re.compile(r"([!-9;-~]+)[ \t]*:(.*)", re.DOTALL)


class UnansweredError(Exception):
    """The owner of an address cannot be looked up now."""


def fields_of(message: bytes) -> list[tuple[str, str]]:
    """The names, in lower case, and bodies of a message's fields, in their order; bodies are still folded."""
    head = re.split(rb"\r?\n\r?\n", message, maxsplit=1)[0].decode("utf-8", "surrogateescape")
    found = []
    for text in re.split(r"\r?\n(?![ \t])", head):
        if match := _FIELD.fullmatch(text):
            found.append((match[1].lower(), match[2]))
    return found


def refusal(message: bytes, login: str, owners: Callable[[str], frozenset[str]]) -> str:
    """Why a login may not send a message; empty if it may. Raises ``UnansweredError``."""
    fields = fields_of(message)
    # Pigeonhole writes these two before everything else, and a script cannot write anything before them
    if [name for name, _ in fields[:2]] == ["x-sieve", "x-sieve-redirected-from"]:
        return ""
    written = [body for name, body in fields if name == "from"]
    if len(written) != 1:
        return f"it has {len(written)} From fields"
    try:
        authors = parse_from(written[0])
    except FromSyntaxError as error:
        return f"From cannot be read: {error}"
    foreign = [author.address for author in authors if author.literal or login not in owners(author.address)]
    return f"{foreign[0]} is not an address of {login}" if foreign else ""


def asked(address: str) -> frozenset[str]:
    """The logins that own an address, from ``sender_owners`` on this host. Raises ``UnansweredError``."""
    request = f"senders {address}".encode("ascii", "replace")
    try:
        with socket.create_connection(("127.0.0.1", PORT), timeout=20) as link, link.makefile("rb") as stream:
            link.sendall(b"%d:%s," % (len(request), request))
            said = read_netstring(stream)
    except OSError as error:
        raise UnansweredError(f"mailwiz-message-checks does not answer: {error}") from error
    word, _, rest = (said or b"").decode("utf-8", "replace").partition(" ")
    if word not in ("OK", "NOTFOUND"):
        raise UnansweredError(f"mailwiz-message-checks answered {said!r}")
    return frozenset(filter(None, rest.split(",")))


def main(login: str, options: list[str]) -> int:
    """Send a message, or say why not."""
    syslog.openlog("mailwiz-sieve-mail", syslog.LOG_PID, syslog.LOG_MAIL)
    message = sys.stdin.buffer.read()
    try:
        reason, status = refusal(message, login.lower(), asked), REFUSED
    except UnansweredError as error:
        reason, status = str(error), TRY_AGAIN
    if reason:
        text = f"mail of a filter of {login} is not sent: {reason}"
        syslog.syslog(text)
        sys.stderr.write(f"{text}\n")
        return status
    return subprocess.run([SENDMAIL, *options], input=message, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))

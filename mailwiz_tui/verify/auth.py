"""IMAP logins (RFC 9051): the right password is accepted, a wrong one is not, none is accepted without TLS."""

from __future__ import annotations

import imaplib
import secrets
import socket
from functools import partial

from pydantic import SecretStr

from mailwiz_tui.verify.check import Check, Failed, plain
from mailwiz_tui.verify.mailbox import Mailbox, session
from mailwiz_tui.verify.target import IMAP, IMAPS, Target


def checks(target: Target, mailbox: Mailbox) -> list[Check]:
    """The checks for the IMAP ports that are offered."""
    found: list[Check] = []
    log = "Look at `journalctl -u dovecot` on the server."
    if target.offers(IMAPS):
        found += [
            Check("auth.imap.login", "IMAP login over TLS on port 993 opens the mailbox.",
                  partial(check_login, target, mailbox), log),
            Check("auth.imap.wrong-password", "IMAP login with a wrong password on port 993 is rejected.",
                  partial(check_wrong_password, target, mailbox),
                  "Look at Dovecot's passdb (doveconf -n passdb): it must not accept any password."),
        ]  # fmt: skip
    if target.offers(IMAP):
        found.append(
            Check("auth.imap.no-clear-login", "Port 143 neither offers nor accepts a login before TLS.",
                  partial(check_no_clear_login, target, mailbox), "auth_allow_cleartext must be no.")
        )  # fmt: skip
    return found


def check_login(target: Target, mailbox: Mailbox) -> str:
    """Log in and open the inbox."""
    with session(target, mailbox) as imap:
        state, _ = imap.select("INBOX", readonly=True)
    if state != "OK":
        raise Failed(f"expected the inbox to open, got {state}")
    return "logged in, the inbox opens"


def check_wrong_password(target: Target, mailbox: Mailbox) -> str:
    """Log in with a wrong password."""
    try:
        with session(target, Mailbox(mailbox.address, SecretStr(secrets.token_urlsafe(16)))):
            pass
    except imaplib.IMAP4.abort as error:
        raise Failed(f"expected a refusal, got a closed connection: {plain(error)}") from error
    except imaplib.IMAP4.error as error:
        return f"refused: {plain(error)}"
    raise Failed("expected a wrong password to be rejected, but it was accepted")


def check_no_clear_login(target: Target, mailbox: Mailbox) -> str:
    """No login mechanisms before TLS; the password tried is not a real one."""
    with (
        socket.create_connection(target.at(IMAP), timeout=target.seconds) as connection,
        connection.makefile("rb") as reader,
    ):

        def command(tag: str, text: str) -> list[str]:
            connection.sendall(f"{tag} {text}\r\n".encode())
            lines: list[str] = []
            while raw := reader.readline(8192):
                lines.append(raw.decode("utf-8", "replace").rstrip())
                if lines[-1].startswith(f"{tag} "):
                    break
            return lines

        greeting = reader.readline(8192).decode("utf-8", "replace").rstrip()
        if not greeting.startswith("* OK"):
            raise Failed(f"expected an IMAP greeting, got “{greeting}”")
        offered = " ".join(command("a", "CAPABILITY")).upper().split()
        mechanisms = [word for word in offered if word.startswith("AUTH=")]
        if mechanisms or "LOGINDISABLED" not in offered:
            raise Failed(
                f"expected LOGINDISABLED before TLS, got {' '.join(mechanisms) or 'a login that is allowed'}"
            )
        answer = command("b", f'LOGIN "{mailbox.address}" "never-a-password"')[-1:]
    said = answer[0] if answer else "a closed connection"
    if said.upper().startswith("B OK") or "AUTHENTICATIONFAILED" in said.upper():
        raise Failed(f"expected a login before TLS to be rejected unread, got “{said}”")
    return f"LOGINDISABLED, and a login answered with “{said.removeprefix('b ')}”"

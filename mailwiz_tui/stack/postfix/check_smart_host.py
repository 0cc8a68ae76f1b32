"""Tests the smart host in the way Postfix uses it: connects, starts TLS, logs in. It sends no mail.

usage: check-smart-host HOST PORT secure|encrypt 0|1    1: with a login

Prints one line on success, else exits with the stage that failed and the smart host's answer.
Runs on servers.
"""

from __future__ import annotations

import smtplib
import ssl
import sys
from pathlib import Path

PASSWORDS = Path("/etc/postfix/mailwiz-smart-host")
TIMEOUT = 10.0


class SmartHostError(Exception):
    """A stage of the SMTP session that failed, with the reason."""


def tls_context(level: str) -> ssl.SSLContext:
    """TLS like Postfix's level ``secure`` (certificate verified) or ``encrypt`` (any certificate)."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Python requires X.509 extensions that Postfix does not
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if level != "secure":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def credentials(passwords: Path = PASSWORDS) -> tuple[str, str]:
    """User and password from Postfix's smtp_sasl_password_maps file."""
    lines = passwords.read_text(encoding="utf-8").split("\n")
    entry = next(line for line in lines if line and not line.startswith("#"))
    user, _, password = entry.split(" ", 1)[1].partition(":")
    return user, password


def check(host: str, port: int, level: str, login: bool) -> None:
    """Raises ``SmartHostError`` with the stage that failed."""
    context = tls_context(level)
    stage = "the connection"
    try:
        if port == 465:
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT, context=context)
        else:
            smtp = smtplib.SMTP(host, port, timeout=TIMEOUT)
            stage = "TLS"
            smtp.starttls(context=context)
        if login:
            stage = "the login"
            smtp.login(*credentials())
        smtp.quit()
    except smtplib.SMTPResponseException as error:
        raise SmartHostError(f"{stage} failed: {error.smtp_code} {error.smtp_error!r:.200}") from error
    except (OSError, smtplib.SMTPException) as error:
        raise SmartHostError(f"{stage} failed: {error!s:.200}") from error


def main(arguments: list[str]) -> None:
    """The command; see the module's first lines."""
    host, port, level, login = arguments
    try:
        check(host, int(port), level, login == "1")
    except SmartHostError as error:
        sys.exit(str(error))
    print("the smart host accepts mail from this server")  # noqa: T201 - what the check reads


if __name__ == "__main__":
    main(sys.argv[1:])

# Managed by mailwiz-tui: the next apply writes this file again. Own settings: there are none to make here.
"""Renews the server's self-signed certificate in time, with the same key and names, so that TLSA records stay true.

mailwiz-selfsigned.timer runs it daily: ``renew_selfsigned.py FOLDER DAYS COMMAND...``. FOLDER has
``fullchain.pem`` and ``privkey.pem`` from *prepare*; a new certificate is valid for DAYS. COMMAND installs it and
reloads the daemons, if they show this certificate. It does nothing while the certificate is valid for more than 30
days. Exit 1, with one line on standard error, if the renewal fails.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

MARGIN_DAYS = 30
DAY = 86400


class RenewalError(Exception):
    """The reason why there is no new certificate."""


def main(argv: list[str]) -> int:
    """Renew the certificate if it is due."""
    try:
        folder, days, command = Path(argv[0]), int(argv[1]), argv[2:]
        if not due(folder / "fullchain.pem"):
            return 0
        renew(folder, days)
        subprocess.run(command, check=True)
    except (RenewalError, OSError, subprocess.CalledProcessError, IndexError, ValueError) as error:
        sys.stderr.write(f"the self-signed certificate is not renewed: {error}; run apply again\n")
        return 1
    sys.stdout.write(f"the self-signed certificate was renewed for {days} days\n")
    return 0


def due(certificate: Path) -> bool:
    """Whether a certificate expires within the margin."""
    argv = ["openssl", "x509", "-in", str(certificate), "-noout", "-checkend", str(MARGIN_DAYS * DAY)]
    if not certificate.exists():
        raise RenewalError(f"there is no {certificate}")
    return subprocess.run(argv, capture_output=True, check=False).returncode != 0


def renew(folder: Path, days: int) -> None:
    """Replaces the certificate atomically by a new one with the same names and key."""
    old, new = folder / "fullchain.pem", folder / ".fullchain.pem.new"
    names = names_in(_openssl("x509", "-in", str(old), "-noout", "-ext", "subjectAltName"))
    pem = _openssl(
        "req", "-x509", "-new", "-sha256", "-batch", "-days", str(days),
        "-key", str(folder / "privkey.pem"),
        "-subj", f"/CN={names[0][:64]}",
        "-addext", "subjectAltName=" + ",".join(f"DNS:{name}" for name in names),
        "-addext", "basicConstraints=critical,CA:FALSE",
        "-addext", "keyUsage=critical,digitalSignature",
        "-addext", "extendedKeyUsage=serverAuth",
    )  # fmt: skip
    if "-----BEGIN CERTIFICATE-----" not in pem:
        raise RenewalError("openssl printed no certificate")
    new.write_text(pem)
    new.chmod(0o644)
    os.replace(new, old)


def names_in(extension: str) -> list[str]:
    """The DNS names in openssl's output of subjectAltName."""
    names = re.findall(r"DNS:([A-Za-z0-9*._-]+)", extension)
    if not names:
        raise RenewalError("the old certificate has no DNS name")
    return names


def _openssl(*words: str) -> str:
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RenewalError(f"openssl {words[0]}: {done.stderr.strip() or done.returncode}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Scanners of TLS that are not ours, run on the lab's outside host: sslscan, and testssl.sh for ManageSieve."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailwiz_tui.lab.lab import Lab

PORTS = {25: "smtp", 587: "smtp", 143: "imap", 4190: "sieve", 465: "", 993: "", 443: ""}
MODERN = frozenset({"TLSv1.2", "TLSv1.3"})
_CIPHER = re.compile(
    r"(?:TLS_|TLS_AKE_WITH_|ECDHE-(?:ECDSA|RSA)-)(?:AES(?:_?128|_?256)[-_]GCM[-_]SHA\d+|CHACHA20[-_]POLY1305(?:_SHA256)?)"
)
PACKAGES = "sslscan testssl.sh bsdextrautils dnsutils procps"


@dataclass(frozen=True)
class Report:
    """What a scanner found on a port; ``ciphers`` are those of TLS 1.2 and 1.3 together."""

    versions: frozenset[str]
    ciphers: frozenset[str]
    signatures: frozenset[str]
    renegotiates: bool
    compresses: bool
    text: str


def install(lab: Lab) -> None:
    """Install the scanners on the outside host."""
    if lab.outside.run("command -v sslscan && command -v testssl", check=False).returncode != 0:
        lab.outside.run(f"apt-get update -q && apt-get install -y -q --no-install-recommends {PACKAGES}")


def faults(lab: Lab, host: str, name: str) -> list[str]:
    """Scan every port that a mail server offers; what is not as it should be, each with its port.

    TLS 1.2 and 1.3 only; forward secrecy and authenticated encryption only, no finite-field Diffie-Hellman, no
    SHA-1 in a signature, no compression, no renegotiation that a client asks for.
    """
    install(lab)
    address = lab.host(host).ipv4
    found = []
    _let(lab, host)
    for port, starttls in PORTS.items():
        report = (
            sieve_scan(lab, address, port) if starttls == "sieve" else sslscan(lab, address, name, port, starttls)
        )
        wrong = {
            "versions": report.versions != MODERN,
            "ciphers": (not report.ciphers and starttls != "sieve")
            or [c for c in report.ciphers if not _CIPHER.fullmatch(c)],
            "signatures": [s for s in report.signatures if "sha1" in s or "sha224" in s],
            "renegotiates": report.renegotiates,
            "compresses": report.compresses,
        }
        found += [f"port {port}, {what}: {report.text}" for what, bad in wrong.items() if bad]
    _let_no_longer(lab, host)
    return found


MAIN = "/etc/postfix/main.cf"


def _let(lab: Lab, host: str) -> None:
    """Let the scanner break off handshakes without a ban, and begin more TLS sessions a minute than others."""
    ours = lab.outside.address
    _jails(lab, host, "add")
    lab.run(
        host,
        f"cp -p {MAIN} {MAIN}.kept && "
        f"postconf -e 'smtpd_client_event_limit_exceptions = {ours.ipv4} [{ours.ipv6}]' && postfix reload",
    )


def _let_no_longer(lab: Lab, host: str) -> None:
    _jails(lab, host, "del")
    lab.run(host, f"mv {MAIN}.kept {MAIN} && postfix reload")


def _jails(lab: Lab, host: str, verb: str) -> None:
    jails = "fail2ban-client status | sed -n 's/.*Jail list:[[:space:]]*//p' | tr -d ,"
    for address in (lab.outside.address.ipv4, lab.outside.address.ipv6):
        each = f"fail2ban-client set $jail {verb}ignoreip {address}; fail2ban-client set $jail unbanip {address}"
        lab.run(host, ["sh", "-c", f"for jail in $({jails}); do {each}; done"], check=False)


def sslscan(lab: Lab, address: str, name: str, port: int, starttls: str) -> Report:
    """Scan a port; ``starttls`` is ``smtp``, ``imap`` or empty."""
    upgrade = f"--starttls-{starttls}" if starttls else ""
    command = f"sslscan --no-colour --show-sigs --sni-name={name} {upgrade} {address}:{port}"
    done = lab.outside.run(command, check=False)
    text = done.stdout
    states = dict(re.findall(r"(?m)^((?:SSL|TLS)v[0-9.]+)\s+(enabled|disabled)$", text))
    assert len(states) == 6, f"port {port}: exit {done.returncode}: {text}{done.stderr}"
    return Report(
        versions=frozenset(version for version, state in states.items() if state == "enabled"),
        ciphers=frozenset(re.findall(r"(?m)^(?:Preferred|Accepted)\s+TLSv1\.[23]\s+\d+ bits\s+(\S+)", text)),
        signatures=frozenset(re.findall(r"(?m)^TLSv1\.[23]\s+((?:rsa|ecdsa|dsa|ed)\w+)$", text)),
        renegotiates="session renegotiation supported" in text,
        compresses="Compression disabled" not in text,
        text=text,
    )


def sieve_scan(lab: Lab, address: str, port: int) -> Report:
    """Scan ManageSieve, which sslscan does not know, by testssl.sh: versions only, for it takes minutes over more.

    The rest is as on the IMAP ports, which are of the same Dovecot.
    """
    command = f"testssl --quiet --color 0 --warnings off --ip one -t sieve -p {address}:{port}"
    text = lab.outside.run(f"{command} < /dev/null 2>&1", check=False).stdout
    states = dict(re.findall(r"(?m)^ ((?:SSL|TLS)v?\s?[0-9.]+)\s+(offered|not offered)\b", text))
    assert len(states) >= 6, text
    return Report(
        versions=frozenset(v.replace(" ", "v") for v, state in states.items() if state == "offered"),
        ciphers=frozenset(),
        signatures=frozenset(),
        renegotiates=False,
        compresses=False,
        text=text,
    )

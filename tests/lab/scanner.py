"""Scanners of TLS that are not ours, run on the lab's outside host: sslscan, and testssl.sh for ManageSieve."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from mailwiz_tui.lab.lab import Lab

PORTS = {25: "smtp", 587: "smtp", 143: "imap", 4190: "sieve", 465: "", 993: "", 443: ""}
LEAST_CIPHERS = 5
"""Three of TLS 1.3 and the AES-GCM pair of TLS 1.2; a scan that was cut off finds fewer."""
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

    The scanner is nobody's exception: it must not be banned or cut off on its way through thousands of handshakes.

    TLS 1.2 and 1.3 only; forward secrecy and authenticated encryption only, no finite-field Diffie-Hellman, no
    SHA-1 in a signature, no compression, no renegotiation that a client asks for.
    """
    install(lab)
    address = lab.host(host).ipv4
    found = []
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
    return found


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


def cut_off(lab: Lab, address: str, name: str) -> list[str]:
    """Scan the ports whose every connection Postfix, Dovecot and nginx count; those where ciphers are missing."""
    install(lab)
    host = f"[{address}]" if ":" in address else address
    found = []
    for port, starttls in PORTS.items():
        if starttls in ("imap", "sieve"):
            continue
        report = sslscan(lab, host, name, port, starttls)
        if report.versions != MODERN or len(report.ciphers) < LEAST_CIPHERS:
            found.append(f"{address} port {port}: {report.text}")
    return found


def sslyze(address: str, name: str) -> list[str]:
    """Run sslyze, which asks with more connections at once, against the same ports; what did not complete.

    It is no package of the tests, for it wants an older ``cryptography``: found in PATH, or not run.
    """
    places = [f"{name}:{port}{{{address}}}" for port in (25, 465, 587, 993, 443)]
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder, "told.json")
        argv = ["sslyze", "--starttls=auto", f"--json_out={told}", *places]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=900)
        assert told.exists(), done.stdout + done.stderr
        results = json.loads(told.read_text())["server_scan_results"]
    wrong = [str(r["server_location"]["port"]) for r in results if r["scan_status"] != "COMPLETED"]
    for result in results:
        for scan, attempt in (result["scan_result"] or {}).items():
            # what does not fit a protocol (HTTP headers of SMTP) is not scheduled, but the ciphers always are
            if attempt["status"] == "ERROR" or (attempt["status"] != "COMPLETED" and "cipher" in scan):
                wrong.append(f"port {result['server_location']['port']}, {scan}: {attempt['error_trace']}")
    return wrong if len(results) == len(places) else [*wrong, f"{len(results)} of {len(places)} scanned"]


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

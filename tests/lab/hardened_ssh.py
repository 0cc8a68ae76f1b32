"""sshd as ssh-audit judges it from outside, on and off again, and what happens to an operator it would lock out."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.lab.site import Site

QUANTUM = "does not provide protection against post-quantum attacks"
"""All that may remain: clients that know no post-quantum key exchange, asyncssh among them, need curve25519."""
DROPIN = "/etc/ssh/sshd_config.d/10-mailwiz.conf"


def audit(address: str) -> tuple[list[str], list[str]]:
    """What ssh-audit calls failures and warnings, but for the one that is meant."""
    argv = [sys.executable, "-m", "ssh_audit.ssh_audit", "--skip-rate-test", "-j", address]
    found = json.loads(subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120).stdout)
    failures, warnings = [], []
    for kind in ("kex", "key", "enc", "mac"):
        for entry in found[kind]:
            notes = entry.get("notes", {})
            failures += [f"{entry['algorithm']}: {note}" for note in notes.get("fail", ())]
            warnings += [f"{entry['algorithm']}: {note}" for note in notes.get("warn", ()) if note != QUANTUM]
    return failures, warnings


def harden(site: Site, on: bool) -> None:
    table = "[security]\nssh_hardening = true\n\n"
    text = site.workspace.plan.read_text().replace(table, "")
    site.workspace.plan.write_text(text.replace("[security.tls]", f"{table}[security.tls]") if on else text)


def check_ssh_audit_is_content_and_everybody_still_gets_in(site: Site) -> None:
    address = site.workspace.address
    assert audit(address)[0], "Debian's sshd has failures, else this proves nothing"
    harden(site, True)
    try:
        done = site.workspace.mailwiz("apply", "--yes")
        assert done.code == 0, done.out + done.err
        assert audit(address) == ([], [])
        for options in ((), ("-oKexAlgorithms=diffie-hellman-group16-sha512", "-oCiphers=aes128-ctr")):
            assert logs_in(site, *options), options
        assert logs_in(site, "-oHostKeyAlgorithms=rsa-sha2-512")
        assert not logs_in(site, "-oMACs=hmac-sha1", "-oCiphers=aes128-ctr")
    finally:
        harden(site, False)
        done = site.workspace.mailwiz("apply", "--yes")
    assert done.code == 0, done.out + done.err
    assert site.run(f"test -e {DROPIN} || echo gone").strip() == "gone"
    assert audit(address)[0]
    assert site.run("systemctl is-active ssh; systemctl is-enabled ssh").split() == ["active", "enabled"]
    assert site.workspace.mailwiz("diff").code == 0


def logs_in(site: Site, *options: str) -> bool:
    """Whether the system's own ssh gets in with these algorithms."""
    paths = site.lab.paths
    argv = ["ssh", "-F", "none", "-n", "-i", str(paths.identity_file), "-oStrictHostKeyChecking=no"]
    argv += ["-oUserKnownHostsFile=/dev/null", "-oBatchMode=yes", "-oConnectTimeout=10"]
    done = subprocess.run(
        [*argv, *options, f"root@{site.workspace.address}", "true"], capture_output=True, check=False, timeout=60
    )
    return done.returncode == 0

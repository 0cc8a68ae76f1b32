"""sshd as ssh-audit judges it from outside, on and off again, and what happens to an operator it would lock out."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

from tests.lab.clients import until
from tests.lab.site import Site
from tests.lab.workspace import Workspace

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


SHORT_KEY = """
cd /etc/ssh && rm -f ssh_host_rsa_key ssh_host_rsa_key.pub
ssh-keygen -q -t rsa -b 2048 -N '' -f /etc/ssh/ssh_host_rsa_key && systemctl reload ssh && cat ssh_host_rsa_key.pub
"""
STATE = f"sha256sum {DROPIN} 2>&1; sshd -T | sha256sum; systemctl is-active ssh; systemctl is-enabled ssh; true"
UNDONE = "no new SSH connection confirmed “Harden sshd” within"


def knowing_only(site: Site, public: str) -> Workspace:
    """The same operator with an inventory whose known_hosts has one key of the server."""
    folder, own = site.workspace.folder / "narrow", site.lab.paths.inventory
    folder.mkdir(exist_ok=True)
    (folder / "inventory.toml").write_text(own.read_text())
    words = public.split()
    (folder / "known_hosts").write_text(f"{site.workspace.address} {words[0]} {words[1]}\n")
    return dataclasses.replace(site.workspace, inventory=folder / "inventory.toml")


def check_sshd_comes_back_where_the_operator_would_be_locked_out(site: Site) -> None:
    """The operator knows the server by a short RSA key alone, which a hardened sshd does not offer any more."""
    workspace = knowing_only(site, site.run(SHORT_KEY))
    assert site.workspace.mailwiz("apply", "--yes").code == 0
    before = site.run(STATE)
    assert "No such file" in before
    harden(site, True)
    try:
        for _ in range(2):
            done = workspace.mailwiz("apply", "--yes")
            assert done.code == 1
            assert UNDONE in done.out + done.err
            assert "known_hosts has the server's ed25519 key" in done.out + done.err
            assert site.run(STATE) == before
            assert site.run("systemctl list-units --all --plain --no-legend 'mailwiz-undo-*'").strip() == ""
            assert workspace.mailwiz("diff").code == 1, "the operator gets in as before"
        _check_an_operator_who_dies_is_not_locked_out(site, workspace, before)
        workspace = knowing_only(site, site.run("cat /etc/ssh/ssh_host_ed25519_key.pub"))
        done = workspace.mailwiz("apply", "--yes")
        assert done.code == 0, done.out + done.err
        assert audit(site.workspace.address) == ([], [])
        assert "no changes" in workspace.mailwiz("apply", "--yes").out
    finally:
        harden(site, False)
        assert site.workspace.mailwiz("apply", "--yes").code == 0
    assert site.run(STATE) == before


def _check_an_operator_who_dies_is_not_locked_out(site: Site, workspace: Workspace, before: str) -> None:
    """Nobody follows the run any more, and the run itself is killed at the gate: the timer brings sshd back."""
    command = workspace.command("apply", "--yes")
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=workspace.environment
    ) as operator:
        assert until(lambda: site.run(STATE) != before, 120)
        operator.kill()
    site.run("systemctl kill -s KILL 'mailwiz-run*'")
    assert site.run(STATE) != before
    assert until(lambda: site.run(STATE) == before, 150)
    assert workspace.mailwiz("diff").code == 1

"""sshd: hardened algorithms as a drop-in, undone unless a new SSH connection confirms that SSH still works."""

from __future__ import annotations

import re

from mailwiz_tui.stack.blueprint import Command, File, Probe, Step, Unit
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.render import render

DROPIN = "/etc/ssh/sshd_config.d/10-mailwiz.conf"
HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"
RSA_BITS = 3072
"""The least bits of an RSA host key that is offered (128 bits of strength, NIST SP 800-57)."""
CIPHERS = (
    "aes256-gcm@openssh.com",
    "aes128-gcm@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
)
MACS = ("hmac-sha2-512-etm@openssh.com", "hmac-sha2-256-etm@openssh.com", "umac-128-etm@openssh.com")
_ED25519 = (
    "sk-ssh-ed25519-cert-v01@openssh.com",
    "ssh-ed25519-cert-v01@openssh.com",
    "sk-ssh-ed25519@openssh.com",
    "ssh-ed25519",
)
_RSA = ("rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-256-cert-v01@openssh.com", "rsa-sha2-512", "rsa-sha2-256")
_HYBRID = {
    "trixie": ("mlkem768x25519-sha256", "sntrup761x25519-sha512", "sntrup761x25519-sha512@openssh.com"),
    "bookworm": ("sntrup761x25519-sha512@openssh.com",),
}
"""Key exchange that withstands a quantum computer: OpenSSH 10.0 and 9.2."""
_CLASSIC = (
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    "diffie-hellman-group16-sha512",
    "diffie-hellman-group18-sha512",
)


class Ssh(Component):
    """The algorithms of the server's sshd; nothing if the plan keeps those of Debian."""

    name = "ssh"
    title = "sshd (SSH)"

    def wanted(self, context: Context) -> bool:
        """Every server, if the plan asks for it."""
        return context.plan.security.ssh_hardening

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """A drop-in that sshd itself has checked, then a reload; sessions continue."""
        step = Step(
            id="ssh",
            title="Harden sshd (SSH algorithms)",
            component=self.name,
            items=(
                File(DROPIN, _settings(context)),
                Command(
                    id="ssh.host-key",
                    argv=("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", HOST_KEY),
                    unless=("test", "-s", HOST_KEY),
                ),
                Unit("ssh.service", reload_on=(DROPIN,)),
            ),
            validators=(("sshd", "-t"),),
            lockout=True,
            optional=True,
        )
        return Contribution(
            steps=(step,),
            findings=_findings(context),
            probes=(
                Probe(
                    id="ssh.algorithms",
                    proves="sshd offers the hardened algorithms only",
                    argv=("sh", "-c", "sshd -T | grep -E '^(ciphers|macs) '"),
                    expect=rf"(?ms)^ciphers {re.escape(','.join(CIPHERS))}$.*^macs {re.escape(','.join(MACS))}$",
                    advice="another file in /etc/ssh/sshd_config.d sets them first, or /etc/ssh/sshd_config "
                    "does not include that folder",
                ),
            ),
        )


def _strong_rsa(context: Context) -> bool:
    """Whether the server's RSA host key may be offered; an unknown one is Debian's, with 3072 bits."""
    return not 0 < context.facts.ssh_rsa_bits < RSA_BITS


def _settings(context: Context) -> str:
    rsa = _strong_rsa(context)
    bits = context.facts.ssh_rsa_bits
    return render(
        "ssh",
        "mailwiz.conf",
        kex=",".join((*_HYBRID.get(context.codename, ()), *_CLASSIC)),
        host_keys=",".join((*_ED25519, *(_RSA if rsa else ()))),
        rsa="" if rsa else f"; the RSA key of this server has only {bits} bits",
        ciphers=",".join(CIPHERS),
        macs=",".join(MACS),
    )


def _findings(context: Context) -> tuple[str, ...]:
    if _strong_rsa(context):
        return ()
    return (
        f"The RSA host key for SSH has {context.facts.ssh_rsa_bits} bits, less than {RSA_BITS}, and is not offered "
        "any more; clients that know only this key will ask whether to trust the server's ed25519 key.",
    )

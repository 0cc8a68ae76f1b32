"""The certificate and key that Postfix and Dovecot serve; both are made on the server when it is prepared."""

from __future__ import annotations

from mailwiz_tui.stack import keys
from mailwiz_tui.stack.blueprint import Command, Directory, Probe, Step
from mailwiz_tui.stack.component import Component, Context, Contribution

_MATCH = (
    f'test "$(openssl pkey -in {keys.TLS_KEY} -pubout 2>/dev/null)" = '
    f'"$(openssl x509 -in {keys.TLS_CHAIN} -noout -pubkey 2>/dev/null)"'
)


class Tls(Component):
    """The folder of the certificate, the key's permissions, and that both belong together."""

    name = "tls"
    title = "Certificate"

    def wanted(self, context: Context) -> bool:
        """Every server that speaks to clients or other mail servers."""
        return True

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """Check what *prepare* made; nothing here creates a key."""
        step = Step(
            id="tls",
            title="Check the certificate and its key",
            component=self.name,
            items=(
                Directory(keys.TLS_DIR, mode=0o755),
                Command(
                    id="tls.permissions",
                    argv=("sh", "-c", f"chown root:root {keys.TLS_KEY} && chmod 600 {keys.TLS_KEY}"),
                    unless=("sh", "-c", f'[ "$(stat -c %U:%G:%a {keys.TLS_KEY})" = root:root:600 ]'),
                ),
                Command(
                    id="tls.pair",
                    argv=(
                        "sh",
                        "-c",
                        f"{_MATCH} || {{ echo 'the certificate does not belong to the key' >&2; exit 1; }}",
                    ),
                    unless=("sh", "-c", _MATCH),
                ),
            ),
        )
        return Contribution(steps=(step,), probes=self._probes(context))

    @staticmethod
    def _probes(context: Context) -> tuple[Probe, ...]:
        return (
            Probe(
                id="tls.pair",
                proves="the certificate belongs to the private key",
                argv=("sh", "-c", _MATCH),
                advice=f"{keys.TLS_CHAIN} and {keys.TLS_KEY} were not made together; put the right pair back",
            ),
            Probe(
                id="tls.expiry",
                proves="the certificate is valid for at least another week",
                argv=("openssl", "x509", "-in", keys.TLS_CHAIN, "-noout", "-checkend", "604800"),
                advice="renew the certificate, then: systemctl reload postfix dovecot",
            ),
            Probe(
                id="tls.name",
                proves="the certificate is made out to the mail hostname",
                argv=("openssl", "x509", "-in", keys.TLS_CHAIN, "-noout", "-checkhost", context.hostname),
                expect=r"does match certificate",
                advice="the certificate is for another name; make it again for the hostname of the plan",
            ),
            Probe(
                id="tls.key-private",
                proves="the private key can be read by root alone",
                argv=("stat", "-c", "%U:%a", keys.TLS_KEY),
                expect=r"^root:600$",
                advice=f"chown root {keys.TLS_KEY}; chmod 600 {keys.TLS_KEY}",
            ),
        )

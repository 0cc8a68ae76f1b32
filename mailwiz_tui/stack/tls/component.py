"""The certificate and key of the daemons, from any provider."""

from __future__ import annotations

from importlib.resources import files

from mailwiz_tui.plan.model import TlsProvider
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Command, Directory, File, Item, Packages, Probe, Step, Unit
from mailwiz_tui.stack.certificate import self_signed_days
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.unit_words import UnitWords

RENEW = f"{layout.LIB_DIR}/renew_selfsigned.py"
UNITS = "/etc/systemd/system"
_MATCH = (
    f'test "$(openssl pkey -in {layout.TLS_KEY} -pubout 2>/dev/null)" = '
    f'"$(openssl x509 -in {layout.TLS_CHAIN} -noout -pubkey 2>/dev/null)"'
)


class Tls(Component):
    """One pair of files for all daemons, and the script that installs the provider's certificate there.

    With letsencrypt the self-signed certificate of *prepare* is used until the first one is issued, so that no
    daemon waits for it.
    """

    name = "tls"
    title = "TLS certificate"
    units = (UnitWords("mailwiz-selfsigned.timer", "the self-signed certificate is not renewed"),)

    def wanted(self, context: Context) -> bool:
        """Servers with connections from clients or other mail servers."""
        return True

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """Install the certificate of *prepare* or of the operator; the step creates no key."""
        script = layout.SERVE_CERTIFICATE
        expected = _expected(context)
        step = Step(
            id="tls",
            title="Install the TLS certificate",
            component=self.name,
            items=(
                Directory(layout.TLS_DIR, mode=0o755),
                Directory(layout.TLS_SERVICES, mode=0o755),
                File(
                    script,
                    render(
                        "tls",
                        "serve-certificate",
                        provider=context.plan.security.tls.provider.value,
                        hostname=context.hostname,
                        dir=layout.TLS_DIR,
                        own=layout.TLS_OWN,
                        custom=layout.TLS_CUSTOM,
                        lineage=f"/etc/letsencrypt/live/{layout.LINEAGE}",
                        services=layout.TLS_SERVICES,
                    ),
                    mode=0o755,
                ),
                Command(
                    id="tls.certificate",
                    argv=(script, *expected),
                    unless=(script, "--check", *expected),
                    timeout=120.0,
                ),
                Command(
                    id="tls.permissions",
                    argv=("sh", "-c", f"chown root:root {layout.TLS_KEY} && chmod 600 {layout.TLS_KEY}"),
                    unless=("sh", "-c", f'[ "$(stat -c %U:%G:%a {layout.TLS_KEY})" = root:root:600 ]'),
                ),
                *_renewal(context),
            ),
        )
        return Contribution(
            packages=Packages(names=("openssl", "iproute2")), steps=(step,), probes=self._probes(context)
        )

    @staticmethod
    def _probes(context: Context) -> tuple[Probe, ...]:
        return (
            Probe(
                id="tls.pair",
                proves="certificate and private key belong together",
                argv=("sh", "-c", _MATCH),
                advice=f"{layout.TLS_CHAIN} and {layout.TLS_KEY} do not belong together: run apply again",
            ),
            Probe(
                id="tls.in-place",
                proves="the installed certificate is that of the plan's provider",
                argv=(layout.SERVE_CERTIFICATE, "--check", *_expected(context)),
                advice=f"run apply again, or on the server: {layout.SERVE_CERTIFICATE}",
            ),
            Probe(
                id="tls.served",
                proves="every port shows the installed certificate",
                argv=(layout.SERVE_CERTIFICATE, "--served"),
                expect=r"^serial=",
                advice=f"a daemon still shows an older one; on the server: {layout.SERVE_CERTIFICATE}",
            ),
            Probe(
                id="tls.expiry",
                proves="the certificate is valid for at least 7 days",
                argv=("openssl", "x509", "-in", layout.TLS_CHAIN, "-noout", "-checkend", "604800"),
                advice="run apply again to renew it; with Let's Encrypt see journalctl -u certbot",
            ),
            Probe(
                id="tls.name",
                proves="the certificate has the mail hostname",
                argv=("openssl", "x509", "-in", layout.TLS_CHAIN, "-noout", "-checkhost", context.hostname),
                expect=r"does match certificate",
                advice="the certificate is for another name: create a new one for the hostname of the plan",
            ),
            Probe(
                id="tls.key-private",
                proves="only root can read the private key",
                argv=("stat", "-c", "%U:%a", layout.TLS_KEY),
                expect=r"^root:600$",
                advice=f"chown root {layout.TLS_KEY}; chmod 600 {layout.TLS_KEY}",
            ),
        )


def _renewal(context: Context) -> tuple[Item, ...]:
    """The renewal of the self-signed certificate, also while it is used only until a public one is issued."""
    if context.plan.security.tls.provider is TlsProvider.CUSTOM:
        return ()
    service = render(
        "tls",
        "mailwiz-selfsigned.service",
        program=RENEW,
        own=layout.TLS_OWN,
        days=str(self_signed_days(context.plan.security.tls.provider)),
        serve=layout.SERVE_CERTIFICATE,
    )
    return (
        File(RENEW, files(__package__).joinpath("renew_selfsigned.py").read_text(encoding="utf-8"), mode=0o755),
        File(f"{UNITS}/mailwiz-selfsigned.service", service),
        File(f"{UNITS}/mailwiz-selfsigned.timer", render("tls", "mailwiz-selfsigned.timer")),
        Unit("mailwiz-selfsigned.timer", restart_on=(f"{UNITS}/mailwiz-selfsigned.timer",)),
    )


def _expected(context: Context) -> tuple[str, ...]:
    """The fingerprint of the operator's own certificate, if the plan has one."""
    custom = context.known.custom
    if context.plan.security.tls.provider is not TlsProvider.CUSTOM or custom is None:
        return ()
    return (custom.certificate_sha256,)

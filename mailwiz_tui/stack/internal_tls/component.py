"""Trust inside a plan: exactly the certificates of its servers, and no authority.

``prepare`` creates key and certificate on each server; only the certificate leaves it. A server that was installed
anew has another key; the next ``apply`` gives its certificate to the others.
"""

from __future__ import annotations

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Command, File, Probe, Step, User
from mailwiz_tui.stack.component import Component, Context, Contribution

_HEAD = "# Managed by mailwiz-tui: the next apply writes this file again. The certificates of the plan's servers.\n"


class InternalTls(Component):
    """Pinned certificates of all servers."""

    name = "internal_tls"
    title = "internal certificates"

    def wanted(self, context: Context) -> bool:
        """Plans with several servers."""
        return bool(context.topology.peers)

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """The list of trusted certificates, and a group for daemons that read the key."""
        owner = f"root:{layout.INTERNAL_GROUP}"
        step = Step(
            id="internal_tls",
            title="Make internal certificates trusted",
            component=self.name,
            items=(
                User(layout.INTERNAL_GROUP),
                File(layout.INTERNAL_PEERS, peer_certificates(context)),
                Command(
                    id="internal_tls.key",
                    argv=("sh", "-c", f"chown {owner} {layout.INTERNAL_KEY} && chmod 640 {layout.INTERNAL_KEY}"),
                    unless=("sh", "-c", f'[ "$(stat -c %U:%G:%a {layout.INTERNAL_KEY})" = {owner}:640 ]'),
                ),
            ),
            validators=(
                (
                    "openssl",
                    "verify",
                    "-CAfile",
                    layout.INTERNAL_PEERS,
                    "-purpose",
                    "sslserver",
                    layout.INTERNAL_CERT,
                ),
            ),
        )
        return Contribution(
            steps=(step,),
            probes=(
                Probe(
                    id="mesh.certificate",
                    proves="the certificate between the servers is valid for more than a month",
                    argv=("openssl", "x509", "-in", layout.INTERNAL_CERT, "-noout", "-checkend", str(30 * 86400)),
                    advice="run apply again: it creates a new one and gives it to the other servers",
                ),
            ),
        )


def peer_certificates(context: Context) -> str:
    """The known certificates of the plan's servers."""
    found = [_HEAD]
    for server in context.plan.servers:
        record = context.known.servers.get(server.id)
        if record and record.internal:
            found.append(f"# {server.id}\n{record.internal.pem.strip()}\n")
    return "".join(found)

"""The daemons that show the certificate, for the script that reloads them and checks their ports."""

from __future__ import annotations

from mailwiz_tui.plan.model import TlsProvider
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import File


def self_signed_days(provider: TlsProvider) -> int:
    """The lifetime of the server's self-signed certificate, in days."""
    return layout.SELF_SIGNED_DAYS if provider is TlsProvider.SELFSIGNED else layout.WAITING_DAYS


def certificate_consumer(unit: str, *ports: str) -> File:
    """The file with a daemon for ``serve-certificate``: its unit, and ports as ``25 smtp`` or ``465``.

    The second word is the protocol's name for ``openssl s_client -starttls``.
    """
    lines = [f"unit {unit}", *(f"port {port}" for port in ports)]
    head = (
        "# Managed by mailwiz-tui. Other daemons that show the certificate: a file of your own beside this one.\n"
    )
    return File(f"{layout.TLS_SERVICES}/{unit.removesuffix('.service')}", head + "\n".join(lines) + "\n")

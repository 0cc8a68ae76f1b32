"""TLS: the needs of each provider of certificates, and the effects of having no public one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mailwiz_tui.plan.findings import Finding, Severity
from mailwiz_tui.plan.model import Plan, TlsProvider
from mailwiz_tui.plan.rules.domains import private_ending

_LARGEST = 1_000_000


def check(plan: Plan, base: Path | None) -> Iterator[Finding]:
    """Findings about ``security.tls``; files are read only with ``base`` (the plan's folder)."""
    provider = plan.security.tls.provider
    if provider is TlsProvider.SELFSIGNED:
        yield from _self_signed()
    if provider is TlsProvider.LETSENCRYPT:
        yield from _acme(plan, base)
    if provider is TlsProvider.CUSTOM:
        yield from _custom(plan, base)
    yield from _unused(plan)


def _self_signed() -> Iterator[Finding]:
    path = "security.tls.provider"
    yield Finding(
        path,
        ("mail programs and phones warn about a self-signed certificate, and users get used to ignoring warnings"),
        Severity.WARNING,
        "suitable for tests; use letsencrypt for real users",
    )
    yield Finding(
        path,
        "MTA-STS cannot be used with a self-signed certificate: it needs a public one (RFC 8461 "
        "section 4.2); only DANE can authenticate it, and only in a DNSSEC-signed zone",
        Severity.WARNING,
    )


def _acme(plan: Plan, base: Path | None) -> Iterator[Finding]:
    tls = plan.security.tls
    ending = private_ending(plan.domain.hostname)
    if ending and not tls.acme_directory:
        yield Finding(
            "security.tls.provider",
            f"Let's Encrypt issues no certificate for names under .{ending}, which the public DNS does not serve",
            Severity.WARNING,
            "use selfsigned, or set acme_directory to your own ACME server",
        )
    if tls.acme_ca_file and not tls.acme_directory:
        yield Finding(
            "security.tls.acme_ca_file",
            "is used only with your own ACME server, but acme_directory is empty",
            Severity.WARNING,
        )
    if bool(tls.acme_dns_server) != bool(tls.acme_dns_key):
        absent, what = (
            ("acme_dns_key", "the name of the TSIG key that can change the zones")
            if tls.acme_dns_server
            else ("acme_dns_server", "the address of the zones' primary name server")
        )
        yield Finding(f"security.tls.{absent}", f"is missing; the DNS-01 challenge needs {what}")
    if tls.acme_ca_file and base is not None:
        yield from _pem_file("security.tls.acme_ca_file", base / tls.acme_ca_file, "CERTIFICATE")


def _custom(plan: Plan, base: Path | None) -> Iterator[Finding]:
    tls = plan.security.tls
    for key, value, content in (
        ("certificate", tls.certificate, "CERTIFICATE"),
        ("private_key", tls.private_key, "PRIVATE KEY"),
    ):
        path = f"security.tls.{key}"
        if not value:
            example = "certs/fullchain.pem" if key == "certificate" else "certs/privkey.pem"
            yield Finding(
                path,
                "is missing; a custom certificate needs a certificate file and a key file",
                advice=f"for example {example}, relative to the plan",
            )
        elif base is not None:
            yield from _pem_file(path, base / value, content)
    if base is not None and tls.certificate and tls.private_key:
        yield from _examined(plan, base / tls.certificate, base / tls.private_key)


def _examined(plan: Plan, certificate: Path, key: Path) -> Iterator[Finding]:
    """The faults of certificate and key; none if a file cannot be read."""
    from mailwiz_tui.plan.rules.custom_certificate import examine

    try:
        chain, private = certificate.read_bytes()[:_LARGEST], key.read_bytes()[:_LARGEST]
    except (OSError, ValueError):
        return
    if b"CERTIFICATE-----" in chain and b"PRIVATE KEY-----" in private and b"ENCRYPTED" not in private:
        yield from examine(chain, private, plan.domain.hostname)


def _unused(plan: Plan) -> Iterator[Finding]:
    tls = plan.security.tls
    own = {
        TlsProvider.CUSTOM: ("certificate", "private_key"),
        TlsProvider.LETSENCRYPT: (
            "acme_email",
            "acme_directory",
            "acme_ca_file",
            "acme_dns_server",
            "acme_dns_key",
        ),
    }
    for provider, keys in own.items():
        if provider is tls.provider:
            continue
        for key in keys:
            if getattr(tls, key):
                yield Finding(
                    f"security.tls.{key}", f"is only used with the provider {provider.value}", Severity.WARNING
                )


def _pem_file(path: str, file: Path, content: str) -> Iterator[Finding]:
    """A finding if a PEM file (RFC 7468) is missing or has other content."""
    try:
        with file.open("rb") as opened:
            text = opened.read(_LARGEST).decode("ascii", "replace")
    except FileNotFoundError:
        yield Finding(path, f"there is no file {file}", advice="paths are relative to the plan")
        return
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        yield Finding(path, f"{file} cannot be read: {reason}")
        return
    if "-----BEGIN " not in text:
        yield Finding(path, f"{file} is not PEM (it has no -----BEGIN line)", advice="convert it with openssl")
    elif f"{content}-----" not in text:
        kind = "certificate" if content == "CERTIFICATE" else "private key"
        yield Finding(path, f"{file} has no {kind}", advice=("check whether certificate and key are swapped"))
    elif content == "PRIVATE KEY" and "ENCRYPTED" in text:
        yield Finding(
            path,
            f"{file} is protected by a passphrase, which servers cannot ask for when they start",
            advice="openssl pkey removes it",
        )

"""The names of the HTTPS sites, for which the certificate must be valid.

MTA-STS policies (RFC 8461) and the settings of mail programs are fetched by clients that do not know this server.
They do not accept a self-signed certificate, and a custom one only for its names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.plan.model import Plan, TlsProvider


@dataclass(frozen=True, slots=True)
class Web:
    """The domains with ``mta-sts.DOMAIN``, and those with ``autoconfig.DOMAIN`` and ``autodiscover.DOMAIN``."""

    mta_sts: tuple[str, ...] = ()
    autoconfig: tuple[str, ...] = ()
    autodiscover: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every name, each once."""
        return (
            *(f"mta-sts.{domain}" for domain in self.mta_sts),
            *(f"autoconfig.{domain}" for domain in self.autoconfig),
            *(f"autodiscover.{domain}" for domain in self.autodiscover),
        )


def web(plan: Plan, known: FactsFile) -> Web:
    """The sites: with letsencrypt every name, with custom those in the certificate, else none.

    An MTA-STS policy needs a certificate of a public authority; for the mail programs of a company its own
    authority is enough.
    """
    provider = plan.security.tls.provider
    if provider is TlsProvider.LETSENCRYPT:
        clients = tuple(plan.mailbox_domains())
        return Web(tuple(plan.all_domains()), clients, clients)
    custom = known.custom
    if provider is TlsProvider.SELFSIGNED or custom is None:
        return Web()

    def held(label: str, domains: Sequence[str]) -> tuple[str, ...]:
        return tuple(d for d in domains if covers(custom.subject_names, f"{label}.{d}"))

    return Web(
        held("mta-sts", plan.all_domains()) if custom.trusted else (),
        held("autoconfig", plan.mailbox_domains()),
        held("autodiscover", plan.mailbox_domains()),
    )


def covers(names: Sequence[str], host: str) -> bool:
    """Whether one of a certificate's names is the host's, or a wildcard for its first label (RFC 9525, 6.3)."""
    wanted = host.lower()
    wildcard = f"*.{wanted.partition('.')[2]}"
    return any(name.lower() in (wanted, wildcard) for name in names)

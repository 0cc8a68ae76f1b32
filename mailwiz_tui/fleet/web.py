"""Which names the stack answers HTTPS for, so that strangers believe the answer.

MTA-STS policies (RFC 8461) and the settings of mail programs are fetched from clients that know nothing of
this server. A self-signed certificate cannot serve them, an own one only for the names that it holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.plan.model import Plan, TlsProvider


@dataclass(frozen=True, slots=True)
class Web:
    """The domains served at ``mta-sts.DOMAIN``, and those at ``autoconfig.DOMAIN`` and ``autodiscover.DOMAIN``."""

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
    """What is served: with letsencrypt every name, with custom those in the certificate, else none.

    A policy that senders enforce needs a certificate which everybody trusts; a company's own authority is
    enough for the mail programs of the company.
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

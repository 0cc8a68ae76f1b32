"""SRV: the services of a domain for mail programs (RFC 2782, RFC 6186, RFC 8314 section 5)."""

from __future__ import annotations

from dataclasses import dataclass

from mailwiz_tui.dns.record import HOUR, Record, Section
from mailwiz_tui.dns.site import Site
from mailwiz_tui.dns.standard import Standard


@dataclass(frozen=True, slots=True)
class Service:
    """A service: its SRV label, port (0: not offered) and what it is; the lower priority is preferred."""

    label: str
    port: int
    priority: int
    what: str
    standard: str


SERVICES = (
    Service("_imaps", 993, 0, "IMAP with implicit TLS", "RFC 8314"),
    Service("_imap", 143, 10, "IMAP with STARTTLS", "RFC 6186"),
    Service("_submissions", 465, 0, "submission with implicit TLS", "RFC 8314"),
    Service("_submission", 587, 10, "submission with STARTTLS", "RFC 6186"),
    Service("_sieve", 4190, 0, "ManageSieve (mail filter rules)", "RFC 5804"),
    Service("_pop3s", 0, 0, "POP3 with implicit TLS", "RFC 8314"),
    Service("_pop3", 0, 0, "POP3", "RFC 6186"),
)


def records(site: Site) -> list[Record]:
    """A record for each service and mailbox domain; ``0 0 0 .`` says that a service is not offered."""
    found: list[Record] = []
    for domain in site.plan.mailbox_domains():
        for service in SERVICES:
            name = f"{service.label}._tcp.{domain}"
            if not service.port:
                values = ["0 0 0 ."]
                reason = (
                    f"States that {service.what} is not offered: mail programs do not try it ({service.standard})."
                )
            else:
                values = [f"{service.priority} 1 {service.port} {site.hostname}."]
                reason = (
                    f"Mail programs find the server for {service.what} by the mail address ({service.standard})."
                )
            found.extend(
                Record(
                    domain=domain,
                    name=name,
                    type="SRV",
                    value=value,
                    ttl=HOUR,
                    reason=reason,
                    required=False,
                    section=Section.CLIENTS,
                    standard=Standard.SRV,
                )
                for value in values
            )
    return found

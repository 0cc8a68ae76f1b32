"""Proposals that follow from other answers: shown in the form, saved when the operator agrees."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mailwiz_tui.plan.dnsnames import domain_name
from mailwiz_tui.plan.model import Architecture, Role

_INTERNAL_IP = re.compile(r"servers\.(\d+)\.internal_ip")
MAX_NODES = 250


@dataclass(frozen=True, slots=True)
class Proposals:
    """Proposals for a step, by path; they are shown, but not in the plan."""

    step_id: str = ""
    values: dict[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.values)

    def get(self, path: str) -> Any:
        """The proposal at a path, or None."""
        return self.values.get(path)

    def beside(self, step_id: str) -> dict[str, Any]:
        """The proposals of a step."""
        return self.values if step_id == self.step_id else {}


def suggest(path: str, get: Callable[[str], Any], today: datetime.date | None = None) -> str:
    """The proposal for a key from the other answers (``get``); empty if there is none."""
    if path == "security.dkim.selector":
        return f"{(today or datetime.date.today()).year}a"
    numbered = _INTERNAL_IP.fullmatch(path)
    if numbered and int(numbered[1]) < MAX_NODES:
        return f"10.80.0.{int(numbered[1]) + 1}" if get("architecture") != Architecture.SINGLE else ""
    domain = _usable(get("domain.primary_domain"))
    if not domain:
        return ""
    match path:
        case "domain.hostname":
            return f"mail.{domain}"
        case "security.dmarc.rua":
            return f"mailto:dmarc@{domain}"
        case "security.tls.acme_email":
            return f"postmaster@{domain}"
        case "storage.s3_bucket":
            return f"{domain.replace('.', '-')[:58]}-mail"
    return ""


def suggest_roles(get: Callable[[str], Any], server_ids: Sequence[str]) -> dict[str, Any]:
    """The servers with roles, if there is one known server for the architecture single; else empty."""
    if get("architecture") != Architecture.SINGLE or len(server_ids) != 1:
        return {}
    return {"servers": [{"id": server_ids[0], "roles": [Role.ALL_IN_ONE.value]}]}


def _usable(domain: Any) -> str:
    """The domain as it was typed, without a final dot; empty if it is not a domain."""
    try:
        domain_name(domain)
    except (ValueError, TypeError, AttributeError):
        return ""
    return str(domain).rstrip(".").lower()

"""Records of the tests, each with the standard that its value shows."""

from __future__ import annotations

from mailwiz_tui.dns.record import HOUR, Record, Section
from mailwiz_tui.dns.standard import Standard

_TYPES = {"A": Standard.ADDRESS, "AAAA": Standard.ADDRESS, "CNAME": Standard.AUTOCONFIG}
_VERSIONS = {standard.about.version: standard for standard in Standard} | {"v=dkim1": Standard.DKIM}


def record(kind: str, value: str, name: str = "example.com", pending: str = "") -> Record:
    """A required record of example.com."""
    version = value.split(";")[0].lower()
    standard = _VERSIONS.get(version, Standard.SPF) if kind == "TXT" else _TYPES.get(kind) or Standard[kind]
    return Record("example.com", name, kind, value, HOUR, "because", True, Section.SENDING, standard, pending)

"""Probes that several components share."""

from __future__ import annotations

from mailwiz_tui.stack.blueprint import Probe

POSTFIX_COMPLAINT = r"\b(?:warning|error|fatal): (?!.*overriding earlier entry)"
"""Complaints of Postfix's programs; overrides by the operator's own settings are none."""


def unit_active(unit: str, proves: str) -> Probe:
    """A probe that a systemd unit is active."""
    name = unit.removesuffix(".service")
    return Probe(
        id=f"unit.{name}",
        proves=proves,
        argv=("systemctl", "is-active", "--", unit),
        expect=r"(?m)^active$",
        advice=f"see why it stopped: journalctl -u {name} -n 50; start it: systemctl restart {name}",
    )


def listens(check_id: str, proves: str, port: int, unit: str) -> Probe:
    """A probe that a program listens on a port of the loopback, and on no other interface."""
    return Probe(
        id=check_id,
        proves=proves,
        argv=("ss", "-Hltn", "sport", "=", f":{port}"),
        expect=rf"127\.0\.0\.1:{port}\b",
        refuse=rf"(?:0\.0\.0\.0|\*|\[::\]):{port}\b",
        advice=f"journalctl -u {unit.removesuffix('.service')} -n 50",
    )


def clean_check(check_id: str, proves: str, argv: tuple[str, ...], *, refuse: str = "", advice: str = "") -> Probe:
    """A probe that a daemon's own checker accepts its configuration."""
    return Probe(
        id=check_id,
        proves=proves,
        argv=argv,
        refuse=refuse,
        advice=advice or f"run on the server: {' '.join(argv)}",
    )

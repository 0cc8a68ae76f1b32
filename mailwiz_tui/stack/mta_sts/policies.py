"""Postfix's tables of TLS policies, and the servers that use them."""

from __future__ import annotations

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.resolution import resolution


def applies(context: Context) -> bool:
    """Whether this server sends mail to other mail servers itself; a smart host has a policy of its own."""
    return context.topology.sends and not context.plan.network.relay_host


def dane_first(context: Context) -> bool:
    """Whether DANE is used: it needs answers that DNSSEC proves."""
    return applies(context) and resolution(context).validates


def settings(context: Context) -> str:
    """The part of main.cf."""
    dane = dane_first(context)
    tables = ((layout.DANE_POLICY_PORT, "dane"),) if dane else ()
    named = [
        f"socketmap:inet:127.0.0.1:{port}:{name}" for port, name in (*tables, (layout.MTA_STS_PORT, "postfix"))
    ]
    return render(
        "mta_sts",
        "policies.cf",
        dane=dane,
        tables=",\n    ".join(named),
    ).rstrip("\n")

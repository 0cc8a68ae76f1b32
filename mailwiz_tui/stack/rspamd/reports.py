"""DMARC aggregate reports (RFC 9990): Rspamd stores its results, and a timer sends reports once a day."""

from __future__ import annotations

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import File, Item, Probe, Unit
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.mail_parts import Inlet
from mailwiz_tui.stack.probes import unit_active
from mailwiz_tui.stack.render import quoted, render
from mailwiz_tui.stack.rspamd import milter

SERVICE, TIMER = "mailwiz-dmarc-reports.service", "mailwiz-dmarc-reports.timer"
_UNITS = "/etc/systemd/system"


def reports(context: Context) -> bool:
    """Whether this server sends reports to other domains: if Rspamd filters, and the plan does not disable it."""
    return milter.runs(context) and context.plan.security.dmarc.send_reports


def inlets(context: Context) -> tuple[Inlet, ...]:
    """The port for submission of reports."""
    if not reports(context):
        return ()
    purpose = "DMARC reports of Rspamd on this host to other domains"
    return (Inlet("reports", layout.REPORT_MAIL_PORT, "dmarc-reports", purpose),)


def settings(context: Context) -> str:
    """The part of dmarc.conf."""
    if not reports(context):
        return ""
    primary = context.plan.domain.primary_domain
    return render(
        "rspamd",
        "dmarc-reporting.conf",
        email=quoted(f"postmaster@{primary}"),
        domain=quoted(primary),
        hostname=quoted(context.hostname),
        port=str(layout.REPORT_MAIL_PORT),
    )


def units(context: Context) -> tuple[Item, ...]:
    """The timer and its service."""
    if not reports(context):
        return ()
    timer = f"{_UNITS}/{TIMER}"
    return (
        File(f"{_UNITS}/{SERVICE}", render("rspamd", SERVICE)),
        File(timer, render("rspamd", TIMER)),
        Unit(TIMER, restart_on=(timer,)),
    )


def probes(context: Context) -> tuple[Probe, ...]:
    """The timer is active, and its last run did not fail."""
    if not reports(context):
        return ()
    failed = Probe(
        id="rspamd.dmarc-reports",
        proves="the last DMARC reports to other domains were sent",
        argv=("systemctl", "is-failed", "--", SERVICE),
        refuse=r"(?m)^failed$",
        exit_code=1,
        advice=f"journalctl -u {SERVICE} -n 50; again for yesterday: systemctl start {SERVICE}",
    )
    return (unit_active(TIMER, "DMARC reports are sent every day"), failed)

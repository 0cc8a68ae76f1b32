"""Rules for limits."""

from __future__ import annotations

from collections.abc import Iterator

from mailwiz_tui.plan.findings import Finding
from mailwiz_tui.plan.model import Plan


def check(plan: Plan) -> Iterator[Finding]:
    """Findings about ``limits``."""
    limits = plan.limits
    if 0 < limits.imap_append_mb < limits.message_size_mb:
        yield Finding(
            "limits.imap_append_mb",
            f"is less than the message size of {limits.message_size_mb} MB, so mail programs could not "
            "save sent messages",
            advice=f"enter at least {limits.message_size_mb}, or 0 for no limit",
        )

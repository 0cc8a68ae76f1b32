"""The limits of the plan in the units of the programs that enforce them."""

from __future__ import annotations

from dataclasses import dataclass

from mailwiz_tui.plan.model import Plan

MEGABYTE = 1 << 20
GIGABYTE = 1 << 30
HOUR = 3600
DAY = 86_400


@dataclass(frozen=True, slots=True)
class SendingLimit:
    """A leaky bucket: ``burst`` recipients at once, and ``amount`` more in each ``seconds``."""

    burst: int
    amount: int
    seconds: int


def message_size(plan: Plan) -> int:
    """The largest message, in bytes (``message_size_limit`` in postconf(5))."""
    return plan.limits.message_size_mb * MEGABYTE


def checked_size_mb(plan: Plan) -> int:
    """The largest message for filters, in MB: with the header fields that Postfix and other filters add."""
    return plan.limits.message_size_mb * 6 // 5


def upload_mb(plan: Plan) -> int:
    """The largest request of a browser, in MB: an attachment and its form."""
    return plan.limits.message_size_mb + 4


def mailbox_quota(plan: Plan) -> int:
    """The quota, in bytes, of a mailbox without its own; 0 for no limit."""
    return plan.limits.mailbox_quota_gb * GIGABYTE


def sending(plan: Plan) -> tuple[SendingLimit, SendingLimit]:
    """The rate limits of one login, counted by recipients: the hourly and the daily bucket."""
    hourly = plan.limits.sent_per_hour
    return SendingLimit(hourly, hourly, HOUR), SendingLimit(5 * hourly, 10 * hourly, DAY)

"""Decides at RCPT TO whether a target of an address can receive a message, and who may receive a bounce.

Runs on servers, with Python 3.11 and newer. A recipient is rejected during the SMTP session (RFC 5321 section
4.2.5), because a later bounce goes to the envelope sender, which is easily forged (RFC 3464 does not help there).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..accounts.account_reader import Accounts

FULL = "552 5.2.2 The mailbox is full"
NOWHERE = "550 5.1.1 The address leads to no mailbox"
FINE = "DUNNO"
_REWRITTEN = re.compile(r"srs[01][=+-]", re.IGNORECASE)
"""Rewritten senders of forwarded mail (SRS): they stand for foreign addresses."""


@dataclass(frozen=True, slots=True)
class Decision:
    """``local_part`` is the grammar of mailboxes, ``host_names`` are local parts that Postfix delivers to the
    postmaster, ``grace`` are bytes by which one message may exceed a quota in Dovecot (``quota_storage_grace``).
    """

    accounts: Accounts
    local_part: re.Pattern[str]
    host_names: frozenset[str]
    postmaster: str
    grace: int

    def recipient(self, address: str, size: int) -> str:
        """Postfix's action (access(5)) for a recipient and the announced size in bytes, 0 for none.

        One target that can receive the message is enough: for the others it waits in the queue.
        Raises AccountsUnavailableError.
        """
        refusals = []
        for target in self.accounts.expand(address):
            # an address in no table of accounts is for Postfix's other tables (SRS, the host's own names)
            unknown = target == address.lower() and self.accounts.usage(target) is None
            refusal = "" if unknown else self._refusal(target, size)
            if not refusal:
                return FINE
            refusals.append(refusal)
        if not refusals:
            domain = address.rpartition("@")[2].lower()
            return NOWHERE if self.accounts.serving(domain) == domain else FINE
        return FULL if FULL in refusals else NOWHERE

    def _refusal(self, target: str, size: int) -> str:
        local, _, domain = target.rpartition("@")
        usage = self.accounts.usage(target)
        if usage is not None:
            if not self.local_part.fullmatch(local):
                return NOWHERE
            full = usage.quota and (usage.used >= usage.quota or usage.used + size > usage.quota + self.grace)
            return FULL if full else ""
        served = self.accounts.serving(domain) == domain
        return NOWHERE if served and local not in self.host_names else ""

    def bounce(self, sender: str) -> str:
        """The recipient of a bounce instead of the sender; empty if the sender is a user of this server.

        Foreign addresses receive none, because the sender was not authenticated; the postmaster receives it.
        """
        local, at, domain = sender.rpartition("@")
        if not at or not local:
            return ""
        ours = self.accounts.serving(domain) == domain.lower() and not _REWRITTEN.match(local)
        return "" if ours else self.postmaster

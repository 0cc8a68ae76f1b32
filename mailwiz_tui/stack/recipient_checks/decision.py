"""Decides at RCPT TO whether anything behind an address can take a message, and who may get a bounce.

Runs on servers, with Python 3.11 and newer. What is known of a recipient is answered while the sender's server is
still there to hear it (RFC 5321 section 4.2.5): a bounce after that goes to whoever the envelope names, and that is
easily forged (RFC 3464 does not help there).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..accounts.account_reader import Accounts

FULL = "552 5.2.2 The mailbox is full"
NOWHERE = "550 5.1.1 The address leads to no mailbox"
FINE = "DUNNO"
_REWRITTEN = re.compile(r"srs[01][=+-]", re.IGNORECASE)
"""Senders rewritten when mail was forwarded: they stand for somebody outside."""


@dataclass(frozen=True, slots=True)
class Decision:
    """``local_part`` is the grammar of mailboxes here, ``host_names`` are local parts that Postfix brings to the
    postmaster, ``grace`` are bytes by which Dovecot lets one message exceed a quota (``quota_storage_grace``).
    """

    accounts: Accounts
    local_part: re.Pattern[str]
    host_names: frozenset[str]
    postmaster: str
    grace: int

    def recipient(self, address: str, size: int) -> str:
        """Postfix' action (access(5)) for a recipient and the size in bytes that its sender announced, 0 for none.

        One target that can take the message is enough: what the others cannot take waits in the queue.
        Raises AccountsUnavailableError.
        """
        refusals = []
        for target in self.accounts.expand(address):
            # what no table of accounts knows is for Postfix' other tables (rewritten senders, the host's own names)
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
        """Who gets a bounce instead of the sender it was meant for; empty where the sender is a user here.

        Nobody outside gets one, for nobody proved to be the sender; the postmaster is told instead.
        """
        local, at, domain = sender.rpartition("@")
        if not at or not local:
            return ""
        ours = self.accounts.serving(domain) == domain.lower() and not _REWRITTEN.match(local)
        return "" if ours else self.postmaster

"""Differences between the domains of the plan and of the accounts, after changes in PostfixAdmin."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.plan.model import AdditionalDomain, Plan


@dataclass(frozen=True, slots=True)
class AccountDrift:
    """Mailbox domains only in the accounts, those only in the plan, and those that the plan relays."""

    unplanned: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    relayed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.unplanned or self.absent or self.relayed)


def compared(plan: Plan, domains: Collection[str] | None) -> AccountDrift:
    """The drift between a plan and the domains of its accounts; none if these are unknown."""
    if domains is None:
        return AccountDrift()
    planned = plan.mailbox_domains()
    return AccountDrift(
        unplanned=tuple(sorted(set(domains) - set(plan.all_domains()))),
        absent=tuple(name for name in planned if name not in domains),
        relayed=tuple(relay.name for relay in plan.relay_domains() if relay.name in domains),
    )


def known_drift(plan: Plan, known: FactsFile, store: str) -> AccountDrift:
    """The drift at the last connection to the server with the accounts."""
    facts = known.facts(store)
    return compared(plan, facts.account_domains if facts else None)


def learn(known: FactsFile, store: str, domains: Collection[str] | None) -> bool:
    """Store the domains of the accounts on their server; returns whether they changed. None changes nothing."""
    record = known.servers.get(store)
    if record is None or domains is None or record.facts.account_domains == tuple(domains):
        return False
    record.facts = record.facts.model_copy(update={"account_domains": tuple(domains)})
    return True


def widened(plan: Plan, domains: Collection[str]) -> Plan:
    """The plan with further mailbox domains; those that it has already are skipped."""
    new = [AdditionalDomain(name=name) for name in domains if name not in plan.all_domains()]
    further = [*plan.domain.additional_domains, *new]
    return plan.model_copy(update={"domain": plan.domain.model_copy(update={"additional_domains": further})})


def unplanned_sentence(name: str) -> str:
    """The effects of a domain that only the accounts have."""
    return (
        f"{name} is in the accounts (admin panel) but not in the plan: its mail is delivered, sent and, where DKIM "
        "is on, signed with the server's key; other servers distrust it until its DNS records are published"
    )


def absent_sentence(name: str) -> str:
    """The effects of a domain that only the plan has."""
    return f"{name} is in the plan but missing or inactive in the accounts: mail for it is rejected"


def relayed_sentence(name: str) -> str:
    """The effects of a domain that has mailboxes in the accounts but is a relay domain in the plan."""
    return f"{name} is a relay domain in the plan, but has mailboxes in the accounts: they receive no mail"


RELAYED_ADVICE = "make it a mailbox domain at step 3, or delete it in the admin panel"
UNPLANNED_ADVICE = (
    "publish its records (`mailwiz-tui dns PLAN` lists them) and add it to the plan: step 3, or "
    "[[domain.additional_domains]]; or deactivate it in the admin panel"
)
ABSENT_ADVICE = "`mailwiz-tui apply PLAN` creates it again; or remove it from the plan at step 3"

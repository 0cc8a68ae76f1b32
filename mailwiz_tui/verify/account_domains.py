"""The accounts and the plan name the same mailbox domains; changes made in PostfixAdmin are reported."""

from __future__ import annotations

from collections.abc import Collection

from mailwiz_tui.agent.protocol.accounts import AskAccountDomains
from mailwiz_tui.deploy.agent_link import Link
from mailwiz_tui.fleet.account_domains import (
    ABSENT_ADVICE,
    RELAYED_ADVICE,
    UNPLANNED_ADVICE,
    absent_sentence,
    compared,
    relayed_sentence,
    unplanned_sentence,
)
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.plan.words import counted
from mailwiz_tui.verify.result import CheckResult, CheckState

CHECK = "accounts.domains"
PROVES = "The accounts and the plan name the same mailbox domains."


async def ask(link: Link) -> tuple[str, ...] | None:
    """The domains of the accounts on a server; None where it cannot tell. Raises the errors of the link."""
    return (await link.ask(AskAccountDomains())).domains


def judge(plan: Plan, server_id: str, domains: Collection[str] | None) -> CheckResult:
    """Missing domains fail, for their mail is refused; a domain that only the accounts have is a warning."""
    if domains is None:
        detail, advice = "MariaDB (accounts) does not answer", "journalctl -u mariadb -n 50"
        return CheckResult(CHECK, server_id, CheckState.NOT_RUN, PROVES, detail, advice, server_id)
    drift = compared(plan, domains)
    kinds = (
        (drift.absent, absent_sentence, ABSENT_ADVICE),
        (drift.relayed, relayed_sentence, RELAYED_ADVICE),
        (drift.unplanned, unplanned_sentence, UNPLANNED_ADVICE),
    )
    detail = "; ".join(sentence(name) for names, sentence, _ in kinds for name in names)
    advice = "; ".join(advice for names, _, advice in kinds if names)
    wrong = drift.absent or drift.relayed
    state = CheckState.FAILED if wrong else CheckState.WARNING if drift.unplanned else CheckState.PASSED
    return CheckResult(
        CHECK, server_id, state, PROVES, detail or counted(len(domains), "domain"), advice, server_id
    )

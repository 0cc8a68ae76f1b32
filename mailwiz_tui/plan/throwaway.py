"""A plan for a moment: answers that are no plan yet, tried with names that stand in for those not given.

Nothing of it is kept or shown: it only shows what the rules say about some answers, or what follows from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from mailwiz_tui.plan.model import Plan


def stand_in(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Answers with a domain beside them in place of their own: what a plan cannot be without."""
    return {**answers, "domain": {"primary_domain": "example.com", "hostname": "mail.example.com"}}


def throwaway(answers: Mapping[str, Any]) -> Plan | None:
    """The plan of these answers, or None where they do not hold."""
    try:
        return Plan.model_validate(answers)
    except ValidationError:
        return None

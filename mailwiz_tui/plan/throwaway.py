"""A temporary plan from incomplete answers, with placeholders for missing names.

It is never stored or shown: it only gives the findings of the rules about some answers, or what follows from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from mailwiz_tui.plan.model import Plan


def stand_in(answers: Mapping[str, Any]) -> dict[str, Any]:
    """Answers with a placeholder for the domain, which every plan needs."""
    return {**answers, "domain": {"primary_domain": "example.com", "hostname": "mail.example.com"}}


def throwaway(answers: Mapping[str, Any]) -> Plan | None:
    """The plan of these answers, or None if they are not valid."""
    try:
        return Plan.model_validate(answers)
    except ValidationError:
        return None

"""The program without its refusal of what it cannot install yet: for the tests that have to see it work first."""

from __future__ import annotations

import sys

from mailwiz_tui.plan import support
from mailwiz_tui.plan.findings import Finding
from mailwiz_tui.plan.model import Plan


def _nothing(plan: Plan) -> list[Finding]:
    return []


support.unsupported = _nothing

if __name__ == "__main__":
    from mailwiz_tui.cli import main

    sys.exit(main())

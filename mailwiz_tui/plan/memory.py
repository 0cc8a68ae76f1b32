"""How much memory the programs need: one place for questions, rules, refusals and the guide.

Bytes where the name says no unit. ClamAV's signatures were about 1.3 GB in memory in 2026, and twice that for the
moment in which clamd reads new ones beside the old.
"""

from __future__ import annotations

STACK_MB = 700
"""Everything but the virus scanner."""
CLAMAV_MB = 1300
"""The signatures, at all times."""
LEAST_WITH_CLAMAV = (STACK_MB + CLAMAV_MB - 100) << 20
"""Below this an installation with ClamAV is refused; a server sold with 2 GB has a little less."""
GOOD_WITH_CLAMAV = 3_000_000_000
"""Below this ClamAV is advised against: the OOM killer ends programs when the signatures are renewed."""
CLAMAV_WORDS = f"{CLAMAV_MB / 1000:.1f} GB"
SERVER_WORDS = "4 GB"
"""The size of server to take instead."""

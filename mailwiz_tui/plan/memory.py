"""The memory that programs need: one place for questions, rules, errors and the guide.

Bytes unless the name has a unit. ClamAV's signatures needed about 1.3 GB of memory in 2026, and twice that while
clamd loads new ones besides the old.
"""

from __future__ import annotations

STACK_MB = 700
"""All programs except the virus scanner."""
CLAMAV_MB = 1300
"""The signatures, at all times."""
LEAST_WITH_CLAMAV = (STACK_MB + CLAMAV_MB - 100) << 20
"""Below this an installation with ClamAV is refused; a server with nominally 2 GB has a little less."""
GOOD_WITH_CLAMAV = 3_000_000_000
"""Below this ClamAV is advised against: the OOM killer ends programs when the signatures are renewed."""
CLAMAV_WORDS = f"{CLAMAV_MB / 1000:.1f} GB"
SERVER_WORDS = "4 GB"
"""The recommended size of the server."""

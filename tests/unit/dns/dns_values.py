"""Values that the DNS tests share: a DKIM key as long as a real one of 2048 bits, and a fingerprint."""

from __future__ import annotations

import base64

KEY = base64.b64encode(bytes(range(256)) + bytes(38)).decode()
SPKI = "ab" * 32

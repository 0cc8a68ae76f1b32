"""Checks that only the server itself can make: programs run side by side, each with a time-out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from ..core.clean import tail
from ..core.context import Raw
from ..core.host import Host

_TIMEOUT = 20.0


def run_all(host: Host, probes: list[Raw]) -> list[Raw]:
    """For each probe ``{"id", "exit", "output"}``; ``exit`` is None where it took too long."""

    def one(probe: Raw) -> Raw:
        done = host.run(probe["argv"], timeout=float(probe.get("timeout", _TIMEOUT)))
        return {"id": probe["id"], "exit": done.exit, "output": tail(done.output, 40)[-8000:]}

    with ThreadPoolExecutor(max(1, min(8, len(probes)))) as pool:
        return list(pool.map(one, probes))

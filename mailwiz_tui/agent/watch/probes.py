"""Checks that only the server itself can make: programs run in parallel, each with a time-out."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from ..core.host import Host
from ..protocol.clean import tail
from ..protocol.probes import ProbeAnswer, ProbeCommand


def run_all(host: Host, probes: Sequence[ProbeCommand]) -> tuple[ProbeAnswer, ...]:
    """The answers in the order of the probes; of each at most 40 lines and 8000 characters."""

    def one(probe: ProbeCommand) -> ProbeAnswer:
        done = host.run(list(probe.argv), timeout=probe.timeout)
        return ProbeAnswer(probe.id, done.exit, tail(done.output, 40)[-8000:])

    with ThreadPoolExecutor(max(1, min(8, len(probes)))) as pool:
        return tuple(pool.map(one, probes))

"""What the controller asks to prove and watch a server: its checks, its state, its paths to other servers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from .core.context import Raw
from .operation import Answer, Channel, Operation

if TYPE_CHECKING:
    from .core.turn import Turn
    from .facts.network_paths import Answering


class WatchOperations:
    """Looks that change nothing on the server."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._answering: Answering | None = None
        self._turn: Turn | None = None

    def by_name(self) -> dict[str, Operation]:
        """The operations under the names that requests give them."""
        return {
            "probes": self.probes,
            "monitor": self.monitor,
            "account_domains": self.account_domains,
            "units": self.units,
            "answers": self.answers,
            "reach": self.reach,
            "measure": self.measure,
            "answer_udp": self.answer_udp,
            "knock_udp": self.knock_udp,
            "verifying": self.verifying,
        }

    def probes(self, probes: list[Raw]) -> Answer:
        """Runs the blueprint's checks."""
        from .watch import probes as module

        return module.run_all(self._channel.host, probes)

    def monitor(
        self,
        units: list[str],
        place: str = "",
        since: float = 3600.0,
        keep: int = 400,
        peers: dict[str, str] | None = None,
    ) -> Answer:
        """How the running server is, and the mail log since ``place``."""
        from .watch import monitor as module

        return module.look(self._channel.host, units, place, since, keep, peers)

    def units(self, units: list[str]) -> Answer:
        """How units are, and whether they crashed and came back."""
        from .watch import monitor as module

        return module.unit_states(self._channel.host, units)

    def account_domains(self) -> Answer:
        """The mailbox domains of the accounts' database here; None where there is none."""
        from .facts import account_domains

        return {"domains": account_domains.find(self._channel.host)}

    def answers(self, services: list[Raw]) -> Answer:
        """Why each service does not answer, empty where it does, in their order."""
        from .items import answers as module

        with ThreadPoolExecutor(max(1, min(8, len(services)))) as pool:
            return list(pool.map(lambda item: module.ask(self._channel.host, item), services))

    def reach(self, places: list[Raw]) -> Answer:
        """Whether TCP ports of other servers answer from here."""
        from .facts import network_paths

        return network_paths.reach(self._channel.host, places)

    def measure(self, peers: list[Raw]) -> Answer:
        """How long an echo of other servers takes, and what packet size gets there."""
        from .facts import network_paths

        return network_paths.measure(peers)

    def answer_udp(self, port: int, seconds: float) -> Answer:
        """Answers on a UDP port for a while, for ``knock_udp`` of other servers; 0 seconds end it."""
        from .facts import network_paths

        with self._channel.exclusive:
            if self._answering:
                self._answering.stop()
                self._answering = None
            if seconds <= 0:
                return {"listening": False}
            try:
                self._answering = network_paths.Answering(port, min(seconds, 60.0))
            except OSError:
                return {"listening": False}
            return {"listening": True}

    def knock_udp(self, places: list[Raw]) -> Answer:
        """Whether UDP ports of other servers answer."""
        from .facts import network_paths

        return network_paths.knock_udp(places)

    def verifying(self, begin: bool) -> Answer:
        """Begins or ends a verification; ``busy`` where another one is under way, of any operator."""
        from .core import turn

        with self._channel.exclusive:
            if self._turn is not None and not begin:
                self._turn.end()
                self._turn = None
            elif begin:
                held = turn.take(self._channel.host)
                self._turn = held or self._turn
                return {"busy": held is None}
            return {"busy": False}

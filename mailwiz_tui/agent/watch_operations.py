"""What the agent does to prove and watch a server: its checks, its state, its paths to other servers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from .channel import Channel
from .protocol import probes as proving
from .protocol.paths import AnswerUdp, Echo, Knock, KnockUdp, Listening, MeasurePaths, Reached, ReachPorts
from .protocol.probes import AskServices, EndTurn, ProbeAnswer, RunProbes, TakeTurn
from .protocol.request import Operation
from .protocol.watch import Look, LookAround

if TYPE_CHECKING:
    from .core.turn import Turn
    from .facts.network_paths import Answering


class WatchOperations:
    """Operations that change nothing on the server."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._host = channel.host
        self._answering: Answering | None = None
        self._turn: Turn | None = None

    def operations(self) -> list[Operation]:
        """The operations of this group."""
        return [
            RunProbes.by(self._probes),
            AskServices.by(self._services),
            TakeTurn.by(self._take_turn),
            EndTurn.by(self._end_turn),
            LookAround.by(self._look),
            ReachPorts.by(self._reach),
            MeasurePaths.by(self._measure),
            AnswerUdp.by(self._answer_udp),
            KnockUdp.by(self._knock_udp),
        ]

    def _probes(self, request: RunProbes) -> tuple[ProbeAnswer, ...]:
        from .watch import probes

        return probes.run_all(self._host, request.probes)

    def _services(self, request: AskServices) -> tuple[str, ...]:
        from .items import answers

        with ThreadPoolExecutor(max(1, min(8, len(request.services)))) as pool:
            return tuple(pool.map(lambda service: answers.ask(self._host, service), request.services))

    def _look(self, request: LookAround) -> Look:
        from .watch import monitor

        return monitor.look(self._host, request)

    def _reach(self, request: ReachPorts) -> tuple[Reached, ...]:
        from .facts import network_paths

        return network_paths.reach(self._host, request.places)

    def _measure(self, request: MeasurePaths) -> tuple[Echo, ...]:
        from .facts import network_paths

        return network_paths.measure(request.peers)

    def _answer_udp(self, request: AnswerUdp) -> Listening:
        from .facts import network_paths

        with self._channel.exclusive:
            if self._answering:
                self._answering.stop()
                self._answering = None
            if request.seconds <= 0:
                return Listening(False)
            try:
                self._answering = network_paths.Answering(request.port, min(request.seconds, 60.0))
            except OSError:
                return Listening(False)
            return Listening(True)

    def _knock_udp(self, request: KnockUdp) -> tuple[Knock, ...]:
        from .facts import network_paths

        return network_paths.knock_udp(request.places)

    def _take_turn(self, _: TakeTurn) -> proving.Turn:
        from .core import turn

        with self._channel.exclusive:
            held = turn.take(self._host)
            self._turn = held or self._turn
            return proving.Turn(busy=held is None)

    def _end_turn(self, _: EndTurn) -> None:
        with self._channel.exclusive:
            if self._turn is not None:
                self._turn.end()
                self._turn = None

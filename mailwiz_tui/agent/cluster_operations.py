"""A store that moves: where it is, and moving it."""

from __future__ import annotations

from .channel import Channel
from .protocol.cluster import AskCluster, ClusterState, CutOff, DrainNode, EndCutOff, GiveStoreAway, ReturnNode
from .protocol.request import Operation


class ClusterOperations:
    """One look or one change at a time."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._host = channel.host

    def operations(self) -> list[Operation]:
        """The operations of this group."""
        return [
            AskCluster.by(self._look),
            GiveStoreAway.by(self._give_away),
            DrainNode.by(self._drain),
            ReturnNode.by(self._return),
            CutOff.by(self._cut_off),
            EndCutOff.by(self._join),
        ]

    def _look(self, _: AskCluster) -> ClusterState:
        from .cluster import state

        return state.look(self._host)

    def _give_away(self, _: GiveStoreAway) -> ClusterState:
        from .cluster import nodes

        with self._channel.exclusive:
            return nodes.give_away(self._host)

    def _drain(self, _: DrainNode) -> ClusterState:
        from .cluster import nodes

        with self._channel.exclusive:
            return nodes.drain(self._host)

    def _return(self, _: ReturnNode) -> ClusterState:
        from .cluster import nodes

        with self._channel.exclusive:
            return nodes.bring_back(self._host)

    def _cut_off(self, request: CutOff) -> None:
        from .cluster import cut_off

        with self._channel.exclusive:
            cut_off.cut_off(self._host, request.peers, request.seconds)

    def _join(self, _: EndCutOff) -> None:
        from .cluster import cut_off

        with self._channel.exclusive:
            cut_off.join(self._host)

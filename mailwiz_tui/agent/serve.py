"""Serve mode: answers requests from standard input until it ends. Leaves no process and no file behind."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from typing import BinaryIO

from .channel import Channel
from .core.fault import AgentFault
from .core.host import Host
from .protocol import frames
from .protocol.codec import WireError
from .protocol.frames import Answer, Call, Cancel, Failure, Fault, Item
from .table import Table


class Server:
    """Answers one channel: each request in a thread of its own, streams until they end or are cancelled."""

    def __init__(self, host: Host, writer: frames.Writer) -> None:
        self._writer = writer
        self._cancelled: set[int] = set()
        self._channel = Channel(host)
        self._table = Table(self._channel)

    def serve(self, source: BinaryIO) -> None:
        """Reads requests until the other side closes; then undoes what must not outlive the connection."""
        try:
            while (message := frames.read(source)) is not None:
                if isinstance(message, Cancel):
                    self._cancelled.add(message.number)
                elif isinstance(message, Call):
                    threading.Thread(target=self._answer, args=(message,), daemon=True).start()
        finally:
            for close in self._channel.at_end:
                with contextlib.suppress(Exception):
                    close()

    def _answer(self, call: Call) -> None:
        try:
            result = self._carry_out(call)
            if isinstance(result, Iterator):
                for item in result:
                    if call.number in self._cancelled:
                        break
                    if item is not None:
                        self._writer.send(Item(call.number, item))
                result = None
            self._writer.send(Answer(call.number, result))
        except AgentFault as fault:
            self._fail(call, fault.what, fault.where, fault.advice)
        except WireError as error:
            self._fail(call, f"the agent does not understand the request: {error}", call.operation)
        except OSError as error:
            self._fail(call, f"{error.strerror}: {error.filename or ''}", call.operation)
        except Exception as error:
            trace = traceback.extract_tb(error.__traceback__)
            place = f"{os.path.basename(trace[-1].filename)}:{trace[-1].lineno}" if trace else ""
            what = f"unexpected error in the agent: {type(error).__name__}: {error}"
            self._fail(call, what, f"{call.operation} ({place})")

    def _carry_out(self, call: Call) -> object:
        operation = self._table.find(call.operation)
        if operation is None:
            raise AgentFault(f"the agent has no operation {call.operation!r}", "agent")
        return operation.carry_out(call.arguments)

    def _fail(self, call: Call, what: str, where: str, advice: str = "") -> None:
        with contextlib.suppress(OSError):
            self._writer.send(Failure(call.number, Fault(what, where, advice)))


def main(root: str) -> None:
    """Serves standard input and output; whatever else prints goes to standard error."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    out.write(b"\n" + frames.READY)
    out.flush()
    with contextlib.suppress(OSError, ValueError):
        Server(Host(root), frames.Writer(out)).serve(sys.stdin.buffer)
    os._exit(0)

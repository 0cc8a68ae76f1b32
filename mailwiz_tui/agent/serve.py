"""Serve mode: answers requests from standard input until it ends. Leaves no process and no file behind."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from typing import Any

from . import frames
from .account_operations import AccountOperations
from .backup_operations import BackupOperations
from .core.context import Raw
from .core.fault import AgentFault
from .core.host import Host
from .operation import Channel, Operation
from .run_operations import RunOperations
from .watch_operations import WatchOperations


class Server:
    """Answers one channel: each request in a thread of its own, streams until they end or are cancelled."""

    def __init__(self, host: Host, writer: frames.Writer) -> None:
        self._writer = writer
        self._cancelled: set[int] = set()
        self._channel = Channel(host)
        self._operations: dict[str, Operation] = {
            **RunOperations(self._channel).by_name(),
            **WatchOperations(self._channel).by_name(),
            **AccountOperations(self._channel).by_name(),
            **BackupOperations(self._channel).by_name(),
            "ping": lambda: "pong",
        }

    def serve(self, source: Any) -> None:
        """Reads requests until the other side closes; then undoes what must not outlive the connection."""
        try:
            while (message := frames.read(source)) is not None:
                if message.get("cancel"):
                    self._cancelled.add(int(message["id"]))
                    continue
                threading.Thread(target=self._answer, args=(message,), daemon=True).start()
        finally:
            for close in self._channel.at_end:
                with contextlib.suppress(Exception):
                    close()

    def _answer(self, message: Raw) -> None:
        number = int(message.get("id", 0))
        try:
            operation = self._operations.get(str(message.get("op")))
            if operation is None:
                raise AgentFault(f"the agent has no operation {message.get('op')!r}", "agent")
            result = operation(**message.get("args", {}))
            if isinstance(result, Iterator):
                for item in result:
                    if number in self._cancelled:
                        break
                    if item:
                        self._writer.send({"id": number, "item": item})
                result = None
            self._writer.send({"id": number, "ok": result})
        except AgentFault as fault:
            self._fail(number, fault.as_dict())
        except OSError as error:
            what = f"{error.strerror}: {error.filename or ''}"
            self._fail(number, {"what": what, "where": str(message.get("op")), "advice": ""})
        except Exception as error:
            trace = traceback.extract_tb(error.__traceback__)
            place = f"{os.path.basename(trace[-1].filename)}:{trace[-1].lineno}" if trace else ""
            self._fail(number, {"what": f"the agent met an unexpected {type(error).__name__}: {error}",
                                "where": f"{message.get('op')} ({place})", "advice": ""})  # fmt: skip

    def _fail(self, number: int, error: dict[str, str]) -> None:
        with contextlib.suppress(OSError):
            self._writer.send({"id": number, "error": error})


def main(root: str) -> None:
    """Serves standard input and output; whatever else prints goes to standard error."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    out.write(b"\n" + frames.READY)
    out.flush()
    with contextlib.suppress(OSError, ValueError):
        Server(Host(root), frames.Writer(out)).serve(sys.stdin.buffer)
    os._exit(0)

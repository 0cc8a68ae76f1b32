"""Watches every process of this machine and of the hosts in it, to see what their arguments and environment say.

The lab's hosts share this machine's kernel, so their processes are seen from outside as well: one watch
covers both ends of an installation.
"""

import contextlib
import threading
from pathlib import Path


class ProcessWatch:
    """Collects the command line and environment of all processes while it is open."""

    def __init__(self, interval: float = 0.03) -> None:
        self._interval = interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.seen: set[bytes] = set()
        self.rounds = 0

    def __enter__(self) -> "ProcessWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stop.is_set():
            for entry in Path("/proc").iterdir():
                if entry.name.isdigit():
                    for name in ("cmdline", "environ"):
                        with contextlib.suppress(OSError):
                            self.seen.add((entry / name).read_bytes())
            self.rounds += 1
            self._stop.wait(self._interval)

    def holding(self, secret: str) -> list[bytes]:
        """What was seen with this text in it."""
        return [text for text in self.seen if secret.encode() in text]

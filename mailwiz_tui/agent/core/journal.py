"""The journal of a run: JSON lines, only ever appended, read by whoever connects from any byte offset.

``protocol/journal.py`` has its events.
"""

from __future__ import annotations

import json
import os
import threading
import time

from ..protocol.clean import clean_line
from ..protocol.journal import Event, LogEvent, ProgressEvent, line_of

MAX_LOG_BYTES = 8 << 20


class Journal:
    """Appends events to ``journal.jsonl`` (0600). Log lines stop at 8 MiB; states never do."""

    def __init__(self, path: str) -> None:
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._lock = threading.Lock()
        self._logged = os.fstat(self._handle).st_size
        self._last_progress = 0.0
        self.step = ""

    def write(self, event: Event) -> None:
        """Appends one event and makes it durable unless it is only a log line or progress."""
        line = json.dumps(line_of(event, round(time.time(), 3)), ensure_ascii=False) + "\n"
        with self._lock:
            os.write(self._handle, line.encode("utf-8", "replace"))
            if not isinstance(event, (LogEvent, ProgressEvent)):
                os.fsync(self._handle)

    def log(self, text: str) -> None:
        """One line that the current step printed."""
        text = clean_line(text)
        if not text or self._logged > MAX_LOG_BYTES:
            return
        self._logged += len(text) + 80
        if self._logged > MAX_LOG_BYTES:
            text = "(the log is full; further lines of this run are dropped)"
        self.write(LogEvent(self.step, text))

    def progress(self, done: float, total: float, what: str) -> None:
        """How far the current step is; at most five a second, and always the last."""
        now = time.monotonic()
        if now - self._last_progress < 0.2 and done < total:
            return
        self._last_progress = now
        self.write(ProgressEvent(self.step, round(done, 1), total, clean_line(what, 120)))

    def close(self) -> None:
        """Closes the file."""
        os.close(self._handle)

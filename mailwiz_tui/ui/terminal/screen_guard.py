"""Redirects everything but the screens from the terminal to a debug log.

Textual draws on standard error, so a warning, a log record, or the output of a child process or C library would
damage the screen. While the screens are shown, file descriptors 1 and 2 are the debug log, and Textual uses
duplicates of the terminal's descriptors.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
import traceback
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager, suppress
from typing import Any

from mailwiz_tui.plan.program_folders import debug_log

MAX_LOG_BYTES = 1_000_000
_TASK_RESULT = re.compile(r"(?:exception|result)=.*", re.DOTALL)


class PlacesOnly(logging.Formatter):
    """Writes an error's traceback without its message, which may contain what the operator typed."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return _TASK_RESULT.sub("…", text) if record.name == "asyncio" else text

    def formatException(self, ei: Any) -> str:  # noqa: N802
        kind, _, places = ei
        lines = [f"  {f.filename}:{f.lineno} in {f.name}" for f in traceback.extract_tb(places)]
        return "\n".join([*lines, f"  {kind.__name__ if kind else 'no exception'}"])


def _open_log() -> int:
    path = debug_log()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        full = path.exists() and path.stat().st_size > MAX_LOG_BYTES
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if full else 0), 0o600)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)


def forget_fixed_size(environ: MutableMapping[str, str] = os.environ) -> None:
    """Remove exported COLUMNS and LINES, which would hide every change of the window's size."""
    environ.pop("COLUMNS", None)
    environ.pop("LINES", None)


@contextmanager
def screen_guard() -> Iterator[None]:
    """Let only Textual write to the terminal; restore the descriptors afterwards."""
    log = _open_log()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    kept = os.dup(1), os.dup(2)
    saved_streams = sys.__stdout__, sys.__stderr__
    # Textual writes to these two; typeshed declares them final, Python does not
    sys.__stdout__, sys.__stderr__ = (  # type: ignore[misc]
        os.fdopen(os.dup(number), "w", encoding="utf-8", errors="replace") for number in kept
    )
    ours = sys.__stdout__, sys.__stderr__
    os.dup2(log, 1)
    os.dup2(log, 2)
    stop_logging = _log_to(log)
    try:
        yield
    finally:
        stop_logging()
        for number, saved in zip((1, 2), kept, strict=True):
            os.dup2(saved, number)
            os.close(saved)
        sys.__stdout__, sys.__stderr__ = saved_streams  # type: ignore[misc]  # as above
        for file in ours:
            with suppress(OSError):
                file.close()
        os.close(log)


def _log_to(descriptor: int) -> Any:
    """Send log records, warnings and unhandled errors to the log; the returned function undoes it."""
    stream = os.fdopen(os.dup(descriptor), "w", encoding="utf-8", errors="backslashreplace")
    handler = logging.StreamHandler(stream)
    handler.setFormatter(PlacesOnly())
    handler.setLevel(logging.WARNING)
    root = logging.getLogger()
    root.addHandler(handler)
    logging.captureWarnings(True)
    hooks = threading.excepthook, sys.unraisablehook

    def in_thread(args: Any) -> None:
        logging.getLogger("thread").error("a thread ended", exc_info=(args.exc_type, None, args.exc_traceback))

    def unraisable(args: Any) -> None:
        logging.getLogger("unraisable").error("ignored", exc_info=(args.exc_type, None, args.exc_traceback))

    threading.excepthook, sys.unraisablehook = in_thread, unraisable

    def undo() -> None:
        threading.excepthook, sys.unraisablehook = hooks
        logging.captureWarnings(False)
        root.removeHandler(handler)
        stream.close()

    return undo

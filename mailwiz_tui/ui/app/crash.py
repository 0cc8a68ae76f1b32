"""A crash writes a report to a file and one line to the terminal, never a traceback that may contain values."""

from __future__ import annotations

import os
import platform
import time
import traceback
from pathlib import Path

from mailwiz_tui import __version__
from mailwiz_tui.plan.program_folders import state_home


def crash_report(error: BaseException) -> str:
    """The traceback of an error as files, lines and function names, without values or messages.

    Messages and local variables may contain what the operator typed, so only the errors' types are named.
    """
    lines = [
        f"mailwiz-tui {__version__}, Python {platform.python_version()}, {platform.system()} {platform.release()}",
        f"TERM={os.environ.get('TERM', '')}",
        time.strftime("%Y-%m-%d %H:%M:%S %z"),
    ]
    link: BaseException | None = error
    seen: set[int] = set()
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        lines.append(f"{type(link).__module__}.{type(link).__qualname__}")
        lines += [
            f"  {frame.filename}:{frame.lineno} in {frame.name}"
            for frame in traceback.extract_tb(link.__traceback__)
        ]
        link = link.__cause__ or link.__context__
    return "\n".join(lines) + "\n"


def write_crash_report(error: BaseException) -> Path | None:
    """Write the report; None if no file can be written."""
    path = state_home() / f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(crash_report(error))
    except OSError:
        return None
    return path


def crash_line(error: BaseException, report: Path | None) -> str:
    """The line for the operator: what happened, what is safe, where the report is."""
    where = f"; report: {report}" if report else ""
    return (
        f"mailwiz-tui: stopped by an internal error ({type(error).__name__}). "
        f"The plan is saved, and running installations continue on the servers{where}"
    )

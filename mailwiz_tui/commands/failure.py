"""Turns an error that reached the top into lines for the operator; the traceback goes to the debug log."""

from __future__ import annotations

import os
import time
import traceback
from pathlib import Path

from mailwiz_tui.commands.terminal import complain
from mailwiz_tui.plan.errors import OperatorError
from mailwiz_tui.plan.findings import PlanError
from mailwiz_tui.plan.program_folders import debug_log


def _keep(error: BaseException) -> Path | None:
    path = debug_log()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8") as log:
            log.write(time.strftime("%Y-%m-%dT%H:%M:%S%z\n"))
            log.writelines(traceback.format_exception(error))
    except OSError:
        return None
    return path


def report(error: BaseException) -> int:
    """Print what went wrong, where and what to do; return the exit code (2 for faults in the input)."""
    if isinstance(error, PlanError):
        for finding in error.findings:
            complain(finding.line)
        return 2
    if isinstance(error, OperatorError):
        complain(f"{error.where}: {error.what}" if error.where else error.what, error.advice)
        return 1
    if isinstance(error, OSError) and error.filename:
        complain(f"{error.filename}: {error.strerror}")
        return 1
    path = _keep(error)
    kept = f"the details are in {path}" if path else "the details could not be written to the debug log"
    complain(f"unexpected error: {type(error).__name__}", f"{kept}; please report it")
    return 1

"""The folders of this program on this machine (XDG Base Directory specification).

A folder from the environment must be absolute; the specification says to ignore any other.
"""

from __future__ import annotations

import os
from pathlib import Path

_NAME = "mailwiz-tui"


def data_home() -> Path:
    """The folder of drafts and of the list of recent plans: ``$XDG_DATA_HOME/mailwiz-tui``."""
    return _base("XDG_DATA_HOME", ".local/share") / _NAME


def state_home() -> Path:
    """The folder of logs, crash reports and durations: ``$XDG_STATE_HOME/mailwiz-tui``."""
    return _base("XDG_STATE_HOME", ".local/state") / _NAME


def debug_log() -> Path:
    """The file for tracebacks and messages of libraries."""
    return state_home() / "debug.log"


def _base(variable: str, below_home: str) -> Path:
    named = os.environ.get(variable, "")
    return Path(named) if named.startswith("/") else Path.home() / below_home

"""The one place where text from servers becomes fit for a screen or a log: ``agent/core/clean.py`` has the rules.

The agent cleans what it writes; whatever arrives here is cleaned again, for a server may be in wrong hands.
"""

from __future__ import annotations

from typing import Any

from mailwiz_tui.agent.core.clean import MAX_LINE, clean_line, clean_lines

__all__ = ["MAX_LINE", "clean_line", "clean_lines", "clean_text"]


def clean_text(value: Any, limit: int = MAX_LINE) -> str:
    """Any value as one clean line; lines of a longer text are joined by `` / ``."""
    text = str(value)
    if len(text) <= limit and text.isprintable():
        return text.rstrip()
    return clean_line(" / ".join(clean_lines(text, limit)), limit)

"""Cleans text from servers for screens and logs; the rules are in ``agent/protocol/clean.py``.

The agent cleans what it writes; what arrives here is cleaned again, because a server may be compromised.
"""

from __future__ import annotations

from typing import Any

from mailwiz_tui.agent.protocol.clean import MAX_LINE, clean_line, clean_lines

__all__ = ["MAX_LINE", "clean_line", "clean_lines", "clean_text"]


def clean_text(value: Any, limit: int = MAX_LINE) -> str:
    """Any value as one clean line; lines of a longer text are joined by `` / ``."""
    text = str(value)
    if len(text) <= limit and text.isprintable():
        return text.rstrip()
    return clean_line(" / ".join(clean_lines(text, limit)), limit)

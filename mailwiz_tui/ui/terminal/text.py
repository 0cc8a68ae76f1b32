"""Text for the screen: nothing a server or a file says may reach the terminal as a control sequence."""

from __future__ import annotations

import re
import textwrap

MAX_LINE = 1000
TAB_WIDTH = 8

_SEQUENCES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"
    r"|[\x1b][\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)"
    r"|\x1b[ -/]*[0-~]"
    r"|\x9b[0-?]*[ -/]*[@-~]"
    r"|[\x90\x98\x9d\x9e\x9f][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def safe_line(text: str) -> str:
    """One printable line: escape sequences and controls dropped, ``\\r`` bars kept in their last state, cut.

    The engine sanitizes what servers print before it stores it; this is the screens' own guard behind it,
    for the terminal is where a leak would do harm (ECMA-48, xterm's OSC 52).
    """
    if len(text) <= MAX_LINE and text.isprintable():
        return text
    text = text[: MAX_LINE * 8]
    if "\r" in text:
        text = text.rstrip("\r").rsplit("\r", 1)[-1]
    text = _SEQUENCES.sub("", text)
    text = _CONTROLS.sub("", text.replace("\n", " "))
    text = text.expandtabs(TAB_WIDTH)
    return text if len(text) <= MAX_LINE else text[: MAX_LINE - 1] + "…"


def in_rows(text: str, width: int, rows: int) -> str:
    """A sentence in at most ``rows`` rows of ``width`` columns, the later ones indented; cut off with ``…``."""
    lines = textwrap.wrap(safe_line(text), width, subsequent_indent="  ", max_lines=rows, placeholder=" …")
    return "\n".join(lines)


def safe_block(text: str) -> str:
    """Several lines, each made safe."""
    return "\n".join(safe_line(line) for line in text.splitlines())

"""Cleans the output of programs, at both ends: no terminal escapes, no control characters, no endless lines.

Control sequences are those of ECMA-48 (CSI, OSC, DCS, SOS, PM, APC, two- and three-byte escapes) in their
7-bit and 8-bit forms. A lone carriage return overwrites the line, as a terminal would, so of a progress bar
only the last state stays.
"""

from __future__ import annotations

import re

MAX_LINE = 2000
ELLIPSIS = " …"

_STRINGS = r"(?:\x1b[\]PX^_]|[\x90\x98\x9d\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|(?=\x1b)|\Z)"
_CSI = r"(?:\x1b\[|\x9b)[0-?]*[ -/]*(?:[@-~]|\Z|(?=[^ -~]))"
_ESCAPE = r"\x1b[ -/]*(?:[0-~]|\Z|(?=[^ -~]))"
_SEQUENCE = re.compile(f"{_STRINGS}|{_CSI}|{_ESCAPE}", re.DOTALL)
_CONTROL = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)


def clean_line(text: str, limit: int = MAX_LINE) -> str:
    """One line without anything that a terminal would obey, cut at ``limit`` characters.

    Tabs become single spaces; bidirectional overrides and zero-width characters are dropped as well, for
    they make a line read differently from what it is.
    """
    if len(text) <= limit and text.isprintable():
        return text.rstrip()
    if len(text) > limit * 8:
        text = text[: limit * 8]
        cut = True
    else:
        cut = False
    text = _SEQUENCE.sub("", text).rstrip("\r\n")
    if "\r" in text:
        text = next((part for part in reversed(text.split("\r")) if part.strip()), "")
    text = _CONTROL.sub("", text.replace("\t", " ")).rstrip()
    if cut or len(text) > limit:
        text = text[: limit - len(ELLIPSIS)] + ELLIPSIS
    return text


def clean_lines(data: bytes | str, limit: int = MAX_LINE) -> list[str]:
    """The lines of a program's output, cleaned, without the empty ones."""
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    lines = (clean_line(line, limit) for line in _SEQUENCE.sub("", text).split("\n"))
    return [line for line in lines if line]


def tail(data: bytes | str, count: int = 12) -> str:
    """The last lines of an output, cleaned, joined by newlines: what an error message quotes."""
    return "\n".join(clean_lines(data)[-count:])


def error_lines(text: str, count: int = 3) -> str:
    """The lines of an output that say what went wrong (else its last ones), joined by `` / ``."""
    lines = [line.strip() for line in text.split("\n") if re.search(r"\w", line)]
    loud = [line for line in lines if re.search(r"(?i)error|fatal|fail|invalid|unknown|denied|not found", line)]
    return " / ".join(loud[:count] or lines[-count:])

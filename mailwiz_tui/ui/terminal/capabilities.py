"""The terminal's capabilities, found once before Textual is imported (it reads its settings at import)."""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping

ESCAPE_DELAY_OVER_SSH_MS = 300
SIXTEEN_COLOUR_TERMS = ("linux", "xterm", "vt100", "vt220", "ansi", "screen", "rxvt")


def prepare_environment(environ: MutableMapping[str, str] = os.environ) -> None:
    """Set Textual's defaults for slow links: a delayed escape sequence must not be read as the Escape key."""
    if environ.get("SSH_CONNECTION") or environ.get("SSH_TTY"):
        environ.setdefault("ESCDELAY", str(ESCAPE_DELAY_OVER_SSH_MS))
    environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    environ.setdefault("TEXTUAL_SMOOTH_SCROLL", "0")


def wants_plain_colours(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the terminal has only 16 colours, or the operator wants none (https://no-color.org)."""
    if environ.get("NO_COLOR"):
        return True
    if environ.get("COLORTERM") in ("truecolor", "24bit"):
        return False
    return environ.get("TERM", "") in SIXTEEN_COLOUR_TERMS


def wants_ascii(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether symbols beyond ASCII may be missing: the Linux console's font, or a locale without UTF-8."""
    if environ.get("TERM") == "linux":
        return True
    locale = environ.get("LC_ALL") or environ.get("LC_CTYPE") or environ.get("LANG") or "C.UTF-8"
    return "utf" not in locale.lower()


def is_dumb(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the terminal cannot position the cursor, so that no screen can be drawn."""
    return environ.get("TERM", "") in ("", "dumb")

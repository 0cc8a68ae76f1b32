"""What Rspamd is told differently in each Debian release: 3.12 on Debian 13, 3.4 on Debian 12."""

from __future__ import annotations

from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.render import render

LOADER = "/etc/rspamd/local.d/rspamd.lua"
"""Reads ``lua.local.d`` where Rspamd does not do so by itself; elsewhere it would register every rule twice."""


def release_files(context: Context) -> dict[str, str]:
    """The files that only this release needs, by path."""
    return {LOADER: render("rspamd", "rspamd.lua")} if context.codename == "bookworm" else {}

"""The README's table of keys, from the action registry: ``python -m mailwiz_tui.ui.app.key_table README.md``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from mailwiz_tui.ui.app.actions import ACTIONS, MOVING

BEGIN, END = "<!-- keys -->", "<!-- /keys -->"
SCREENS = {
    "app": "Everywhere",
    "start": "Start",
    "step": "Each step",
    "roles": "Server roles",
    "traffic": "Connections between servers (F10)",
    "domains": "Domains",
    "dns": "DNS",
    "records": "DNS beside a form (F3)",
    "review": "Review",
    "run": "Installation",
    "log": "Logs",
    "verify": "Checks",
    "monitor": "Monitor",
    "accounts": "Accounts",
    "password": "A password shown once",
    "dialog": "Dialogs",
}


def keys_section() -> str:
    """All keys as a Markdown table, grouped by screen."""
    rows = [("Forms", key, text) for key, text in MOVING]
    rows += [(SCREENS.get(a.scope, a.scope.capitalize()), a.key_text, a.help) for a in ACTIONS]
    lines = ["| where | key | what it does |", "|---|---|---|"]
    previous = ""
    for screen, key, text in rows:
        shown = f"`{key}`".replace("|", "\\|")
        lines.append(f"| {screen if screen != previous else ''} | {shown} | {text} |")
        previous = screen
    return "\n".join(lines)


def with_keys(readme: str) -> str:
    """The README's text with the current table; raises ValueError if it lacks the markers."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the file has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{keys_section()}\n{END}{after}"


def main(arguments: Sequence[str]) -> int:
    """Write the table into the named files."""
    for name in arguments or ["README.md"]:
        path = Path(name)
        path.write_text(with_keys(path.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

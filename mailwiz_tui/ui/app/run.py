"""Opens the screens: the only function that the command line calls; it imports Textual when it is called."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mailwiz_tui.ui.session.paths import default_draft_path
from mailwiz_tui.ui.terminal import capabilities
from mailwiz_tui.ui.terminal.garbage_pauses import hold_collections
from mailwiz_tui.ui.terminal.screen_guard import forget_fixed_size, screen_guard

if TYPE_CHECKING:
    from mailwiz_tui.ui.session.session import Session


def run_app(
    plan_path: Path | None, inventory_path: Path | None, *, mouse: bool = False, begin: str = "", resolver: str = ""
) -> int:
    """Run the wizard on a plan (or on the default draft) and return the process's exit code.

    ``begin`` is a row of the start list that is chosen at once (``monitor``). ``resolver`` answers DNS lookups.

    A plan file that cannot be read raises ``PlanError``, after the terminal was restored.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        sys.stderr.write(
            "mailwiz-tui: the screens need a terminal; without one use check, diff, apply and verify\n"
        )
        return 2
    if capabilities.is_dumb():
        sys.stderr.write(
            "mailwiz-tui: this terminal (TERM) cannot show screens; use check, diff, apply and verify\n"
        )
        return 2
    hold_collections()
    capabilities.prepare_environment()
    forget_fixed_size()
    from mailwiz_tui.ui.app.application import MailwizApp

    def open_session() -> Session:
        from mailwiz_tui.ui.app import start
        from mailwiz_tui.ui.session.backends import Backends
        from mailwiz_tui.ui.session.session import Session

        del start
        session = Session(plan_path, inventory_path, Backends())
        session.resolver = resolver
        return session

    app = MailwizApp(path=plan_path or default_draft_path(), opener=open_session, begin=begin)
    with screen_guard():
        app.run(mouse=mouse)
    if app.opening_error is not None:
        raise app.opening_error
    sys.stderr.write(app.closing_text)
    if app.crash_message:
        sys.stderr.write(app.crash_message + "\n")
        return 1
    return app.return_code or 0

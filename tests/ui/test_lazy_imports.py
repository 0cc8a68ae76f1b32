"""The first screen is painted before the heavy libraries of plan and engine are loaded."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
import mailwiz_tui.ui.mailwiz, mailwiz_tui.ui.session, mailwiz_tui.ui.screens.start
print(",".join(name for name in ("asyncssh", "dns", "cryptography", "dkim") if name in sys.modules))
"""


def test_the_screens_load_without_asyncssh_and_dnspython() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


OPENING = """
import sys
import mailwiz_tui.ui.app, mailwiz_tui.ui.mailwiz, mailwiz_tui.ui.screens.opening
print(",".join(name for name in ("pydantic", "idna", "asyncssh", "dns", "cryptography") if name in sys.modules))
"""


def test_the_first_picture_needs_no_plan_yet() -> None:
    done = subprocess.run([sys.executable, "-c", OPENING], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""

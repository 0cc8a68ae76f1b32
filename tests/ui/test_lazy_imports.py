"""The first screen is painted before the heavy libraries of plan and engine are loaded."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
import mailwiz_tui.ui.app.application, mailwiz_tui.ui.session.session, mailwiz_tui.ui.app.start
print(",".join(name for name in ("asyncssh", "dns", "cryptography", "dkim") if name in sys.modules))
"""


def test_the_screens_load_without_asyncssh_and_dnspython() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


OPENING = """
import sys
import mailwiz_tui.ui.app.run, mailwiz_tui.ui.app.application, mailwiz_tui.ui.app.opening
print(",".join(name for name in ("pydantic", "idna", "asyncssh", "dns", "cryptography") if name in sys.modules))
"""


def test_the_first_picture_needs_no_plan_yet() -> None:
    done = subprocess.run([sys.executable, "-c", OPENING], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""

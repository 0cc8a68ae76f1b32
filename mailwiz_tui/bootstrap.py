"""Sets the program up in a fresh checkout and starts it: ``python3 -m mailwiz_tui.bootstrap [ARGUMENTS]``.

Needs nothing but Python: it makes ``.venv`` beside the package, installs the dependencies into it, and becomes
``mailwiz-tui ARGUMENTS`` – or, with ``pytest`` as the first argument, the test suite. Later starts find the
environment ready and go on at once. Where Debian's python3-venv is missing it is installed if possible.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
ENVIRONMENT = CHECKOUT / ".venv"
WANTED_PYTHON = (3, 11)


def _stop(message: str) -> None:
    sys.exit(f"mailwiz-tui: {message}")


def _run(command: list[str], failure: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()][-3:]
        _stop(f"{failure}:\n  " + "\n  ".join(last))


def _ensure_venv_module() -> None:
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        pass
    else:
        return
    escalate = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if shutil.which("apt-get") is None or (escalate and shutil.which("sudo") is None):
        _stop("Python's venv module is missing; install it (Debian: apt-get install python3-venv) and start again")
    print("installing python3-venv …", file=sys.stderr)  # noqa: T201
    failure = "python3-venv could not be installed; install it as root and start again"
    _run([*escalate, "apt-get", "update", "-q"], failure)
    _run([*escalate, "apt-get", "install", "-y", "-q", "--no-install-recommends", "python3-venv"], failure)


def _ensure_environment(extra: str) -> None:
    project = CHECKOUT / "pyproject.toml"
    digest = hashlib.sha256(project.read_bytes() + extra.encode()).hexdigest()
    marker = ENVIRONMENT / f".mailwiz{extra.strip('[]') and '-' + extra.strip('[]')}"
    if marker.is_file() and marker.read_text(encoding="ascii") == digest:
        return
    print("setting up .venv (once; about half a minute) …", file=sys.stderr)  # noqa: T201
    if not (ENVIRONMENT / "bin" / "pip").exists():
        _ensure_venv_module()
        _run([sys.executable, "-m", "venv", str(ENVIRONMENT)], "the virtual environment could not be made")
    _run(
        [str(ENVIRONMENT / "bin" / "pip"), "install", "-q", "-e", f"{CHECKOUT}{extra}"],
        "the dependencies could not be installed",
    )
    marker.write_text(digest, encoding="ascii")


def main() -> None:
    """Prepare the environment and replace this process by the program (or by pytest)."""
    if sys.version_info < WANTED_PYTHON:
        _stop(f"Python 3.11 or later is needed; this is {sys.version.split()[0]}")
    arguments = sys.argv[1:]
    testing = arguments[:1] == ["pytest"]
    _ensure_environment("[test]" if testing else "")
    program = ENVIRONMENT / "bin" / ("pytest" if testing else "mailwiz-tui")
    if testing:
        os.chdir(CHECKOUT)
    os.execv(program, [str(program), *(arguments[1:] if testing else arguments)])  # noqa: S606


if __name__ == "__main__":
    main()

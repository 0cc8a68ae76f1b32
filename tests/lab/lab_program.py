"""The program's ``lab`` command in a process of its own."""

from __future__ import annotations

import subprocess
import sys

LAB_COMMAND = """
import argparse, sys
from mailwiz_tui.lab import command
parser = argparse.ArgumentParser()
command.add_arguments(parser)
sys.exit(command.main(parser.parse_args()))
"""


def lab_command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LAB_COMMAND, *words], capture_output=True, text=True, check=False, timeout=300
    )

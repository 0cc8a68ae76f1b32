"""The kernel of hosts that have one of their own, built once from Debian's sources, and the layers of their files.

Debian's package user-mode-linux knows no tables for IP in nf_tables and no WireGuard, and a watchdog of its own
takes /dev/watchdog from softdog. So the lab builds the same sources with what a server's kernel has.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from . import base, machine, templates
from .machine import LabError, Report

SUITE = "bookworm"
"""The Debian release of the sources: its C library is the oldest, so that the kernel runs on any machine."""
PROGRAM = "linux.uml"
_PLACE = f"boot/{PROGRAM}"


def images(suite: str, report: Report) -> tuple[Path, ...]:
    """Return the layers of a kernel host's files, uppermost first, building them the first time."""
    layer, below = base.layer_image(
        f"guest-{suite}",
        f"hosts with a kernel on {suite} (once, about 20 s)",
        templates.source("guest.sh"),
        report,
        suite=suite,
    )
    return kernel_image(report), layer, below


def kernel_image(report: Report) -> Path:
    """Return the layer that holds the kernel and its modules, building it the first time."""
    layer, _base = base.layer_image(
        "linux",
        "the kernel for hosts that have their own (once, 5 to 20 minutes)",
        templates.source("guest-kernel.sh"),
        report,
        suite=SUITE,
        files={"usr/src/lab.config": templates.source("guest-kernel.config")},
        keep="out",
    )
    return layer


def program(images: Sequence[Path]) -> Path:
    """Return the kernel's program; raises LabError when its layer was removed."""
    for image in images:
        if (image / _PLACE).exists():
            return image / _PLACE
    raise LabError(f"the host's kernel is missing in {machine.CACHE}; make the host anew: mailwiz-tui lab reset")

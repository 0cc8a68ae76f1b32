"""policy-rc.d: keeps packages from starting their services before they are configured.

invoke-rc.d(8) asks ``/usr/sbin/policy-rc.d``; 101 means "no". Ours is recognised by its marker; one that
was there before is kept aside and put back. The same is done by ``finish.sh`` when a run's unit ends in
whatever way, and at the start of the next run.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from .files import write
from .host import STATE, Host

PATH = "/usr/sbin/policy-rc.d"
SAVED = STATE + "/policy-rc.d.saved"
MARKER = "mailwiz: services wait for their configuration"
_SCRIPT = f"#!/bin/sh\n# {MARKER}; removed when the installation of packages ends\nexit 101\n"


@contextlib.contextmanager
def held_back(host: Host) -> Iterator[None]:
    """While inside, packages do not start services."""
    release(host)
    with contextlib.suppress(FileNotFoundError):
        os.replace(host.path(PATH), host.path(SAVED))
    write(host, PATH, _SCRIPT.encode(), 0o755)
    try:
        yield
    finally:
        release(host)


def release(host: Host) -> None:
    """Removes our policy and puts back the one that was there before."""
    try:
        with open(host.path(PATH), encoding="utf-8", errors="replace") as handle:
            ours = MARKER in handle.read(4096)
    except FileNotFoundError:
        ours = False
    if ours:
        os.unlink(host.path(PATH))
    if os.path.exists(host.path(SAVED)) and not os.path.exists(host.path(PATH)):
        os.replace(host.path(SAVED), host.path(PATH))

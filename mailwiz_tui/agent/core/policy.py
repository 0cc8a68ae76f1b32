"""policy-rc.d: keeps packages from starting their services before they are configured.

invoke-rc.d(8) and deb-systemd-invoke(1p) ask ``/usr/sbin/policy-rc.d`` with the unit and the action; 101 means
"no". A stop is allowed: a package that is removed takes its daemon, and the daemon's ports, with it. What ran
before and was stopped for its upgrade may start again. Ours is recognised by its marker; one that was there
before is kept aside and put back. The same is done by ``finish.sh`` when a run's unit ends in whatever way, and
at the start of the next run.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator

from .files import write
from .host import STATE, Host

PATH = "/usr/sbin/policy-rc.d"
SAVED = STATE + "/policy-rc.d.saved"
STOPPED = "/run/mailwiz-stopped"
"""A file for each unit that a package stopped while it ran."""
MARKER = "mailwiz: services wait for their configuration"
_SCRIPT = f"""#!/bin/sh
# {MARKER}; removed when the installation of packages ends
while [ "${{1#-}}" != "$1" ]; do shift; done
unit=${{1%.service}}
case $2 in
stop | force-stop)
	if systemctl -q is-active "$unit"; then mkdir -p {STOPPED} && : >"{STOPPED}/$unit"; fi
	exit 0
	;;
esac
[ -e "{STOPPED}/$unit" ] && exit 0
exit 101
"""


@contextlib.contextmanager
def held_back(host: Host) -> Iterator[None]:
    """While inside, packages do not start services that did not run before."""
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
    shutil.rmtree(host.path(STOPPED), ignore_errors=True)
    try:
        with open(host.path(PATH), encoding="utf-8", errors="replace") as handle:
            ours = MARKER in handle.read(4096)
    except FileNotFoundError:
        ours = False
    if ours:
        os.unlink(host.path(PATH))
    if os.path.exists(host.path(SAVED)) and not os.path.exists(host.path(PATH)):
        os.replace(host.path(SAVED), host.path(PATH))

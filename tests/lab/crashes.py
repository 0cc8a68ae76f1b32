"""Kills the main process of every daemon of a host, as the kernel does when memory runs out."""

from __future__ import annotations

import json

from mailwiz_tui.lab.lab import Lab

_KILL = """\
import glob, json, os, signal, subprocess, time

def show(unit, fact):
    done = subprocess.run(["systemctl", "show", "-p", fact, "--value", unit], capture_output=True, text=True)
    return done.stdout.strip()

seconds = {}
for path in sorted(glob.glob("/etc/systemd/system/*.d/mailwiz-restart.conf")):
    unit = path.split("/")[-2].removesuffix(".d")
    main, begun = int(show(unit, "MainPID")), time.monotonic()
    if main == 0:
        seconds[unit] = None
        continue
    os.kill(main, signal.SIGKILL)
    while time.monotonic() - begun < 30:
        if show(unit, "ActiveState") == "active" and show(unit, "MainPID") not in ("0", str(main)):
            break
        time.sleep(0.1)
    else:
        seconds[unit] = None
        continue
    seconds[unit] = round(time.monotonic() - begun, 1)
print(json.dumps(seconds))
"""


def crash_every_daemon(lab: Lab, host: str) -> dict[str, float | None]:
    """How many seconds each daemon took to be active again; None where it did not come back within 30 s."""
    done = lab.run(host, "python3 -", stdin=_KILL)
    seconds: dict[str, float | None] = json.loads(done.stdout)
    return seconds


def came_back(seconds: dict[str, float | None], *expected: str) -> None:
    """Assert that the daemons expected were killed, and that all are back within seconds."""
    assert set(expected) <= {unit.removesuffix(".service") for unit in seconds}, seconds
    late = {unit: took for unit, took in seconds.items() if took is None or took > 15}
    assert not late, late

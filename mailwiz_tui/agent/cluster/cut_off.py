"""Cuts this server off from its peers for a while, to try what the others do then; clients still reach it.

The rules are a table of their own, which drops packets before any other table sees them. A transient unit of
systemd has it loaded for as long as it runs: it is removed in time whatever becomes of the agent, and by a reboot.
"""

from __future__ import annotations

import ipaddress
import shlex
import time
from collections.abc import Iterable

from ..core.fault import AgentFault
from ..core.host import Host, require

UNIT = "mailwiz-cut-off.service"
TABLE = "mailwiz_cut_off"
LONGEST = 600.0
"""Seconds that a server is cut off at most."""
LOADED_WITHIN = 5.0
PAUSE = 0.1


def cut_off(host: Host, peers: Iterable[str], seconds: float) -> None:
    """Drops all packets from and to ``peers`` (IP addresses) for ``seconds``; returns when the rules are loaded.

    Raises ``AgentFault`` for what is no address, for no address at all, and if the rules cannot be loaded.
    """
    if not 1 <= seconds <= LONGEST:
        raise AgentFault(f"a server is cut off for 1 s to {LONGEST:.0f} s, not for {seconds:.0f} s", "cut off")
    rules = table(peers)
    unit = ["systemd-run", "-q", "--collect", "--unit", UNIT,
            "--description", "this server is cut off from its peers for a drill of mailwiz-tui",
            "-p", "Type=exec", "-p", f"RuntimeMaxSec={seconds + 5:.0f}",
            "-p", f"ExecStopPost=-/usr/sbin/nft delete table inet {TABLE}"]  # fmt: skip
    script = f"nft {shlex.quote(rules)} && exec sleep {seconds:.0f}"
    require(
        host.run([*unit, "/bin/sh", "-c", script], timeout=20),
        "the server cannot be cut off",
        UNIT,
        f"systemctl status {UNIT}",
    )
    # The unit is active before its first command has ended.
    end = time.monotonic() + LOADED_WITHIN
    while not host.run(["nft", "list", "table", "inet", TABLE], timeout=10).ok:
        if time.monotonic() > end:
            join(host)
            raise AgentFault("the rules that cut the server off are not loaded", UNIT, f"journalctl -u {UNIT}")
        time.sleep(PAUSE)


def join(host: Host) -> None:
    """Ends it before its time; nothing happens on a server that is not cut off."""
    host.run(["systemctl", "stop", "--", UNIT], timeout=20)


def table(peers: Iterable[str]) -> str:
    """The rules for nft(8), on one line. Raises ``AgentFault`` for what is no address, and without any."""
    try:
        found = [ipaddress.ip_address(peer) for peer in dict.fromkeys(peers)]
    except ValueError as error:
        raise AgentFault(str(error), "cut off") from error
    if not found:
        raise AgentFault("there is no peer to be cut off from", "cut off")
    sets = {"ip": [str(a) for a in found if a.version == 4], "ip6": [str(a) for a in found if a.version == 6]}
    chains = " ".join(
        f"chain {hook} {{ type filter hook {hook} priority -400; policy accept; "
        + "".join(f"{family} {end} {{ {', '.join(a)} }} drop; " for family, a in sets.items() if a)
        + "};"
        for hook, end in (("input", "saddr"), ("output", "daddr"))
    )
    return f"table inet {TABLE} {{ {chains} }}"

"""One look at a running mail server: units, listeners, queue, room, certificate, bans, and the mail log."""

from __future__ import annotations

import ast
import calendar
import json
import os
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..core.clean import clean_line
from ..core.host import Host
from ..core.lock import active_run, read_holder
from ..facts import account_domains, facts, listeners
from . import mail_log

CERTIFICATE = "/etc/mailwiz/tls/fullchain.pem"
_UNIT_FACTS = "Id,LoadState,ActiveState,SubState,Result,NRestarts,ActiveEnterTimestampMonotonic"
_UNIT_FAILED = "d9b373ed55a64feb8242e02dbe79a49c"
"""The journal's message by which systemd says why a unit failed, in its field UNIT_RESULT (sd-messages.h)."""

Raw = dict[str, Any]


def look(
    host: Host,
    units: list[str],
    place: str = "",
    since: float = 3600.0,
    keep: int = 400,
    peers: dict[str, str] | None = None,
) -> Raw:
    """How the server is now; ``None`` stands for what it could not tell.

    ``place`` is where the log was left, ``peers`` the public key of each server on the private link, by name.
    """
    jobs: dict[str, Callable[[], Any]] = {
        "units": lambda: unit_states(host, units),
        "listeners": lambda: listeners.find(host),
        "queue": lambda: _queue(host),
        "bans": lambda: _bans(host),
        "certificate": lambda: _certificate(host),
        "disks": lambda: facts.disks(host),
        "memory": _memory,
        "log": lambda: mail_log.read(host, place, since, keep),
        "run": lambda: _run(host),
        "mesh": lambda: _mesh(host, peers or {}),
        "account_domains": lambda: account_domains.find(host),
    }
    with ThreadPoolExecutor(len(jobs)) as pool:
        running = {name: pool.submit(job) for name, job in jobs.items()}
    answer: Raw = {name: None if job.exception() else job.result() for name, job in running.items()}
    return {"at": time.time(), "load": list(os.getloadavg()), "cpus": os.cpu_count() or 1, **answer}


def unit_states(host: Host, names: list[str]) -> list[Raw]:
    """How units are, and whether systemd had to start them again."""
    if not names:
        return []
    done = host.run(["systemctl", "show", f"--property={_UNIT_FACTS}", "--", *names], timeout=15)
    found = []
    blocks = done.output.decode("utf-8", "replace").strip().split("\n\n")
    for name, block in zip(names, blocks, strict=False):
        told = dict(line.partition("=")[::2] for line in block.split("\n"))
        restarts = int(told.get("NRestarts", "0") or 0)
        found.append(
            {
                "name": name,
                "active": told.get("ActiveState", ""),
                "sub": told.get("SubState", ""),
                "result": told.get("Result", ""),
                "restarts": restarts,
                **(_restarted(host, name, told) if restarts else {}),
            }
        )
    return found


def _restarted(host: Host, name: str, told: dict[str, str]) -> Raw:
    """When systemd last started a unit again by itself (seconds since the epoch), and why it had ended."""
    up = time.clock_gettime(time.CLOCK_MONOTONIC) - int(told.get("ActiveEnterTimestampMonotonic") or 0) / 1e6
    words = ["journalctl", "-q", "--no-pager", "-n", "1", "-o", "cat", "--output-fields=UNIT_RESULT"]
    done = host.run([*words, f"UNIT={name}", f"MESSAGE_ID={_UNIT_FAILED}"], timeout=10)
    return {"restarted": time.time() - up, "cause": clean_line(done.text.strip(), 40) if done.ok else ""}


def _queue(host: Host) -> Raw | None:
    """What waits in Postfix's queue (postqueue(1), ``-j``: one JSON object a line)."""
    done = host.run(["postqueue", "-j"], timeout=30)
    if not done.ok:
        return None
    count = deferred = held = 0
    oldest = 0.0
    reasons: Counter[str] = Counter()
    for line in done.output.split(b"\n"):
        try:
            mail = json.loads(line)
        except ValueError:
            continue
        count += 1
        deferred += mail.get("queue_name") == "deferred"
        held += mail.get("queue_name") == "hold"
        arrival = float(mail.get("arrival_time", 0))
        oldest = min(oldest or arrival, arrival)
        for recipient in mail.get("recipients", []):
            if reason := recipient.get("delay_reason"):
                reasons[clean_line(str(reason), 200)] += 1
    reason = reasons.most_common(1)[0][0] if reasons else ""
    return {"count": count, "deferred": deferred, "held": held, "oldest": oldest, "reason": reason}


def _bans(host: Host) -> dict[str, int] | None:
    """Banned addresses by jail; ``fail2ban-client banned`` prints them as a list of dictionaries."""
    done = host.run(["fail2ban-client", "banned"], timeout=10)
    if not done.ok:
        return None
    jails: dict[str, int] = {}
    for entry in ast.literal_eval(done.output.decode("utf-8", "replace").strip() or "[]"):
        for jail, addresses in entry.items():
            jails[clean_line(str(jail), 60)] = len(addresses)
    return jails


def _certificate(host: Host) -> Raw | None:
    """When the certificate that the services use ends (``openssl x509 -enddate``, always GMT)."""
    done = host.run(["openssl", "x509", "-in", host.path(CERTIFICATE), "-noout", "-enddate"], timeout=10)
    if not done.ok:
        return None
    end = done.text.partition("notAfter=")[2].strip().split("\n")[0]
    return {"not_after": float(calendar.timegm(time.strptime(end, "%b %d %H:%M:%S %Y GMT")))}


def _mesh(host: Host, peers: dict[str, str]) -> list[Raw] | None:
    """Seconds since the last handshake with each peer, None where there was none (wg(8))."""
    if not peers:
        return []
    done = host.run(["wg", "show", "all", "latest-handshakes"], timeout=10)
    if not done.ok:
        return None
    lines = (line.split() for line in done.text.split("\n"))
    seen = {fields[1]: int(fields[2]) for fields in lines if len(fields) == 3 and fields[2].isdigit()}
    now = time.time()
    return [{"name": name, "age": now - seen[key] if seen.get(key) else None} for name, key in peers.items()]


def _memory() -> Raw:
    told = facts.memory()
    return {"total": told.get("MemTotal", 0), "available": told.get("MemAvailable", 0)}


def _run(host: Host) -> Raw:
    active = active_run(host)
    holder = read_holder(host) if active else {}
    told = {key: clean_line(str(holder.get(key, "")), 120) for key in ("by", "controller")}
    return {"active": active, **told}

"""The state of a running mail server: units, listeners, queue, disk space, certificate, bans, and the mail log."""

from __future__ import annotations

import ast
import calendar
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ..accounts import account_list
from ..core.host import Host
from ..core.lock import active_run, read_holder
from ..facts import facts, listeners
from ..protocol.clean import clean_line
from ..protocol.cluster import ClusterState
from ..protocol.watch import (
    ActiveRun,
    CertificateEnd,
    Handshake,
    Look,
    LookAround,
    MemoryState,
    QueueState,
    UnitState,
)
from . import mail_log

CERTIFICATE = "/etc/mailwiz/tls/fullchain.pem"
_UNIT_FACTS = "Id,LoadState,ActiveState,SubState,Result,NRestarts,ActiveEnterTimestampMonotonic"
_UNIT_FAILED = "d9b373ed55a64feb8242e02dbe79a49c"
"""The journal's message by which systemd says why a unit failed, in its field UNIT_RESULT (sd-messages.h)."""

T = TypeVar("T")


def look(host: Host, asked: LookAround) -> Look:
    """The present state of the server; ``None`` is a value that it could not tell."""
    with ThreadPoolExecutor(12) as pool:

        def begin(job: Callable[[], T]) -> Callable[[], T | None]:
            """Starts a job; its result, None where it failed."""
            running = pool.submit(job)
            return lambda: None if running.exception() else running.result()

        units = begin(lambda: unit_states(host, asked.units))
        heard = begin(lambda: listeners.find(host))
        queue = begin(lambda: _queue(host))
        bans = begin(lambda: _bans(host))
        certificate = begin(lambda: _certificate(host))
        disks = begin(lambda: facts.disks(host))
        memory = begin(_memory)
        log = begin(lambda: mail_log.read(host, asked.place, asked.since, asked.keep))
        run = begin(lambda: _run(host))
        mesh = begin(lambda: _mesh(host, asked.peers or {}))
        domains = begin(lambda: account_list.mailbox_domains(host))
        cluster = begin(lambda: _cluster(host) if asked.cluster else None)
        return Look(
            at=time.time(),
            load=os.getloadavg(),
            cpus=os.cpu_count() or 1,
            units=units(),
            listeners=heard(),
            queue=queue(),
            bans=bans(),
            certificate=certificate(),
            disks=disks(),
            memory=memory(),
            log=log(),
            run=run(),
            mesh=mesh(),
            account_domains=domains(),
            cluster=cluster(),
        )


def unit_states(host: Host, names: Sequence[str]) -> tuple[UnitState, ...]:
    """How units are, and whether systemd had to start them again."""
    if not names:
        return ()
    done = host.run(["systemctl", "show", f"--property={_UNIT_FACTS}", "--", *names], timeout=15)
    found = []
    blocks = done.output.decode("utf-8", "replace").strip().split("\n\n")
    for name, block in zip(names, blocks, strict=False):
        told = dict(line.partition("=")[::2] for line in block.split("\n"))
        restarts = int(told.get("NRestarts", "0") or 0)
        restarted, cause = _restarted(host, name, told) if restarts else (0.0, "")
        active, sub, result = (told.get(key, "") for key in ("ActiveState", "SubState", "Result"))
        found.append(UnitState(name, active, sub, result, restarts, restarted, cause))
    return tuple(found)


def _restarted(host: Host, name: str, told: dict[str, str]) -> tuple[float, str]:
    """When systemd last started a unit again by itself (seconds since the epoch), and why it had ended."""
    up = time.clock_gettime(time.CLOCK_MONOTONIC) - int(told.get("ActiveEnterTimestampMonotonic") or 0) / 1e6
    words = ["journalctl", "-q", "--no-pager", "-n", "1", "-o", "cat", "--output-fields=UNIT_RESULT"]
    done = host.run([*words, f"UNIT={name}", f"MESSAGE_ID={_UNIT_FAILED}"], timeout=10)
    return time.time() - up, clean_line(done.text.strip(), 40) if done.ok else ""


def _queue(host: Host) -> QueueState | None:
    """The messages in Postfix's queue (postqueue(1), ``-j``: one JSON object a line)."""
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
    return QueueState(count, deferred, held, oldest, reason)


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


def _certificate(host: Host) -> CertificateEnd | None:
    """When the certificate of the services expires (``openssl x509 -enddate``, always GMT)."""
    done = host.run(["openssl", "x509", "-in", host.path(CERTIFICATE), "-noout", "-enddate"], timeout=10)
    if not done.ok:
        return None
    end = done.text.partition("notAfter=")[2].strip().split("\n")[0]
    return CertificateEnd(float(calendar.timegm(time.strptime(end, "%b %d %H:%M:%S %Y GMT"))))


def _mesh(host: Host, peers: Mapping[str, str]) -> tuple[Handshake, ...] | None:
    """Seconds since the last handshake with each peer, None where there was none (wg(8))."""
    if not peers:
        return ()
    done = host.run(["wg", "show", "all", "latest-handshakes"], timeout=10)
    if not done.ok:
        return None
    lines = (line.split() for line in done.text.split("\n"))
    seen = {fields[1]: int(fields[2]) for fields in lines if len(fields) == 3 and fields[2].isdigit()}
    now = time.time()
    return tuple(Handshake(name, now - seen[key] if seen.get(key) else None) for name, key in peers.items())


def _memory() -> MemoryState:
    told = facts.memory()
    return MemoryState(told.get("MemTotal", 0), told.get("MemAvailable", 0))


def _cluster(host: Host) -> ClusterState:
    from ..cluster import state

    return state.look(host)


def _run(host: Host) -> ActiveRun:
    active = active_run(host)
    holder = read_holder(host) if active else {}
    return ActiveRun(active, *(clean_line(str(holder.get(key, "")), 120) for key in ("by", "controller")))

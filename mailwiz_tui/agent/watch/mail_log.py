"""The mail log, read from the journal from where the last sample ended, and how its lines count.

Lines are those of Postfix (``postfix_logger(5)``: ``QUEUEID: to=<…>, … status=sent``), Dovecot and Rspamd; they
share syslog's facility ``mail``.
"""

from __future__ import annotations

import json
import re
import time
from collections import deque

from ..core.host import Host
from ..protocol.clean import clean_line
from ..protocol.watch import LogGain

FIRST_LINES = 20_000
WARNING = 4
_FIELDS = "MESSAGE,SYSLOG_IDENTIFIER,PRIORITY"
_DELIVERED = frozenset({"lmtp", "virtual", "local", "pipe"})
_STATUS = re.compile(r"\bstatus=(sent|deferred|bounced|expired)\b")
_LOOPBACK = re.compile(r"\brelay=(?:127\.|localhost|\[?::1)")
_REPLY = re.compile(r"reject: [^;]*?: ([45])(?:\d\d|\.)")

Entry = dict[str, object]


def kind(program: str, message: str) -> str:
    """What a line counts as: ``in``, ``out``, ``rejected``, ``deferred``, or nothing."""
    name = program.rsplit("/", 1)[-1]
    if name in ("smtpd", "cleanup", "postscreen") and "reject: " in message:
        reply = _REPLY.search(message)
        return "deferred" if reply and reply[1] == "4" else "rejected"
    status = _STATUS.search(message)
    if status is None or not program.startswith("postfix"):
        return ""
    if status[1] != "sent":
        return "deferred" if status[1] == "deferred" else "rejected"
    if name in _DELIVERED:
        return "in"
    return "out" if name == "smtp" and not _LOOPBACK.search(message) else ""


def read(host: Host, place: str, since: float, keep: int) -> LogGain:
    """Lines after ``place`` (what the last answer said; empty at first: the last ``since`` seconds).

    The newest ``keep`` lines, and the counts of all of them by minute (seconds since the epoch).
    """
    entries = _entries(host, place, since)
    if entries is None and place:
        entries = _entries(host, "", since)
    shown: deque[tuple[float, str, str]] = deque(maxlen=max(1, keep))
    minutes: dict[tuple[int, str], int] = {}
    seen, cursor = 0, ""
    for entry in entries or []:
        cursor = str(entry.get("__CURSOR", "")) or cursor
        at = int(str(entry.get("__REALTIME_TIMESTAMP", 0))) / 1e6
        program, message = str(entry.get("SYSLOG_IDENTIFIER", "")), _text(entry.get("MESSAGE"))
        if not _wanted(program, message, str(entry.get("PRIORITY", "6"))):
            continue
        seen += 1
        shown.append((round(at, 3), clean_line(program, 60), clean_line(message)))
        if what := kind(program, message):
            key = (int(at) // 60 * 60, what)
            minutes[key] = minutes.get(key, 0) + 1
    return LogGain(
        f"cursor {cursor}" if cursor else (place or f"since {time.time():.0f}"),
        tuple(shown),
        tuple((minute, what, count) for (minute, what), count in sorted(minutes.items())),
        seen - len(shown),
    )


def _entries(host: Host, place: str, since: float) -> list[Entry] | None:
    begin, _, value = place.partition(" ")
    if begin == "cursor":
        where = [f"--after-cursor={value}"]
    elif begin == "since":
        where = [f"--since=@{value}"]
    else:
        where = [f"--since=@{time.time() - since:.0f}", f"--lines={FIRST_LINES}"]
    argv = ["journalctl", "--no-pager", "--quiet", "--output=json", f"--output-fields={_FIELDS}", *where]
    done = host.run([*argv, "SYSLOG_FACILITY=2"], timeout=30)
    if not done.ok:
        return None
    return [entry for line in done.output.split(b"\n") if line and (entry := _parsed(line))]


def _parsed(line: bytes) -> Entry | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _text(message: object) -> str:
    """journalctl gives bytes that are no text as a list of numbers, and null for what is too long."""
    if isinstance(message, list):
        return bytes(b for b in message if isinstance(b, int) and 0 <= b < 256).decode("utf-8", "replace")
    return message if isinstance(message, str) else ""


def _wanted(program: str, message: str, priority: str) -> bool:
    """Rspamd tells much of itself: only its word on each mail, and its troubles, belong in a mail log."""
    if program != "rspamd":
        return True
    return "rspamd_task_write_log" in message or (priority.isdigit() and int(priority) < WARNING)

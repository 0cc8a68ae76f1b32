"""The dashboard under 8 servers that print 2,000 lines a second each: keys, memory, and bytes to the terminal.

Run with ``pytest -m bench -s tests/bench/test_dashboard.py``.
"""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fcntl import ioctl
from pathlib import Path
from statistics import mean, median

import pytest

from tests.bench.test_start import ROOT, environ

pytestmark = [pytest.mark.bench, pytest.mark.timeout(300)]

SERVERS = 8
LINES_A_SECOND = 2000
SECONDS = int(os.environ.get("MAILWIZ_BENCH_SECONDS", "60"))
KEY_EVERY = 0.37
SEARCHES = {
    "find what is not there": (("/", "never-printed"), "\r", b"is not in this log"),
    "the error before": ((), "e", b"f follows"),
    "show only some lines": (("f", "&", "reject"), "\r", "with “reject”".encode()),
    "show all lines": (("&", "\x15"), "\r", b"lines \xc2\xb7"),
}


class Window:
    """A terminal that only counts and searches what it is sent."""

    def __init__(self, command: list[str], settings: dict[str, str], size: tuple[int, int]) -> None:
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
            os.execvpe(command[0], command, settings)
        self.seen = bytearray()
        self.received = 0

    def read(self, seconds: float) -> None:
        """Take in what comes within a time."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            if select.select([self.master], [], [], left)[0]:
                self._take()

    def until(self, wanted: bytes, seconds: float = 20.0) -> None:
        """Take in what comes until it holds ``wanted``."""
        end = time.perf_counter() + seconds
        while wanted not in self.seen:
            left = end - time.perf_counter()
            assert left > 0, f"{wanted!r} was never painted: {bytes(self.seen)[-800:]!r}"
            if select.select([self.master], [], [], left)[0]:
                self._take()

    def _take(self) -> None:
        try:
            data = os.read(self.master, 65536)
        except OSError:
            pytest.fail(f"the program ended: {bytes(self.seen)[-2000:].decode(errors='replace')}")
        self.received += len(data)
        self.seen += data

    def seconds_from_key_to_paint(self, key: str, wanted: bytes) -> float:
        self.seen.clear()
        begun = time.perf_counter()
        os.write(self.master, key.encode())
        self.until(wanted)
        return time.perf_counter() - begun

    def resident(self) -> float:
        """Megabytes of memory."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def processor_seconds(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture(scope="module", autouse=True)
def priority() -> Iterator[None]:
    """Root measures ahead of whatever else the machine does; what is started inherits it."""
    former = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(10))
    except PermissionError:
        print("\nmeasured with ordinary priority", end="")
        yield
        return
    print("\nmeasured with real-time priority", end="")
    yield
    os.sched_setscheduler(0, *former)


@contextmanager
def window(folder: Path, *arguments: str, size: tuple[int, int] = (80, 24)) -> Iterator[Window]:
    settings = environ(folder)
    del settings["COLUMNS"], settings["LINES"]
    shown = Window([sys.executable, "-m", *arguments], {**settings, "PYTHONPATH": str(ROOT)}, size)
    try:
        yield shown
    finally:
        os.kill(shown.pid, signal.SIGKILL)
        os.waitpid(shown.pid, 0)
        os.close(shown.master)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_under_load(tmp_path: Path, size: tuple[int, int]) -> None:
    """The same keys go to a dashboard whose servers are silent: what the lines cost is the ratio."""
    program = "tests.bench.busy_dashboard"
    with (
        window(tmp_path, program, str(SERVERS), str(LINES_A_SECOND), size=size) as busy,
        window(tmp_path, program, str(SERVERS), "0", size=size) as silent,
    ):
        for shown in (busy, silent):
            shown.until(b"log of mx1")
            shown.read(4)
        latencies: list[float] = []
        silent_latencies: list[float] = []
        memory: list[tuple[float, float]] = []
        chosen, begun, received, used = 1, time.perf_counter(), busy.received, busy.processor_seconds()
        while (now := time.perf_counter() - begun) < SECONDS:
            memory.append((now, busy.resident()))
            busy.read(KEY_EVERY * (0.7 + 0.6 * (len(latencies) * 0.618 % 1)))
            silent.read(0.01)
            chosen = chosen % SERVERS + 1
            latencies.append(busy.seconds_from_key_to_paint(str(chosen), _row_of(chosen)))
            silent_latencies.append(silent.seconds_from_key_to_paint(str(chosen), _row_of(chosen)))
        rate = (busy.received - received) / (time.perf_counter() - begun)
        load = (busy.processor_seconds() - used) / (time.perf_counter() - begun)
        searches = {name: _search(busy, *keys) for name, keys in SEARCHES.items()}
        busy.seen.clear()
        busy.read(1)
        painted = re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", bytes(busy.seen))
        lines = max(int(number) for number in re.findall(rb"(\d{5,}) lines", painted))
    early = mean(m for t, m in memory if SECONDS / 3 <= t < SECONDS / 2)
    end = mean(m for t, m in memory if t >= SECONDS * 5 / 6)
    late, silent_late = _p99(latencies), _p99(silent_latencies)
    assert lines > 0.9 * LINES_A_SECOND * SECONDS, f"only {lines} lines of a server arrived"
    print(f"\n{size[0]}x{size[1]}, {SERVERS} servers x {LINES_A_SECOND} lines/s, {SECONDS} s: {lines} lines each")
    print(f"key to paint: median {median(latencies) * 1000:.0f} ms, p99 {late * 1000:.0f} ms (aim: below 100)")
    print(f"with silent servers: median {median(silent_latencies) * 1000:.0f} ms, p99 {silent_late * 1000:.0f} ms")
    print(f"ratio busy / silent: median {median(latencies) / median(silent_latencies):.2f}, ", end="")
    print(f"p99 {late / silent_late:.2f}; {len(latencies)} keys; load of the machine {os.getloadavg()[0]:.1f}")
    print(f"memory: {early:.0f} MB after {SECONDS // 3} s, {end:.0f} MB at the end", end="")
    print(f"; ratio {end / early:.2f} (aim: 1.0)")
    print(f"in a full log: {', '.join(f'{name} {s * 1000:.0f} ms' for name, s in searches.items())}")
    print(f"to the terminal: {rate / 1024:.1f} KB/s (aim: below 40); processor: {load:.0%} of a core")


def _search(shown: Window, before: Sequence[str], key: str, wanted: bytes) -> float:
    for keys in before:
        os.write(shown.master, keys.encode())
        shown.read(0.4)
    return shown.seconds_from_key_to_paint(key, wanted)


def _p99(values: list[float]) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.99))]


def _row_of(number: int) -> bytes:
    """The pointer before the chosen server, as it is painted in the table."""
    return f"▸ {number} mx{number} ".encode()


def test_at_rest(tmp_path: Path) -> None:
    with window(tmp_path, "mailwiz_tui") as shown:
        shown.until(b"Rehearse")
        shown.read(3)
        before = shown.received
        shown.read(10)
        print(f"\nat rest, start screen: {(shown.received - before) / 10:.0f} B/s (aim: below 512)")
        os.write(shown.master, b"\r")
        shown.until(b"1/8")
        shown.read(3)
        before = shown.received
        shown.read(10)
        print(f"at rest, a step: {(shown.received - before) / 10:.0f} B/s (aim: below 512)")


def test_servers_that_work_in_silence(tmp_path: Path) -> None:
    with window(tmp_path, "tests.bench.busy_dashboard", str(SERVERS), "0") as shown:
        shown.until(b"log of mx1")
        shown.read(3)
        before = shown.received
        shown.read(10)
        shown_text = re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]", b"", bytes(shown.seen))[-200:]
        print(f"\ndashboard, 8 servers at work without output: {(shown.received - before) / 10:.0f} B/s")
        assert shown_text

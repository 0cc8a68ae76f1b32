"""Real Debian hosts for the tests: one lab named ``ci``, shared by every worker, hosts and domains lent out.

Nothing here touches the operator's own lab. Run with ``pytest -m lab`` as root. ``MAILWIZ_TEST_LAB`` names
another lab, so that two checkouts can be tested at once; ``MAILWIZ_TEST_SUITE=bookworm`` lends hosts with
Debian 12 wherever a test does not ask for a release; ``MAILWIZ_TEST_KEEP=1`` leaves the hosts as the tests left
them.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

import pytest

from mailwiz_tui.lab import machine, zones
from mailwiz_tui.lab.lab import Lab, LabHost
from mailwiz_tui.lab.state import CONTAINER
from tests.terminal.tmux import Tmux

NAME = os.environ.get("MAILWIZ_TEST_LAB", "ci")
TESTS = machine.RUN / f"tests-{NAME}"
SUITE = os.environ.get("MAILWIZ_TEST_SUITE", "trixie")
DOMAINS = tuple(zone.rstrip(".") for zone in zones.CUSTOMER_ZONES if zone != "lab.test.")

FreshHost = Callable[..., LabHost]
FreshDomain = Callable[[], str]


def _users() -> list[Path]:
    """List the test processes that use the lab now; forget those that died."""
    living = []
    for path in (TESTS / "users").glob("*"):
        if str(machine.start_time(int(path.name))) == path.read_text():
            living.append(path)
        else:
            path.unlink()
    return living


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """Give the shared lab; the last process that uses it takes it down, if a test had brought it up."""
    lab = Lab(NAME)
    absent = lab.missing()
    if absent:
        pytest.fail("no lab here: " + "; ".join(absent))
    mine = TESTS / "users" / str(os.getpid())
    brought = TESTS / "brought-up-by-tests"
    with machine.locked(machine.RUN / f"tests-{NAME}.lock"):
        mine.parent.mkdir(parents=True, exist_ok=True)
        if not lab.hosts() and not _users():
            brought.touch()
        mine.write_text(str(machine.start_time(os.getpid())))
        lab.up(1)
    try:
        yield lab
    finally:
        with machine.locked(machine.RUN / f"tests-{NAME}.lock"):
            mine.unlink(missing_ok=True)
            if not _users():
                if brought.exists():
                    lab.down()
                shutil.rmtree(TESTS)
        machine.forget_idle_locks()


def _borrow(name: str) -> IO[str] | None:
    """Take a thing that one test at a time may have; the kernel gives it back when the process ends."""
    path = TESTS / "lent" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = path.open("a")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        return None
    return handle


def _give_back(lab: Lab, host_id: str, handle: IO[str]) -> None:
    """Leave nothing running that would take time from the tests after this one, unless it is to be looked at."""
    if "MAILWIZ_TEST_KEEP" not in os.environ:
        lab.reset(host_id)
    handle.close()


@contextmanager
def lending_hosts(lab: Lab) -> Iterator[FreshHost]:
    with ExitStack() as lent:

        def take(suite: str = SUITE) -> LabHost:
            while True:
                hosts = [host for host in lab.hosts() if (host.suite, host.kind) == (suite, CONTAINER)]
                for host in hosts:
                    handle = _borrow(host.id)
                    if handle is not None:
                        lent.callback(_give_back, lab, host.id, handle)
                        lab.reset(host.id)
                        number = int(host.id.removeprefix("mx"))
                        lab.dns.publish(zones.host_records(lab.plan, host.id, number))
                        return lab.host(host.id)
                lab.up(len(hosts) + 1, suite=suite)

        yield take


@contextmanager
def lending_domains(lab: Lab) -> Iterator[FreshDomain]:
    with ExitStack() as lent:

        def take() -> str:
            while True:
                for domain in DOMAINS:
                    handle = _borrow(domain)
                    if handle is not None:
                        lent.callback(handle.close)
                        lab.clear_dns(domain)
                        return domain
                time.sleep(0.5)

        yield take


@pytest.fixture
def fresh_host(lab: Lab) -> Iterator[FreshHost]:
    """Lend bare hosts: ``fresh_host()`` or ``fresh_host("bookworm")``, each call another host.

    Its provider's DNS records are as new as its disk. The lab grows when all are lent.
    """
    with lending_hosts(lab) as take:
        yield take


@pytest.fixture
def fresh_domain(lab: Lab) -> Iterator[FreshDomain]:
    """Lend empty domains: each call another one, such as ``example.test``."""
    with lending_domains(lab) as take:
        yield take


@pytest.fixture(scope="module")
def lent_host(lab: Lab, request: pytest.FixtureRequest) -> Iterator[str]:
    """Lend one bare host to all tests of a module; its id.

    A module that is parametrized indirectly by it runs on a host of each release named.
    """
    with lending_hosts(lab) as take:
        yield take(getattr(request, "param", SUITE)).id


@pytest.fixture(scope="module")
def lend_hosts(lab: Lab) -> Iterator[FreshHost]:
    """Lend several bare hosts to all tests of a module: like ``fresh_host``, but kept until the module ends."""
    with lending_hosts(lab) as take:
        yield take


@pytest.fixture(scope="module")
def lent_domain(lab: Lab) -> Iterator[str]:
    """Lend one empty domain to all tests of a module."""
    with lending_domains(lab) as take:
        yield take()


@pytest.fixture
def ssh(lab: Lab) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command by the system's own ssh, strict about host keys: ``ssh(host.ipv4, "uptime")``."""

    def run(address: str, command: str, *, user: str = "root", stdin: str = "") -> subprocess.CompletedProcess[str]:
        options = {
            "IdentityFile": lab.paths.identity_file,
            "IdentitiesOnly": "yes",
            "UserKnownHostsFile": lab.paths.known_hosts,
            "StrictHostKeyChecking": "yes",
            "BatchMode": "yes",
            "ConnectTimeout": "10",
        }
        words = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
        return subprocess.run(
            ["ssh", "-F", "none", *words, f"{user}@{address}", command],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run


@pytest.fixture
def tmux(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Tmux]:
    """A tmux of 80 columns and 24 rows, or of what a test gives as its indirect parameter."""
    if not Tmux.available():
        pytest.fail("tmux is needed for this test: apt-get install tmux")
    window = Tmux(tmp_path, *getattr(request, "param", ()))
    yield window
    window.close()

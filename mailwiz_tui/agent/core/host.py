"""The machine the agent works on: its root directory, programs and user."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..protocol.clean import clean_line, clean_lines
from .fault import AgentFault

STATE = "/var/lib/mailwiz"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Done:
    """A program that ended. ``exit`` is None where it was killed for taking too long."""

    exit: int | None
    output: bytes

    @property
    def ok(self) -> bool:
        """Whether it ended with 0."""
        return self.exit == 0

    @property
    def text(self) -> str:
        """The output, cleaned."""
        return "\n".join(clean_lines(self.output))


class Host:
    """A machine below ``root``. Other roots than ``/`` are for tests and rehearsal: owners are left alone there,
    and programs below that root are found first."""

    def __init__(self, root: str = "/") -> None:
        self.root = os.path.abspath(root)
        self.real = self.root == "/"
        self.can_chown = self.real and os.geteuid() == 0
        self.state_dir = self.path(STATE)

    def path(self, path: str) -> str:
        """Where a path of the server really is."""
        return path if self.real else os.path.join(self.root, path.lstrip("/"))

    def state(self, *parts: str) -> str:
        """A path below the agent's own directory."""
        return os.path.join(self.state_dir, *parts)

    def make_state_dirs(self) -> None:
        """Creates ``/var/lib/mailwiz`` and what it always holds, for root only (0700)."""
        for part in ("", "runs", "secrets", "backup", "keys", "keys/dkim"):
            path = self.state(part)
            os.makedirs(path, mode=0o700, exist_ok=True)
            if os.stat(path).st_mode & 0o077:
                os.chmod(path, 0o700)

    def environment(self) -> dict[str, str]:
        """What programs are started with: a fixed language and search path and nothing inherited."""
        path = _PATH
        if not self.real:
            path = ":".join(self.path(p) for p in ("/usr/sbin", "/usr/bin")) + ":" + os.environ.get("PATH", _PATH)
        env = {"PATH": path, "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "HOME": "/root", "TERM": "dumb"}
        if not self.real:
            env["MAILWIZ_ROOT"] = self.root
        return env

    def run(
        self, argv: Sequence[str], stdin: bytes = b"", timeout: float = 60.0, env: dict[str, str] | None = None
    ) -> Done:
        """Runs a program and returns its end and both outputs together; 127 where there is no such program."""
        try:
            process = subprocess.Popen(
                list(argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                env={**self.environment(), **(env or {})}, cwd="/", start_new_session=True, umask=0o022,
            )  # fmt: skip
        except OSError as error:
            return Done(127, f"{argv[0]}: {error.strerror}".encode())
        try:
            output, _ = process.communicate(stdin, timeout)
        except subprocess.TimeoutExpired:
            _kill(process)
            output, _ = process.communicate()
            return Done(None, output + f"\nstopped after {timeout:.0f} s".encode())
        return Done(process.returncode, output)

    def stream(
        self, argv: Sequence[str], on_line: Callable[[str], None], *, stdin: bytes = b"", timeout: float = 300.0,
        env: dict[str, str] | None = None, pass_fds: tuple[int, ...] = (),
        started: Callable[[], None] | None = None,
    ) -> Done:  # fmt: skip
        """Like ``run``, and calls ``on_line`` with each cleaned line as it is printed."""
        try:
            process = subprocess.Popen(
                list(argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                env={**self.environment(), **(env or {})}, cwd="/", start_new_session=True, umask=0o022,
                pass_fds=pass_fds,
            )  # fmt: skip
        except OSError as error:
            return Done(127, f"{argv[0]}: {error.strerror}".encode())
        if started:
            started()
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            _kill(process)

        timer = threading.Timer(timeout, expire)
        timer.start()
        feeder = threading.Thread(target=_feed, args=(process, stdin), daemon=True)
        feeder.start()
        kept: list[bytes] = []
        try:
            assert process.stdout is not None
            while chunk := process.stdout.readline(65536):
                kept.append(chunk)
                if len(kept) > 400:
                    del kept[:200]
                line = clean_line(chunk.decode("utf-8", "replace"))
                if line:
                    on_line(line)
            code: int | None = process.wait()
        finally:
            timer.cancel()
        if expired.is_set():
            kept.append(f"\nstopped after {timeout:.0f} s".encode())
            code = None
        return Done(code, b"".join(kept))


def _feed(process: subprocess.Popen[bytes], stdin: bytes) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError):
        process.stdin.write(stdin)
    with contextlib.suppress(OSError):
        process.stdin.close()


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + 3
    while process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGKILL)


def require(done: Done, what: str, where: str, advice: str = "") -> Done:
    """The program's result if it succeeded, else an ``AgentFault`` quoting the end of its output."""
    if not done.ok:
        lines = clean_lines(done.output)[-6:]
        raise AgentFault(f"{what}: {' / '.join(lines) or 'exit ' + str(done.exit)}", where, advice)
    return done

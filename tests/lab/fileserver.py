"""An NFS 4 server in the network of the lab's outside host: nfs-ganesha, which needs nothing of this kernel."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType

from mailwiz_tui.lab import machine
from mailwiz_tui.lab.lab import Lab

CONFIG = """
NFS_CORE_PARAM {{ Protocols = 4; Enable_UDP = false; Bind_addr = {address}; NFS_Port = 2049;
                  Enable_NLM = false; Enable_RQUOTA = false; }}
NFSv4 {{ Grace_Period = 15; Lease_Lifetime = 30; Only_Numeric_Owners = true; Minor_Versions = 1, 2;
         RecoveryRoot = {state}; }}
NFS_KRB5 {{ Active_krb5 = false; }}
EXPORT {{
    Export_Id = 1; Path = {folder}; Pseudo = {export}; Protocols = 4; Transports = TCP; SecType = sys;
    Access_Type = RW; Squash = {squash}; FSAL {{ Name = VFS; }}
}}
"""
"""The lease is longer than an emulated client may be held up; with a lost one it answers EIO for a while."""
EXPORT = "/export/mail"


def require_ganesha() -> None:
    """Install it from Debian where it is missing, without starting Debian's own instance."""
    if shutil.which("ganesha.nfsd") is None:
        environment = {"DEBIAN_FRONTEND": "noninteractive"}
        machine.run("apt-get", "update", "-qq", env=environment)
        machine.run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "nfs-ganesha", "nfs-ganesha-vfs",
                    env=environment)  # fmt: skip


class FileServer:
    """``stop`` and ``start`` it at will; what it exports is in ``folder`` and stays until ``close``."""

    def __init__(self, lab: Lab) -> None:
        require_ganesha()
        self.address = str(lab.plan.mail.ipv4)
        self.export = EXPORT
        # On a disk: the server needs file handles, which neither tmpfs nor an overlay has for it.
        self._place = Path(tempfile.mkdtemp(prefix="mailwiz-nfs-", dir="/var/tmp"))
        self.folder = self._place / "mail"
        self.folder.mkdir()
        self._squash = "No_Root_Squash"
        self._process: subprocess.Popen[bytes] | None = None
        pid = lab.outside._box.init()
        assert pid is not None, "the outside host does not run"
        self._network = pid

    def start(self, squash: str = "") -> None:
        """Serve, with another way of treating users if one is named; returns once the port answers."""
        self._squash = squash or self._squash
        state, config, log = (self._place / name for name in ("state", "ganesha.conf", "ganesha.log"))
        state.mkdir(exist_ok=True)
        config.write_text(
            CONFIG.format(address=self.address, state=state, folder=self.folder, export=EXPORT, squash=self._squash)
        )
        words = ["nsenter", "-t", str(self._network), "-n", "ganesha.nfsd", "-F", "-f", str(config), "-L", str(log)]
        words += ["-p", str(self._place / "pid")]
        self._process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                socket.create_connection((self.address, 2049), 1).close()
            except OSError:
                assert self._process.poll() is None, log.read_text()[-3000:]
                time.sleep(0.2)
            else:
                assert "Failed to call create_export" not in log.read_text(), log.read_text()[-3000:]
                return
        raise AssertionError(f"the file server does not start: {log.read_text()[-3000:]}")

    def stop(self) -> None:
        """Take it away, as when its power fails."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def mails(self) -> list[Path]:
        """The messages on it."""
        return sorted(p for p in self.folder.rglob("*") if p.is_file() and p.parent.name in ("new", "cur"))

    def close(self) -> None:
        """End it and remove what it held."""
        self.stop()
        shutil.rmtree(self._place, ignore_errors=True)

    def __enter__(self) -> FileServer:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self.close()

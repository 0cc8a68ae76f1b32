"""The files and processes that every kind of lab host has, whatever boots it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from . import machine, network
from .machine import LabError, run


@dataclass(frozen=True)
class LabMachine(ABC):
    """The files and processes of a host; all methods also work after a crash."""

    lab: str
    slot: int
    id: str
    images: tuple[Path, ...]
    """Image folders, uppermost first."""
    bridge: str

    @property
    def folder(self) -> Path:
        return machine.STATE / self.lab / self.id

    @property
    def root(self) -> Path:
        """The host's root file system on the machine, while it is mounted."""
        return self.folder / "root"

    @property
    def run_folder(self) -> Path:
        return machine.RUN / self.lab

    @property
    def console(self) -> Path:
        return self.run_folder / f"{self.id}.log"

    @property
    def record(self) -> Path:
        return self.run_folder / f"{self.id}.json"

    @property
    def cgroup(self) -> Path:
        return _cgroup_base() / self.lab / self.id

    @property
    def port(self) -> str:
        """The host's end of the bridge: the name of a network device in the lab's namespace."""
        return f"vb-{self._name}"[:15]

    def mount(self) -> None:
        """Mount the layer over the image."""
        if machine.mounts(self.root):
            return
        for name in ("upper", "work", "root"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        machine.write(self.folder / "images", "".join(f"{image}\n" for image in self.images))
        lower = ":".join(str(image) for image in self.images)
        options = f"lowerdir={lower},upperdir={self.folder / 'upper'},workdir={self.folder / 'work'}"
        run("mount", "-t", "overlay", "-o", options, "overlay", str(self.root))

    def images_used(self) -> tuple[Path, ...]:
        """Return the images of a prepared host; it keeps them when newer ones are built."""
        record = self.folder / "images"
        found = tuple(Path(line) for line in record.read_text().splitlines()) if record.exists() else ()
        return found if found and all(image.is_dir() for image in found) else ()

    @property
    def prepared(self) -> bool:
        """Whether the host's files were all written: a marker that is set last."""
        return (self.folder / "prepared").exists() and bool(self.images_used())

    def mark_prepared(self) -> None:
        (self.folder / "prepared").touch()

    def wipe(self) -> None:
        """Delete all that the host has written."""
        machine.unmount(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)

    @abstractmethod
    def seal(self) -> None:
        """Finish a host whose files were all written, before its first boot."""

    @abstractmethod
    def boot(self) -> None:
        """Start the host in the background, outliving this program; its console goes to a file."""

    @abstractmethod
    def init(self) -> int | None:
        """Return the process, on the machine, that the host is; None while it is not up."""

    @abstractmethod
    def run(
        self, command: str | Sequence[str], *, stdin: str | None = None, check: bool = True, timeout: float = 120
    ) -> subprocess.CompletedProcess[str]:
        """Run a program on the host as root; a string is a line for its shell."""

    def _spawn(self, launcher: str, *command: str, env: Mapping[str, str]) -> None:
        """Start a launcher in a session of its own, and record it as the host."""
        self.run_folder.mkdir(parents=True, exist_ok=True)
        self.cgroup.mkdir(parents=True, exist_ok=True)
        with self.console.open("ab") as console:
            process = subprocess.Popen(
                ["sh", "-c", launcher, "sh", str(self.cgroup), *command],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                start_new_session=True,
                cwd="/",
                env={"PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"), **env},
            )
        record = {"pid": process.pid, "start": machine.start_time(process.pid), "boot": machine.boot_id()}
        machine.write(self.record, json.dumps(record))

    def running(self) -> bool:
        """Tell whether the process that was started for this host still runs, by its pid and start time."""
        record = machine.read_json(self.record)
        pid = record.get("pid")
        if not isinstance(pid, int) or record.get("boot") != machine.boot_id():
            return False
        return record.get("start") is not None and machine.start_time(pid) == record["start"]

    def freeze(self, frozen: bool) -> None:
        """Stop all processes of the host where they are, or let them go on."""
        (self.cgroup / "cgroup.freeze").write_text("1" if frozen else "0")
        wanted = f"frozen {int(frozen)}"
        if not machine.wait_until(lambda: wanted in (self.cgroup / "cgroup.events").read_text(), 10):
            raise LabError(f"{self.id} has processes that do not freeze or thaw; see {self.cgroup}/cgroup.events")

    def stop(self) -> None:
        """End every process of the host: the one recorded, and all in its cgroup."""
        record = machine.read_json(self.record)
        if self.running():
            os.kill(record["pid"], signal.SIGKILL)
        kill = self.cgroup / "cgroup.kill"
        for _attempt in range(2):
            if kill.exists():
                kill.write_text("1")
            for pid in self._pids():
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            if machine.wait_until(lambda: not self._pids(), 10):
                break
        else:
            raise LabError(f"{self.id} has processes that do not end: {self._pids()}; ps shows them")
        self._unplug()
        for top in machine.cgroup_hierarchies():
            remove_cgroup(top / _cgroup_base().name / self.lab / self.id)
        self.record.unlink(missing_ok=True)

    def _unplug(self) -> None:
        """Remove the host's network device now; the kernel may need seconds to remove that of an ended host."""
        space = network.namespace_path(self.lab)
        if space.exists():
            command = ["nsenter", f"--net={space}", "ip", "link", "delete", self.port]
            subprocess.run(command, capture_output=True, check=False)

    def wait(self, addresses: Sequence[str] = (), seconds: float = 60, must_be: str = "running") -> str:
        """Wait until boot has finished and SSH answers on every address; return systemd's verdict."""
        verdict = ""

        def booted() -> bool:
            nonlocal verdict
            if not self.running():
                raise LabError(f"{self.id} stopped while booting: {self._last_words()}")
            if self.init() is None:
                return False
            verdict = self.run(["systemctl", "is-system-running"], check=False).stdout.strip()
            return verdict in ("running", "degraded", "maintenance")

        if not machine.wait_until(booted, seconds, 0.1):
            raise LabError(f"{self.id} did not finish booting in {seconds:.0f} s ({verdict}): {self._last_words()}")
        if must_be and verdict != must_be:
            failed = self.run(["systemctl", "--failed", "--plain", "--no-legend"], check=False).stdout
            units = " ".join(line.split()[0] for line in failed.splitlines() if line.strip())
            raise LabError(f"{self.id} booted {verdict}, failed units: {units}; see {self.console}")
        for address in addresses:
            if not machine.wait_until(partial(banner, address), seconds, 0.1):
                raise LabError(f"SSH on {self.id} ({address}) does not answer; see {self.console}")
        return verdict

    @property
    def _name(self) -> str:
        return f"mwl{self.slot}-{self.id}"

    def _pids(self) -> list[int]:
        found = []
        for folder, _folders, _files in os.walk(self.cgroup):
            try:
                found += [int(word) for word in (Path(folder) / "cgroup.procs").read_text().split()]
            except OSError:
                continue
        return sorted(set(found) - {0})

    def _last_words(self) -> str:
        try:
            lines = self.console.read_text(errors="replace").splitlines()
        except OSError:
            return "no console output"
        return " | ".join(line.strip() for line in lines[-4:] if line.strip()) or f"see {self.console}"


def write_files(root: Path, files: Mapping[str, str]) -> None:
    """Write text files into a root file system: path below the root -> content."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_text(text)


def banner(address: str) -> bool:
    """Tell whether an SSH server sends its greeting on port 22 of an address."""
    try:
        with socket.create_connection((address, 22), timeout=2) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def remove_cgroup(path: Path) -> None:
    """Remove an empty cgroup and those below it."""
    if path.is_dir():
        for folder, _folders, _files in os.walk(path, topdown=False):
            try:
                os.rmdir(folder)
            except OSError:
                continue


def _cgroup_base() -> Path:
    root = machine.cgroup_root()
    if root is None:
        raise LabError("this machine has no cgroup2 file system; mount one, or boot with systemd")
    return root / "mailwiz-lab"

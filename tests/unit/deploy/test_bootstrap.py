"""Where installing python3 fails, the operator is told all that is known of why."""

from __future__ import annotations

import shutil
import subprocess
from importlib import resources
from pathlib import Path

import pytest

from mailwiz_tui.deploy.agent_link import AgentError, AgentLink

TOOLS = ("sh", "rm", "mkdir", "mv", "cat", "tail", "grep", "tr", "df", "awk")


def fail(folder: Path, result: str, log: str) -> subprocess.CompletedProcess[str]:
    """Run the bootstrap on a rehearsed server without python3, whose installation ends with a unit's result."""
    (folder / "bin").mkdir()
    (folder / "systemd").mkdir()
    (folder / "os-release").write_text('ID=debian\nVERSION_ID="13"\n')
    for tool in TOOLS:
        (folder / "bin" / tool).symlink_to(str(shutil.which(tool)))
    here = folder / "bootstrap"
    made = f"printf '{log}' >{here}/log\n" + (f"echo '{result}' >{here}/result\n" if result else "")
    journal = "echo 'Started'; echo 'Main process exited, code=killed, status=9/KILL'\n"
    short = f"exec {shutil.which('sleep')} 0.01\n"
    fakes = {"journalctl": journal, "id": "echo 0\n", "systemctl": "exit 3\n", "systemd-run": made, "sleep": short}
    for name, body in fakes.items():
        (folder / "bin" / name).write_text(f"#!{folder}/bin/sh\n{body}")
        (folder / "bin" / name).chmod(0o755)
    script = (resources.files("mailwiz_tui.agent") / "boot" / "bootstrap.sh").read_text(encoding="ascii")
    for real, rehearsed in (
        ("/run/mailwiz-bootstrap", here),
        ("/run/systemd/system", folder / "systemd"),
        ("/etc/os-release", folder / "os-release"),
    ):
        script = script.replace(real, str(rehearsed))
    return subprocess.run(
        [str(folder / "bin" / "sh"), "-c", script.replace("@START@", "''"), "mailwiz-agent", "/"],
        env={"PATH": str(folder / "bin")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("result", "log", "code", "said"),
    [
        (
            "signal killed KILL",
            "Unpacking libpython3 ...\\n",
            87,
            "ended it with signal KILL; last words: Unpacking",
        ),
        ("oom-kill killed KILL", "", 87, "ran out of memory, and the kernel ended the installation (OOM killer)"),
        (
            "exit-code exited 100",
            "E: Could not get lock. It is held by process 77 (apt)\\n",
            81,
            "status 100; last w",
        ),
        (
            "exit-code exited 100",
            "E: Could not get lock. It is held by process 77 (apt)\\n",
            81,
            "process 77 (apt)",
        ),
        ("exit-code exited 100", "dpkg: error: No space left on device\\n", 88, "no space is left on the disk ("),
        (
            "",
            "Get:1 http://deb.example\\n",
            87,
            "(Main process exited, code=killed, status=9/KILL ); last words: Get:1",
        ),
    ],
)
def test_the_reason_is_told(tmp_path: Path, result: str, log: str, code: int, said: str) -> None:
    done = fail(tmp_path, result, log)
    fault = next(line for line in done.stdout.splitlines() if line.startswith("mailwiz-bootstrap: fault "))
    assert done.returncode == code, done.stderr
    assert "python3 cannot be installed: " in fault
    assert said in fault


async def test_each_end_has_its_own_advice() -> None:
    class Channel:
        exit_status = 87
        stderr = ""

        def __init__(self) -> None:
            self.data = b"mailwiz-bootstrap: fault python3 cannot be installed: it was ended\n"

        def write(self, data: bytes) -> None: ...
        async def drain(self) -> None: ...
        async def close(self) -> None: ...
        async def read(self, n: int = 65536) -> bytes:
            part, self.data = self.data[:n], self.data[n:]
            return part

    class Connection:
        async def open_privileged(self, command: str) -> Channel:
            return Channel()

        async def close(self) -> None: ...

    with pytest.raises(AgentError) as error:
        await AgentLink.open(Connection())
    assert error.value.advice.startswith("try again: it completes what was started")

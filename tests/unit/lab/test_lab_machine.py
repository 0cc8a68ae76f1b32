"""The lab on a machine that lacks things, refuses things or dies: one clear line, never a traceback."""

from __future__ import annotations

import argparse
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mailwiz_tui.lab import command, keys, machine, provider
from mailwiz_tui.lab.host import Machine
from mailwiz_tui.lab.lab import Lab
from mailwiz_tui.lab.machine import LabError


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(words)


def test_arguments_have_the_documented_defaults() -> None:
    args = parse("up")
    assert (args.count, args.suite, args.install, args.name) == (3, "trixie", False, "lab")
    assert parse("reset", "mx2", "--name", "ci").host == "mx2"


def test_failed_program_is_named_with_its_exit_code_and_last_words() -> None:
    with pytest.raises(LabError, match=r"sh -c .*: exit 3: one \| two"):
        machine.run("sh", "-c", "echo one; echo two >&2; exit 3")
    with pytest.raises(LabError, match="no-such-program is not installed"):
        machine.run("no-such-program")
    with pytest.raises(LabError, match="did not end within"):
        machine.run("sleep", "5", timeout=0.05)


def test_program_gets_and_gives_bytes_unharmed() -> None:
    text = b"gr\xfc\xdfe".decode("utf-8", "surrogateescape")
    assert machine.run("od", "-An", "-tx1", stdin=text).stdout.split() == ["67", "72", "fc", "df", "65"]
    assert machine.run("printf", "\\374", check=False).stdout == "\ufffd"


def test_missing_programs_are_named_by_their_debian_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = {"debootstrap", "nft", "systemd-nspawn"}
    which = shutil.which
    monkeypatch.setattr(
        "mailwiz_tui.lab.machine.shutil.which", lambda name: None if name in absent else which(name)
    )
    monkeypatch.setattr(machine, "KEYRING", Path("/"))
    assert machine.missing_packages() == ["debootstrap", "nftables", "systemd-container"]
    assert any("debootstrap nftables systemd-container" in line for line in machine.missing())


def test_without_root_up_and_down_say_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    for words in (["up", "--name", "nobodys"], ["down", "--name", "nobodys"]):
        assert command.main(parse(*words)) == 1
        error = capsys.readouterr().err
        assert "sudo" in error
        assert error.count("\n") == 1


def test_other_system_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mailwiz_tui.lab.machine.sys.platform", "darwin")
    with pytest.raises(LabError, match="Linux"):
        machine.require()


@pytest.mark.parametrize("count", ["0", "-1", "17"])
def test_impossible_count_is_refused_before_anything_happens(
    count: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(parse("up", "--name", "nobodys", "--", count)) == 1
    assert "1 to 16" in capsys.readouterr().err


def test_ls_without_a_lab_says_how_to_start_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(parse("ls", "--name", "nobodys")) == 0
    assert "lab up --name nobodys" in capsys.readouterr().out


def test_operating_system_error_becomes_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_args: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Lab, "up", full)
    assert command.main(parse("up")) == 1
    assert capsys.readouterr().err.startswith("mailwiz-tui lab: [Errno 28] No space left on device; try: ")


def test_reader_that_goes_away_does_not_stop_the_work() -> None:
    code = (
        "from mailwiz_tui.lab import command\n"
        "for _ in range(3): command._say('x')\n"
        "import sys; sys.stderr.write('done')"
    )
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=writer, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "done")


def test_ended_process_has_no_start_time_even_before_it_is_reaped() -> None:
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert machine.start_time(child.pid) is None
    child.wait()
    assert machine.start_time(os.getpid()) is not None


def test_lock_is_exclusive_or_shared(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    probe = (
        "import fcntl, sys\n"
        "h = open(sys.argv[1], 'a')\n"
        "try: fcntl.flock(h, getattr(fcntl, sys.argv[2]) | fcntl.LOCK_NB)\n"
        "except BlockingIOError: sys.exit(1)\n"
    )

    def free(kind: str) -> bool:
        return subprocess.run([sys.executable, "-c", probe, path, kind], check=False).returncode == 0

    with machine.locked(path):
        assert not free("LOCK_SH")
    with machine.locked(path, shared=True):
        assert free("LOCK_SH")
        assert not free("LOCK_EX")
    assert free("LOCK_EX")


def test_files_of_a_sudo_user_lie_in_his_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("SUDO_UID", "1")
    assert keys.operator_data_folder() == Path(pwd.getpwuid(1).pw_dir) / ".local/share"
    monkeypatch.setenv("XDG_DATA_HOME", "/somewhere")
    assert keys.operator_data_folder() == Path("/somewhere")


def test_engine_of_the_lab_loads_without_screens_and_ssh() -> None:
    code = "import sys, mailwiz_tui.lab.command\nprint(sorted({'textual', 'asyncssh'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_host_gets_its_keys_though_a_killed_run_has_left_a_folder_that_is_still_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "STATE", tmp_path)
    box = Machine("lab", 1, "mx2", (), "bridge")
    (box.root / "etc/ssh").mkdir(parents=True)
    for left in (".mx2.new/etc/ssh", ".mx2.keys", ".mx2.abc/etc/ssh"):
        (tmp_path / "lab/host-keys" / left).mkdir(parents=True)
    with monkeypatch.context() as stubborn:
        stubborn.setattr("mailwiz_tui.lab.provider.shutil.rmtree", lambda path, ignore_errors=False: None)
        provider.host_keys(box)
    first = (box.root / "etc/ssh/ssh_host_ed25519_key").read_text()
    assert "PRIVATE KEY" in first
    assert (box.root / "etc/ssh/ssh_host_ed25519_key.pub").read_text().endswith(" root@mx2\n")
    provider.host_keys(box)
    assert (box.root / "etc/ssh/ssh_host_ed25519_key").read_text() == first

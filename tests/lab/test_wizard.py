"""The wizard walked by keys alone in a real tmux, from an empty draft to a verified mail server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mailwiz_tui.lab.lab import Lab, LabHost
from tests.lab.by_keys import (
    ROOT,
    answer_dialog,
    answer_the_steps,
    go_and_install,
    open_wizard,
    publish_the_zone,
    take_the_passwords,
)
from tests.terminal.tmux import Tmux

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]


SIZES = [pytest.param((80, 24), id="80x24"), pytest.param((120, 40), id="120x40", marks=pytest.mark.long)]


@pytest.mark.parametrize("tmux", SIZES, indirect=True)
def test_from_an_empty_draft_to_a_verified_server(
    lab: Lab,
    fresh_host: Callable[..., LabHost],
    fresh_domain: Callable[[], str],
    tmux: Tmux,
    tmp_path: Path,
) -> None:
    host, domain = fresh_host(), fresh_domain()
    open_wizard(tmux, tmp_path, lab)
    answer_the_steps(tmux, host.id, domain)
    publish_the_zone(tmux, tmp_path, lab, domain)

    tmux.keys("F8")
    tmux.until("8/8")
    tmux.keys("Enter")
    tmux.until("ready to install")
    tmux.keys("F8")
    tmux.until(f"Install on {host.id}?")
    tmux.keys("Right", "Enter")
    tmux.until("installing", 30)
    shown = tmux.until_any(["Enter shows", "r retries", "failed:"], 600)
    assert "checks passed" in shown, shown
    assert " failed" not in shown, shown
    tmux.capture("done")

    password = take_the_passwords(tmux, tmp_path, domain)
    tmux.until("Mail programs warn users about the certificate")
    tmux.keys("F7")
    tmux.until("1/8")

    remembered = [p for p in (tmp_path / "data").rglob("*") if p.is_file()]
    assert not [p for p in remembered if password.encode() in p.read_bytes()]
    assert all(password not in text for text in tmux.captures)

    tmux.keys("F4")
    tmux.until("ready to install")
    tmux.keys("F5")
    tmux.until("nothing to do", 60)
    tmux.keys("Escape")
    tmux.until("ready to install")
    tmux.keys("C-q")
    tmux.until("exit-status=0")


def test_leaving_while_it_runs_and_coming_back_attaches(
    lab: Lab,
    fresh_host: Callable[..., LabHost],
    fresh_domain: Callable[[], str],
    tmux: Tmux,
    tmp_path: Path,
) -> None:
    """Other sizes, SIGHUP and kill -9 in the middle; each return follows what still runs, to the end."""
    host, domain = fresh_host(), fresh_domain()
    open_wizard(tmux, tmp_path, lab)
    answer_the_steps(tmux, host.id, domain)
    go_and_install(tmux)
    tmux.until("Unpacking", 120)
    for width, height in ((120, 40), (40, 8), (80, 24)):
        tmux.resize(width, height)
        tmux.until("too small" if height < 20 else "log of")
    kill_program(tmp_path, "-HUP")
    tmux.until("exit-status=129")
    tmux.close()

    second = come_back(tmp_path, "second")
    try:
        go_and_install(second)
        second.until_any(["attached", "installing"], 60)
        second.until("log of", 60)
        kill_program(tmp_path, "-9")
        second.until("exit-status=137")
    finally:
        second.close()

    third = come_back(tmp_path, "third")
    try:
        go_and_install(third)
        shown = third.until_any(["Enter shows", "r retries", "failed:"], 600)
        assert "installed" in shown, shown
        assert "r retries" not in shown, shown
    finally:
        third.close()


def come_back(tmp_path: Path, name: str) -> Tmux:
    """Start the program anew with the same draft, in a window of its own."""
    folder = tmp_path / name
    folder.mkdir()
    window = Tmux(folder)
    environ = {
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "PYTHONPATH": str(ROOT),
        "LANG": "C.UTF-8",
    }
    window.start([sys.executable, "-m", "mailwiz_tui"], environ)
    window.until("Continue with plan.toml")
    window.keys("Enter")
    window.until("1/8")
    return window


def test_a_server_typed_in_asks_for_its_host_key_and_sudo(
    lab: Lab, fresh_host: Callable[..., LabHost], tmux: Tmux, tmp_path: Path
) -> None:
    """An unknown host key is confirmed, a wrong password is asked for again, a right one only once."""
    host = fresh_host()
    home = tmp_path / "home"
    home.mkdir()
    environ = {
        "HOME": str(home),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "PYTHONPATH": str(ROOT),
        "LANG": "C.UTF-8",
        "SSH_AUTH_SOCK": "",
    }
    tmux.start([sys.executable, "-m", "mailwiz_tui", str(tmp_path / "plan.toml")], environ)
    tmux.until("Begin")
    tmux.keys("a")
    tmux.until("Address or name")
    tmux.type(host.ipv4)
    tmux.keys("Enter")
    tmux.type("box")
    tmux.keys("Enter", "C-u")
    tmux.type("admin")
    tmux.keys("Enter", "Enter")
    tmux.type(str(lab.paths.identity_file))
    tmux.keys("Enter", "Enter")
    tmux.until("1 server from")
    tmux.keys("n")
    tmux.until("1/8")
    tmux.keys("F8")
    tmux.until("(*) box")
    tmux.keys("F5")
    tmux.until("host key of box?", 30)
    tmux.until("SHA256:")
    answer_dialog(tmux, "Right", "Enter")
    tmux.until("sudo on box", 30)
    answer_dialog(tmux, *"wrong", "Enter")
    tmux.until("rejected", 30)
    answer_dialog(tmux, *"lab", "Enter")
    shown = tmux.until("✓ reachable", 60)
    assert "lab" not in shown.replace(".lab", "")
    assert (home / ".ssh" / "known_hosts").is_file()
    tmux.keys("F5")
    tmux.until("checking")
    tmux.until("✓ reachable", 60)


def kill_program(tmp_path: Path, signal: str) -> None:
    """Send a signal to the wizard that runs with this test's data folder."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            environ = (entry / "environ").read_bytes()
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if f"XDG_DATA_HOME={tmp_path}/data".encode() in environ and b"mailwiz_tui" in command.split(b"\0"):
            subprocess.run(["kill", signal, entry.name], check=True)
            return
    pytest.fail(f"the program does not run (own pid {os.getpid()})")

"""Trouble on a real server, mended by keys: another's mail server, a step that fails, one that is skipped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mailwiz_tui.lab.lab import Lab
from tests.lab.by_keys import answer_dialog, answer_the_steps, open_wizard
from tests.lab.conftest import FreshHost
from tests.terminal.tmux import Tmux

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

FOREIGN = "apt-get install -y -q postfix && postconf -e 'smtpd_banner = mine' 'mydestination = old.example'"
BROKEN_SOURCE = "/etc/apt/sources.list.d/own.list"
BROKEN_JAIL = "/etc/fail2ban/jail.d/own.local"


def test_adopting_retrying_and_skipping_by_keys(
    lab: Lab, fresh_host: FreshHost, fresh_domain: Callable[[], str], tmux: Tmux, tmp_path: Path
) -> None:
    host, domain = fresh_host().id, fresh_domain()
    lab.run(host, ["env", "DEBIAN_FRONTEND=noninteractive", "sh", "-c", f"apt-get update -q && {FOREIGN}"])
    lab.run(host, f"echo 'deb nonsense' >{BROKEN_SOURCE}; mkdir -p /etc/fail2ban/jail.d; echo '[x' >{BROKEN_JAIL}")

    open_wizard(tmux, tmp_path, lab)
    answer_the_steps(tmux, host, domain)
    tmux.keys("F4")
    tmux.until("ready to install")
    tmux.keys("F8")
    tmux.until(f"{host} has a mail server that mailwiz-tui did not configure")
    answer_dialog(tmux, *"other", "Enter")
    tmux.until(f"This is not {host}; nothing is replaced")
    tmux.keys("C-u")
    tmux.type(host)
    tmux.keys("Enter")
    tmux.until(f"Install on {host}?")
    tmux.keys("Right", "Enter")

    shown = tmux.until("r retries", 180)
    assert "own.list" in shown, shown
    tmux.keys("k")
    tmux.until("later steps depend on")
    lab.run(host, f"rm {BROKEN_SOURCE}")
    tmux.keys("r")

    tmux.until("k skips this optional step", 300)
    tmux.keys("k")
    tmux.until("Continue without “Configure fail2ban”?")
    tmux.keys("Right", "Enter")
    shown = tmux.until("installed without “Configure fail2ban”", 300)
    assert "postfix" in str(lab.run(host, "ls -R /var/lib/mailwiz/backup").stdout), "the former version is kept"

    lab.run(host, f"rm {BROKEN_JAIL}")
    tmux.keys("F7")
    tmux.until("ready to install")
    tmux.keys("F8")
    tmux.until("Install on")
    tmux.keys("Right", "Enter")
    shown = tmux.until_any(["Enter shows", "r retries", "failed:"], 300)
    assert "without" not in shown, shown
    assert str(lab.run(host, "systemctl is-active fail2ban").stdout).strip() == "active"

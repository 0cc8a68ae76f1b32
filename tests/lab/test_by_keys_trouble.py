"""What goes wrong, met by keys: somebody else's Postfix, a server to try again, a step to go on without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mailwiz_tui.lab.lab import Lab, LabHost
from tests.lab.by_keys import answer_dialog, open_wizard
from tests.lab.test_wizard_several import choose_several_servers, give_roles
from tests.terminal.tmux import Tmux

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1200)]

FOREIGN = (
    "DEBIAN_FRONTEND=noninteractive apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y install "
    "--no-install-recommends postfix >/dev/null 2>&1; postconf -e myhostname=old.example.test mynetworks=10.0.0.0/8"
)
BROKEN_JAIL = "mkdir -p /etc/fail2ban && echo 'no section, no value' > /etc/fail2ban/jail.local"
BROKEN_RESOLVER = (
    "mkdir -p /etc/unbound/unbound.conf.d && "
    "printf 'server:\\n  no-such-option: yes\\n' > /etc/unbound/unbound.conf.d/zz-own.conf"
)


def test_trouble_on_the_way_is_told_and_got_over(
    lab: Lab,
    fresh_host: Callable[..., LabHost],
    fresh_domain: Callable[[], str],
    tmux: Tmux,
    tmp_path: Path,
) -> None:
    """Nothing is published in the DNS, so the checks of records fail; the servers themselves come to their end."""
    first, second = sorted((fresh_host().id, fresh_host().id))
    domain = fresh_domain()
    lab.run(first, FOREIGN, timeout=300)
    lab.run(first, BROKEN_JAIL)
    lab.run(second, BROKEN_RESOLVER)

    open_wizard(tmux, tmp_path, lab)
    tmux.keys("Enter")
    tmux.until("1/8")
    choose_several_servers(tmux)
    tmux.until("1 in 2 out 3 store 4 spam")
    give_roles(tmux, [first, second], ("123", "4"))
    tmux.keys("F5", "Home")
    tmux.until("has postfix with its own configuration", 120)
    tmux.until_gone(("asking",), 120)
    tmux.keys("F8")
    tmux.until("3/8")
    tmux.type(domain)
    tmux.until(f"Primary domain        {domain}")
    tmux.keys("F8")
    tmux.until("4/8")
    tmux.keys("Right", "Right")
    tmux.until("(•) Self-signed")

    refuse_then_adopt(tmux, first)
    tmux.until(f"Install on {first}, {second}?")
    tmux.keys("Right", "Enter")
    retry(tmux, lab, second)
    skip(tmux, lab, first)
    shown = tmux.until("Enter shows", 900)
    assert shown.count("✓ installed") == 2, shown
    assert "Lock out who guesses passwords" in shown, shown
    assert "old.example.test" in lab.run(first, "cat /var/lib/mailwiz/backup/*/etc/postfix/main.cf").stdout


def refuse_then_adopt(tmux: Tmux, name: str) -> None:
    """The review warns; a first no leaves the server alone, a wrong name as well, the right name is a yes."""
    tmux.keys("F4")
    tmux.until("set up by somebody else")
    tmux.keys("F8")
    tmux.until(f"{name} already has a mail server that somebody else set up")
    tmux.keys("Escape")
    tmux.until("is left alone")
    tmux.keys("F8")
    tmux.until("To replace it, type")
    tmux.type("another")
    tmux.keys("Enter")
    tmux.until("nothing is replaced")
    tmux.keys("C-u")
    tmux.type(name)
    tmux.keys("Enter")


def retry(tmux: Tmux, lab: Lab, name: str) -> None:
    """A step that others build on cannot be skipped; once its cause is repaired, r goes on."""
    tmux.until(f"{name} failed in “Start a validating resolver”; the others go on", 600)
    tmux.keys("2")
    tmux.until("no-such-option")
    tmux.keys("k")
    tmux.until("later steps build on")
    lab.run(name, "rm /etc/unbound/unbound.conf.d/zz-own.conf")
    tmux.keys("r")
    tmux.until_gone((f"{name} failed in",), 60)


def skip(tmux: Tmux, lab: Lab, name: str) -> None:
    """The operator's own jail.local is broken: the step may be left out, after one more question."""
    tmux.until_any([f"{name} failed in “Lock out", "failed on"], 600)
    tmux.keys("1", "k")
    tmux.until("Go on without “Lock out who guesses passwords”?")
    answer_dialog(tmux, "Right", "Enter")
    tmux.until_gone((f"{name} failed in", "failed on"), 60)

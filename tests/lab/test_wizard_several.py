"""An enterprise's four servers with roles, by keys alone at 80×24: from nothing to installed and proved."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from mailwiz_tui.lab.lab import Lab, LabHost
from tests.lab.by_keys import open_wizard, publish_the_zone, take_the_passwords
from tests.terminal.tmux import Tmux

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1200)]

ROLES = ("14", "14", "2", "3")
"""The keys of each server's roles: two that receive and filter, one that sends, one that keeps the mail."""


def choose_several_servers(tmux: Tmux) -> None:
    """Step 1: the second choice, seen to be taken before Enter."""
    tmux.until("(•) One server")
    tmux.keys("Right")
    tmux.until("(•) Several servers with roles")
    tmux.keys("Enter")


def give_roles(tmux: Tmux, ids: list[str], roles: tuple[str, ...]) -> None:
    """Walk through the list; a server of ours gets its roles the moment the cursor is on it."""
    listed = known_ids(tmux)
    for place, name in enumerate(listed):
        if name in ids:
            tmux.type(roles[ids.index(name)])
        if place + 1 < len(listed):
            tmux.keys("Down")
    tmux.until(f"{len(ids)} chosen")


def known_ids(tmux: Tmux) -> list[str]:
    """The servers in the list, in its order: read while walking down it, as an operator would."""
    found: list[str] = []
    while True:
        rows = [row.split("]")[1].split()[0] for row in tmux.screen().splitlines() if row.startswith(" [")]
        fresh = [name for name in rows if name not in found]
        found += fresh
        if not fresh:
            break
        tmux.keys("PageDown")
    tmux.keys("Home")
    return found


def test_an_enterprise_installs_four_servers_with_roles(
    lab: Lab,
    fresh_host: Callable[..., LabHost],
    fresh_domain: Callable[[], str],
    tmux: Tmux,
    tmp_path: Path,
) -> None:
    ids = sorted(fresh_host().id for _ in ROLES)
    domain = fresh_domain()
    open_wizard(tmux, tmp_path, lab)
    tmux.keys("Enter")
    tmux.until("1/8")
    choose_several_servers(tmux)
    tmux.until("1 in 2 out 3 store 4 spam")
    give_roles(tmux, ids, ROLES)
    tmux.until(
        f"receives: {ids[0]}, {ids[1]} · sends: {ids[2]} · keeps mail: {ids[3]} · filters: {ids[0]}, {ids[1]}"
    )
    tmux.keys("F5")
    tmux.until_gone(("asking", "not asked"), 90)
    tmux.keys("F10")
    tmux.until("Who talks to whom")
    tmux.keys("F5")
    tmux.until(f"{ids[2]} – {ids[3]}: ", 120)
    assert "✗" not in tmux.screen(), tmux.screen()
    tmux.keys("Escape")
    tmux.until_gone(("Who talks to whom",))
    tmux.keys("F8")
    tmux.until("3/8")
    tmux.type(domain)
    tmux.until(f"Primary domain        {domain}")
    tmux.keys("F8")
    tmux.until("4/8")
    tmux.keys("Right", "Right")
    tmux.until("(•) Self-signed")
    for number in (5, 6, 7):
        tmux.keys("F8")
        tmux.until(f"{number}/8")
    publish_the_zone(tmux, tmp_path, lab, domain)
    tmux.keys("l")
    tmux.until("In the DNS: ", 30)
    assert "wrong" not in tmux.screen().splitlines()[2], tmux.screen()

    tmux.keys("F4")
    tmux.until("ready to install")
    tmux.keys("End")
    tmux.until("Enter shows them", 30)
    tmux.keys("Enter")
    tmux.until("keeps off")
    tmux.keys("F8")
    tmux.until(f"Install on {', '.join(ids)}?")
    tmux.keys("Right", "Enter")
    tmux.until("0 of 4 servers done", 60)
    for number, name in enumerate(ids, 1):
        tmux.keys(str(number))
        tmux.until(f"log of {name}")
    tmux.keys("l")
    tmux.until("Link the servers privately", 60)
    shown = tmux.until_any(["Enter shows", "r retries", "failed:"], 900)
    assert "checks passed" in shown, shown
    assert " failed" not in shown, shown
    for name in ids:
        assert f"{name}  ✓ installed" in shown.replace("   ", "  "), shown

    take_the_passwords(tmux, tmp_path, domain)
    tmux.until("the mail server works")
    tmux.keys("m")
    tmux.until("all is well on 4 servers", 60)
    for number, name in enumerate(ids, 1):
        tmux.keys(str(number))
        tmux.until(f"mail log of {name}")
    tmux.keys("C-q")
    tmux.until("exit-status=0")
    (saved,) = (tmp_path / "data").rglob("plan.toml")
    servers = tomllib.loads(saved.read_text(encoding="utf-8"))["servers"]
    assert [(s["id"], len(s["roles"])) for s in servers] == list(zip(ids, (2, 2, 1, 1), strict=True))

"""An enterprise's four servers with roles, walked by keys in a real tmux at 80×24, to installed and proved."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import tomlkit

from mailwiz_tui.lab.lab import Lab
from tests.lab.by_keys import (
    answer_from_the_domain_on,
    go_and_install,
    open_wizard,
    publish_the_zone,
    take_the_passwords,
)
from tests.lab.conftest import FreshHost
from tests.terminal.tmux import Tmux

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(1500)]

NAMES = ("inbound", "outbound", "store", "filter")


def own_inventory(lab: Lab, folder: Path, hosts: list[str]) -> Path:
    """The four hosts under the names that an enterprise gives them."""
    inventory = tomllib.loads(lab.paths.inventory.read_text())
    by_id = {server["id"]: server for server in inventory["servers"]}
    inventory["servers"] = [{**by_id[host], "id": name} for host, name in zip(hosts, NAMES, strict=True)]
    path = folder / "inventory.toml"
    path.write_text(tomlkit.dumps(inventory))
    shutil.copy(lab.paths.known_hosts, folder / "known_hosts")
    return path


def test_four_servers_with_roles_from_nothing_to_proved(
    lab: Lab, fresh_host: FreshHost, fresh_domain: Callable[[], str], tmux: Tmux, tmp_path: Path
) -> None:
    hosts = [fresh_host(suite).id for suite in ("trixie", "trixie", "bookworm", "trixie")]
    domain = fresh_domain()
    open_wizard(tmux, tmp_path, lab, own_inventory(lab, tmp_path, hosts))
    tmux.keys("Enter")
    tmux.until("1/8")
    tmux.keys("Right", "Enter")
    tmux.until("2/8")
    tmux.until("0 chosen")
    for role in "123":
        tmux.keys(role, "Down")
    tmux.until("filters: none")
    tmux.keys("4")
    tmux.until("receives: inbound · sends: outbound · stores mail: store · filters: filter")
    tmux.keys("F5")
    tmux.until_times("✓ reachable", len(NAMES), 60)
    tmux.keys("F10")
    tmux.until("Connections between the servers")
    tmux.keys("F5")
    tmux.until("UDP 51820 gets through", 90)
    tmux.capture("traffic", tmp_path)
    tmux.keys("Escape")
    tmux.keys("F8")
    answer_from_the_domain_on(tmux, domain)
    publish_the_zone(tmux, tmp_path, lab, domain)

    go_and_install(tmux)
    tmux.until("of 4 servers done", 60)
    shown = tmux.until_any(["Enter shows", "r retries", "failed:"], 900)
    assert "checks passed" in shown, shown
    assert " failed" not in shown, shown
    tmux.capture("done", tmp_path)
    password = take_the_passwords(tmux, tmp_path, domain)
    tmux.until("Mail programs warn users about the certificate")
    tmux.capture("results", tmp_path)
    assert all(password not in text for text in tmux.captures)

    tmux.keys("F7")
    tmux.until("1/8")
    tmux.keys("F4")
    tmux.until("ready to install")
    tmux.keys("F5")
    tmux.until("nothing to do", 120)

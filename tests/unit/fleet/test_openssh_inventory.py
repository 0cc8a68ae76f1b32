"""Hosts of ~/.ssh/config, through ``ssh -G`` and through the small reader for machines without ssh."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mailwiz_tui.fleet.inventory import load_inventory

CONFIG = """\
Include more/*.conf
# A comment
Host mx1 mx1.example.com   # and a trailing one
    HostName 192.0.2.21
    Port 2222
    ProxyJump ops@bastion

Host bastion
    HostName=bastion.example.com
    User jump
    UserKnownHostsFile none

Host "mx2" !mx3 mx4*
    HostName %h.example.com
    IdentityFile "{home}/.ssh/my key"

Host *
    User ops
    ServerAliveInterval 1m
"""


@pytest.fixture(params=["ssh -G", "own reader"])
def config(request: pytest.FixtureRequest, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if request.param == "ssh -G" and not shutil.which("ssh"):
        pytest.skip("needs an ssh client")
    if request.param == "own reader":
        monkeypatch.setenv("PATH", "/nonexistent")
    (home / ".ssh/my key").touch()
    (home / ".ssh/more").mkdir()
    (home / ".ssh/more/a.conf").write_text("Host inner\n  HostName 192.0.2.50\n")
    file = home / "client.conf"
    file.write_text(CONFIG.format(home=home))
    return file


def test_hosts_and_their_settings(config: Path, home: Path) -> None:
    inventory = load_inventory(config)
    assert [s.id for s in inventory.servers] == ["inner", "mx1", "mx1.example.com", "bastion", "mx2"]
    inner, mx1, _, bastion, mx2 = inventory.servers
    assert inner.host == "192.0.2.50"
    assert (mx1.host, mx1.port, mx1.user, mx1.proxy_jump) == ("192.0.2.21", 2222, "ops", "ops@bastion")
    assert (bastion.host, bastion.user, bastion.known_hosts) == ("bastion.example.com", "jump", None)
    assert (mx2.host, mx2.identity_file) == ("mx2.example.com", home / ".ssh/my key")
    assert not any(s.openssh_alias for s in inventory.servers), "ssh HOST would not read this file"


def test_the_operators_own_file_keeps_the_alias(home: Path) -> None:
    file = home / ".ssh/config"
    file.write_text("Host mx1\n  HostName 192.0.2.21\n")
    assert [s.openssh_alias for s in load_inventory(file).servers] == ["mx1"]


def test_hosts_with_unusable_names_are_left_out_with_a_warning(home: Path) -> None:
    file = home / "ssh_config"
    file.write_text("Host ok a@b\n")
    inventory = load_inventory(file)
    assert [s.id for s in inventory.servers] == ["ok"]
    assert "skipped" in inventory.warnings[0].message


def test_includes_that_include_one_another_end(home: Path) -> None:
    file = home / ".ssh/config"
    file.write_text("Include config\nHost mx1\n")
    with pytest.raises(Exception, match="include one another"):
        load_inventory(file)

"""TOML inventories: every key, paths, and adding servers without losing a comment."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from mailwiz_tui.fleet.inventory import InventoryError, find_inventory, load_inventory, save_server
from mailwiz_tui.fleet.server import Server

FULL = """\
# Ours, in Paris.
[[servers]]
id = "mx1"
host = "192.0.2.21"        # address or name to connect to
user = "ops"
port = 2222
identity_file = "~/.ssh/id_ed25519"
proxy_jump = "ops@bastion.example.com,[2001:db8::9]:2022"
public_ipv4 = "192.0.2.21"
public_ipv6 = "2001:DB8:0::21"
known_hosts = "known_hosts"
tags = ["paris"]
# The other one.
[[servers]]
id = "mx2"
host = "mx2.example.com"
"""


def test_every_key_is_read(tmp_path: Path, home: Path) -> None:
    file = tmp_path / "inventory.toml"
    file.write_text(FULL)
    mx1, mx2 = load_inventory(file).servers
    assert mx1 == Server(
        id="mx1",
        host="192.0.2.21",
        user="ops",
        port=2222,
        identity_file=home / ".ssh/id_ed25519",
        proxy_jump="ops@bastion.example.com,[2001:db8::9]:2022",
        public_ipv4="192.0.2.21",
        public_ipv6="2001:db8::21",
        known_hosts=tmp_path / "known_hosts",
        tags=("paris",),
    )
    assert (mx2.user, mx2.port, mx2.identity_file, mx2.known_hosts) == ("root", 22, None, None)


def test_a_server_is_appended_and_the_rest_stays(tmp_path: Path) -> None:
    file = tmp_path / "inventory.toml"
    file.write_text(FULL)
    added = Server(id="mx3", host="192.0.2.23", known_hosts=tmp_path / "known_hosts", tags=("a",))
    save_server(file, added)
    assert file.read_text().startswith(FULL)
    assert load_inventory(file).servers[2] == added


def test_a_server_with_a_known_id_is_replaced_where_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "inventory.toml"
    file.write_text(FULL)
    changed = Server(id="mx1", host="192.0.2.99")
    save_server(file, changed)
    text = file.read_text()
    assert text.startswith("# Ours, in Paris.\n")
    assert '# The other one.\n[[servers]]\nid = "mx2"' in text
    assert [s.host for s in load_inventory(file).servers] == ["192.0.2.99", "mx2.example.com"]
    assert load_inventory(file).servers[0] == changed


def test_a_new_inventory_is_made_privately(tmp_path: Path) -> None:
    file = tmp_path / "inventory.toml"
    server = Server(id="mx1", host="192.0.2.21", openssh_alias="mx1")
    save_server(file, server)
    assert load_inventory(file).servers == (server,)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_inline_servers_and_other_formats_are_not_added_to(tmp_path: Path) -> None:
    file = tmp_path / "inventory.toml"
    file.write_text('servers = [{id = "mx1", host = "192.0.2.21"}]\n')
    with pytest.raises(InventoryError, match="in brackets"):
        save_server(file, Server(id="mx2", host="192.0.2.22"))
    hosts = tmp_path / "hosts"
    hosts.write_text("mx1 ansible_host=192.0.2.21\n")
    with pytest.raises(InventoryError, match="is not TOML"):
        save_server(hosts, Server(id="mx2", host="192.0.2.22"))
    assert hosts.read_text() == "mx1 ansible_host=192.0.2.21\n"


def test_where_an_inventory_is_looked_for(tmp_path: Path, home: Path) -> None:
    plan = tmp_path / "plan.toml"
    assert find_inventory(plan, None) is None
    config = home / ".ssh/config"
    config.write_text("Host *\n    User ops\n")
    assert find_inventory(plan, None) is None, "a configuration without hosts offers nothing"
    config.write_text("Host mx1\n")
    assert find_inventory(plan, None) == config
    (tmp_path / "inventory.toml").write_text("")
    assert find_inventory(plan, None) == tmp_path / "inventory.toml"
    assert find_inventory(plan, tmp_path / "x") == tmp_path / "x"


def test_missing_unreadable_and_folder(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "none.toml", "no such file"), (tmp_path, "is a directory")):
        with pytest.raises(InventoryError, match=words):
            load_inventory(path)
    binary = tmp_path / "b.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InventoryError, match="UTF-8"):
        load_inventory(binary)


@pytest.mark.parametrize("resolver", ["192.0.2.53", "192.0.2.53:5353", "2001:db8::53", "[2001:db8::53]:53"])
def test_an_inventory_may_name_the_resolver_of_its_network(tmp_path: Path, resolver: str) -> None:
    path = tmp_path / "inventory.toml"
    path.write_text(f'resolver = "{resolver}"\n[[servers]]\nid = "mx1"\nhost = "192.0.2.1"\n')
    assert load_inventory(path).resolver == resolver


@pytest.mark.parametrize("resolver", ['"dns.example"', '"192.0.2.53:99999"', "53", '"192.0.2.53:x"'])
def test_a_resolver_that_is_no_address_is_a_fault(tmp_path: Path, resolver: str) -> None:
    path = tmp_path / "inventory.toml"
    path.write_text(f"resolver = {resolver}\n")
    with pytest.raises(InventoryError) as caught:
        load_inventory(path)
    assert [f.path for f in caught.value.findings] == ["inventory.resolver"]

"""Ansible inventories: what ansible-inventory would say about reaching each host."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailwiz_tui.fleet.ansible_groups import expand
from mailwiz_tui.fleet.inventory import load_inventory

INI = """\
lone.example.com:2222
; a comment
[mx]
mx[01:03].example.com ansible_user=postmaster
front ansible_host=192.0.2.9 ansible_ssh_common_args='-o ProxyCommand="ssh -W %h:%p -q -p 2022 ops@bastion"'

[stores]
"st-[a:b]" ansible_port=2200 # inline

[mail:children]
mx
stores

[mail:vars]
ansible_user=ops
ansible_ssh_private_key_file=keys/id "with" quotes
ansible_port=22022

[stores:vars]
ansible_user=store
"""

YAML = """\
---
all:
  vars:
    ansible_user: ops
  hosts:
    lone:
      ansible_host: 2001:db8::5
      ansible_ssh_extra_args: -o ProxyJump=a@b:22,c
  children:
    mail:
      vars: {ansible_port: 2222}
      children:
        mx:
          hosts:
            mx[1:2].example.com:
            templated:
              ansible_host: "{{ lookup('x') }}"
            secret:
              ansible_host: !vault |
                $ANSIBLE_VAULT;1.1;AES256
                3333
            here:
              ansible_connection: local
    other:
      hosts: single
"""


def by_id(path: Path) -> dict[str, tuple[str, str, int, str]]:
    return {s.id: (s.host, s.user, s.port, s.proxy_jump) for s in load_inventory(path).servers}


def test_ini(tmp_path: Path) -> None:
    file = tmp_path / "hosts"
    file.write_text(INI)
    jump = "ops@bastion:2022"
    assert by_id(file) == {
        "lone.example.com": ("lone.example.com", "root", 2222, ""),
        "mx01.example.com": ("mx01.example.com", "postmaster", 22022, ""),
        "mx02.example.com": ("mx02.example.com", "postmaster", 22022, ""),
        "mx03.example.com": ("mx03.example.com", "postmaster", 22022, ""),
        "front": ("192.0.2.9", "ops", 22022, jump),
        "st-a": ("st-a", "store", 2200, ""),
        "st-b": ("st-b", "store", 2200, ""),
    }


def test_yaml_and_what_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "site.yml"
    file.write_text(YAML)
    assert by_id(file) == {
        "lone": ("2001:db8::5", "ops", 22, "a@b:22,c"),
        "mx1.example.com": ("mx1.example.com", "ops", 2222, ""),
        "mx2.example.com": ("mx2.example.com", "ops", 2222, ""),
        "single": ("single", "ops", 22, ""),
    }
    warnings = [f.message for f in load_inventory(file).warnings]
    assert [w.split()[0] for w in warnings] == ["templated", "secret", "here"]


def test_variables_beside_the_inventory(tmp_path: Path) -> None:
    file = tmp_path / "hosts.ini"
    file.write_text("[mx]\nmx1\nmx2 ansible_user=inline\n[mx:vars]\nansible_user=low\n")
    for name, text in {
        "group_vars/all.yml": "ansible_user: everyone\nansible_port: 2201\n",
        "group_vars/mx/ssh.yaml": "ansible_user: group\n",
        "group_vars/mx/secret.yml": "$ANSIBLE_VAULT;1.1;AES256\n33\n",
        "host_vars/mx1.yml": "ansible_host: 192.0.2.31\npublic_ipv4: 192.0.2.31\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert by_id(file) == {"mx1": ("192.0.2.31", "group", 2201, ""), "mx2": ("mx2", "inline", 2201, "")}
    assert load_inventory(file).servers[0].public_ipv4 == "192.0.2.31"


def test_groups_that_contain_one_another_end(tmp_path: Path) -> None:
    file = tmp_path / "hosts.ini"
    file.write_text("[a:children]\nb\n[b:children]\na\n[a]\nmx1\n[b:vars]\nansible_user=x\n")
    assert by_id(file)["mx1"][1] == "x"


@pytest.mark.parametrize(
    ("pattern", "hosts"),
    [
        ("mx1", ["mx1"]),
        ("n[08:10]", ["n08", "n09", "n10"]),
        ("n[0:10:5]", ["n0", "n5", "n10"]),
        ("[a:c]x", ["ax", "bx", "cx"]),
        ("r[1:2]-[a:b]", ["r1-a", "r1-b", "r2-a", "r2-b"]),
    ],
)
def test_ranges(pattern: str, hosts: list[str]) -> None:
    assert list(expand(pattern)) == hosts


def test_an_ssh_argument_that_is_not_understood_leaves_the_host_out(tmp_path: Path) -> None:
    file = tmp_path / "hosts.ini"
    file.write_text("mx1 ansible_ssh_common_args='-o ProxyCommand=\"nc -X 5 %h %p\"'\n")
    inventory = load_inventory(file)
    assert inventory.servers == ()
    assert "ProxyCommand" in inventory.warnings[0].message

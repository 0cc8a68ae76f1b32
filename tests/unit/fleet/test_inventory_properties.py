"""Whatever stands in a file, the readers give an inventory or findings, and saved servers come back the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mailwiz_tui.fleet.ansible import read_ansible_ini, read_ansible_yaml
from mailwiz_tui.fleet.entry import InventoryError
from mailwiz_tui.fleet.openssh import read_openssh
from mailwiz_tui.fleet.server import Inventory, Server
from mailwiz_tui.fleet.toml_inventory import read_toml, with_server
from mailwiz_tui.plan.findings import Finding

PLACE = Path("/nonexistent/inventory")
PIECES = r"""
[ ] { } : = " ' # ; ! & * | > - , . .. / %h \ ~ ~nobody ? {{x}} &a *a <<: <<:_*a .inf 2001-99-99 1e999 true null
all hosts vars children [g] [g:vars] [g:children] [g:x] mx[1:3] [a:z:0] [99999999:0] !vault !!python/object:x
[[servers]] id host port user servers "192.0.2.1" 22 99999999999999999999 2001:db8::1 [2001:db8::1]:22
Host Match HostName Include ProxyJump Port -J -oProxyCommand=x ansible_host ansible_port ansible_ssh_common_args
"""
WORDS = st.sampled_from([*PIECES.split(), "\x00", "\x1b", "\n", "\t", " "])
TEXTS = st.one_of(st.text(), st.lists(WORDS, max_size=30).map(" ".join), st.lists(WORDS, max_size=30).map("".join))
Reader = Callable[[str, Path], Inventory]
READERS: list[Reader] = [read_toml, read_openssh, read_ansible_ini, read_ansible_yaml]


def outcome(reader: Reader, text: str) -> tuple[tuple[Server, ...] | None, list[Finding]]:
    """What a reader makes of a text; any other exception than InventoryError escapes."""
    try:
        return reader(text, PLACE).servers, []
    except InventoryError as error:
        return None, error.findings


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS)
@example(text="a: " * 3000)
@example(text="[" * 100000)
@example(text="2001-99-99:")
@example(text="x: 9" + "9" * 5000)
@example(text="[[servers]]\nid='a'\nhost='b'\nport=" + "9" * 4000)
@example(text="mx1 ansible_port=" + "9" * 5000)
@example(text="[g]\nmx1 x=" + "(" * 5000)
def test_readers_raise_nothing_but_findings(reader: Reader, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    servers, findings = outcome(reader, text)
    assert servers is not None or findings
    assert all(finding.line.isprintable() for finding in findings)
    assert len({s.id for s in servers or ()}) == len(servers or ())


SURROGATES: tuple[Literal["Cs"]] = ("Cs",)
NAMES = st.from_regex(r"[a-z0-9]([a-z0-9._-]{0,20}[a-z0-9])?", fullmatch=True)
SERVERS = st.builds(
    Server,
    id=NAMES,
    host=st.sampled_from(["192.0.2.1", "2001:db8::1", "mx1.example.com", "bastion", "mail_1"]),
    user=st.from_regex(r"[a-z_][a-z0-9_-]{0,20}", fullmatch=True),
    port=st.integers(1, 65535),
    identity_file=st.none() | st.sampled_from([Path("/nonexistent/id"), Path('/a/"b" \\c')]),
    proxy_jump=st.sampled_from(["", "none", "a@b:22", "a,b"]),
    tags=st.lists(st.text(st.characters(exclude_categories=SURROGATES), max_size=9), max_size=3).map(tuple),
)


@settings(deadline=None)
@given(servers=st.lists(SERVERS, max_size=5))
def test_saved_servers_come_back(servers: list[Server]) -> None:
    text = "# mine\n"
    for server in servers:
        text = with_server(text, PLACE, server)
    assert text.startswith("# mine\n")
    assert {s.id: s for s in read_toml(text, PLACE).servers} == {s.id: s for s in servers}

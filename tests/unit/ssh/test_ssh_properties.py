"""The parsers take any text: known_hosts files, the answer of ``ssh -G``, jump hosts, remote words."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mailwiz_tui.deploy.ssh import known_hosts
from mailwiz_tui.deploy.ssh.client_config import config_of
from mailwiz_tui.deploy.ssh.errors import printable
from mailwiz_tui.fleet.jumps import parse_jumps
from mailwiz_tui.fleet.ssh_client import parse
from tests.unit.ssh.conftest import Keys

ANY = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDu+NHC9F338EHYPQaMM7bN686ectqKT4MpjJWnrJV/U"
PIECES = st.sampled_from(
    ["@revoked", "@cert-authority", "|1|", "=", "AAAA", "*", "!", "[", "]", ":", ",", " ", "\n", KEY]
)


@ANY
@given(content=st.one_of(st.binary(), st.lists(PIECES).map(lambda pieces: "".join(pieces).encode())))
@example(content=b"|1|AA==|\xff " + KEY.encode())
@example(content=f"mx1 {KEY} comment \udcff".encode("utf-8", "surrogateescape"))
def test_any_known_hosts_file_can_be_read(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_bytes(content)
    known = known_hosts.look_up([file], "mx1.example.com", 2222)
    assert known.unreadable == ()


@settings(ANY, max_examples=25)
@given(host=st.from_regex(r"[a-z0-9][a-z0-9.:-]{0,30}", fullmatch=True), port=st.integers(1, 65535))
def test_a_stored_key_is_found_for_its_host_and_port_only(host: str, port: int, tmp_path: Path, keys: Keys) -> None:
    file = tmp_path / "known_hosts"
    file.unlink(missing_ok=True)
    known_hosts.append(file, host, port, [keys["host"].convert_to_public()])
    assert known_hosts.look_up([file], host.upper(), port).trusts([keys["host"]])
    assert (
        not known_hosts.look_up([file], host, 65536 - port if port != 32768 else 1).trusts([keys["host"]])
        or port == 22
    )
    assert not known_hosts.look_up([file], f"x{host}", port).vouched


@ANY
@given(
    text=st.one_of(
        st.text(),
        st.lists(st.sampled_from(["port", "identityfile", "~nobody-here/x", " ", "\n", "9" * 5000])).map("".join),
    )
)
@example(text="port " + "9" * 5000)
@example(text="identityfile ~no-such-user/id")
@example(text="identityagent ~no-such-user/agent")
def test_any_answer_of_ssh_can_be_read(text: str) -> None:
    assert 1 <= config_of("mx1", parse(text)).port <= 65535


@ANY
@given(
    text=st.one_of(
        st.text(),
        st.lists(st.sampled_from(["a", "@", ":", "22", "[", "]", ",", "ssh://", "/", "-", " "])).map("".join),
    )
)
def test_jump_hosts_are_taken_apart_or_refused(text: str) -> None:
    try:
        hops = parse_jumps(text)
    except ValueError as error:
        words = str(error)
        hops = []
        if not words.isprintable():
            pytest.fail("a message with control characters")
    assert all(hop.host and not hop.host.startswith("-") and 0 <= hop.port <= 65535 for hop in hops)


@pytest.mark.parametrize(
    ("text", "user", "host", "port"),
    [
        ("bastion", "", "bastion", 0),
        ("ops@bastion:2222", "ops", "bastion", 2222),
        ("a@corp@bastion", "a@corp", "bastion", 0),
        ("[2001:db8::1]:22", "", "2001:db8::1", 22),
        ("2001:db8::1", "", "2001:db8::1", 0),
        ("ssh://ops@bastion:22/", "ops", "bastion", 22),
    ],
)
def test_jump_hosts(text: str, user: str, host: str, port: int) -> None:
    (hop,) = parse_jumps(text)
    assert (hop.user, hop.host, hop.port) == (user, host, port)
    assert len(parse_jumps(f"x,{text}, y")) == 3


@given(st.one_of(st.text(), st.binary()))
def test_remote_words_are_one_printable_line(text: str | bytes) -> None:
    assert printable(text).isprintable()
    assert len(printable(text)) <= 200

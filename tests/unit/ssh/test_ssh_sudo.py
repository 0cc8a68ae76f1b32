"""Becoming root: the password goes to our own prompt and nowhere else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mailwiz_tui.deploy.ssh import Connection, SshError, SshErrorKind, connect
from tests.unit.ssh.conftest import MakeHost, Operator, ServerOf

SUDO = r"""#!/bin/sh
# Behaves as sudo -S -p PROMPT -- COMMAND does; MODE says how it is configured.
prompt= tries=0
while [ $# -gt 0 ]; do
    case $1 in
        -S) shift ;;
        -p) prompt=$(printf '%s' "$2" | sed 's/%%/%/g'); shift 2 ;;
        --) shift; break ;;
    esac
done
case $MODE in
    nopasswd) exec "$@" ;;
    tty) echo 'sudo: sorry, you must have a tty to run sudo' >&2; exit 1 ;;
esac
echo 'We trust you have received the usual lecture.' >&2
while [ $tries -lt 3 ]; do
    printf '%s' "$prompt" >&2
    IFS= read -r given || { echo 'sudo: no password was provided' >&2; exit 1; }
    echo >&2
    if [ "$given" = "$PASSWORD_EXPECTED" ]; then
        [ "$MODE" = nosudoers ] && { echo 'ops is not in the sudoers file.' >&2; exit 1; }
        exec "$@"
    fi
    echo 'Sorry, try again.' >&2
    tries=$((tries + 1))
done
echo 'sudo: 3 incorrect password attempts' >&2
exit 1
"""


@pytest.fixture
def sudo(tmp_path: Path) -> dict[str, str]:
    """An environment whose PATH begins with a sudo of the test's own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "sudo"
    program.write_text(SUDO)
    program.chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin", "MODE": "password", "PASSWORD_EXPECTED": "s3cret pa'ss"}


async def echoed(connection: Connection) -> bytes:
    """What a privileged ``cat`` gives back for one line."""
    channel = await connection.open_privileged("cat")
    channel.write(b"data\n")
    channel.write_eof()
    out = b""
    while part := await channel.read():
        out += part
    assert await channel.wait() == 0
    return out


async def test_root_needs_no_sudo(make_host: MakeHost, server_of: ServerOf, operator: Operator) -> None:
    host = await make_host(shell_noise=b"Welcome!\r\n\x1b[2Jlast login: never\n")
    async with await connect(server_of(host), operator) as connection:
        assert await echoed(connection) == b"data\n"
    assert "sudo" not in host.commands[0]


async def test_password_is_written_after_the_prompt_only(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, sudo: dict[str, str]
) -> None:
    host = await make_host(environment=sudo, shell_noise=b"motd\n")
    operator.sudo_passwords = ["s3cret pa'ss"]
    async with await connect(server_of(host, user="ops"), operator) as connection:
        assert await echoed(connection) == b"data\n"
        assert await echoed(connection) == b"data\n"
    assert operator.asked == [("sudo", "ops", 1)], "asked once, kept for the second channel"
    assert not any("s3cret" in command for command in host.commands)


async def test_nopasswd_never_gets_the_password_as_data(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, sudo: dict[str, str]
) -> None:
    host = await make_host(environment=sudo | {"MODE": "nopasswd"})
    operator.sudo_passwords = ["s3cret pa'ss"]
    async with await connect(server_of(host, user="ops"), operator) as connection:
        assert await echoed(connection) == b"data\n"
    assert operator.asked == []


async def test_a_shell_that_traces_its_commands_does_not_trigger_the_password(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, sudo: dict[str, str]
) -> None:
    host = await make_host(environment=sudo | {"MODE": "nopasswd"}, trace=True)
    operator.sudo_passwords = ["s3cret pa'ss"]
    async with await connect(server_of(host, user="ops"), operator) as connection:
        assert await echoed(connection) == b"data\n"
    assert operator.asked == []


async def test_a_wrong_password_is_asked_for_again(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, sudo: dict[str, str]
) -> None:
    host = await make_host(environment=sudo)
    operator.sudo_passwords = ["wrong", "s3cret pa'ss"]
    async with await connect(server_of(host, user="ops"), operator) as connection:
        assert await echoed(connection) == b"data\n"
    assert operator.asked == [("sudo", "ops", 1), ("sudo", "ops", 2)]


async def test_channels_opened_at_once_ask_once(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, sudo: dict[str, str]
) -> None:
    host = await make_host(environment=sudo)
    operator.sudo_passwords = ["s3cret pa'ss"]
    async with await connect(server_of(host, user="ops"), operator) as connection:
        assert await asyncio.gather(*(echoed(connection) for _ in range(4))) == [b"data\n"] * 4
    assert operator.asked == [("sudo", "ops", 1)]


@pytest.mark.parametrize(
    ("mode", "passwords", "words"),
    [
        ("password", [None], "none was given"),
        ("password", ["a", "b", "c"], "refused the password"),
        ("nosudoers", ["s3cret pa'ss"], "may not use sudo"),
        ("tty", [], "requires a terminal"),
    ],
)
async def test_sudo_refusals(
    make_host: MakeHost,
    server_of: ServerOf,
    operator: Operator,
    sudo: dict[str, str],
    mode: str,
    passwords: list[str | None],
    words: str,
) -> None:
    host = await make_host(environment=sudo | {"MODE": mode})
    operator.sudo_passwords = list(passwords)
    async with await connect(server_of(host, user="ops"), operator) as connection:
        with pytest.raises(SshError, match=words) as caught:
            await connection.open_privileged("cat")
    assert caught.value.kind is SshErrorKind.SUDO
    assert "s3cret" not in str(caught.value)


async def test_forced_commands_and_missing_shells_are_told(
    make_host: MakeHost, server_of: ServerOf, operator: Operator
) -> None:
    host = await make_host(command="echo 'This account is currently not available.'; exit 1")
    async with await connect(server_of(host), operator) as connection:
        with pytest.raises(SshError, match="currently not available") as caught:
            await connection.open_privileged("cat")
    assert caught.value.kind is SshErrorKind.SHELL


async def test_many_privileged_channels_share_the_slots(
    make_host: MakeHost, server_of: ServerOf, operator: Operator
) -> None:
    host = await make_host()
    async with await connect(server_of(host), operator) as connection:
        assert await asyncio.gather(*(echoed(connection) for _ in range(14))) == [b"data\n"] * 14

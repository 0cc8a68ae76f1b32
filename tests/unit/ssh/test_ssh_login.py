"""Logging in: keys, agent, passphrases, passwords, and what is said when none was taken."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest

from mailwiz_tui.deploy.ssh import SshError, SshErrorKind, Tunnels, connect
from tests.unit.ssh.conftest import Keys, MakeHost, Operator, ServerOf

from .reading import read_exactly

PASSPHRASE = "correct horse"


@pytest.fixture
def locked_identity(tmp_path: Path, keys: Keys) -> Path:
    """The user's key, encrypted; PKCS#8, which needs no bcrypt. Its public half lies beside it."""
    file = tmp_path / "id_locked"
    keys["user"].write_private_key(str(file), "pkcs8-pem", passphrase=PASSPHRASE)
    keys["user"].write_public_key(str(file) + ".pub")
    return file


@pytest.fixture
def agent(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """A running ssh-agent of the test's own."""
    if not shutil.which("ssh-agent"):
        pytest.skip("needs ssh-agent")
    socket = tmp_path / "agent.sock"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    while not socket.exists():
        assert process.poll() is None
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
    yield dict(os.environ)
    process.terminate()
    process.wait()


async def add(identity: Path, environment: dict[str, str]) -> None:
    """Loads a key into the agent."""
    adding = await asyncio.create_subprocess_exec(
        "ssh-add", "-q", str(identity), env=environment, stderr=subprocess.DEVNULL
    )
    assert await adding.wait() == 0


async def test_a_key_opens_the_server(make_host: MakeHost, server_of: ServerOf, operator: Operator) -> None:
    host = await make_host()
    async with await connect(server_of(host), operator) as connection:
        done = await connection.run("cat; echo err >&2; exit 3", b"in")
    assert (done.exit_status, done.stdout, done.stderr) == (3, b"in", "err\n")
    assert operator.asked == []


async def test_large_output_is_whole(make_host: MakeHost, server_of: ServerOf, operator: Operator) -> None:
    host = await make_host()
    async with await connect(server_of(host), operator) as connection:
        channel = await connection.open("head -c 3000000 /dev/zero; head -c 300000 /dev/zero >&2")
        assert len(await read_exactly(channel, 3_000_000)) == 3_000_000
        assert await channel.read() == b""
        assert await channel.wait() == 0
        assert len(channel.stderr) == 16 * 1024


async def test_a_command_that_ends_early_is_not_a_lost_connection(
    make_host: MakeHost, server_of: ServerOf, operator: Operator
) -> None:
    host = await make_host()
    async with await connect(server_of(host), operator) as connection:
        channel = await connection.open("printf abc")
        assert await read_exactly(channel, 4) == b"abc"


async def test_a_passphrase_is_asked_until_right_and_kept(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, locked_identity: Path
) -> None:
    host = await make_host()
    operator.passphrases = ["wrong", PASSPHRASE]
    server = server_of(host, identity_file=locked_identity)
    tunnels = Tunnels()
    for _ in range(2):
        async with await connect(server, operator, tunnels=tunnels):
            pass
    assert operator.asked == [("passphrase", str(locked_identity), 1), ("passphrase", str(locked_identity), 2)]


async def test_no_passphrase_is_asked_for_a_key_the_server_would_refuse(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, locked_identity: Path
) -> None:
    host = await make_host(authorized=[])
    with pytest.raises(SshError) as caught:
        await connect(server_of(host, identity_file=locked_identity), operator)
    assert caught.value.kind is SshErrorKind.AUTH
    assert operator.asked == []


async def test_an_encrypted_openssh_key(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, tmp_path: Path, keys: Keys
) -> None:
    pytest.importorskip("bcrypt")
    file = tmp_path / "id_openssh"
    keys["user"].write_private_key(str(file), passphrase=PASSPHRASE)
    host = await make_host()
    operator.passphrases = [PASSPHRASE]
    async with await connect(server_of(host, identity_file=file), operator):
        pass
    assert len(operator.asked) == 1


async def test_a_declined_passphrase_leaves_the_password(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, locked_identity: Path
) -> None:
    host = await make_host(password="sesame")
    operator.passwords = ["sesame"]
    async with await connect(server_of(host, identity_file=locked_identity), operator):
        pass
    assert [question[0] for question in operator.asked] == ["passphrase", "password"]


async def test_a_password_is_asked_until_right_and_kept(
    make_host: MakeHost, server_of: ServerOf, operator: Operator
) -> None:
    host = await make_host(password="sesame", authorized=[])
    operator.passwords = ["wrong", "sesame"]
    tunnels = Tunnels()
    for _ in range(2):
        async with await connect(server_of(host), operator, tunnels=tunnels):
            pass
    assert operator.asked == [("password", "root", 1), ("password", "root", 2)]


async def test_wrong_passwords_end_after_three(
    make_host: MakeHost, server_of: ServerOf, operator: Operator
) -> None:
    host = await make_host(password="sesame", authorized=[])
    operator.passwords = ["one", "two", "three", "four"]
    with pytest.raises(SshError, match=r"1 key, password \(3 times\)") as caught:
        await connect(server_of(host), operator)
    assert caught.value.kind is SshErrorKind.AUTH
    assert len(operator.asked) == 3
    assert "two" not in str(caught.value)


async def test_the_agent_signs_for_an_identity_file_that_is_only_public(
    make_host: MakeHost,
    server_of: ServerOf,
    operator: Operator,
    agent: dict[str, str],
    identity: Path,
    tmp_path: Path,
    keys: Keys,
) -> None:
    await add(identity, agent)
    host = await make_host()
    public = tmp_path / "only.pub"
    keys["user"].write_public_key(str(public))
    async with await connect(server_of(host, identity_file=public), operator):
        pass
    async with await connect(server_of(host, identity_file=None), operator):
        pass
    assert operator.asked == []


async def test_an_agent_full_of_keys_does_not_use_up_the_attempts(
    make_host: MakeHost,
    server_of: ServerOf,
    operator: Operator,
    agent: dict[str, str],
    identity: Path,
    tmp_path: Path,
) -> None:
    for number in range(7):
        other = tmp_path / f"id_{number}"
        asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(other))
        other.chmod(0o600)
        await add(other, agent)
    host = await make_host(password="sesame")
    async with await connect(server_of(host), operator):
        assert len(set(host.offered)) == 1, "the inventory's identity file is the only one offered"
    operator.passwords = ["sesame"]
    host.offered.clear()
    async with await connect(server_of(host, identity_file=None), operator):
        assert len(set(host.offered)) == 5


async def test_default_identities_are_offered(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, home: Path, keys: Keys
) -> None:
    keys["user"].write_private_key(str(home / ".ssh/id_ed25519"))
    host = await make_host()
    async with await connect(server_of(host, identity_file=None), operator):
        pass


async def test_a_missing_identity_file_is_named(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, tmp_path: Path
) -> None:
    host = await make_host()
    with pytest.raises(SshError, match="does not exist") as caught:
        await connect(server_of(host, identity_file=tmp_path / "none"), operator)
    assert caught.value.kind is SshErrorKind.IDENTITY


async def test_a_file_that_is_no_key_is_named(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, tmp_path: Path
) -> None:
    host = await make_host()
    (tmp_path / "junk").write_text("hello")
    with pytest.raises(SshError, match="junk is not a usable private key"):
        await connect(server_of(host, identity_file=tmp_path / "junk"), operator)


async def test_unreachable_servers(make_host: MakeHost, server_of: ServerOf, operator: Operator) -> None:
    host = await make_host()
    await host.stop()
    with pytest.raises(SshError, match="no SSH server listens") as caught:
        await connect(server_of(host), operator)
    assert (caught.value.kind, caught.value.transient) == (SshErrorKind.REFUSED, True)
    with pytest.raises(SshError, match="does not resolve") as caught:
        await connect(server_of(host, host="mx1.invalid"), operator)
    assert (caught.value.kind, caught.value.transient) == (SshErrorKind.NAME, False)


async def test_something_else_than_ssh(server_of: ServerOf, operator: Operator, make_host: MakeHost) -> None:
    host = await make_host()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mx1 ESMTP\r\n" * 2000)
        writer.close()

    other = await asyncio.start_server(answer, "127.0.0.1", 0)
    server = server_of(host).model_copy(update={"port": other.sockets[0].getsockname()[1]})
    with pytest.raises(SshError):
        await connect(server, operator)
    other.close()


async def test_a_key_that_cannot_be_decrypted_here_is_told(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, locked_identity: Path
) -> None:
    locked_identity.write_text(  # noqa: ASYNC240 - nothing else runs yet
        "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"
    )
    host = await make_host()
    operator.passphrases = [PASSPHRASE]
    with pytest.raises(SshError, match="id_locked"):
        await connect(server_of(host, identity_file=locked_identity), operator)


async def test_what_goes_wrong_while_signing_reaches_the_operator(
    make_host: MakeHost,
    server_of: ServerOf,
    operator: Operator,
    locked_identity: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise asyncssh.KeyEncryptionError("OpenSSH private key encryption requires bcrypt with KDF support")

    monkeypatch.setattr("mailwiz_tui.deploy.ssh.identities.asyncssh.read_private_key", fail)
    host = await make_host()
    operator.passphrases = [PASSPHRASE]
    with pytest.raises(SshError, match="package bcrypt is not installed") as caught:
        await connect(server_of(host, identity_file=locked_identity), operator)
    assert caught.value.kind is SshErrorKind.IDENTITY

"""Whom we talk to: unknown keys are confirmed, changed and revoked ones refused with no way around."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from pathlib import Path

import asyncssh
import pytest

from mailwiz_tui.deploy.ssh import SshError, SshErrorKind, Tunnels, connect, known_hosts
from mailwiz_tui.deploy.ssh.client_config import ClientConfig, client_config, config_of
from mailwiz_tui.fleet import ssh_client
from tests.unit.ssh.conftest import Keys, MakeHost, Operator, ServerOf


def answered(host: str, text: str) -> ClientConfig:
    """The settings in what ``ssh -G`` printed."""
    return config_of(host, ssh_client.parse(text))


def line(name: str, key: asyncssh.SSHKey, marker: str = "") -> str:
    """A line of known_hosts."""
    return f"{marker}{name} {' '.join(key.export_public_key().decode().split()[:2])}\n"


async def test_an_unknown_host_that_is_declined_is_not_stored(
    make_host: MakeHost, server_of: ServerOf, operator: Operator
) -> None:
    host = await make_host()
    server = server_of(host, known=False)
    assert server.known_hosts
    with pytest.raises(SshError, match="was not accepted") as caught:
        await connect(server, operator)
    assert caught.value.kind is SshErrorKind.HOST_KEY_UNKNOWN
    (_, address, shown) = operator.asked[0]
    assert address == f"[127.0.0.1]:{host.port}"
    assert {(k.algorithm, k.fingerprint) for k in shown} == {
        (k.get_algorithm(), k.get_fingerprint()) for k in host.host_keys
    }
    assert not server.known_hosts.exists()
    assert host.offered == [], "nobody tried to log in"


async def test_an_unknown_host_that_is_accepted_is_stored(
    make_host: MakeHost, server_of: ServerOf, operator: Operator
) -> None:
    host = await make_host()
    server = server_of(host, known=False)
    assert server.known_hosts
    operator.accept = True
    for _ in range(2):
        async with await connect(server, operator):
            pass
    assert len(operator.asked) == 1, "the second time it is known"
    assert server.known_hosts.read_text() == "".join(
        line(f"[127.0.0.1]:{host.port}", key) for key in host.host_keys
    )
    assert server.known_hosts.stat().st_mode & 0o777 == 0o600


async def test_two_connections_at_once_ask_once(
    make_host: MakeHost, server_of: ServerOf, operator: Operator
) -> None:
    host = await make_host()
    operator.accept = True
    server, tunnels = server_of(host, known=False), Tunnels()
    for connection in await asyncio.gather(*(connect(server, operator, tunnels=tunnels) for _ in range(3))):
        await connection.close()
    assert len(operator.asked) == 1


@pytest.mark.parametrize("same_algorithm", [True, False])
async def test_a_changed_key_is_refused_naming_file_and_line(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, keys: Keys, same_algorithm: bool
) -> None:
    host = await make_host(host_keys=[keys["host"]])
    server = server_of(host, known=False)
    assert server.known_hosts
    other = keys["other-host"] if same_algorithm else keys["host-ecdsa"]
    server.known_hosts.write_text("# mine\n" + line(f"[127.0.0.1]:{host.port}", other))
    before = server.known_hosts.read_text()
    operator.accept = True
    with pytest.raises(SshError, match="has changed") as caught:
        await connect(server, operator)
    assert caught.value.kind is SshErrorKind.HOST_KEY_CHANGED
    assert f"{server.known_hosts}:2" in caught.value.advice
    assert not caught.value.transient
    assert operator.asked == []
    assert host.offered == []
    assert server.known_hosts.read_text() == before


async def test_a_revoked_key_is_refused_also_where_it_is_trusted_too(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, keys: Keys
) -> None:
    host = await make_host(host_keys=[keys["host"]])
    server = server_of(host)
    assert server.known_hosts
    with server.known_hosts.open("a") as stream:
        stream.write(line("*", keys["host"], "@revoked "))
    operator.accept = True
    with pytest.raises(SshError, match="revoked") as caught:
        await connect(server, operator)
    assert caught.value.kind is SshErrorKind.HOST_KEY_REVOKED


async def test_a_revoked_key_of_an_unknown_host_is_not_even_asked_about(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, keys: Keys
) -> None:
    host = await make_host(host_keys=[keys["host"]])
    server = server_of(host, known=False)
    assert server.known_hosts
    server.known_hosts.write_text(line(f"[127.0.0.1]:{host.port}", keys["host"], "@revoked "))
    operator.accept = True
    with pytest.raises(SshError, match="revoked"):
        await connect(server, operator)
    assert operator.asked == []


async def test_another_port_of_a_known_host_is_a_host_of_its_own(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, keys: Keys
) -> None:
    host = await make_host(host_keys=[keys["host"]])
    server = server_of(host, known=False)
    assert server.known_hosts
    server.known_hosts.write_text(line("127.0.0.1", keys["other-host"]))
    operator.accept = True
    async with await connect(server, operator):
        pass
    assert len(operator.asked) == 1
    assert known_hosts.look_up([server.known_hosts], "127.0.0.1", host.port).trusts([keys["host"]])


@pytest.mark.parametrize("principal", ["127.0.0.1", "other.example.com"])
async def test_a_certificate_of_a_trusted_authority(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, keys: Keys, principal: str
) -> None:
    certificate = keys["other-host"].generate_host_certificate(keys["host"], "mx1", principals=[principal])
    host = await make_host(host_keys=[(keys["host"], certificate)])
    server = server_of(host, known=False)
    assert server.known_hosts
    server.known_hosts.write_text(line("*", keys["other-host"], "@cert-authority "))
    if principal == "127.0.0.1":
        async with await connect(server, operator):
            assert operator.asked == []
    else:
        with pytest.raises(SshError) as caught:
            await connect(server, operator)
        assert caught.value.kind is SshErrorKind.HOST_KEY_UNKNOWN
        assert len(operator.asked) == 1


async def test_a_known_hosts_file_that_cannot_be_read_stops(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, tmp_path: Path
) -> None:
    host = await make_host()
    operator.accept = True
    with pytest.raises(SshError, match="cannot tell whether the host is known"):
        await connect(server_of(host, known=False, known_hosts=tmp_path), operator)
    assert operator.asked == []


async def test_openssh_configuration_never_switches_the_check_off(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, home: Path
) -> None:
    host = await make_host()
    (home / ".ssh/config").write_text("Host *\n UserKnownHostsFile none\n StrictHostKeyChecking no\n")
    operator.accept = True
    server = server_of(host, known=False, known_hosts=None)
    with pytest.raises(SshError) as caught:
        await connect(server, operator)
    assert caught.value.kind is SshErrorKind.HOST_KEY_UNKNOWN


async def test_the_default_file_is_used_and_made(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, home: Path
) -> None:
    host = await make_host()
    operator.accept = True
    async with await connect(server_of(host, known=False, known_hosts=None), operator):
        pass
    assert (home / ".ssh/known_hosts").exists()


def test_names_of_known_hosts(tmp_path: Path, keys: Keys) -> None:
    key, other = keys["host"], keys["other-host"]
    salt = b"0123456789abcdefghij"
    digest = hmac.new(salt, b"[mx1.example.com]:2222", hashlib.sha1).digest()
    hashed = f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"
    file = tmp_path / "known_hosts"
    file.write_text(
        "garbage\n\n@unknown x y z\n|1|bad|hash ssh-ed25519 AAAA\n"
        + line(hashed, key)
        + line("*.example.org,!bad.example.org,[2001:db8::?]:22??", key)
        + line("*.example.net", other, "@cert-authority ")
        + "plain.example.com ssh-ed25519 not-base64\n"
    )

    def vouched(host: str, port: int = 22) -> bool:
        return known_hosts.look_up([file, tmp_path / "none"], host, port).vouched

    assert vouched("mx1.example.com", 2222)
    assert vouched("MX1.example.com", 2222)
    assert not vouched("mx1.example.com")
    assert vouched("good.example.org")
    assert vouched("good.example.org", 2022), "a port falls back to the plain name"
    assert not vouched("bad.example.org")
    assert vouched("2001:db8::7", 2210)
    assert known_hosts.look_up([file], "a.example.net", 22).authorities[0].line == 7
    assert not vouched("plain.example.com")


def test_a_key_is_appended_on_a_line_of_its_own(tmp_path: Path, keys: Keys) -> None:
    file = tmp_path / "known_hosts"
    file.write_text("mx0 ssh-ed25519 AAAA")
    known_hosts.append(file, "MX1", 22, [keys["host"]])
    assert file.read_text() == "mx0 ssh-ed25519 AAAA\n" + line("mx1", keys["host"])


def test_what_ssh_says_is_understood(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.setenv("SSH_AUTH_SOCK", "/run/a")
    monkeypatch.setenv("OTHER", "/run/b")
    config = answered(
        "mx1",
        "user ops\nhostname 192.0.2.1\nport 2222\nidentityfile ~/.ssh/a\nidentityfile /b\nidentitiesonly yes\n"
        "identityagent $OTHER\nproxyjump none\nproxycommand none\nuserknownhostsfile none\n"
        "globalknownhostsfile /dev/null /etc/x\nhostkeyalias mail\n",
    )
    assert (config.user, config.hostname, config.port, config.host_key_alias) == ("ops", "192.0.2.1", 2222, "mail")
    assert config.identity_files == (home / ".ssh/a", Path("/b"))
    assert (config.identity_agent, config.proxy_jump, config.proxy_command) == ("/run/b", "", "")
    assert (config.user_known_hosts, config.global_known_hosts) == ((), (Path("/etc/x"),))
    assert answered("x", "identityagent none\n").identity_agent == ""
    assert answered("x", "identityagent SSH_AUTH_SOCK\n").identity_agent == "/run/a"


async def test_a_faulty_openssh_configuration_is_told(home: Path) -> None:
    file = home / "client"
    file.write_text("Port many\n")
    with pytest.raises(SshError, match="is faulty"):
        await client_config("mx1", config_file=file)
    with pytest.raises(SshError, match="dash"):
        await client_config("-oProxyCommand=id")

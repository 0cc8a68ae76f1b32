"""Lost connections, jump hosts, limits, reconnecting."""

from __future__ import annotations

import asyncio
import logging
import shutil
import sys
from pathlib import Path

import asyncssh
import pytest

from mailwiz_tui.deploy.ssh import ConnectionLost, SshError, SshErrorKind, Tunnels, connect
from mailwiz_tui.deploy.ssh.transport import KEEPALIVE_MISSES, KEEPALIVE_SECONDS
from tests.unit.ssh.conftest import Keys, MakeHost, Operator, ServerOf

from .reading import read_exactly

RELAY = """
import os, socket, sys, threading
link = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def back():
    for data in iter(lambda: link.recv(9999), b""):
        os.write(1, data)
threading.Thread(target=back, daemon=True).start()
for data in iter(lambda: os.read(0, 9999), b""):
    link.sendall(data)
"""


async def test_a_cut_connection_is_lost_and_never_success(
    make_host: MakeHost, server_of: ServerOf, operator: Operator
) -> None:
    host = await make_host()
    connection = await connect(server_of(host), operator)
    reading = await connection.open("printf abc; sleep 60")
    waiting = await connection.open("sleep 60")
    running = asyncio.create_task(connection.run("sleep 60"))
    assert await read_exactly(reading, 3) == b"abc"
    async with asyncio.timeout(10):
        while len(host.commands) < 3:  # noqa: ASYNC110 - the server runs in this loop and signals nothing
            await asyncio.sleep(0)
    for link in host.connections:
        link.abort()
    for call in (reading.read(), waiting.wait(), running):
        with pytest.raises(ConnectionLost) as caught:
            await call
        assert caught.value.transient
    await connection.transport.wait_closed()
    assert not connection.alive
    with pytest.raises(ConnectionLost):
        waiting.write(b"x")
    with pytest.raises(ConnectionLost):
        await connection.open("true")
    await connection.close()


async def test_the_end_of_a_server_process_in_mid_answer_is_lost(
    make_host: MakeHost, server_of: ServerOf, operator: Operator
) -> None:
    host = await make_host()
    async with await connect(server_of(host), operator) as connection:
        channel = await connection.open_privileged("sleep 60")
        host.connections[-1].close()
        with pytest.raises(ConnectionLost):
            await read_exactly(channel, 4)


async def test_dead_peers_are_noticed_by_keepalives(
    make_host: MakeHost, server_of: ServerOf, operator: Operator
) -> None:
    host = await make_host()
    async with await connect(server_of(host), operator) as connection:
        options = connection.transport._keepalive_interval, connection.transport._keepalive_count_max
    assert options == (KEEPALIVE_SECONDS, KEEPALIVE_MISSES) == (10, 3)


async def test_a_server_that_says_nothing_times_out(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailwiz_tui.deploy.ssh.transport.CONNECT_SECONDS", 0.2)
    host = await make_host()
    silent = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    server = server_of(host).model_copy(update={"port": port})
    with pytest.raises(SshError) as caught:
        await connect(server, operator)
    assert caught.value.kind is SshErrorKind.TIMEOUT
    silent.close()


async def test_time_for_an_answer_does_not_count(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailwiz_tui.deploy.ssh.transport.CONNECT_SECONDS", 0.5)
    host = await make_host(password="sesame", authorized=[])
    operator.passwords = ["sesame"]
    operator.slow = 0.8
    async with await connect(server_of(host), operator):
        pass


async def test_a_jump_host_is_shared_and_checked(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, identity: Path, keys: Keys
) -> None:
    bastion = await make_host(host_keys=[keys["other-host"]])
    hosts = [await make_host(), await make_host()]
    server_of(bastion)
    tunnels = Tunnels()
    jump = f"ops@127.0.0.1:{bastion.port}"
    connections = await asyncio.gather(
        *(connect(server_of(h, proxy_jump=jump), operator, tunnels=tunnels) for h in hosts)
    )
    for connection in connections:
        assert (await connection.run("echo hi")).stdout == b"hi\n"
        await connection.close()
    assert len(bastion.connections) == 1
    assert bastion.connections[0].get_extra_info("username") == "ops"
    bastion.connections[0].abort()
    async with await connect(server_of(hosts[0], proxy_jump=jump), operator, tunnels=tunnels):
        assert len(bastion.connections) == 2, "a lost jump host is opened anew"
    await tunnels.close()


async def test_an_unknown_jump_host_is_asked_about_first(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, keys: Keys
) -> None:
    bastion = await make_host(host_keys=[keys["other-host"]])
    host = await make_host()
    server = server_of(host, proxy_jump=f"ops@127.0.0.1:{bastion.port}")
    with pytest.raises(SshError) as caught:
        await connect(server, operator)
    assert caught.value.kind is SshErrorKind.HOST_KEY_UNKNOWN
    assert operator.asked[0][1] == f"[127.0.0.1]:{bastion.port}"
    assert host.connections == []


async def test_an_unknown_host_behind_a_jump_host(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, keys: Keys
) -> None:
    bastion = await make_host(host_keys=[keys["other-host"]])
    host = await make_host()
    server_of(bastion)
    operator.accept = True
    server = server_of(host, known=False, proxy_jump=f"ops@127.0.0.1:{bastion.port}")
    async with await connect(server, operator) as connection:
        assert (await connection.run("true")).exit_status == 0
    assert [question[1] for question in operator.asked] == [f"[127.0.0.1]:{host.port}"]


async def test_a_jump_host_that_forwards_nothing(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, keys: Keys
) -> None:
    bastion = await make_host(host_keys=[keys["other-host"]], forwards=False)
    host = await make_host()
    server_of(bastion)
    with pytest.raises(SshError, match="AllowTcpForwarding"):
        await connect(server_of(host, proxy_jump=f"ops@127.0.0.1:{bastion.port}"), operator)


@pytest.mark.skipif(not shutil.which("ssh"), reason="needs an ssh client")
async def test_proxy_jump_of_the_openssh_configuration(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, home: Path, keys: Keys
) -> None:
    bastion = await make_host(host_keys=[keys["other-host"]])
    host = await make_host()
    server_of(bastion)
    (home / ".ssh/config").write_text(
        f"Host mail\n ProxyJump edge\nHost edge\n HostName 127.0.0.1\n Port {bastion.port}\n User ops\n"
    )
    async with await connect(server_of(host, openssh_alias="mail"), operator):
        assert bastion.connections[0].get_extra_info("username") == "ops"
    async with await connect(server_of(host, openssh_alias="mail", proxy_jump="none"), operator):
        assert len(bastion.connections) == 1


@pytest.mark.skipif(not shutil.which("ssh"), reason="needs an ssh client")
async def test_jump_hosts_in_a_circle_are_told(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, home: Path
) -> None:
    host = await make_host()
    (home / ".ssh/config").write_text("Host a\n ProxyJump b\nHost b\n ProxyJump a\n")
    with pytest.raises(SshError, match=r"form a loop.*: a, b, a"):
        await connect(server_of(host, proxy_jump="a"), operator)


async def test_a_proxy_command_carries_the_connection(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, home: Path
) -> None:
    host = await make_host()
    (home / "relay.py").write_text(RELAY)
    (home / ".ssh/config").write_text(f"Host mail\n ProxyCommand {sys.executable} {home}/relay.py %h %p\n")
    if not shutil.which("ssh"):
        pytest.skip("needs an ssh client")
    async with await connect(server_of(host, openssh_alias="mail"), operator) as connection:
        assert (await connection.run("echo hi")).stdout == b"hi\n"


@pytest.mark.parametrize("refusals", [3, 100])
async def test_a_refused_session_is_tried_again_for_a_moment(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, monkeypatch: pytest.MonkeyPatch, refusals: int
) -> None:
    monkeypatch.setattr("mailwiz_tui.deploy.ssh.connection.REFUSED_DELAYS", (0, 0, 0))
    host = await make_host()
    async with await connect(server_of(host), operator) as connection:
        really = connection.transport.create_process
        left = refusals

        async def create_process(*args: object, **options: object) -> object:
            nonlocal left
            if left:
                left -= 1
                raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, "open failed")
            return await really(*args, **options)

        monkeypatch.setattr(connection.transport, "create_process", create_process)
        if refusals == 3:
            assert (await connection.run("echo hi")).stdout == b"hi\n"
        else:
            with pytest.raises(SshError, match="MaxSessions"):
                await connection.run("echo hi")


async def test_at_most_four_handshakes_with_a_host_at_once(
    make_host: MakeHost, server_of: ServerOf, operator: Operator
) -> None:
    host = await make_host()
    server, tunnels = server_of(host), Tunnels()
    most = 0

    async def watch() -> None:
        nonlocal most
        while True:
            slots = list(tunnels._slots.values())
            most = max([most, *(4 - s._value for s in slots)])
            await asyncio.sleep(0)

    watcher = asyncio.create_task(watch())
    connections = await asyncio.gather(*(connect(server, operator, tunnels=tunnels) for _ in range(12)))
    watcher.cancel()
    assert most == 4
    for connection in connections:
        await connection.close()


async def test_nothing_is_logged_of_what_is_run(
    make_host: MakeHost, server_of: ServerOf, operator: Operator, caplog: pytest.LogCaptureFixture
) -> None:
    host = await make_host()
    caplog.set_level(logging.DEBUG)
    async with await connect(server_of(host), operator) as connection:
        await connection.run("true canary-command")
    assert "canary" not in caplog.text

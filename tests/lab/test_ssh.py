"""The SSH transport against real sshd and real sudo, of both Debian releases."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import SecretStr

from mailwiz_tui.deploy.prompts import HostKey, RefusingPrompts
from mailwiz_tui.deploy.ssh import ConnectionLost, SshError, SshErrorKind, Tunnels, connect
from mailwiz_tui.fleet.inventory import load_inventory
from mailwiz_tui.fleet.server import Server
from mailwiz_tui.lab.lab import Lab, LabHost

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

FreshHost = Callable[..., LabHost]

ACCOUNTS = r"""
mk() { useradd -m -s "$2" "$1"; echo "$1:pw-$1" | chpasswd
       mkdir -p /home/$1/.ssh; cp /root/.ssh/authorized_keys /home/$1/.ssh/; chown -R $1 /home/$1; }
mk plain /bin/bash; mk noisy /bin/bash; mk nologin /usr/sbin/nologin; mk free /bin/sh; mk needtty /bin/bash
mk forced /bin/bash
printf 'echo NOISE; echo ERRNOISE >&2; set -x\n' > /home/noisy/.b
cat /home/noisy/.bashrc >> /home/noisy/.b; mv /home/noisy/.b /home/noisy/.bashrc
usermod -aG sudo noisy; usermod -aG sudo needtty
echo 'free ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/free
echo 'Defaults:needtty requiretty' > /etc/sudoers.d/needtty
sed -i 's/^/command="echo only this" /' /home/forced/.ssh/authorized_keys
"""


@dataclass
class Operator(RefusingPrompts):
    """Answers with what was set beforehand and counts the questions."""

    accept: bool = False
    sudo: list[str] = field(default_factory=list)
    questions: int = 0

    async def confirm_host_key(self, server_id: str, address: str, keys: tuple[HostKey, ...]) -> bool:
        self.questions += 1
        return self.accept

    async def sudo_password(self, server_id: str, user: str, attempt: int) -> SecretStr | None:
        self.questions += 1
        return SecretStr(self.sudo.pop(0)) if self.sudo else None

    async def given_secret(self, server_id: str, title: str) -> SecretStr | None:
        return None


def entry(lab: Lab, host: LabHost, **changes: object) -> Server:
    """The host as the lab's own inventory has it."""
    server = load_inventory(lab.paths.inventory).get(host.id)
    assert server is not None
    return server.model_copy(update=changes)


@pytest.mark.parametrize("suite", ["trixie", "bookworm"])
async def test_becoming_root(lab: Lab, fresh_host: FreshHost, suite: str) -> None:
    host = fresh_host(suite)
    lab.run(host.id, ACCOUNTS)

    async def root(user: str, *passwords: str) -> tuple[str, int]:
        """What a privileged command says, or the kind of the error; and how much was asked."""
        operator = Operator(sudo=list(passwords))
        try:
            async with await connect(entry(lab, host, user=user), operator) as connection:
                channel = await connection.open_privileged("sh -c 'id -u; cat; echo E >&2'")
                channel.write(b"data\n")
                channel.write_eof()
                said = b""
                while part := await channel.read():
                    said += part
                assert await channel.wait() == 0
                assert channel.stderr == "E\n"
                return said.decode(), operator.questions
        except SshError as error:
            told = f"{error.kind}: {error.what}"
            return "a password in the message" if "pw-" in str(error) else told, operator.questions

    assert await root("root") == ("0\ndata\n", 0)
    assert await root("noisy", "pw-noisy") == ("0\ndata\n", 1)
    assert await root("noisy", "wrong", "pw-noisy") == ("0\ndata\n", 2)
    assert await root("free", "canary") == ("0\ndata\n", 0)
    assert await root("plain", "pw-plain") == ("sudo: this user may not use sudo to become root", 1)
    assert await root("needtty", "pw-needtty") == ("sudo: sudo requires a terminal", 0)
    assert (await root("nologin"))[0].startswith("shell: the login shell did not run our command")
    assert (await root("forced"))[0].endswith("only this")
    lab.run(host.id, "mv /usr/bin/sudo /usr/bin/sudo.off")
    assert await root("noisy", "pw-noisy") == ("sudo: sudo is not installed on the server", 0)


async def test_through_a_jump_host_lost_and_found_again(lab: Lab, fresh_host: FreshHost, tmp_path: Path) -> None:
    bastion, host = fresh_host(), fresh_host()
    known = tmp_path / "known_hosts"
    server = entry(lab, host, user="admin", known_hosts=known, proxy_jump=f"root@{bastion.ipv4}")
    operator, tunnels = Operator(accept=True, sudo=["lab"]), Tunnels()
    connection = await connect(server, operator, tunnels=tunnels)
    assert len(known.read_text().splitlines()) == 6, "three keys of each"
    channel = await connection.open_privileged("sh -c 'id -un; exec sleep 100'")
    assert await channel.read() == b"root\n"
    lab.run(host.id, "pkill -KILL -u admin sshd")
    with pytest.raises(ConnectionLost):
        await channel.read(1)
    with pytest.raises(ConnectionLost):
        await channel.wait()
    connection = await connect(server, operator, tunnels=tunnels)
    channel = await connection.open_privileged("id -un")
    assert await channel.read() == b"root\n"
    assert operator.questions == 3, "two host keys and one password, none of them twice"
    runs = await asyncio.gather(*(connection.run("echo x") for _ in range(60)))
    assert {run.stdout for run in runs} == {b"x\n"}
    await connection.close()
    await tunnels.close()


async def test_many_connections_at_once(lab: Lab, fresh_host: FreshHost) -> None:
    server, tunnels = entry(lab, fresh_host()), Tunnels()
    for connection in await asyncio.gather(*(connect(server, Operator(), tunnels=tunnels) for _ in range(30))):
        assert connection.alive
        await connection.close()


async def test_the_host_key_of_a_reinstalled_server_is_refused(lab: Lab, fresh_host: FreshHost) -> None:
    host = fresh_host()
    lab.run(host.id, "rm /etc/ssh/ssh_host_*; ssh-keygen -A; systemctl restart ssh")
    operator = Operator(accept=True)
    with pytest.raises(SshError) as caught:
        await connect(entry(lab, host), operator)
    assert caught.value.kind is SshErrorKind.HOST_KEY_CHANGED
    assert f"{lab.paths.known_hosts}:" in caught.value.advice
    assert operator.questions == 0

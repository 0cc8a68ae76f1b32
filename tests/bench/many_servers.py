"""Many servers in one process for the fleet's benchmark: real SSH, and an agent that only talks.

``python -m tests.bench.many_servers FOLDER COUNT`` writes ``inventory.toml`` and keys into the folder, prints
``ready`` and serves until its standard input ends. Each agent's run prints lines as an installation does.
"""

from __future__ import annotations

import asyncio
import re
import sys
import time
from pathlib import Path

import asyncssh

from mailwiz_tui.agent.protocol import frames
from mailwiz_tui.agent.protocol.journal import LogEvent, line_of
from mailwiz_tui.agent.protocol.runs import FollowRun, JournalChunk

LINES_PER_SECOND = 20
TURNS_PER_SECOND = 4
TEXT = "Get:{number} http://mirror.example/debian trixie/main amd64 libboost-regex1.83.0 amd64 1.83.0-4.2 [324 kB]"
_TOKEN = re.compile(r"(mailwiz-ready-[0-9a-f]+) ([0-9a-f]+)")


class Gate(asyncssh.SSHServer):
    """Lets everybody in who has a key."""

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return True


async def talk(process: asyncssh.SSHServerProcess[bytes]) -> None:
    """Start as the agent does, then answer."""
    token = _TOKEN.search(process.command or "")
    assert token
    process.stdout.write(f"{token[1]}{token[2]}\n".encode())
    size = int(await process.stdin.readline())
    await process.stdin.readexactly(size)
    process.stdout.write(frames.READY)
    tasks = set()
    try:
        while True:
            body = await process.stdin.readexactly(frames.length(await process.stdin.readexactly(4)))
            call = frames.decode(body)
            if isinstance(call, frames.Call) and call.operation == FollowRun.operation:
                tasks.add(asyncio.create_task(run(process, call.number)))
    except (asyncio.IncompleteReadError, asyncssh.Error, OSError):
        for task in tasks:
            task.cancel()


async def run(process: asyncssh.SSHServerProcess[bytes], request_id: int) -> None:
    """An installation that prints without end."""
    number, clock = 0, asyncio.get_running_loop().time
    due = clock()
    while True:
        numbers = range(number, number + LINES_PER_SECOND // TURNS_PER_SECOND)
        events = (line_of(LogEvent("packages", TEXT.format(number=n)), time.time()) for n in numbers)
        chunk = JournalChunk(number, tuple(events), "active")
        process.stdout.write(frames.encode(frames.Item(request_id, chunk)))
        number = numbers.stop
        due += 1 / TURNS_PER_SECOND
        await asyncio.sleep(max(0.0, due - clock()))


async def main(folder: Path, count: int) -> None:
    """Serve on a port for each server."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(str(folder / "identity"))
    (folder / "identity").chmod(0o600)
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    public = host_key.export_public_key().decode().strip()
    entries, hosts = [], []
    for number in range(1, count + 1):
        acceptor = await asyncssh.listen(
            "127.0.0.1", 0, server_factory=Gate, server_host_keys=[host_key], process_factory=talk, encoding=None
        )
        port = acceptor.get_port()
        hosts.append(f"[127.0.0.1]:{port} {public}\n")
        entries.append(
            f'[[servers]]\nid = "mx{number}"\nhost = "127.0.0.1"\nport = {port}\nuser = "root"\n'
            'identity_file = "identity"\nknown_hosts = "known_hosts"\n'
        )
    (folder / "known_hosts").write_text("".join(hosts))
    (folder / "inventory.toml").write_text("\n".join(entries))
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))

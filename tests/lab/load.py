"""Many IMAP clients at once from this machine: those that wait for new mail (IDLE) and those that work."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import time
from collections import Counter
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, field

from mailwiz_tui.lab.lab import Lab
from tests.lab.clients import PASSWORD, until, unverified

AT_ONCE = 16
"""Logins in progress."""
ANSWER = 120.0
"""Seconds an answer may take; a machine that also plays the clients is slow."""
_TLS = unverified()


class DroppedError(Exception):
    """The server ended a connection or refused a command."""


class Client:
    """One IMAP connection over TLS."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, user: str) -> None:
        self.user = user
        self._reader = reader
        self._writer = writer
        self._number = 0

    @classmethod
    async def login(cls, address: str, user: str) -> Client:
        """Connect, log in and open INBOX."""
        reader, writer = await asyncio.wait_for(
            asyncio.open_connection(address, 993, ssl=_TLS, ssl_handshake_timeout=ANSWER), ANSWER
        )
        client = cls(reader, writer, user)
        await client._line()
        await client.command(f"LOGIN {user} {PASSWORD}")
        await client.command("SELECT INBOX")
        return client

    async def command(self, text: str) -> list[str]:
        """Send a command; the untagged answers. Raises ``DroppedError`` where the answer is not OK."""
        tag = self.send(text)
        return await self.until(rf"{tag} OK")

    def send(self, text: str) -> str:
        """Send a command and wait for nothing; its tag."""
        self._number += 1
        self._writer.write(f"a{self._number} {text}\r\n".encode())
        return f"a{self._number}"

    def done(self) -> None:
        """End IDLE."""
        self._writer.write(b"DONE\r\n")

    async def until(self, pattern: str) -> list[str]:
        """Read up to a line that begins like this; the lines before it."""
        lines = []
        while not re.match(pattern, line := await self._line()):
            if re.match(r"a\d+ (?:NO|BAD)|\* BYE", line):
                raise DroppedError(line)
            lines.append(line)
        return lines

    async def _line(self) -> str:
        try:
            data = await asyncio.wait_for(self._reader.readline(), ANSWER)
        except (OSError, TimeoutError) as error:
            raise DroppedError(repr(error)) from error
        if not data:
            raise DroppedError("the server closed the connection")
        return data.decode("utf-8", "replace").rstrip()

    async def logout(self) -> None:
        with contextlib.suppress(DroppedError, OSError, TimeoutError):
            self.send("LOGOUT")
            await self.until(r"\* BYE|a\d+ OK")
        self._writer.close()


@dataclass
class Crowd:
    """Clients of a server, and what went wrong for them."""

    address: str
    users: Sequence[str]
    idle: list[Client] = field(default_factory=list)
    busy: list[asyncio.Task[int]] = field(default_factory=list)
    wrong: Counter[str] = field(default_factory=Counter)
    _waiting: dict[Client, str] = field(default_factory=dict)
    _ends: asyncio.Event = field(default_factory=asyncio.Event)

    async def connect_idle(self, count: int) -> None:
        """Log clients in and have each wait for new mail."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(number: int) -> None:
            async with gate:
                client = await Client.login(self.address, self.users[number % len(self.users)])
                self._waiting[client] = client.send("IDLE")
                await client.until(r"\+ ")
                self.idle.append(client)

        await self._all("connect", (one(n) for n in range(count)))

    async def connect_busy(self, count: int) -> None:
        """Log clients in that go on reading until ``stop``."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(number: int) -> None:
            async with gate:
                client = await Client.login(self.address, self.users[number % len(self.users)])
            self.busy.append(asyncio.create_task(self._work(client)))

        await self._all("connect", (one(n) for n in range(count)))

    async def _work(self, client: Client) -> int:
        """What a mail program does when its user reads; how many commands were answered."""
        answered = 0
        words = (
            "NOOP",
            "UID SEARCH UNSEEN",
            "UID FETCH 1:* (FLAGS)",
            "STATUS Sent (MESSAGES UNSEEN)",
            'LIST "" "*"',
        )
        while not self._ends.is_set():
            try:
                await client.command(random.choice(words))
            except DroppedError as error:
                self.wrong[f"busy: {error}"] += 1
                return answered
            answered += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ends.wait(), random.uniform(1, 4))
        await client.logout()
        return answered

    async def hear_of_new_mail(self) -> None:
        """Wait until each waiting client was told of a message."""

        async def one(client: Client) -> None:
            async with asyncio.timeout(ANSWER):
                await client.until(r"\* \d+ EXISTS")

        await self._all("new mail", (one(client) for client in self.idle))

    async def go_on(self, within: float) -> None:
        """Each waiting client ends IDLE, at some time in so many seconds, asks something and waits again."""

        async def one(client: Client) -> None:
            await asyncio.sleep(random.uniform(0, within))
            client.done()
            await client.until(rf"{self._waiting[client]} OK")
            await client.command("UID FETCH 1:* (FLAGS)")
            self._waiting[client] = client.send("IDLE")
            await client.until(r"\+ ")

        await self._all("after IDLE", (one(client) for client in self.idle))

    async def stop(self) -> int:
        """End all; how many commands of the busy clients were answered."""
        self._ends.set()
        answered = await asyncio.gather(*self.busy)
        for client in self.idle:
            client.done()
        await asyncio.gather(*(client.logout() for client in self.idle))
        return sum(answered)

    async def _all(self, doing: str, works: Iterable[Awaitable[None]]) -> None:
        for error in await asyncio.gather(*works, return_exceptions=True):
            if error is not None:
                self.wrong[f"{doing}: {error!r}"] += 1


def add_mailboxes(lab: Lab, host: str, addresses: Sequence[str]) -> None:
    """Mailboxes with one password; its hash costs little, as the time of logins is not what is measured."""
    hashed = lab.run(host, f"doveadm pw -s SSHA512 -p {PASSWORD}").stdout.strip()
    rows = ""
    for address in addresses:
        local, _, domain = address.partition("@")
        rows += (
            "INSERT INTO mailbox (username, password, name, maildir, local_part, domain) VALUES "
            f"('{address}', '{hashed}', '', '{domain}/{local}/', '{local}', '{domain}');"
            f"INSERT INTO alias (address, goto, domain) VALUES ('{address}', '{address}', '{domain}');"
        )
    lab.run(host, "mariadb postfix", stdin=rows)


def smaller(lab: Lab, host: str, memory_kb: int) -> None:
    """Have a lab host say that it has less memory, by which its limits are chosen."""
    lab.run(
        host,
        "mountpoint -q /proc/meminfo && exit; "
        f"sed 's/^MemTotal:.*/MemTotal: {memory_kb} kB/' /proc/meminfo > /run/meminfo; "
        "mount --bind /run/meminfo /proc/meminfo",
    )


def parked(lab: Lab, host: str) -> int:
    """How many clients wait in imap-hibernate: it keeps an inotify instance for each."""
    folders = "pgrep -x imap-hibernate | sed 's|.*|/proc/&/fd|'"
    return int(lab.run(host, f"ls -l $({folders}) | grep -c inotify || true").stdout)


def memory_kb(lab: Lab, host: str) -> int:
    """The memory of all processes of a server, each shared page once (proc(5), Pss)."""
    sums = "awk '/^Pss:/ {sum += $2} END {print sum}'"
    return int(lab.run(host, f"cat /proc/[0-9]*/smaps_rollup 2>/dev/null | {sums}").stdout)


def complaints(lab: Lab, host: str, since: str) -> list[str]:
    """What Dovecot says in its log when it drops a client; that the machine stood still for a moment is none."""
    words = "limit|[Tt]imeout|[Ff]ailed|Couldn't|Fatal|Out of memory|Panic|killed"
    log = lab.run(host, f"journalctl -t dovecot -o cat --since @{since}").stdout
    return [line for line in log.splitlines() if re.search(words, line) and "Time moved forward" not in line]


def write_to(lab: Lab, host: str, sender: str, recipients: Sequence[str]) -> None:
    """One message to all, as a list sends it."""
    lab.run(
        host,
        f"printf 'From: {sender}\\nTo: {recipients[0]}\\nSubject: to all\\n\\nWe meet on Tuesday.\\n'"
        f" | sendmail -i -f {sender} -- {' '.join(recipients)}",
    )


@dataclass(frozen=True)
class LoadTest:
    """Servers that a crowd comes to: mail is written on the first of ``hosts``, the mailboxes are on ``stores``."""

    lab: Lab
    crowd: Crowd
    hosts: Sequence[str]
    stores: Sequence[str]

    def all_wake(self, waiting: int, busy: int, sender: str, memory: int) -> None:
        """So many clients come, wait, and wake at once for a message to all: none is dropped, memory is enough.

        ``memory`` is that of each server in kB.
        """
        seen: dict[str, float] = {}
        since = self.lab.run(self.hosts[0], "date +%s").stdout.strip()
        asyncio.run(self._walk(waiting, busy, sender, seen))
        print(seen)
        assert not self.crowd.wrong
        assert max(seen["waiting"], seen["awake"]) < memory * 0.8, seen
        assert seen["commands"] > busy * 5
        assert [(host, line) for host in self.hosts for line in complaints(self.lab, host, since)] == []

    async def _walk(self, waiting: int, busy: int, sender: str, seen: dict[str, float]) -> None:
        crowd, begun = self.crowd, time.monotonic()
        await crowd.connect_idle(waiting)
        await crowd.connect_busy(busy)
        seen["connected"] = round(time.monotonic() - begun, 1)
        assert (len(crowd.idle), len(crowd.busy)) == (waiting, busy), crowd.wrong
        assert await asyncio.to_thread(until, lambda: self._parked() == waiting, 120), self._parked()
        seen["waiting"] = await asyncio.to_thread(self._most_memory)
        told, begun = asyncio.create_task(crowd.hear_of_new_mail()), time.monotonic()
        await asyncio.to_thread(write_to, self.lab, self.hosts[0], sender, crowd.users)
        await asyncio.sleep(5)
        seen["awake"] = await asyncio.to_thread(self._most_memory)
        await told
        seen["told"] = round(time.monotonic() - begun, 1)
        await crowd.go_on(within=20)
        seen["commands"] = await crowd.stop()

    def _parked(self) -> int:
        return sum(parked(self.lab, store) for store in self.stores)

    def _most_memory(self) -> int:
        return max(memory_kb(self.lab, host) for host in self.hosts)

"""A steady flow of mail in and out, each message counted where it was accepted and where it ended.

In: the lab's outside mail server, a real sender that takes any MX and tries again. Out: mail programs that log in,
keep what was not accepted, and try again. Every message carries its number in the header ``X-Flow``.
"""

from __future__ import annotations

import collections
import contextlib
import itertools
import secrets
import smtplib
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate

from tests.lab.clients import unverified
from tests.lab.fleet import Fleet, marks_below

HEADER = "X-Flow"
MORE = 20
"""How many messages each way show that mail goes on."""
PER_SESSION = 20
"""How many messages a mail program sends before it logs in anew."""


@dataclass
class Flow:
    """What was sent, and the threads that send; ``rate`` messages a second each way.

    ``name`` tells its messages and correspondents from those of an earlier flow on the same lab, and ``log_begin``
    how much the outside mail server had logged before, in characters.
    """

    fleet: Fleet
    users: Sequence[str]
    password: str
    rate: float
    name: str = field(default_factory=lambda: secrets.token_hex(3))
    log_begin: int = 0
    accepted_in: list[str] = field(default_factory=list)
    accepted_out: list[str] = field(default_factory=list)
    refusals: collections.Counter[str] = field(default_factory=collections.Counter)
    outbox: collections.deque[str] = field(default_factory=collections.deque)
    trouble: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    @property
    def correspondent(self) -> str:
        """Who writes from outside."""
        return f"anna-{self.name}@outside.test"

    @property
    def sink(self) -> str:
        """Who is written to outside."""
        return f"sink-{self.name}@outside.test"

    def feed(self) -> None:
        """Hand messages to the outside mail server; what it has taken, it answers for."""
        numbers = itertools.count(1)
        receivers = itertools.cycle(self.users)
        with _FromThere(self.fleet) as session:
            for _ in _beats(self.ended, 1 / self.rate):
                number, receiver = f"{self.name}-i{next(numbers):05}", next(receivers)
                letter = _letter(number, self.correspondent, receiver)
                if refused := session.send_message(letter, self.correspondent, [receiver]):
                    self.trouble.append(f"the outside mail server refused {number}: {refused}")
                self.accepted_in.append(number)

    def write(self) -> None:
        """Write messages; they stay in the outbox until the server has taken them."""
        numbers = itertools.count(1)
        for _ in _beats(self.ended, 1 / self.rate):
            self.outbox.append(f"{self.name}-o{next(numbers):05}")

    def send(self, address: str, users: Sequence[str]) -> None:
        """Send what is in the outbox, as a mail program that reaches the server at one address."""
        for user in itertools.cycle(users):
            if self.ended.is_set() and not self.outbox:
                return
            if not self.outbox:
                time.sleep(0.1)
                continue
            try:
                with smtplib.SMTP_SSL(address, 465, context=unverified(), timeout=30) as session:
                    session.login(user, self.password)
                    self._send_some(session, user)
            except (OSError, smtplib.SMTPException) as error:
                self.refusals[f"{type(error).__name__}: {str(error)[:100]}"] += 1
                self.ended.wait(2)

    def _send_some(self, session: smtplib.SMTP, user: str) -> None:
        for _ in range(PER_SESSION):
            try:
                number = self.outbox.popleft()
            except IndexError:
                if self.ended.is_set():
                    return
                time.sleep(0.1)
                continue
            try:
                session.send_message(_letter(number, user, self.sink), user, [self.sink])
            except BaseException:
                self.outbox.append(number)
                raise
            self.accepted_out.append(number)

    def arrived_in(self, stores: Sequence[str]) -> collections.Counter[str]:
        """How often each message lies in a mailbox."""
        return collections.Counter(number for store in stores for number in self.fleet.marks(store, HEADER))

    def arrived_out(self) -> collections.Counter[str]:
        """How often each message reached the outside."""
        marks = marks_below(self.fleet.lab.outside.mailboxes, HEADER)
        return collections.Counter(number for number in marks if number.startswith(f"{self.name}-"))

    def missing(self, stores: Sequence[str]) -> tuple[set[str], set[str]]:
        """What was accepted and has not arrived: in, out. What is accepted meanwhile is no loss."""
        sent_in, sent_out = set(self.accepted_in), set(self.accepted_out)
        return sent_in - self.arrived_in(stores).keys(), sent_out - self.arrived_out().keys()

    def drained(self, stores: Sequence[str], seconds: float) -> float:
        """Wait until all that was accepted up to now, and some more each way, has arrived; how long it took."""
        begun = time.monotonic()
        sent_in, sent_out = list(self.accepted_in), list(self.accepted_out)
        while True:
            came_in, came_out = self.arrived_in(stores), self.arrived_out()
            more = [len(self.accepted_in) - len(sent_in), len(self.accepted_out) - len(sent_out)]
            lacking = set(sent_in) - came_in.keys(), set(sent_out) - came_out.keys()
            if not any(lacking) and (self.ended.is_set() or min(more) >= MORE):
                return time.monotonic() - begun
            if time.monotonic() > begun + seconds:
                few = [sorted(part)[:5] for part in lacking]
                raise AssertionError(
                    f"after {seconds:.0f} s {len(lacking[0])} in and {len(lacking[1])} out are missing ({few}), "
                    f"and {more} were accepted since; refusals: {dict(self.refusals)}"
                )
            time.sleep(1)

    def end(self) -> None:
        """Write no more, and let mail programs send what is in the outbox."""
        self.ended.set()
        for thread in self.threads:
            thread.join(300)
        assert not self.outbox, f"{len(self.outbox)} wait in the outbox: {dict(self.refusals)}"


@contextlib.contextmanager
def steady_flow(fleet: Fleet, users: Sequence[str], password: str, rate: float = 5.0) -> Iterator[Flow]:
    """Send both ways for as long as the block lasts."""
    flow = Flow(fleet, users, password, rate, log_begin=len(fleet.lab.outside.log()))
    host = fleet.lab.host(fleet.host)
    half = len(users) // 2
    threads = [threading.Thread(target=work, daemon=True) for work in (flow.feed, flow.write)]
    for number in range(4):
        address, own = (host.ipv4, users[:half]) if number % 2 else (host.ipv6, users[half:])
        turned = [*own[number:], *own[:number]]
        threads.append(threading.Thread(target=flow.send, args=(address, turned), daemon=True))
    flow.threads += threads
    for thread in threads:
        thread.start()
    try:
        yield flow
    finally:
        flow.ended.set()


def _beats(ended: threading.Event, every: float) -> Iterator[None]:
    """One turn each so many seconds, made up for where one took longer."""
    due = time.monotonic()
    while not ended.is_set():
        yield
        due += every
        ended.wait(max(0.0, due - time.monotonic()))


class _FromThere(smtplib.SMTP):
    """A session with the outside mail server from its own host."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        super().__init__("127.0.0.1", 25)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._fleet.lab.outside.dial(port)


def _letter(number: str, sender: str, receiver: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, receiver, f"flow {number}"
    message["Date"], message["Message-ID"] = formatdate(), f"<{number}.{time.time_ns()}@{sender.partition('@')[2]}>"
    message[HEADER] = number
    message.set_content(f"Good day, this is number {number}.\n")
    return message

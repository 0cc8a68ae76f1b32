"""The clients of a drill: senders that send a message again until it is accepted, and one that reads."""

from __future__ import annotations

import asyncio
import imaplib
import re
import smtplib
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count

from mailwiz_tui.deploy.work import EngineError
from mailwiz_tui.plan.words import counted
from mailwiz_tui.verify.check import plain
from mailwiz_tui.verify.dialog import HELO, pinned
from mailwiz_tui.verify.drill.record import Attempt, Message, Outcome
from mailwiz_tui.verify.mailbox import Mailbox
from mailwiz_tui.verify.message import OUTSIDER, compose, token
from mailwiz_tui.verify.target import IMAPS, SMTP, SUBMISSIONS, Target

AGAIN = 0.5
"""Seconds until a client that got no answer tries again; oftener, servers would defer its mail."""
READ_EVERY = 0.2
SENDER_LANES = 2
READER_LANES = 4
"""How many connections a client has at once: fewer than servers allow one address."""
WARM_UP = 45.0
"""Seconds in which a client must get its first answer; a copy of the accounts may be 30 s old."""
_HELD = re.compile(r"4\.7\.1 (try again later|greylist)|too much mail|rate ?limit", re.IGNORECASE)
"""Answers of a server that works and defers mail of this client: Rspamd's and the rate limiter's."""


class Client:
    """One client with several connections, each in a thread; ``attempts`` grows while it runs.

    An attempt begins each ``interval`` seconds. One that waits for an answer does not keep the next from beginning,
    as long as there are fewer than ``lanes``. ``server_id`` is empty for the address that moves with the store.
    """

    def __init__(self, name: str, interval: float, lanes: int, server_id: str = "") -> None:
        self.name, self.server_id, self.interval, self.lanes = name, server_id, interval, lanes
        self.attempts: list[Attempt] = []
        self._ended = threading.Event()
        self._answered = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(lane,), name=f"drill {name} {lane}", daemon=True)
            for lane in range(lanes)
        ]

    def start(self) -> None:
        """Begins with the first attempt."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Lets the present attempts be the last."""
        self._ended.set()

    def join(self) -> None:
        """Returns when the last attempt has ended."""
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    @property
    def answered(self) -> bool:
        """Whether any attempt was successful."""
        return self._answered.is_set()

    def first_answer(self, seconds: float) -> None:
        """Returns when an attempt was successful, else after ``seconds``."""
        self._answered.wait(max(0.0, seconds))

    @property
    def last_said(self) -> str:
        """The last answer or error."""
        return self.attempts[-1].said if self.attempts else "no attempt has ended"

    def attempt(self, lane: int) -> Attempt:
        """One try."""
        raise NotImplementedError

    def _run(self, lane: int) -> None:
        self._ended.wait(lane * self.interval)
        while not self._ended.is_set():
            begun = time.monotonic()
            try:
                done = self.attempt(lane)
            except Exception as error:  # an answer that the library cannot read; the client goes on
                done = Attempt(begun, time.monotonic(), Outcome.FAILED, plain(error))
            self.attempts.append(done)
            if done.outcome is Outcome.DONE:
                self._answered.set()
            pause = self.interval * self.lanes if done.answered else min(self.interval * self.lanes, AGAIN)
            self._ended.wait(max(0.0, done.begun + pause - time.monotonic()))


class Sender(Client):
    """Sends one message after another to one port of a server; one that was not accepted is sent again.

    With ``logins`` it submits mail as each of them in turn, else it delivers mail from outside.
    """

    def __init__(
        self, name: str, target: Target, recipient: str, interval: float, logins: Sequence[Mailbox] = ()
    ) -> None:
        super().__init__(name, interval, SENDER_LANES, "" if logins else target.server_id)
        self.messages: list[Message] = []
        self._target, self._recipient, self._logins = target, recipient, tuple(logins)
        self._tls = pinned(target.pem)
        self._number = count()
        self._present: list[Message | None] = [None] * self.lanes

    def attempt(self, lane: int) -> Attempt:
        """Sends the present message of a connection, or a new one if that was accepted."""
        message, begun = self._present[lane], time.monotonic()
        if message is None or message.accepted:
            message = self._present[lane] = Message(token())
            self.messages.append(message)
        login = self._logins[next(self._number) % len(self._logins)] if self._logins else None
        sent = _Sent()
        try:
            said = self._send(message, login, sent)
        except (OSError, smtplib.SMTPException) as error:
            said = plain(error)
            if sent.unanswered:
                message.unsure += 1
                outcome = Outcome.UNSURE
            else:
                outcome = Outcome.DEFERRED if _HELD.search(said) else Outcome.FAILED
        else:
            message.accepted, outcome = True, Outcome.DONE
        return Attempt(begun, sent.replied or time.monotonic(), outcome, said, message.token)

    def _send(self, message: Message, login: Mailbox | None, sent: _Sent) -> str:
        author = login.address if login else OUTSIDER
        text = compose(author, self._recipient, f"drill {message.token}")
        smtp = self._connected(login)
        try:
            _expect(smtp.mail(login.address if login else ""), 2)
            _expect(smtp.rcpt(self._recipient), 2)
            _expect(smtp.docmd("DATA"), 3)
            sent.unanswered = True
            smtp.send(smtplib.quotedata(text) + ".\r\n")
            reply = smtp.getreply()
            sent.unanswered, sent.replied = False, time.monotonic()
            said = _expect(reply, 2)
            with suppress(OSError, smtplib.SMTPException):
                smtp.putcmd("QUIT")
            return said
        finally:
            smtp.close()

    def _connected(self, login: Mailbox | None) -> smtplib.SMTP:
        seconds = self._target.seconds
        if login:
            host, port = self._target.at(SUBMISSIONS)
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(host, port, HELO, timeout=seconds, context=self._tls)
        else:
            smtp = smtplib.SMTP(*self._target.at(SMTP), HELO, timeout=seconds)
        try:
            if login:
                smtp.login(login.address, login.password.get_secret_value())
            else:
                smtp.starttls(context=self._tls)
                smtp.ehlo_or_helo_if_needed()
        except BaseException:
            smtp.close()
            raise
        return smtp


@dataclass(slots=True)
class _Sent:
    """Whether a message was sent and not replied to, and when the reply came."""

    unanswered: bool = False
    replied: float = 0.0


def _expect(reply: tuple[int, bytes], first_digit: int) -> str:
    """The text of a reply. Raises ``SMTPResponseException`` unless its code begins with the digit."""
    code, said = reply
    if code // 100 != first_digit:
        raise smtplib.SMTPResponseException(code, said)
    return f"{code} {said.decode('utf-8', 'replace')}"


class Reader(Client):
    """Logs in, opens the inbox and reads the newest message, over a new connection each time."""

    def __init__(self, name: str, target: Target, mailbox: Mailbox, interval: float = READ_EVERY) -> None:
        super().__init__(name, interval, READER_LANES)
        self.target, self.mailbox = target, mailbox
        self._tls = pinned(target.pem)

    def attempt(self, lane: int) -> Attempt:
        """One session."""
        begun = time.monotonic()
        try:
            said = self._read()
        except (OSError, imaplib.IMAP4.error) as error:
            return Attempt(begun, time.monotonic(), Outcome.FAILED, plain(error))
        return Attempt(begun, time.monotonic(), Outcome.DONE, said)

    def _read(self) -> str:
        host, port = self.target.at(IMAPS)
        imap = imaplib.IMAP4_SSL(host, port, ssl_context=self._tls, timeout=self.target.seconds)
        try:
            imap.login(self.mailbox.address, self.mailbox.password.get_secret_value())
            state, told = imap.select("INBOX", readonly=True)
            if state != "OK":
                raise imaplib.IMAP4.error(f"the inbox does not open: {told!r}")
            number = int(told[0] or b"0")
            if number:
                state, _ = imap.fetch(str(number), "(BODY.PEEK[])")
                if state != "OK":
                    raise imaplib.IMAP4.error("the newest message cannot be read")
            return f"{counted(number, 'message')} in the inbox"
        finally:
            with suppress(OSError):
                imap.shutdown()


@dataclass
class Flow:
    """All clients of a drill; ``until`` is when they were stopped."""

    senders: list[Sender]
    reader: Reader
    until: float = 0.0
    left_out: list[str] = field(default_factory=list)

    @property
    def clients(self) -> list[Client]:
        """Senders, then the reader."""
        return [*self.senders, self.reader]

    @property
    def messages(self) -> list[Message]:
        """The messages of all senders."""
        return [message for sender in self.senders for message in sender.messages]

    async def begin(self, seconds: float = WARM_UP) -> None:
        """Starts all, and returns when each has its first answer.

        Senders without one are stopped, with the reason in ``left_out``: many access networks block port 25, and
        servers defer mail of unknown clients. Raises ``EngineError`` if none is left, or if nothing can be read.
        """
        for client in self.clients:
            client.start()
        end = time.monotonic() + seconds
        for client in self.clients:
            await asyncio.to_thread(client.first_answer, end - time.monotonic())
        for sender in [sender for sender in self.senders if not sender.answered]:
            sender.stop()
            self.senders.remove(sender)
            self.left_out.append(f"{sender.name} accepted no message from this machine: {sender.last_said}")
        if not self.reader.answered:
            raise EngineError(f"the mailbox cannot be read: {self.reader.last_said}", self.reader.name, _VERIFY)
        if not self.senders:
            raise EngineError("; ".join(self.left_out), "the drill", _VERIFY)

    async def stop(self) -> None:
        """Returns when the last attempt of each has ended."""
        self.until = self.until or time.monotonic()
        for client in self.clients:
            client.stop()
        for client in self.clients:
            await asyncio.to_thread(client.join)


_VERIFY = "mailwiz-tui verify PLAN shows what does not work"

"""Serve mode: answers requests from standard input until it ends. Leaves no process and no file behind."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from . import frames
from .context import Context, Raw
from .fault import AgentFault
from .host import Host

Answer = Any
Operation = Callable[..., Answer]
ACCOUNT_WORK = ("list", "add", "password", "change", "remove", "alias_add", "alias_remove",
                "welcome", "farewell", "where")  # fmt: skip


class Server:
    """One channel: each request in a thread of its own, streams until they end or are cancelled."""

    def __init__(self, host: Host, writer: frames.Writer) -> None:
        self.host = host
        self._writer = writer
        self._cancelled: set[int] = set()
        self._on_close: list[Callable[[], object]] = []
        self._exclusive = threading.Lock()
        self._answering: Any = None
        self._operations: dict[str, Operation] = {
            "ping": lambda: "pong",
            "facts": self.facts,
            "prepare": self.prepare,
            "install_certificate": self.install_certificate,
            "diff": self.diff,
            "start": self.start,
            "status": self.status,
            "follow": self.follow,
            "confirm": self.confirm,
            "stop_after": self.stop_after,
            "probes": self.probes,
            "monitor": self.monitor,
            "reach": self.reach,
            "measure": self.measure,
            "answer_udp": self.answer_udp,
            "knock_udp": self.knock_udp,
            "accounts_ensure": self.accounts_ensure,
            "accounts_ack": self.accounts_ack,
            "administrator_ensure": self.administrator_ensure,
            "administrator_ack": self.administrator_ack,
            "accounts_copy": self.accounts_copy,
            "probe_mailbox_open": self.probe_mailbox_open,
            "probe_mailbox_close": self.probe_mailbox_close,
            "backup_list": self.backup_list,
            "backup_start": self.backup_start,
            "backup_follow": self.backup_follow,
            "backup_key": self.backup_key,
            "backup_key_shown": self.backup_key_shown,
            "backup_unlock": self.backup_unlock,
            "secret_put": self.secret_put,
            "secret_missing": self.secret_missing,
            **{f"accounts_{what}": partial(self.accounts, what) for what in ACCOUNT_WORK},
            "move": self.move,
        }

    def serve(self, source: Any) -> None:
        """Reads requests until the other side closes; then undoes what must not outlive the connection."""
        try:
            while (message := frames.read(source)) is not None:
                if message.get("cancel"):
                    self._cancelled.add(int(message["id"]))
                    continue
                threading.Thread(target=self._answer, args=(message,), daemon=True).start()
        finally:
            for close in self._on_close:
                with contextlib.suppress(Exception):
                    close()

    def _answer(self, message: Raw) -> None:
        number = int(message.get("id", 0))
        try:
            operation = self._operations.get(str(message.get("op")))
            if operation is None:
                raise AgentFault(f"the agent has no operation {message.get('op')!r}", "agent")
            result = operation(**message.get("args", {}))
            if isinstance(result, Iterator):
                for item in result:
                    if number in self._cancelled:
                        break
                    if item:
                        self._writer.send({"id": number, "item": item})
                result = None
            self._writer.send({"id": number, "ok": result})
        except AgentFault as fault:
            self._fail(number, fault.as_dict())
        except OSError as error:
            what = f"{error.strerror}: {error.filename or ''}"
            self._fail(number, {"what": what, "where": str(message.get("op")), "advice": ""})
        except Exception as error:
            trace = traceback.extract_tb(error.__traceback__)
            place = f"{os.path.basename(trace[-1].filename)}:{trace[-1].lineno}" if trace else ""
            self._fail(number, {"what": f"the agent met an unexpected {type(error).__name__}: {error}",
                                "where": f"{message.get('op')} ({place})", "advice": ""})  # fmt: skip

    def _fail(self, number: int, error: dict[str, str]) -> None:
        with contextlib.suppress(OSError):
            self._writer.send({"id": number, "error": error})

    def facts(self) -> Answer:
        """Everything known of the server, as ``fleet.facts.Facts`` names it."""
        from . import facts

        return facts.gather(self.host)

    def prepare(self, dkim: list[Raw], tls: Raw | None, mesh: Raw | None = None) -> Answer:
        """Makes missing keys; returns the public halves."""
        from . import keys, meshkeys

        with self._exclusive:
            answer = keys.prepare(self.host, dkim, tls)
            return answer | (meshkeys.prepare(self.host, mesh) if mesh else {})

    def install_certificate(self, chain: str, key: str) -> Answer:
        """Keeps the operator's own certificate and key for the next run."""
        from . import keys

        with self._exclusive:
            return keys.install_certificate(self.host, chain, key)

    def diff(self, blueprint: Raw) -> Answer:
        """What a blueprint would change here."""
        from . import steps

        return {"steps": steps.compare(Context.of(self.host, blueprint, predict=True))}

    def start(self, run_id: str, blueprint: Raw, options: Raw | None = None) -> Answer:
        """Starts a run of its own."""
        from . import launch

        with self._exclusive:
            return launch.start(self.host, run_id, blueprint, options or {})

    def status(self) -> Answer:
        """The latest run and how it stands."""
        from . import launch

        return launch.status(self.host)

    def follow(self, run_id: str, offset: int = 0) -> Iterator[Raw]:
        """A run's journal from a byte offset."""
        from . import launch

        return launch.follow(self.host, run_id, offset)

    def confirm(self, run_id: str, step: str) -> Answer:
        """Keeps a lockout step."""
        from . import lockout

        return {"outcome": lockout.confirm(self.host, run_id, step)}

    def stop_after(self, run_id: str) -> Answer:
        """Ends a run when its present step is done."""
        from . import run

        return {"asked": run.stop_after_step(self.host, run_id)}

    def probes(self, probes: list[Raw]) -> Answer:
        """Runs the blueprint's checks."""
        from . import probes as module

        return module.run_all(self.host, probes)

    def monitor(
        self,
        units: list[str],
        place: str = "",
        since: float = 3600.0,
        keep: int = 400,
        peers: dict[str, str] | None = None,
    ) -> Answer:
        """How the running server is, and the mail log since ``place``."""
        from . import monitor as module

        return module.look(self.host, units, place, since, keep, peers)

    def reach(self, places: list[Raw]) -> Answer:
        """Whether TCP ports of other servers answer from here."""
        from . import paths

        return paths.reach(self.host, places)

    def measure(self, peers: list[Raw]) -> Answer:
        """How long an echo of other servers takes, and what packet size gets there."""
        from . import paths

        return paths.measure(peers)

    def answer_udp(self, port: int, seconds: float) -> Answer:
        """Answers on a UDP port for a while, for ``knock_udp`` of other servers; 0 seconds end it."""
        from . import paths

        with self._exclusive:
            if self._answering:
                self._answering.stop()
                self._answering = None
            if seconds <= 0:
                return {"listening": False}
            try:
                self._answering = paths.Answering(port, min(seconds, 60.0))
            except OSError:
                return {"listening": False}
            return {"listening": True}

    def knock_udp(self, places: list[Raw]) -> Answer:
        """Whether UDP ports of other servers answer."""
        from . import paths

        return paths.knock_udp(places)

    def accounts_ensure(self, accounts: list[Raw], aliases: list[Raw], domains: list[str]) -> Answer:
        """First accounts; returns the addresses whose password was set now."""
        from . import accounts as module

        with self._exclusive:
            return module.ensure(self.host, accounts, aliases, domains)

    def accounts_ack(self, addresses: list[str]) -> Answer:
        """Remembers that the operator has these passwords."""
        from . import accounts as module

        with self._exclusive:
            return module.acknowledge(self.host, addresses)

    def administrator_ensure(self, address: str, password: str) -> Answer:
        """The admin panel's first administrator."""
        from . import administrators

        with self._exclusive:
            return administrators.ensure(self.host, address, password)

    def administrator_ack(self, address: str) -> Answer:
        """Remembers that the operator has the administrator's password."""
        from . import administrators

        with self._exclusive:
            return administrators.acknowledge(self.host, address)

    def accounts_copy(self, kick: list[str] | None = None, release: list[str] | None = None) -> Answer:
        """Brings this server's copy of the accounts up to date."""
        from . import accountcopy

        return accountcopy.refresh(self.host, kick or [], release or [])

    def probe_mailbox_open(self, address: str, password: str, store: str = "") -> Answer:
        """Opens the verification mailbox for as long as this connection lives."""
        from . import accounts as module

        with self._exclusive:
            self._on_close.append(lambda: module.close_probe(self.host, address))
            return module.open_probe(self.host, address, password, store)

    def probe_mailbox_close(self, address: str) -> Answer:
        """Closes the verification mailbox and empties it."""
        from . import accounts as module

        with self._exclusive:
            return module.close_probe(self.host, address)

    def backup_list(self) -> Answer:
        """The backups there are."""
        from . import backup

        return backup.list_all(self.host)

    def backup_start(self, action: str, snapshot: str = "latest") -> Answer:
        """Starts a backup or a restore."""
        from . import backup

        with self._exclusive:
            return backup.start(self.host, action, snapshot)

    def backup_follow(self, unit: str) -> Iterator[Raw]:
        """What a backup or a restore says until it ends."""
        from . import backup

        return backup.follow(self.host, unit)

    def backup_key(self) -> Answer:
        """The recovery key, until it was shown."""
        from . import backup

        return backup.recovery_key(self.host)

    def backup_key_shown(self) -> Answer:
        """Remembers that the operator has the recovery key."""
        from . import backup

        return backup.recovery_key_shown(self.host)

    def backup_unlock(self, key: str) -> Answer:
        """Takes over another installation's backup."""
        from . import backup

        with self._exclusive:
            return backup.unlock(self.host, key)

    def secret_put(self, name: str, value: str) -> Answer:
        """Keeps a secret that the operator gives."""
        from . import secrets

        with self._exclusive:
            return secrets.put(self.host, name, value)

    def secret_missing(self, names: list[str]) -> Answer:
        """Which of the named secrets are not here yet."""
        from . import secrets

        return {"missing": secrets.missing(self.host, names)}

    def accounts(self, what: str, **args: Any) -> Answer:
        """Mailboxes, aliases and domains: looked at or changed, one change at a time."""
        from . import accountdesk

        with self._exclusive:
            return accountdesk.work(self.host, what, args)

    def move(self, what: str, args: Raw) -> Answer:
        """One step of moving a mailbox between stores; they keep each other off by themselves."""
        from . import movedesk

        return movedesk.work(self.host, what, args)


def main(root: str) -> None:
    """Serves standard input and output; whatever else prints goes to standard error."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    out.write(b"\n" + frames.READY)
    out.flush()
    with contextlib.suppress(OSError, ValueError):
        Server(Host(root), frames.Writer(out)).serve(sys.stdin.buffer)
    os._exit(0)

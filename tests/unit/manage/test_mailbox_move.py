"""Moving a mailbox between two stores in this process: as a whole, broken off at every step, and undone."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import TypeVar

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from mailwiz_tui.agent.core.fault import AgentFault
from mailwiz_tui.agent.core.host import Host
from mailwiz_tui.agent.moves import move_link, move_rows, old_mail
from mailwiz_tui.agent.protocol.accounts import CopyState, MailboxPlace, RefreshCopy
from mailwiz_tui.agent.protocol.codec import to_json
from mailwiz_tui.agent.protocol.moves import (
    BlockMailbox,
    DiscardMailbox,
    FetchMailbox,
    OfferMailbox,
    PublishMailbox,
    SwitchRow,
    UnblockMailbox,
)
from mailwiz_tui.agent.protocol.request import Request, Stream
from mailwiz_tui.deploy.work import EngineError
from mailwiz_tui.manage import mailbox_move
from mailwiz_tui.manage.mailbox_move import move_mailbox
from mailwiz_tui.stack import layout
from tests.doubles import EngineDouble, LinkDouble
from tests.unit.certificates import issue
from tests.unit.fake_link import ask, follow
from tests.unit.stack import cases

A = TypeVar("A")
ADDRESS = "anna@example.com"
HOME = "var/vmail/example.com/anna"
PROGRAMS = {
    "doveconf": "echo '/var/vmail/%{user | domain}/%{user | username}'",
    "dovecot": "echo '2.4.1 (abc)'",
    "setpriv": 'shift 3\nexec "$@"',
    "doveadm": 'echo "doveadm $*" >>"$MAILWIZ_ROOT/calls"\n[ "$1" = kick ] && exit 0\n'
    'old="$MAILWIZ_ROOT/var/lib/mailwiz-objectstore/mail/example.com/anna"; [ -d "$old" ] || old=\n'
    "count() { find \"$HOME\" $old -path '*/cur/*' -o -path '*/new/*' -o -path '*/dbox-Mails/u.*' | wc -l; }\n"
    'printf "mailbox\\tmessages\\nINBOX\\t%s\\n" "$(count)"',
}


BOTH = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]


def at(*parts: str) -> Path:
    return Path(*parts)


class Killed(BaseException):
    """The controller ends here, as by ``kill -9``."""


class World(EngineDouble):
    """Two stores, the first with the accounts; requests go straight to the agent's code."""

    def __init__(self, folder: Path) -> None:
        super().__init__(cases.distributed())
        self.row = {"store": "", "moving_to": ""}
        self.steps: list[str] = []
        self.kill_before = -1
        self.arrivals: list[str] = []
        self.hosts = {name: self._store(folder / name) for name in ("store1", "store2")}
        pairs = {}
        for name in self.hosts:
            internal = f"{name}.mailwiz.internal"
            pairs[name] = issue(internal, names=(internal,), usage=BOTH)
        for name, host in self.hosts.items():
            place = Path(host.path("/etc/mailwiz/internal"))
            place.mkdir(parents=True)
            (place / "peers.pem").write_text("".join(pair.pem for pair in pairs.values()))
            (place / "identity.pem").write_text(pairs[name].pem + pairs[name].key_pem())

    @staticmethod
    def _store(root: Path) -> Host:
        programs = root / "usr/bin"
        programs.mkdir(parents=True)
        for name, script in PROGRAMS.items():
            (programs / name).write_text(f"#!/bin/sh\n{script}\n")
            (programs / name).chmod(0o755)
        (root / "var/vmail").mkdir(parents=True)
        return Host(str(root))

    def home(self, store: str) -> Path:
        return Path(self.hosts[store].root) / HOME

    def deliver(self, name: str) -> bool:
        """Mail comes to the store that the database names; False if it has to wait."""
        store = self.row["store"] or "store1"
        home = self.home(store)
        if self.row["moving_to"] or home.is_file():
            return False
        (home / "Maildir/new").mkdir(parents=True, exist_ok=True)
        (home / f"Maildir/new/{name}").write_text(f"mail {name}")
        return True

    def mails(self, store: str) -> list[str]:
        found = [p for folder in ("cur", "new") for p in self.home(store).glob(f"Maildir/**/{folder}/*")]
        return sorted(path.name.partition(":")[0] for path in found)

    async def link(self, server_id: str) -> World.Link:
        return World.Link(self, server_id)

    class Link(LinkDouble):
        """One server."""

        def __init__(self, world: World, server_id: str) -> None:
            self.world, self.server_id = world, server_id

        async def ask(self, request: Request[A]) -> A:
            if request.operation == RefreshCopy.operation:
                return request.answer(to_json(CopyState(fresh=True)))
            with self.world.step(self.server_id, request):
                return await asyncio.to_thread(ask, self.world.hosts[self.server_id], request)

        async def follow(self, request: Stream[A]) -> AsyncIterator[A]:
            with self.world.step(self.server_id, request):
                host = self.world.hosts[self.server_id]
                for item in await asyncio.to_thread(lambda: list(follow(host, request))):
                    yield item

    def step(self, server_id: str, request: object) -> _Step:
        return _Step(self, server_id, request)


class _Step:
    def __init__(self, world: World, server_id: str, request: object) -> None:
        self.world, self.server_id, self.request = world, server_id, request

    def __enter__(self) -> None:
        if len(self.world.steps) == self.world.kill_before:
            raise Killed
        self.world.steps.append(f"{self.server_id} {type(self.request).__name__}")
        if self.world.arrivals and isinstance(self.request, FetchMailbox):
            self.world.deliver(self.world.arrivals.pop())

    def __exit__(self, *error: object) -> None:
        pass


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setattr(layout, "STORE_SYNC_PORT", port)
    for server in world.plan.servers:
        if server.id in world.hosts:
            server.internal_ip = "127.0.0.1"

    def where(host: Host, address: str, stores: Sequence[str]) -> MailboxPlace:
        if address != ADDRESS:
            raise AgentFault(f"there is no mailbox {address}", "accounts")
        return MailboxPlace(world.row["store"] or stores[0], world.row["moving_to"])

    def change(host: Host, statement: str) -> None:
        words = statement.replace(",", " ").replace(";", " ").split()
        if statement.startswith("INSERT"):
            world.row = {"store": words[-4].strip("'"), "moving_to": words[-1].strip("'")}
        elif "SET store" in statement:
            world.row = {"store": words[5].strip("'"), "moving_to": ""}
        else:
            world.row["moving_to"] = ""

    monkeypatch.setattr(move_rows, "where", where)
    monkeypatch.setattr(move_rows, "change", change)
    home = world.home("store1")
    for folder in ("cur", "new", "tmp", ".Sent/cur", ".Sent/new", ".Sent/tmp"):
        (home / "Maildir" / folder).mkdir(parents=True)
    for number in range(5):
        world.deliver(f"{number}.M1P1.store1,S=6")
    os.rename(home / "Maildir/new/0.M1P1.store1,S=6", home / "Maildir/cur/0.M1P1.store1,S=6:2,S")
    os.link(home / "Maildir/cur/0.M1P1.store1,S=6:2,S", home / "Maildir/.Sent/cur/9.M1P1.store1,S=6:2,S")
    (home / "Maildir/dovecot.index.log").write_bytes(b"index")
    (home / "Maildir/tmp/half").write_text("half a mail")
    (home / "sieve").mkdir()
    (home / "sieve/mine.sieve").write_text("keep;")
    (home / ".dovecot.sieve").symlink_to("sieve/mine.sieve")
    return world


def settled(world: World, store: str, mails: int) -> None:
    """The mailbox is on that store, whole, in use, and nowhere else."""
    other = "store2" if store == "store1" else "store1"
    assert (world.row["store"] or "store1", world.row["moving_to"]) == (store, "")
    home = world.home(store)
    assert home.is_dir()
    assert not world.home(other).is_dir(), "a second mailbox"
    assert len(world.mails(store)) == mails
    assert (home / "sieve/mine.sieve").read_text() == "keep;"
    assert os.readlink(home / ".dovecot.sieve") == "sieve/mine.sieve"
    assert (home / "Maildir/cur/0.M1P1.store1,S=6:2,S").exists()
    assert (home / "Maildir/.Sent/cur/9.M1P1.store1,S=6:2,S").stat().st_nlink == 2
    for host in world.hosts.values():
        assert not list(Path(host.path("/var/vmail/.mailwiz-moves")).glob("*/*"))
        assert not list(Path(host.path("/var/lib/mailwiz/moves")).glob("*.json"))
    assert world.deliver("7.late")


async def test_a_mailbox_moves_whole_while_mail_comes_in_and_back_again(world: World) -> None:
    world.arrivals = ["11.new", "10.new"]
    said: list[str] = []
    moved = await move_mailbox(world, ADDRESS, "store2", said.append)
    assert (moved.source, moved.target, moved.messages) == ("store1", "store2", 7 + 1)
    settled(world, "store2", 7 + 1)
    assert world.home("store1").read_text().startswith("Managed by mailwiz-tui: the mailbox anna@example.com is on")
    assert at(moved.trash, "Maildir/cur").is_dir()
    assert f"the old copy is on store1 in {moved.trash}" in moved.line
    assert any("compared" in line for line in said)
    moved = await move_mailbox(world, ADDRESS, "store1")
    settled(world, "store1", 7 + 2)
    assert (await move_mailbox(world, ADDRESS, "store1")).line == "anna@example.com is on store1"


def locks(world: World) -> list[Path]:
    """What Dovecot would wait for, wherever mail is."""
    return [p for host in world.hosts.values() for p in Path(host.root).rglob("dovecot*.lock")]


@pytest.mark.parametrize("then", ["store2", "store1"])
async def test_the_lock_of_a_delivery_that_was_overtaken_holds_nothing_up(
    world: World, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    """Its path is gone when the program wants to remove it, so it stays in what was set aside."""
    lock = world.home("store1") / "Maildir/dovecot-uidlist.lock"
    lock.write_text("4711:store1")
    if then == "store1":
        world.kill_before = 12
        assert await kill(world, monkeypatch)
        assert not world.home("store1").is_dir()
    await move_mailbox(world, ADDRESS, then)
    settled(world, then, 6)
    assert locks(world) == []


async def kill(world: World, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the controller was killed on the way; nothing of it is left but what the servers keep."""

    async def nothing(*args: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(mailbox_move._Move, "_give_up", nothing)
        try:
            await move_mailbox(world, ADDRESS, "store2")
        except Killed:
            for address in list(move_link._offers):
                move_link.withdraw(address)
            world.kill_before = -1
            return True
    return False


@pytest.mark.parametrize("then", ["store2", "store1"])
@pytest.mark.parametrize("step", range(24))
async def test_broken_off_anywhere_it_is_in_one_place_and_the_next_finishes_or_undoes_it(
    world: World, monkeypatch: pytest.MonkeyPatch, step: int, then: str
) -> None:
    world.kill_before = step
    if not await kill(world, monkeypatch):
        assert step > 15, world.steps
        return
    came = world.deliver("8.between")
    authority = world.row["store"] or "store1"
    if came:
        assert world.home(authority).is_dir()
    moved = await move_mailbox(world, ADDRESS, then)
    assert moved.target == then
    settled(world, then, 6 + came)


async def test_what_differs_in_the_end_leaves_the_mailbox_where_it_was(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = at(world.hosts["store2"].root, "usr/bin/doveadm")
    program.write_text("#!/bin/sh\nprintf 'mailbox\\tmessages\\nINBOX\\t3\\n'\n")
    with pytest.raises(EngineError, match="store1 has 6 messages, store2 got 6 and Dovecot there counts 3"):
        await move_mailbox(world, ADDRESS, "store2")
    settled(world, "store1", 6)


async def test_a_later_move_takes_the_mailbox_from_an_earlier_one(world: World) -> None:
    old = mailbox_move._Move(world, ADDRESS, "store2", lambda text: None)
    await old.place()
    await old._claim("store1", arrives=False)
    await move_mailbox(world, ADDRESS, "store2")
    late: tuple[tuple[str, Request[object]], ...] = (
        ("store1", BlockMailbox(*old._mine, "store2")),
        ("store1", UnblockMailbox(*old._mine)),
        ("store2", PublishMailbox(*old._mine)),
        ("store2", DiscardMailbox(*old._mine)),
        ("store1", SwitchRow(*old._mine, ("store1", "store2"), "store1", "store2")),
    )
    for server, request in late:
        with pytest.raises(AgentFault, match="another move of anna"):
            await old._step(server, request)
    settled(world, "store2", 6)


async def test_a_stranger_fetches_nothing(world: World) -> None:
    move = mailbox_move._Move(world, ADDRESS, "store2", lambda text: None)
    await move._claim("store1", arrives=False)
    await move._claim("store2", arrives=True)
    place = ("127.0.0.1", layout.STORE_SYNC_PORT)
    await move._step("store1", OfferMailbox(*move._mine, "other.mailwiz.internal", *place))
    try:
        fetching = FetchMailbox(*move._mine, "store1.mailwiz.internal", *place, True)
        with pytest.raises(AgentFault, match=r"closed the connection|stopped answering"):
            list(follow(world.hosts["store2"], fetching))
    finally:
        move_link.withdraw(ADDRESS)
    assert not list(at(world.hosts["store2"].path("/var/vmail")).rglob("*.M1P1*"))


def broken_off(world: World, name: str) -> None:
    """An earlier move ended before its tombstone was in its place."""
    base = Path(world.hosts["store1"].path(f"/var/vmail/.mailwiz-moves/{ADDRESS}"))
    base.mkdir(parents=True)
    (base / name).write_text("Managed by mailwiz-tui: the mailbox is elsewhere.\n")


@pytest.mark.parametrize("name", ["tombstone", "stone"])
async def test_a_tombstone_that_was_left_on_its_way_goes_with_the_next_move(world: World, name: str) -> None:
    """Under its name of today, and under that of the version before."""
    broken_off(world, name)
    await move_mailbox(world, ADDRESS, "store2", lambda _: None)
    settled(world, "store2", 5 + 1)


async def test_an_empty_mailbox_moves_too_and_older_mail_there_is_kept_aside(world: World) -> None:
    home = world.home("store1")
    home.rename(home.parent / "gone")
    older = world.home("store2") / "Maildir/cur"
    older.mkdir(parents=True)
    (older / "old").write_text("older")
    moved = await move_mailbox(world, ADDRESS, "store2")
    assert moved.messages == 0
    assert at(moved.found, "Maildir/cur/old").read_text() == "older"
    assert not world.home("store2").exists()
    assert world.home("store1").is_file()
    assert world.deliver("first")


@pytest.mark.parametrize(
    ("row", "target", "said"),
    [
        ({"store": "store1", "moving_to": "store9"}, "store2", "is being moved from store1 to store9"),
        ({"store": "", "moving_to": ""}, "store9", "no store “store9”; its stores: store1, store2"),
    ],
)
async def test_what_cannot_be_is_said(world: World, row: dict[str, str], target: str, said: str) -> None:
    world.row = row
    with pytest.raises((EngineError, ValueError), match=said):
        await move_mailbox(world, ADDRESS, target)
    with pytest.raises(AgentFault, match="no mailbox nobody"):
        await move_mailbox(world, "nobody@example.com", "store2")
    assert not list(at(world.hosts["store1"].path("/var/lib/mailwiz/moves")).glob("*nobody*.json"))


def test_a_state_that_cannot_be_read_counts_as_none(world: World) -> None:
    from mailwiz_tui.agent.moves import move_state

    host = world.hosts["store1"]
    move_state.write(host, ADDRESS, {"token": "x"})
    path = Path(host.path(f"/var/lib/mailwiz/moves/{ADDRESS}.json"))
    assert json.loads(path.read_text()) == {"token": "x"}
    path.write_text("{")
    assert move_state.read(host, ADDRESS) == {}


BOX = "mailboxes/INBOX/dbox-Mails"


@pytest.fixture
def stored(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """The same mailbox in sdbox: two messages are in the object store, one is on the disk."""
    monkeypatch.setattr("os.path.ismount", lambda path: not path.endswith("unmounted"))
    for name, host in world.hosts.items():
        Path(host.path("/etc/mailwiz/mail-store")).write_text(f"# Managed\nsdbox@servers/{name} /var/vmail\n")
        Path(host.path(old_mail.MOUNT)).mkdir(parents=True)
    home = world.home("store1")
    shutil.rmtree(home / "Maildir")
    for place, names in ((home / "sdbox", ("u.3", "dovecot.index")), (in_store(world, "store1"), ("u.1", "u.2"))):
        (place / BOX).mkdir(parents=True)
        for name in names:
            (place / BOX / name).write_text(f"content of {name}")
    return world


def in_store(world: World, store: str) -> Path:
    """A mailbox's old mail on a store's mount."""
    return Path(world.hosts[store].path(f"{old_mail.MOUNT}/example.com/anna"))


def trashed(world: World, store: str) -> list[Path]:
    """The messages in the trash of a store's mount."""
    return sorted(Path(world.hosts[store].path(f"{old_mail.MOUNT}/.mailwiz-trash")).glob(f"anna@*/{BOX}/u.*"))


def old_messages(world: World, store: str) -> list[str]:
    return sorted(path.name for path in in_store(world, store).rglob("u.*"))


async def test_old_mail_moves_with_its_mailbox_and_back_again(stored: World) -> None:
    moved = await move_mailbox(stored, ADDRESS, "store2")
    assert moved.messages == 3
    assert sorted(path.name for path in stored.home("store2").rglob("u.*")) == ["u.3"]
    assert old_messages(stored, "store2") == ["u.1", "u.2"]
    assert (in_store(stored, "store2") / BOX / "u.1").read_text() == "content of u.1"
    assert not in_store(stored, "store1").exists()
    assert [path.name for path in trashed(stored, "store1")] == ["u.1", "u.2"]
    assert {path.parts[-5] for path in trashed(stored, "store1")} == {Path(moved.trash).name}
    assert (await move_mailbox(stored, ADDRESS, "store1")).messages == 3
    assert old_messages(stored, "store1") == ["u.1", "u.2"]
    assert not in_store(stored, "store2").exists()


@pytest.mark.parametrize("then", ["store2", "store1"])
@pytest.mark.parametrize("step", range(24))
async def test_broken_off_anywhere_old_mail_is_with_its_mailbox_after_the_next_move(
    stored: World, monkeypatch: pytest.MonkeyPatch, step: int, then: str
) -> None:
    stored.kill_before = step
    if not await kill(stored, monkeypatch):
        assert step > 15, stored.steps
        return
    await move_mailbox(stored, ADDRESS, then)
    other = "store1" if then == "store2" else "store2"
    assert (stored.row["store"] or "store1") == then
    assert old_messages(stored, then) == ["u.1", "u.2"]
    assert sorted(path.name for path in stored.home(then).rglob("u.*")) == ["u.3"]
    assert not in_store(stored, other).exists()


async def test_nothing_moves_while_the_object_store_is_not_mounted(
    stored: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.path.ismount", lambda path: "store2" not in path)
    with pytest.raises(Exception, match="not mounted"):
        await move_mailbox(stored, ADDRESS, "store2")
    assert (stored.row["moving_to"], old_messages(stored, "store1")) == ("", ["u.1", "u.2"])
    assert stored.home("store1").is_dir()


async def test_old_mail_of_an_earlier_mailbox_is_kept_aside(stored: World) -> None:
    left = in_store(stored, "store2") / BOX / "u.1"
    left.parent.mkdir(parents=True)
    left.write_text("somebody else's")
    await move_mailbox(stored, ADDRESS, "store2")
    assert (in_store(stored, "store2") / BOX / "u.1").read_text() == "content of u.1"
    assert [path.read_text() for path in trashed(stored, "store2")] == ["somebody else's"]

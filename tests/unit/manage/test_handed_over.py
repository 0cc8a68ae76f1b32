"""What an installation hands over once, and the secrets that go the other way, from operator to servers."""

from __future__ import annotations

from pydantic import SecretStr

from mailwiz_tui.agent.protocol.backup import AcknowledgeRecoveryKey, AskRecoveryKey, RecoveryKey
from mailwiz_tui.agent.protocol.codec import Secret
from mailwiz_tui.agent.protocol.first_accounts import AcknowledgeAccounts, EnsureAccounts, PasswordsSet
from mailwiz_tui.agent.protocol.keys import AskMissingSecrets, PutSecret
from mailwiz_tui.deploy.agent_link import Link
from mailwiz_tui.manage.first_secrets import FirstSecrets
from mailwiz_tui.manage.secrets import give_everywhere, look_everywhere, wanted_everywhere
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.stack.blueprint import Blueprint, SecretSpec
from tests.doubles import EngineDouble
from tests.unit.fake_link import FakeLink

POSTMASTER = "postmaster@example.com"
PLAN = Plan.model_validate(
    {
        "servers": [{"id": "mx1", "roles": ["all-in-one"]}],
        "domain": {"primary_domain": "example.com", "hostname": "mail.example.com"},
        "backup": {"target": "/srv/backup"},
    }
)


class Server(FakeLink):
    """Forgets that a password is new, and gives no recovery key any more, once it is told that they are known."""

    def __init__(self) -> None:
        super().__init__(
            EnsureAccounts.by(self._ensure),
            AcknowledgeAccounts.by(self._acknowledge),
            AskRecoveryKey.by(lambda _: RecoveryKey(Secret("" if self.shown else "word-word-word"))),
            AcknowledgeRecoveryKey.by(self._show),
            AskMissingSecrets.by(lambda request: tuple(name for name in request.names if name not in self.given)),
            PutSecret.by(self._put),
        )
        self.known: tuple[str, ...] = ()
        self.shown = False
        self.given: dict[str, str] = {}

    def _ensure(self, request: EnsureAccounts) -> PasswordsSet:
        return PasswordsSet(tuple(a.address for a in request.accounts if a.address not in self.known))

    def _acknowledge(self, request: AcknowledgeAccounts) -> None:
        self.known = request.addresses

    def _show(self, _: AcknowledgeRecoveryKey) -> None:
        self.shown = True

    def _put(self, request: PutSecret) -> None:
        self.given[request.name] = request.value.reveal()


class Engine(EngineDouble):
    """Servers ``mx1`` and ``mx2``; both want the smart host's password, the first alone that of the backup."""

    def __init__(self) -> None:
        super().__init__(PLAN)
        self.servers = {"mx1": Server(), "mx2": Server()}

    async def link(self, server_id: str) -> Link:
        return self.servers[server_id]

    def blueprints(self) -> dict[str, Blueprint]:
        relay = SecretSpec("relay", given="password of the smart host")
        backup = SecretSpec("backup", given="password of the backup's account")
        made = SecretSpec("database")
        return {
            "mx1": Blueprint("mx1", (), secrets=(relay, backup, made)),
            "mx2": Blueprint("mx2", (), secrets=(relay, made)),
        }


async def test_what_nobody_acknowledged_is_made_anew_and_the_rest_is_told_no_more() -> None:
    engine = Engine()
    first = FirstSecrets(engine)
    begun, again = await first.collect(), await first.collect()
    assert list(begun.mailboxes) == list(again.mailboxes) == [POSTMASTER]
    assert begun.mailboxes[POSTMASTER] != again.mailboxes[POSTMASTER]
    assert {i: key.get_secret_value() for i, key in again.backup_keys.items()} == {"mx1": "word-word-word"}
    await first.acknowledge()
    assert engine.servers["mx1"].known == (POSTMASTER,)
    assert not await first.collect()


async def test_a_server_that_does_not_tell_its_key_is_not_told_that_it_was_shown() -> None:
    engine = Engine()
    engine.servers["mx1"].shown = True
    first = FirstSecrets(engine)
    assert not (await first.collect()).backup_keys
    await first.acknowledge()
    assert not any(isinstance(request, AcknowledgeRecoveryKey) for request in engine.servers["mx1"].asked)


async def test_a_secret_goes_to_every_server_that_wants_it_and_to_no_other() -> None:
    engine = Engine()
    assert list(wanted_everywhere(engine)) == ["relay", "backup"]
    assert await give_everywhere(engine, "backup", SecretStr("b")) == ["mx1"]
    assert await give_everywhere(engine, "relay", SecretStr("r")) == ["mx1", "mx2"]
    assert [server.given for server in engine.servers.values()] == [{"backup": "b", "relay": "r"}, {"relay": "r"}]


async def test_each_server_says_what_it_lacks() -> None:
    engine = Engine()
    engine.servers["mx1"].given = {"relay": "r"}
    found = [(secret.server_id, secret.name, secret.missing) for secret in await look_everywhere(engine)]
    assert found == [("mx1", "relay", False), ("mx1", "backup", True), ("mx2", "relay", True)]

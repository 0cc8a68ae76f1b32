"""The secrets that a new installation hands to its operator once: first passwords and recovery keys of backups."""

from __future__ import annotations

from pydantic import SecretStr

from mailwiz_tui.agent.protocol.backup import AcknowledgeRecoveryKey, AskRecoveryKey
from mailwiz_tui.agent.protocol.codec import Secret
from mailwiz_tui.agent.protocol.first_accounts import (
    AcknowledgeAccounts,
    AcknowledgeAdministrator,
    EnsureAccounts,
    EnsureAdministrator,
    FirstAlias,
    FirstMailbox,
)
from mailwiz_tui.deploy.account_copies import refresh_copies
from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.deploy.gather import gather_servers
from mailwiz_tui.deploy.store_place import store_place
from mailwiz_tui.manage.backup import backup_servers
from mailwiz_tui.manage.first_accounts import first_accounts, first_administrator, new_password
from mailwiz_tui.manage.handover import Handover


class FirstSecrets:
    """The first secrets of a plan; they are made anew until the operator is known to have them."""

    def __init__(self, engine: EngineApi) -> None:
        self._engine = engine
        self._unacknowledged: dict[str, SecretStr] = {}
        self._administrators: dict[str, SecretStr] = {}
        self._keys_out: list[str] = []

    async def collect(self) -> Handover:
        """Everything that is to be handed over now."""
        return Handover(await self.accounts(), await self.administrators(), await self.recovery_keys())

    async def accounts(self) -> dict[str, SecretStr]:
        """First accounts and aliases; the passwords that were set now, for showing once.

        Until ``acknowledge`` each call sets new passwords, so none is ever lost on the way.
        """
        place = await store_place(self._engine)
        if not place:
            return {}
        wanted = first_accounts(self._engine.plan)
        passwords = {address: new_password() for address in wanted.mailboxes}
        link = await self._engine.link(place)
        answer = await link.ask(
            EnsureAccounts(
                tuple(FirstMailbox(a, Secret(p.get_secret_value())) for a, p in passwords.items()),
                tuple(FirstAlias(address, goto) for address, goto in wanted.aliases),
                wanted.domains,
            )
        )
        await refresh_copies(self._engine)
        self._unacknowledged = {address: passwords[address] for address in answer.addresses}
        return dict(self._unacknowledged)

    async def administrators(self) -> dict[str, SecretStr]:
        """The admin panel's first administrator, with the password that was set now, for showing once.

        Like ``accounts`` it sets a new one at each call until ``acknowledge``.
        """
        place, address = await store_place(self._engine), first_administrator(self._engine.plan)
        if not place or not address:
            return {}
        password = new_password()
        link = await self._engine.link(place)
        answer = await link.ask(EnsureAdministrator(address, Secret(password.get_secret_value())))
        self._administrators = {address: password} if answer.addresses else {}
        return dict(self._administrators)

    async def recovery_keys(self) -> dict[str, SecretStr]:
        """The keys without which no backup can be read, by server, until ``acknowledge``.

        A server that does not answer now is asked the next time.
        """

        async def ask(server_id: str) -> str:
            return (await (await self._engine.link(server_id)).ask(AskRecoveryKey())).secret.reveal()

        answers = await gather_servers(backup_servers(self._engine.plan), ask)
        keys = {server_id: key for server_id, key in answers.items() if isinstance(key, str) and key}
        self._keys_out = list(keys)
        return {server_id: SecretStr(key) for server_id, key in keys.items()}

    async def acknowledge(self) -> None:
        """Tells the servers that the operator has all that was handed over; they forget that it was new."""
        place = await store_place(self._engine)
        if not place:
            return
        link = await self._engine.link(place)
        if self._unacknowledged:
            await link.ask(AcknowledgeAccounts(tuple(self._unacknowledged)))
            self._unacknowledged = {}
        for address in self._administrators:
            await link.ask(AcknowledgeAdministrator(address))
        self._administrators = {}
        for server_id in self._keys_out:
            await (await self._engine.link(server_id)).ask(AcknowledgeRecoveryKey())
        self._keys_out = []

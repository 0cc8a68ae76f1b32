"""Roundcube's database in MariaDB, on this server or on the account store of several."""

from __future__ import annotations

from mailwiz_tui.plan.model import Webmail
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.accounts.clients import (
    WEBMAIL,
    command_line,
    database_users,
    store_name,
)
from mailwiz_tui.stack.blueprint import Command, File, Item, Probe, Step
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.render import render

DATABASE = "roundcube"
ACCESS = f"{layout.CONF_DIR}/sql/roundcube.sql"
CONNECTIONS = 50


class WebmailStore(Component):
    """The database and the privileges of Roundcube on another server."""

    name = "webmail-store"
    title = "Roundcube's database"
    on_volume = True

    def wanted(self, context: Context) -> bool:
        """On the account store of several servers, unless Roundcube runs there."""
        chosen = context.plan.services.webmail is Webmail.ROUNDCUBE
        here = context.topology.serves_clients and context.topology.database_stays
        elsewhere = bool(context.topology.fronts) and not here
        return chosen and elsewhere and context.topology.accounts.database_here

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """The server with Roundcube creates the tables."""
        step = Step(
            id="webmail-store",
            title="Create Roundcube's database",
            component=self.name,
            items=access(context),
        )
        return Contribution(
            steps=(step,),
            databases=(DATABASE,),
            probes=(own_rights(context),),
        )


def access(context: Context) -> tuple[Item, ...]:
    """The database, the user and the procedure, on the server with MariaDB."""
    users = database_users(context, WEBMAIL, CONNECTIONS)
    granted = (
        f'[ "$(mariadb -BNe "{users.grants()}" | grep -c "EXECUTE ON PROCEDURE")" -ge {len(users.accounts)} ]'
        if len(users.accounts) > 1
        else f"mariadb -BNe \"{users.grants()}\" | grep -q 'EXECUTE ON PROCEDURE'"
    )
    text = render(
        "roundcube",
        "access.sql",
        database=DATABASE,
        accounts=layout.DATABASE,
        account=users.names,
        user=users.sql,
    )
    return (
        File(ACCESS, text),
        Command(
            id="roundcube.access",
            argv=("mariadb", "--batch", "-e", f"source {ACCESS}"),
            unless=("sh", "-c", granted),
            inputs=(ACCESS,),
        ),
    )


def dsn(context: Context, database: str) -> str:
    """A database in the form of Roundcube's settings."""
    if context.topology.database_stays:
        return f"mysql://{WEBMAIL.user}@unix({layout.MYSQL_SOCKET})/{database}"
    tls = f"key={WEBMAIL.key}&cert={WEBMAIL.certificate}&ca={layout.INTERNAL_PEERS}&verify_server_cert=1"
    return f"mysql://{WEBMAIL.user}@{store_name(context)}:{layout.DATABASE_PORT}/{database}?{tls}"


def own_rights(context: Context) -> Probe:
    """A probe of Roundcube's privileges, as root here or as Roundcube on another server."""
    if context.topology.database_stays:
        return _rights("mariadb", database_users(context, WEBMAIL, CONNECTIONS).grants())
    return _rights(command_line(context, WEBMAIL), "SHOW GRANTS FOR CURRENT_USER()")


def _rights(client: str, question: str) -> Probe:
    """A probe that accounts have no more privileges than they need."""
    return Probe(
        id="roundcube.rights",
        proves="Roundcube has no access to the accounts except one procedure",
        argv=(*client.split(), "-BNe", question),
        expect=r"GRANT EXECUTE ON PROCEDURE",
        refuse=rf"(?m)(?:SELECT|INSERT|UPDATE|DELETE|ALL PRIVILEGES).* ON `?(?:{layout.DATABASE}|\*)`?\.",
        advice=f"run apply again; revoke other privileges: {question}",
    )

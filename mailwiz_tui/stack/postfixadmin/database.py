"""PostfixAdmin's access to MariaDB: by socket on the same server, else by its own certificates."""

from __future__ import annotations

from mailwiz_tui.plan.model import AdminPanel
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.accounts.clients import (
    PANEL,
    PANEL_TABLES,
    DatabaseClient,
    command_line,
    connection,
    database_user,
    store_name,
)
from mailwiz_tui.stack.blueprint import Command, File, Item, Step
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.render import render

ACCESS = f"{layout.CONF_DIR}/sql/postfixadmin.sql"


class PanelStore(Component):
    """The privileges of PostfixAdmin on another server."""

    name = "panel-store"
    title = "PostfixAdmin's access to the accounts"

    def wanted(self, context: Context) -> bool:
        """On the account store of several servers, unless PostfixAdmin runs there."""
        chosen = context.plan.services.admin_panel is AdminPanel.POSTFIXADMIN
        elsewhere = bool(context.topology.fronts) and not context.topology.serves_clients
        return chosen and elsewhere and context.topology.accounts.database_here

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """PostfixAdmin reads and writes rows; root on its server upgrades the tables."""
        step = Step(
            id="panel-store",
            title="Grant PostfixAdmin the accounts",
            component=self.name,
            items=access(context),
        )
        return Contribution(steps=(step,))


def access(context: Context) -> tuple[Item, ...]:
    """The users and their privileges, on the server with MariaDB."""
    account, sql = database_user(context, PANEL, 30)
    tables = ""
    if not context.topology.serves_clients:
        owner, made = database_user(context, PANEL_TABLES, 5)
        ddl = render("postfixadmin", "tables.sql", database=layout.DATABASE, account=owner, user=made)
        tables = "\n\n" + ddl.rstrip("\n")
    text = render("postfixadmin", "access.sql", database=layout.DATABASE, account=account, user=sql, tables=tables)
    return (
        File(ACCESS, text),
        Command(
            id="postfixadmin.access",
            argv=("mariadb", "--batch", "-e", f"source {ACCESS}"),
            unless=("mariadb", "--batch", "-e", f"SHOW GRANTS FOR {account}"),
            inputs=(ACCESS,),
        ),
    )


def reached(context: Context) -> tuple[Item, ...]:
    """The files on PostfixAdmin's server for its access to MariaDB, on the same or another server."""
    if context.topology.accounts.database_here:
        return access(context)
    question = f"SELECT 1 FROM {layout.DATABASE}.config LIMIT 1"  # noqa: S608
    return (*connection(context, PANEL, question), *connection(context, PANEL_TABLES, question))


def settings(context: Context) -> str:
    """The lines of PostfixAdmin's configuration for the database."""
    if context.topology.accounts.database_here:
        return render("postfixadmin", "connection-local.php", socket=layout.MYSQL_SOCKET).rstrip("\n")
    return render(
        "postfixadmin",
        "connection.php",
        host=store_name(context),
        port=str(layout.DATABASE_PORT),
        peers=layout.INTERNAL_PEERS,
        **_identity("", PANEL),
        **_identity("root_", PANEL_TABLES),
    ).rstrip("\n")


def root_client(context: Context) -> str:
    """The command line client of root on PostfixAdmin's server, which may change the tables."""
    return command_line(context, PANEL_TABLES)


def _identity(who: str, client: DatabaseClient) -> dict[str, str]:
    return {f"{who}user": client.user, f"{who}certificate": client.certificate, f"{who}key": client.key}

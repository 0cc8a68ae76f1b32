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
    database_clients,
    database_users,
    store_name,
)
from mailwiz_tui.stack.blueprint import Command, File, Item, Step
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.render import render

CONNECTIONS = 30
ACCESS = f"{layout.CONF_DIR}/sql/postfixadmin.sql"


class PanelStore(Component):
    """The privileges of PostfixAdmin on another server."""

    name = "panel-store"
    title = "PostfixAdmin's access to the accounts"
    on_volume = True

    def wanted(self, context: Context) -> bool:
        """On the account store of several servers, unless PostfixAdmin runs there."""
        chosen = context.plan.services.admin_panel is AdminPanel.POSTFIXADMIN
        here = context.topology.serves_clients and context.topology.database_stays
        elsewhere = bool(context.topology.fronts) and not here
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
    users = database_users(context, PANEL, CONNECTIONS)
    more = ""
    if any(PANEL_TABLES in database_clients(context.plan, s.id) for s in context.plan.servers):
        owners = database_users(context, PANEL_TABLES, 5)
        ddl = render("postfixadmin", "tables.sql", database=layout.DATABASE, account=owners.names, user=owners.sql)
        more = "\n\n" + ddl.rstrip("\n")
    if context.topology.sessions_shared:
        more += "\n\n" + render("postfixadmin", "sessions.sql", database=layout.DATABASE).rstrip("\n")
    text = render(
        "postfixadmin",
        "access.sql",
        database=layout.DATABASE,
        account=users.names,
        user=users.sql,
        more=more,
    )
    return (
        File(ACCESS, text),
        Command(
            id="postfixadmin.access",
            argv=("mariadb", "--batch", "-e", f"source {ACCESS}"),
            unless=("mariadb", "--batch", "-e", users.grants()),
            inputs=(ACCESS,),
        ),
    )


def reached(context: Context) -> tuple[Item, ...]:
    """The files on PostfixAdmin's server for its access to MariaDB, on the same or another server."""
    if context.topology.database_stays:
        return access(context)
    question = f"SELECT 1 FROM {layout.DATABASE}.config LIMIT 1"  # noqa: S608
    return (*connection(context, PANEL, question), *connection(context, PANEL_TABLES, question))


def settings(context: Context) -> str:
    """The lines of PostfixAdmin's configuration for the database."""
    if context.topology.database_stays:
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


def session_store(context: Context) -> str:
    """The program that keeps sessions in MariaDB."""
    if context.topology.database_stays:
        place, options = f"unix_socket={layout.MYSQL_SOCKET}", ""
    else:
        place = f"host={store_name(context)};port={layout.DATABASE_PORT}"
        options = render(
            "postfixadmin",
            "sessions-tls.php",
            peers=layout.INTERNAL_PEERS,
            certificate=PANEL.certificate,
            key=PANEL.key,
        )
    source = f"mysql:{place};dbname={layout.DATABASE};charset=utf8mb4"
    return render("postfixadmin", "sessions.php", source=source, user=PANEL.user, options=options)


def root_client(context: Context) -> str:
    """The command line client of root on PostfixAdmin's server, which may change the tables."""
    return command_line(context, PANEL_TABLES)


def _identity(who: str, client: DatabaseClient) -> dict[str, str]:
    return {f"{who}user": client.user, f"{who}certificate": client.certificate, f"{who}key": client.key}

"""Web applications that use MariaDB on another server, each with a certificate of its own.

The internal certificate of a server allows reading password hashes, so no application may use it.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailwiz_tui.plan.model import AdminPanel, Plan, Webmail
from mailwiz_tui.plan.published import host_label
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Command, File, Item, Wait
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.render import render, sql_text
from mailwiz_tui.topology.derive import topology_of


@dataclass(frozen=True, slots=True)
class DatabaseClient:
    """A program that the database knows as ``user``; ``name`` is its certificate's, ``runs_as`` its system user."""

    name: str
    user: str
    runs_as: str

    @property
    def certificate(self) -> str:
        """The file of its certificate."""
        return f"{layout.INTERNAL_DIR}/{self.name}-cert.pem"

    @property
    def key(self) -> str:
        """The file of its private key, for its user alone."""
        return f"{layout.INTERNAL_DIR}/{self.name}-key.pem"

    @property
    def settings(self) -> str:
        """The file that the command line client reads to connect as this program."""
        return f"{layout.CONF_DIR}/sql/{self.name}-client.cnf"

    def subject(self, server_id: str) -> str:
        """The name in its certificate on a server; no server can have such a name."""
        return f"{self.name}.{host_label(server_id)}"


WEBMAIL = DatabaseClient("webmail", "roundcube", "roundcube")
PANEL = DatabaseClient("panel", "postfixadmin", "postfixadmin")
PANEL_TABLES = DatabaseClient("panel-tables", "postfixadmin_tables", "root")
"""The upgrade of the tables for a new version of PostfixAdmin, by root on the server with PostfixAdmin."""


def database_clients(plan: Plan, server_id: str) -> tuple[DatabaseClient, ...]:
    """The applications on a server without MariaDB."""
    here = topology_of(plan, server_id)
    if not here.serves_clients or not here.accounts.store or here.database_stays:
        return ()
    webmail = (WEBMAIL,) if plan.services.webmail is Webmail.ROUNDCUBE else ()
    panel = (PANEL, PANEL_TABLES) if plan.services.admin_panel is AdminPanel.POSTFIXADMIN else ()
    return (*webmail, *panel)


def client_certificates(context: Context) -> list[str]:
    """The known certificates of all applications on other servers."""
    found = []
    for server in context.plan.servers:
        record = context.known.servers.get(server.id)
        for client in database_clients(context.plan, server.id):
            if record and (public := record.clients.get(client.name)):
                found.append(f"# {client.name} on {server.id}\n{public.pem.strip()}\n")
    return found


@dataclass(frozen=True, slots=True)
class DatabaseUsers:
    """The database accounts of an application, one for each server with it, and the SQL that creates them."""

    accounts: tuple[str, ...]
    sql: str

    @property
    def names(self) -> str:
        """The accounts in the form of GRANT."""
        return ", ".join(self.accounts)

    def grants(self) -> str:
        """SQL that shows the privileges of all of them; it fails while one is missing."""
        return "; ".join(f"SHOW GRANTS FOR {account}" for account in self.accounts)


def database_users(context: Context, client: DatabaseClient, connections: int) -> DatabaseUsers:
    """The accounts on the server with the database: by socket for the application there, else by certificate.

    ``connections`` is the limit of each. Root needs no account here. Raises ``ValueError`` if no server has the
    application.
    """
    limit = str(connections)
    accounts, sql = [], []
    if context.topology.serves_clients and context.topology.database_stays and client.runs_as != "root":
        accounts = [f"{sql_text(client.user)}@'localhost'"]
        sql = [render("accounts", "local-client.sql", account=accounts[0], connections=limit)]
    elsewhere = [s for s in context.plan.servers if client in database_clients(context.plan, s.id)]
    if elsewhere:
        addresses = ", ".join(sql_text(front.internal_ip) for front in elsewhere)
        sql.append(render("accounts", "client.sql", user=client.user, addresses=addresses))
    for front in elsewhere:
        accounts.append(f"{sql_text(client.user)}@{sql_text(front.internal_ip)}")
        name = client.subject(front.id)
        sql.append(render("accounts", "client-user.sql", account=accounts[-1], name=name, connections=limit))
    if not accounts:
        raise ValueError(f"no server of the plan has {client.name}")
    return DatabaseUsers(tuple(accounts), "".join(sql).rstrip("\n"))


def command_line(context: Context, client: DatabaseClient) -> str:
    """The shell command of the command line client: as root here, as the application on other servers."""
    return "mariadb" if context.topology.database_stays else f"mariadb --defaults-file={client.settings}"


def one_at_a_time(context: Context, client: DatabaseClient, database: str) -> str:
    """The part of a script that upgrades tables, so that servers do it one after the other."""
    words = command_line(context, client)
    return render("accounts", "one-at-a-time.sh", client=words, database=database).rstrip("\n")


def files_read(context: Context, client: DatabaseClient) -> tuple[str, ...]:
    """The files that an application reads to reach the database."""
    return () if context.topology.database_stays else (client.certificate, client.key, layout.INTERNAL_PEERS)


def store_name(context: Context) -> str:
    """The name of the account store on the private link, which its certificate has."""
    store = context.topology.accounts.store
    return context.store_name(store) if store else ""


def connection(context: Context, client: DatabaseClient, question: str) -> tuple[Item, ...]:
    """The files for an application that uses MariaDB on another server, and the wait until MariaDB accepts it.

    ``question`` is SQL that succeeds then.
    """
    if context.topology.database_stays:
        return ()
    settings = render(
        "accounts",
        "client.cnf",
        user=client.user,
        host=store_name(context),
        port=str(layout.DATABASE_PORT),
        peers=layout.INTERNAL_PEERS,
        certificate=client.certificate,
        key=client.key,
    )
    owner = f"root:{client.runs_as}"
    asked = f'{command_line(context, client)} -BNe "{question}" > /dev/null'
    return (
        File(client.settings, settings),
        Command(
            id=f"{client.name}.key",
            argv=("sh", "-c", f"chown {owner} {client.key} && chmod 640 {client.key}"),
            unless=("sh", "-c", f'[ "$(stat -c %U:%G:%a {client.key})" = {owner}:640 ]'),
        ),
        Wait("database", context.topology.accounts.store, ("sh", "-c", asked)),
    )

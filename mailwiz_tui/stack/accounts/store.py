"""The account store: access of the plan's other servers to MariaDB."""

from __future__ import annotations

from mailwiz_tui.plan.model import PlanServer, Role, Webmail
from mailwiz_tui.stack import layout, limits
from mailwiz_tui.stack.accounts.clients import client_certificates
from mailwiz_tui.stack.accounts.common_secrets import common_secrets, kept_secrets
from mailwiz_tui.stack.blueprint import Ask, Command, File, Port, Probe, Program, Scope, Step, User
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.internal_tls.component import peer_certificates
from mailwiz_tui.stack.private_link import after_network
from mailwiz_tui.stack.render import render, sql_text
from mailwiz_tui.stack.traffic import Exchange
from mailwiz_tui.topology.servers import copy_servers, roles_of, spread_stores

CONFIG = "/etc/mysql/mariadb.conf.d/91-mailwiz-peers.cnf"
SCRIPT = f"{layout.CONF_DIR}/sql/peers.sql"
USER = "mailwiz_peer"
COLUMNS = ("username", "local_part", "domain", "maildir", "quota", "active")


class AccountStore(Component):
    """MariaDB on the internal address, and a user for each server that needs accounts."""

    name = "account-store"
    title = "account access of other servers"
    on_volume = True
    programs = (Program("mariadbd"),)
    offers = (
        Exchange(
            "accounts",
            layout.DATABASE_PORT,
            (Role.MAIL_STORAGE,),
            (Role.MX_INBOUND, Role.MX_OUTBOUND, Role.MAIL_STORAGE),
            "reads the accounts",
            accounts=True,
        ),
    )

    def wanted(self, context: Context) -> bool:
        """On the first store of several servers."""
        return context.topology.accounts.offered

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """The users, after MariaDB runs with ``offered_files``."""
        step = Step(
            id="account-store",
            title="Grant peers the accounts",
            component=self.name,
            items=(
                File(SCRIPT, peers_sql(context)),
                Command(
                    id="account-store.peers",
                    argv=("mariadb", "--batch", "-e", f"source {SCRIPT}"),
                    unless=("mariadb", "--batch", "-e", f"SHOW GRANTS FOR {_account(_readers(context)[0])}")
                    if _readers(context)
                    else ("true",),
                    inputs=(SCRIPT,),
                ),
                *kept_secrets(context),
            ),
        )
        return Contribution(
            secrets=tuple(secret.spec for secret in common_secrets(context)),
            steps=(step,),
            ports=(Port(layout.DATABASE_PORT, "accounts", Scope.PEERS, ask=Ask.MYSQL),),
            probes=(
                Probe(
                    id="account-store.listens",
                    proves="MariaDB (accounts) listens on the private link, and nowhere else",
                    argv=("ss", "-Hltn", "sport", "=", f":{layout.DATABASE_PORT}"),
                    expect=rf"{context.internal_ip()}:{layout.DATABASE_PORT}\b".replace(".", "[.]"),
                    refuse=r"(?:0\.0\.0\.0|\*|\[::\]):3306",
                    advice="journalctl -u mariadb -n 50; is the private link up?",
                ),
                Probe(
                    id="account-store.passwordless",
                    proves="MariaDB (accounts) requires a certificate from every user over the network",
                    argv=("mariadb", "-BNe", _WITHOUT_CERTIFICATE),
                    expect=r"(?m)^0$",
                    advice="run apply again; SELECT User, Host, ssl_type FROM mysql.user shows who needs none",
                ),
                *(_MOVES if spread_stores(context.plan) else ()),
            ),
        )


def offered_files(context: Context) -> tuple[User | File, ...]:
    """The settings of MariaDB for other servers: an address, a certificate, and the group that may read its key."""
    if not context.topology.accounts.offered:
        return ()
    applications = client_certificates(context)
    settings = render(
        "accounts",
        "91-mailwiz-peers.cnf",
        address=context.internal_ip(),
        peers=layout.DATABASE_PEERS if applications else layout.INTERNAL_PEERS,
        certificate=layout.INTERNAL_CERT,
        key=layout.INTERNAL_KEY,
        packet=_largest_packet(context),
    )
    return (
        User("mysql", groups=(layout.INTERNAL_GROUP,), create=False),
        *(
            (File(layout.DATABASE_PEERS, peer_certificates(context) + "".join(applications)),)
            if applications
            else ()
        ),
        File(CONFIG, settings),
        after_network(context, "mariadb.service"),
    )


def _largest_packet(context: Context) -> int:
    """The size in MB of the largest statement, if Roundcube's attachments are in the database; else 0."""
    shared = context.topology.sessions_shared and context.plan.services.webmail is Webmail.ROUNDCUBE
    return max(16, limits.upload_mb(context.plan) * 3 // 2) if shared else 0


def offered_inputs(offered: tuple[User | File, ...]) -> tuple[str, ...]:
    """The files of these settings, which MariaDB reads when it starts."""
    files = tuple(item.path for item in offered if isinstance(item, File))
    return (*files, layout.INTERNAL_CERT, layout.INTERNAL_PEERS) if files else ()


_WITHOUT_CERTIFICATE = (
    "SELECT COUNT(*) FROM mysql.user WHERE Host NOT IN ('localhost', '127.0.0.1', '::1') "
    "AND is_role = 'N' AND ssl_type <> 'SPECIFIED'"
)


_MOVES = (
    Probe(
        id="account-store.moves",
        proves="no mailbox move was interrupted",
        argv=("mariadb", "-BNe", f"SELECT COUNT(*) FROM {layout.DATABASE}.mailwiz_store WHERE moving_to <> ''"),  # noqa: S608
        expect=r"(?m)^0$",
        advice="mail for it waits in the queue: mailwiz-tui mailbox list PLAN shows it; mailbox move ends the move",
    ),
)


_SECRETS = f"\nGRANT SELECT ON `{layout.DATABASE}`.`mailwiz_secret` TO {{account}};"


def _readers(context: Context) -> list[PlanServer]:
    """The servers that read accounts over the network; also those themselves among which the database moves."""
    moves = context.topology.mailboxes.moves
    return [s for s in copy_servers(context.plan) if moves or s.id != context.server_id]


def _account(server: PlanServer) -> str:
    return f"{sql_text(USER)}@{sql_text(server.internal_ip)}"


def peers_sql(context: Context) -> str:
    """Users and rights of all other servers; the user of a server that was removed from the plan is dropped."""
    servers = _readers(context)
    return render(
        "accounts",
        "peers.sql",
        user=USER,
        database=layout.DATABASE,
        addresses=", ".join(sql_text(server.internal_ip) for server in servers) or "''",
        grants="".join(_grants(context, server) for server in servers).rstrip("\n"),
    )


def _grants(context: Context, server: PlanServer) -> str:
    roles = roles_of(context.plan, server)
    secret = ("password",) if roles & {Role.MX_OUTBOUND, Role.MAIL_STORAGE} else ()
    return render(
        "accounts",
        "peer.sql",
        account=_account(server),
        name=context.internal_name(server.id),
        database=layout.DATABASE,
        usage=", INSERT, UPDATE" if Role.MAIL_STORAGE in roles else "",
        secrets=_SECRETS.format(account=_account(server)) if roles & {Role.MX_INBOUND, Role.MX_OUTBOUND} else "",
        columns=", ".join(f"`{column}`" for column in (*COLUMNS, *secret)),
    )

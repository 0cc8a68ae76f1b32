"""MariaDB (accounts): over the Unix socket only, with least privileges for each program."""

from __future__ import annotations

from mailwiz_tui.plan.localparts import LONGEST, PATTERN
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.accounts.readers import DATABASE_USERS
from mailwiz_tui.stack.accounts.store import offered_files, offered_inputs
from mailwiz_tui.stack.blueprint import Ask, Command, Directory, File, Packages, Probe, Ready, Step, Unit
from mailwiz_tui.stack.capacity import Capacity
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.mail_parts import MailParts
from mailwiz_tui.stack.probes import unit_active
from mailwiz_tui.stack.render import render, sql_text
from mailwiz_tui.stack.unit_words import UnitWords, Work

CONFIG = "/etc/mysql/mariadb.conf.d/90-mailwiz.cnf"
SQL_DIR = f"{layout.CONF_DIR}/sql"
FRONT_CONNECTIONS = 90
"""The connections of the web applications on each further server that serves clients."""
_STRANGE = (
    f"SELECT GROUP_CONCAT(username SEPARATOR ' ') FROM {layout.DATABASE}.mailbox "  # noqa: S608
    f"WHERE CHAR_LENGTH(local_part) > {LONGEST} OR NOT local_part REGEXP {sql_text(f'^(?:{PATTERN})$')}"
)
"""Mailboxes from earlier versions of the panel, with names that Dovecot rejects."""
_ASK_AGAIN = (
    "# Postfix does not ask a database that failed for a minute; after a reload it asks again at once.",
    "ExecStartPost=-+systemctl --no-block try-reload-or-restart postfix.service",
)
_SAME_OWNER = (
    "# The user has another number on each server (chown(1)).",
    "ExecStartPre=+/bin/sh -c '[ \"$(stat -c %%U {0})\" = mysql ] || chown -R mysql:mysql {0}'".replace(
        "{0}", layout.VOLUME_DATABASES
    ),
)
_NEW_DATABASES = Command(
    id="mariadb.folder",
    argv=(
        "mariadb-install-db",
        "--user=mysql",
        f"--datadir={layout.VOLUME_DATABASES}",
        "--auth-root-authentication-method=socket",
        "--skip-test-db",
    ),
    unless=("test", "-d", f"{layout.VOLUME_DATABASES}/mysql"),
)
"""An empty database on the volume; Debian's package makes its own in /var/lib/mysql."""


class MariaDb(Component):
    """MariaDB with PostfixAdmin's tables and the plan's domains."""

    name = "mariadb"
    title = "MariaDB (accounts)"
    on_volume = True
    units = (
        UnitWords(
            "mariadb",
            "accounts cannot be looked up: no login, no delivery",
            work=(Work.MAIL, Work.LOGINS),
            checks=("mariadb.", "database-gate.", "account", "postfix.accounts", "dovecot.accounts"),
        ),
    )
    telling_packages = ("mariadb-server",)

    def wanted(self, context: Context) -> bool:
        """The server with the accounts; other servers read them from it."""
        return context.topology.accounts.database_here

    def mail_parts(self, context: Context) -> MailParts:
        """Readers of the accounts start after it, unless it is where the store is."""
        wanted = self.wanted(context) and not context.topology.mailboxes.moves
        return MailParts(account_units=("mariadb.service",)) if wanted else MailParts()

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """Start MariaDB, load the schema, the privileges and the domains; each can be repeated."""
        domains, capacity = context.plan.mailbox_domains(), Capacity.of(context.facts)
        connections = capacity.database_connections + FRONT_CONNECTIONS * max(0, len(context.topology.fronts) - 1)
        names = ", ".join(sql_text(name) for name in domains)
        rows = ",\n".join(
            f"    ({sql_text(name)}, 'mailwiz-tui plan', 'virtual', 0, NOW(), NOW(), 1)" for name in domains
        )
        readers = "".join(
            render("mariadb", "reader.sql", database=layout.DATABASE, user=user) for user in DATABASE_USERS
        )
        scripts = {
            "schema": render("mariadb", "schema.sql", database=layout.DATABASE),
            "access": render(
                "mariadb",
                "access.sql",
                database=layout.DATABASE,
                readers=readers.rstrip("\n"),
                postfix=str(capacity.database_postfix),
                dovecot=str(capacity.database_dovecot),
            ),
            "domains": render("mariadb", "domains.sql", database=layout.DATABASE, rows=rows, names=names),
        }
        first = f"SELECT 1 FROM `{layout.DATABASE}`.`mailbox` LIMIT 1"  # noqa: S608
        create = (
            f"CREATE DATABASE IF NOT EXISTS `{layout.DATABASE}` CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci"
        )
        present = f"SELECT COUNT(*) FROM `{layout.DATABASE}`.`domain` WHERE active = 1 AND domain IN ({names})"  # noqa: S608
        offered, moves = offered_files(context), context.topology.mailboxes.moves
        steps = (
            Step(
                id="mariadb",
                title="Configure MariaDB (accounts)",
                component=self.name,
                items=(
                    File(
                        CONFIG,
                        render(
                            "mariadb",
                            "90-mailwiz.cnf",
                            connections=str(connections),
                            folder=layout.VOLUME_DATABASES if moves else "",
                        ),
                    ),
                    *offered,
                    *((_NEW_DATABASES,) if moves else ()),
                    Unit(
                        "mariadb.service",
                        restart_on=(CONFIG, *offered_inputs(offered)),
                        service_settings=(*(_SAME_OWNER if moves else ()), *_ASK_AGAIN),
                    ),
                    Ready(
                        "MariaDB (accounts)",
                        "mariadb.service",
                        Ask.COMMAND,
                        argv=("mariadb", "--batch", "-e", "SELECT 1"),
                    ),
                ),
                validators=(("mariadbd", "--help", "--verbose", "--user=mysql", "--log-warnings=0"),),
            ),
            Step(
                id="mariadb.accounts",
                title="Create the account tables",
                component=self.name,
                items=(
                    Directory(SQL_DIR),
                    *(File(f"{SQL_DIR}/{name}.sql", text) for name, text in scripts.items()),
                    Command(
                        id="mariadb.database",
                        argv=("mariadb", "--batch", "-e", create),
                        unless=("mariadb", "--batch", "-e", f"USE `{layout.DATABASE}`"),
                    ),
                    Command(
                        id="mariadb.schema",
                        argv=("mariadb", "--batch", "-e", f"source {SQL_DIR}/schema.sql"),
                        unless=("mariadb", "--batch", "-e", first),
                        inputs=(f"{SQL_DIR}/schema.sql",),
                    ),
                    Command(
                        id="mariadb.access",
                        argv=("mariadb", "--batch", "-e", f"source {SQL_DIR}/access.sql"),
                        unless=("mariadb", "--batch", "-e", "SHOW GRANTS FOR 'dovecot'@'localhost'"),
                        inputs=(f"{SQL_DIR}/access.sql",),
                    ),
                    Command(
                        id="mariadb.domains",
                        argv=("mariadb", "--batch", "-e", f"source {SQL_DIR}/domains.sql"),
                        unless=("sh", "-c", f'[ "$(mariadb -BNe "$0")" = {len(domains)} ]', present),
                        inputs=(f"{SQL_DIR}/domains.sql",),
                    ),
                ),
            ),
        )
        return Contribution(
            packages=Packages(names=("mariadb-client", "mariadb-server")),
            steps=steps,
            databases=(layout.DATABASE,),
            probes=self._probes(present, len(domains)),
        )

    @staticmethod
    def _probes(present: str, domains: int) -> tuple[Probe, ...]:
        return (
            unit_active("mariadb.service", "MariaDB (accounts) runs"),
            Probe(
                id="mariadb.ping",
                proves="MariaDB (accounts) answers",
                argv=("mariadb-admin", "ping"),
                expect="is alive",
                advice="journalctl -u mariadb -n 50",
            ),
            Probe(
                id="mariadb.local-parts",
                proves="every mailbox has a name that Dovecot accepts",
                argv=("mariadb", "-BNe", _STRANGE),
                expect=r"(?m)^NULL$",
                advice="it receives no mail and no login works: mailwiz-tui mailbox remove PLAN ADDRESS",
            ),
            Probe(
                id="mariadb.domains",
                proves="every mailbox domain of the plan is in MariaDB",
                argv=("mariadb", "-BNe", present),
                expect=rf"(?m)^{domains}$",
                advice="run apply again",
            ),
            Probe(
                id="mariadb.local",
                proves="MariaDB (accounts) does not listen on all addresses",
                argv=("ss", "-Hltn", "sport", "=", ":3306"),
                refuse=r"(?:0\.0\.0\.0|\*|\[::\]):3306",
                advice="a file in /etc/mysql/mariadb.conf.d/ changes bind-address: remove that line",
            ),
        )

"""PostfixAdmin: accounts, aliases and quotas in a browser."""

from __future__ import annotations

import dataclasses

from mailwiz_tui.plan.localparts import PATTERN, SPECIAL
from mailwiz_tui.plan.model import AdminPanel
from mailwiz_tui.plan.published import PANEL_PATH, web_addresses
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.accounts.clients import PANEL, PANEL_TABLES, files_read, one_at_a_time
from mailwiz_tui.stack.accounts.refresh import SOCKET, tellers
from mailwiz_tui.stack.blueprint import Ask, Command, Directory, File, Packages, Port, Probe, Scope, Step
from mailwiz_tui.stack.component import Component, Context, Contribution, WebLocation
from mailwiz_tui.stack.jails import jail
from mailwiz_tui.stack.mail_parts import MailParts, PostfixParts
from mailwiz_tui.stack.php.pool import Pool, unit
from mailwiz_tui.stack.postfixadmin.database import reached, root_client, session_store, settings
from mailwiz_tui.stack.render import render

CONFIG = "/etc/postfixadmin/config.local.php"
DATABASE_CONFIG = "/etc/postfixadmin/dbconfig.inc.php"
UPGRADE = f"{layout.LIB_DIR}/upgrade-accounts-tables"
COMPILED = "/var/cache/postfixadmin/templates_c"
SESSIONS = "/etc/postfixadmin/mailwiz-sessions.php"
HEADERS = "/etc/nginx/snippets/mailwiz-admin-headers.conf"
FILTER = "/etc/fail2ban/filter.d/mailwiz-postfixadmin.conf"
POOL = Pool(
    name="postfixadmin",
    title="PostfixAdmin",
    path=PANEL_PATH,
    files=(
        "/usr/share/postfixadmin",
        "/etc/postfixadmin",
        "/var/cache/postfixadmin",
        "/usr/share/php",
        "/usr/share/javascript",
        f"{layout.CONF_DIR}/local.d",
    ),
    may_run=True,
)
_DEBCONF = (
    "postfixadmin postfixadmin/dbconfig-install boolean false",
    "postfixadmin postfixadmin/reconfigure-webserver multiselect",
)
_ROLES = ("abuse", "hostmaster", "postmaster", "security", "webmaster")


class PostfixAdmin(Component):
    """Debian's PostfixAdmin in a PHP pool of its own, at the mail hostname, with the existing accounts."""

    name = "postfixadmin"
    title = "PostfixAdmin (admin panel)"
    telling_packages = ("postfixadmin",)

    def wanted(self, context: Context) -> bool:
        """Servers that serve clients, if the plan has it."""
        return context.plan.services.admin_panel is AdminPanel.POSTFIXADMIN and context.topology.serves_clients

    def mail_parts(self, context: Context) -> MailParts:
        """A listener for mail of the panel to a new mailbox that the copy of the accounts does not have yet."""
        if not self.wanted(context) or not context.topology.accounts.copied:
            return MailParts()
        service = render("postfixadmin", "master-panel.cf", port=str(layout.PANEL_MAIL_PORT))
        port = Port(layout.PANEL_MAIL_PORT, "panel-mail", Scope.LOCAL, ask=Ask.SMTP)
        return MailParts(postfix=PostfixParts(master_cf=(service,), ports=(port,)))

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """Privileges, configuration, tables and pool; its set-up page is never served."""
        step = Step(
            id="postfixadmin",
            title="Configure PostfixAdmin",
            component=self.name,
            items=(
                *_pool(context).items(context, files_read(context, PANEL), tellers(context)),
                *_sessions(context),
                Directory(COMPILED, POOL.name, POOL.name, 0o700),
                File(CONFIG, _config(context), "root", POOL.name, 0o640),
                File(DATABASE_CONFIG, render("postfixadmin", "dbconfig.inc.php", database=layout.DATABASE)),
                File(UPGRADE, _upgrade(context), mode=0o755),
                File(HEADERS, render("postfixadmin", "headers.conf")),
                *reached(context),
                Command(id="postfixadmin.tables", argv=(UPGRADE,), unless=(UPGRADE, "--check")),
            ),
            validators=tuple(
                ("php", "-l", file)
                for file in (CONFIG, DATABASE_CONFIG, *(item.path for item in _sessions(context)))
            ),
        )
        return Contribution(
            packages=Packages(names=("php-cli", "php-mbstring", "php-mysql", "postfixadmin"), debconf=_DEBCONF),
            steps=(step,),
            jails=(jail("postfixadmin", "80,443", maxretry=8, filter_name="mailwiz-postfixadmin"),),
            filters=(File(FILTER, render("postfixadmin", "mailwiz-postfixadmin.conf", unit=unit(context))),),
            web=(
                WebLocation(
                    name=self.name,
                    path=PANEL_PATH,
                    server=render("postfixadmin", "site.conf", socket=POOL.socket),
                    http=render("postfixadmin", "http.conf"),
                ),
            ),
            probes=(
                Probe(
                    id="postfixadmin.tables",
                    proves="the tables of the accounts have PostfixAdmin's version",
                    argv=(UPGRADE, "--check"),
                    advice=f"on the server: {UPGRADE}",
                ),
                Probe(
                    id="postfixadmin.hashes",
                    proves="PostfixAdmin can create and verify password hashes",
                    argv=(
                        "setpriv",
                        "--reuid",
                        POOL.name,
                        "--regid",
                        POOL.name,
                        "--clear-groups",
                        "sh",
                        "-c",
                        _HASH,
                    ),
                    expect=r"^\{ARGON2ID\}",
                    advice="journalctl -t postfixadmin -n 50",
                ),
            ),
        )


_HASH = f"printf 'x\\nx\\n' | /usr/bin/doveadm -O -o stats_writer_socket_path= pw -s {layout.PASSWORD_SCHEME}"


def _upgrade(context: Context) -> str:
    client = root_client(context)
    return render(
        "postfixadmin",
        "upgrade-tables",
        client=client,
        database=layout.DATABASE,
        state=POOL.state,
        one_at_a_time=one_at_a_time(context, PANEL_TABLES, layout.DATABASE),
    )


def _pool(context: Context) -> Pool:
    """The pool; with several servers for clients its sessions are in the database."""
    return dataclasses.replace(POOL, first=SESSIONS) if context.topology.sessions_shared else POOL


def _sessions(context: Context) -> tuple[File, ...]:
    """The file that keeps sessions in the database, if several servers serve clients."""
    if not context.topology.sessions_shared:
        return ()
    return (File(SESSIONS, session_store(context), "root", POOL.name, 0o640),)


def _php(text: str) -> str:
    """A text for single quotes in PHP; it has no backslash before a quote or at the end."""
    return text.replace("'", "\\'")


def _config(context: Context) -> str:
    postmaster = f"postmaster@{context.plan.domain.primary_domain}"
    return render(
        "postfixadmin",
        "config.local.php",
        connection=settings(context),
        grammar=_php(f"%^(?:{PATTERN})$%D"),
        special=_php(" ".join(SPECIAL)),
        database=layout.DATABASE,
        scheme=layout.PASSWORD_SCHEME,
        shortest=str(layout.SHORTEST_PASSWORD),
        postmaster=postmaster,
        changed=render("postfixadmin", "changed.php", socket=SOCKET) if context.topology.accounts.copied else "",
        mail_port=str(layout.PANEL_MAIL_PORT if context.topology.accounts.copied else 25),
        hostname=context.public_names[-1],
        url=web_addresses(context.plan)["Admin panel"],
        aliases="\n".join(f"    '{name}' => '{postmaster}'," for name in _ROLES),
    )

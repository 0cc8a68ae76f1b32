"""Roundcube: mail in a browser, with filters, address book and password change."""

from __future__ import annotations

import dataclasses
import re

from mailwiz_tui.plan.model import Plan, Webmail
from mailwiz_tui.plan.published import WEBMAIL_PATH
from mailwiz_tui.stack import layout, limits
from mailwiz_tui.stack.accounts.clients import (
    WEBMAIL,
    command_line,
    connection,
    files_read,
    one_at_a_time,
)
from mailwiz_tui.stack.accounts.common_secrets import WEBMAIL as COMMON_KEY
from mailwiz_tui.stack.accounts.refresh import SOCKET, tellers
from mailwiz_tui.stack.blueprint import Command, Directory, File, Item, Packages, Probe, Step, Unit
from mailwiz_tui.stack.component import Component, Context, Contribution, WebLocation
from mailwiz_tui.stack.jails import jail
from mailwiz_tui.stack.php.pool import Pool, unit
from mailwiz_tui.stack.probes import unit_active
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.roundcube.database import DATABASE, access, dsn, own_rights
from mailwiz_tui.stack.unit_words import UnitWords

CONFIG = "/etc/roundcube/config.inc.php"
SET_UP = f"{layout.LIB_DIR}/set-up-roundcube"
HEADERS = "/etc/nginx/snippets/mailwiz-webmail-headers.conf"
FILTER = "/etc/fail2ban/filter.d/mailwiz-roundcube.conf"
PLUGIN = "/var/lib/roundcube/plugins/mailwiz_accounts"
TIMERS = ("roundcube-gc", "roundcube-cleandb")
POOL = Pool(
    name="roundcube",
    title="Roundcube",
    path=WEBMAIL_PATH,
    files=(
        "/usr/share/roundcube",
        "/var/lib/roundcube",
        "/etc/roundcube",
        "/usr/share/php",
        "/usr/share/javascript",
        "/usr/share/nodejs",
        "/etc/mime.types",
        layout.TLS_CHAIN,
        f"{layout.CONF_DIR}/local.d",
    ),
    memory="512M",
    share=1.0,
)
_KEY_READABLE = (
    Probe(
        id="roundcube.key",
        proves="Roundcube reads the key of sessions that all servers for clients share",
        argv=(
            "setpriv",
            "--reuid",
            POOL.name,
            "--regid",
            POOL.name,
            "--init-groups",
            "test",
            "-s",
            COMMON_KEY.path,
        ),
        advice="the accounts are copied with it: journalctl -u mailwiz-accounts -n 20",
    ),
)
_DEBCONF = (
    "roundcube-core roundcube/dbconfig-install boolean false",
    "roundcube-core roundcube/reconfigure-webserver multiselect",
)


class Roundcube(Component):
    """Debian's Roundcube in a PHP pool of its own, at the mail hostname."""

    name = "roundcube"
    title = "Roundcube (webmail)"
    units = (UnitWords("roundcube-*.timer", "old sessions of Roundcube are not removed"),)
    telling_packages = ("roundcube-core",)

    def wanted(self, context: Context) -> bool:
        """Servers that serve clients, if the plan has it."""
        return context.plan.services.webmail is Webmail.ROUNDCUBE and context.topology.serves_clients

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """Tables, configuration and pool; the site for nginx and the jail for fail2ban."""
        local, shared = context.topology.database_stays, context.topology.sessions_shared
        key = (COMMON_KEY.path,) if shared else ()
        step = Step(
            id="roundcube",
            title="Configure Roundcube (webmail)",
            component=self.name,
            items=(
                *_sized(context.plan).items(context, (*files_read(context, WEBMAIL), *key), _groups(context)),
                File(CONFIG, _config(context), "root", POOL.name, 0o640),
                File(
                    SET_UP,
                    render(
                        "roundcube",
                        "set-up-database",
                        client=command_line(context, WEBMAIL),
                        database=DATABASE,
                        one_at_a_time=one_at_a_time(context, WEBMAIL, DATABASE),
                    ),
                    mode=0o755,
                ),
                File(HEADERS, render("roundcube", "headers.conf")),
                *_timers(),
                *_follower(context),
                *(access(context) if local else connection(context, WEBMAIL, f"USE {DATABASE}")),
                Command(id="roundcube.tables", argv=(SET_UP,), unless=(SET_UP, "--check")),
                *(Unit(f"{name}.timer") for name in TIMERS),
            ),
            validators=(("php", "-l", CONFIG),),
        )
        return Contribution(
            packages=Packages(
                names=("php-cli", "php-mysql", "roundcube-core", "roundcube-mysql", "roundcube-plugins"),
                debconf=_DEBCONF,
            ),
            secrets=() if shared else (COMMON_KEY.spec,),
            steps=(step,),
            jails=(jail("roundcube", "80,443", maxretry=10, filter_name="mailwiz-roundcube"),),
            filters=(File(FILTER, render("roundcube", "mailwiz-roundcube.conf", unit=unit(context))),),
            web=(
                WebLocation(
                    name=self.name,
                    path=WEBMAIL_PATH,
                    server=render(
                        "roundcube", "site.conf", socket=POOL.socket, post=_sized(context.plan).post.lower()
                    ),
                    http=render("roundcube", "http.conf"),
                ),
            ),
            probes=self._probes(context),
            databases=(DATABASE,) if local else (),
        )

    @staticmethod
    def _probes(context: Context) -> tuple[Probe, ...]:
        return (
            *(unit_active(f"{name}.timer", "Roundcube's old sessions and records are removed") for name in TIMERS),
            Probe(
                id="roundcube.tables",
                proves="Roundcube's tables have the installed version",
                argv=(SET_UP, "--check"),
                advice=f"on the server: {SET_UP}",
            ),
            own_rights(context),
            *(_KEY_READABLE if context.topology.sessions_shared else ()),
        )


def _groups(context: Context) -> tuple[str, ...]:
    """The groups of its system user: it makes copies of the accounts anew, and may read the common key."""
    return (*tellers(context), *((COMMON_KEY.group,) if context.topology.sessions_shared else ()))


def _plugins(context: Context) -> str:
    """The plugins that depend on the plan, in the form of the configuration."""
    copied, shared = context.topology.accounts.copied, context.topology.sessions_shared
    names = (*(["mailwiz_accounts"] if copied else []), *(["database_attachments"] if shared else []))
    return "".join(f", '{name}'" for name in names)


def _sized(plan: Plan) -> Pool:
    """The pool, for attachments up to the size of a message."""
    return dataclasses.replace(POOL, upload=f"{plan.limits.message_size_mb}M", post=f"{limits.upload_mb(plan)}M")


def _config(context: Context) -> str:
    local = context.topology.database_stays
    return render(
        "roundcube",
        "config.inc.php",
        known="its system user over the Unix socket" if local else "a certificate of its own",
        database=dsn(context, DATABASE),
        accounts=dsn(context, layout.DATABASE),
        more=_plugins(context),
        shared=context.topology.sessions_shared,
        key=COMMON_KEY.path,
        certificate=layout.TLS_CHAIN,
        hostname=context.public_names[-1],
        hostnames=", ".join(f"'^{re.escape(name)}$'" for name in context.public_names),
        domain=context.plan.domain.primary_domain,
        path=WEBMAIL_PATH,
        temp=f"{POOL.state}/temp",
        message=f"{context.plan.limits.message_size_mb}M",
        shortest=str(layout.SHORTEST_PASSWORD),
    )


def _follower(context: Context) -> tuple[Item, ...]:
    """The plugin that waits for the copies of the accounts, if there are any."""
    if not context.topology.accounts.copied:
        return ()
    plugin = render("roundcube", "mailwiz_accounts.php", socket=SOCKET)
    return (
        Directory(PLUGIN),
        File(f"{PLUGIN}/mailwiz_accounts.php", plugin),
    )


def _timers() -> tuple[Item, ...]:
    """Debian's own timers, run as the user that owns the files."""
    drop_ins = [f"/etc/systemd/system/{name}.service.d/mailwiz.conf" for name in TIMERS]
    text = render("roundcube", "service.conf", state=POOL.state)
    return (
        *(File(path, text) for path in drop_ins),
        Command(id="roundcube.drop-ins", argv=("systemctl", "daemon-reload"), inputs=tuple(drop_ins)),
    )

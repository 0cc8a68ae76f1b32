"""Roundcube: mail in a browser, with filters, address book and password change."""

from __future__ import annotations

import re

from mailwiz_tui.plan.model import Role, Webmail
from mailwiz_tui.plan.published import WEBMAIL_PATH
from mailwiz_tui.stack import keys
from mailwiz_tui.stack.blueprint import Command, File, Item, Packages, Probe, SecretSpec, Step, Unit
from mailwiz_tui.stack.component import Component, Context, Contribution, WebLocation
from mailwiz_tui.stack.jails import jail
from mailwiz_tui.stack.php.pool import Pool, unit
from mailwiz_tui.stack.probes import unit_active
from mailwiz_tui.stack.render import render

DATABASE = "roundcube"
CONFIG = "/etc/roundcube/config.inc.php"
ACCESS = f"{keys.CONF_DIR}/sql/roundcube.sql"
SET_UP = f"{keys.LIB_DIR}/set-up-roundcube"
HEADERS = "/etc/nginx/snippets/mailwiz-webmail-headers.conf"
FILTER = "/etc/fail2ban/filter.d/mailwiz-roundcube.conf"
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
        keys.TLS_CHAIN,
        f"{keys.CONF_DIR}/local.d",
    ),
    upload="50M",
    post="54M",
    memory="512M",
    children=16,
)
_DEBCONF = (
    "roundcube-core roundcube/dbconfig-install boolean false",
    "roundcube-core roundcube/reconfigure-webserver multiselect",
)


class Roundcube(Component):
    """Debian's Roundcube in a PHP pool of its own, at the mail hostname."""

    name = "roundcube"
    title = "Webmail"

    def wanted(self, context: Context) -> bool:
        """Where the mailboxes are."""
        return context.plan.services.webmail is Webmail.ROUNDCUBE and context.has_role(Role.MAIL_STORAGE)

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """Tables, configuration and pool; the web server and fail2ban take what is theirs."""
        step = Step(
            id="roundcube",
            title="Set up webmail",
            component=self.name,
            items=(
                *POOL.items(context),
                File(CONFIG, _config(context), "root", POOL.name, 0o640),
                File(ACCESS, render("roundcube", "access.sql", database=DATABASE, accounts=keys.DATABASE)),
                File(SET_UP, render("roundcube", "set-up-database", database=DATABASE), mode=0o755),
                File(HEADERS, render("roundcube", "headers.conf")),
                *_timers(),
                Command(
                    id="roundcube.access",
                    argv=("mariadb", "--batch", "-e", f"source {ACCESS}"),
                    unless=("sh", "-c", _GRANTED),
                    inputs=(ACCESS,),
                ),
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
            secrets=(SecretSpec("roundcube-des-key", 32),),
            steps=(step,),
            jails=(jail("roundcube", "80,443", maxretry=10, filter_name="mailwiz-roundcube"),),
            filters=(File(FILTER, render("roundcube", "mailwiz-roundcube.conf", unit=unit(context))),),
            web=(
                WebLocation(
                    name=self.name,
                    path=WEBMAIL_PATH,
                    server=render("roundcube", "site.conf", socket=POOL.socket, post=POOL.post.lower()),
                    http=render("roundcube", "http.conf"),
                ),
            ),
            probes=self._probes(),
            databases=(DATABASE,),
        )

    @staticmethod
    def _probes() -> tuple[Probe, ...]:
        return (
            *(
                unit_active(f"{name}.timer", "old sessions and records of webmail are cleared away")
                for name in TIMERS
            ),
            Probe(
                id="roundcube.tables",
                proves="webmail's tables are as its version wants them",
                argv=(SET_UP, "--check"),
                advice=f"on the server: {SET_UP}",
            ),
            Probe(
                id="roundcube.rights",
                proves="webmail can neither read nor write accounts, but for one procedure",
                argv=("mariadb", "-BNe", "SHOW GRANTS FOR 'roundcube'@'localhost'"),
                expect=r"GRANT EXECUTE ON PROCEDURE",
                refuse=rf"(?m)(?:SELECT|INSERT|UPDATE|DELETE|ALL PRIVILEGES).* ON `?(?:{keys.DATABASE}|\*)`?\.",
                advice="run apply again; revoke what somebody granted: SHOW GRANTS FOR 'roundcube'@'localhost'",
            ),
        )


_GRANTED = "mariadb -BNe \"SHOW GRANTS FOR 'roundcube'@'localhost'\" | grep -q 'EXECUTE ON PROCEDURE'"


def _config(context: Context) -> str:
    return render(
        "roundcube",
        "config.inc.php",
        socket=keys.MYSQL_SOCKET,
        database=DATABASE,
        accounts=keys.DATABASE,
        certificate=keys.TLS_CHAIN,
        hostname=context.hostname,
        hostname_pattern=f"^{re.escape(context.hostname)}$",
        domain=context.plan.domain.primary_domain,
        path=WEBMAIL_PATH,
        temp=f"{POOL.state}/temp",
        message=POOL.upload,
        shortest=str(keys.SHORTEST_PASSWORD),
    )


def _timers() -> tuple[Item, ...]:
    """Debian's own timers, run by the user that owns the files."""
    drop_ins = [f"/etc/systemd/system/{name}.service.d/mailwiz.conf" for name in TIMERS]
    text = render("roundcube", "service.conf", state=POOL.state)
    return (
        *(File(path, text) for path in drop_ins),
        Command(id="roundcube.drop-ins", argv=("systemctl", "daemon-reload"), inputs=tuple(drop_ins)),
    )

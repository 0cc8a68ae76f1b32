"""ClamAV (virus scanner): clamd with its signatures, and its milter, with any spam filter.

Its files are where Debian's AppArmor profiles allow it to read them; debconf does not change them.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from mailwiz_tui.plan.model import Plan, Role
from mailwiz_tui.stack import layout, limits
from mailwiz_tui.stack.blueprint import (
    Ask,
    Command,
    File,
    Item,
    Packages,
    Port,
    Probe,
    Program,
    Ready,
    Scope,
    Step,
    Unit,
)
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.filtering import ASKS_FILTERS, reached
from mailwiz_tui.stack.mail_parts import MailParts, Milter, Stage, Stream, asked
from mailwiz_tui.stack.probes import listens, unit_active
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.traffic import Link
from mailwiz_tui.stack.unit_words import UnitWords, Work

MILTER = Milter("clamav", "mailwiz-clamav-milter.service", layout.CLAMAV_MILTER_PORT)
LINK = Link(
    "viruses",
    layout.CLAMAV_MILTER_PORT,
    (Role.ANTISPAM,),
    ASKS_FILTERS,
    "has mail scanned for viruses",
    wanted=lambda plan: plan.services.antivirus,
)
CLAMD = "/etc/clamav/clamd.conf"
FRESHCLAM = "/etc/clamav/freshclam.conf"
DAEMON, SOCKET = "clamav-daemon.service", "clamav-daemon.socket"
FETCH = f"{layout.LIB_DIR}/fetch-signatures"
MILTER_CONFIG = f"{layout.CONF_DIR}/clamav-milter.conf"
SERVICE = f"/etc/systemd/system/{MILTER.unit}"
OFFICIAL = ("main", "daily", "bytecode")
SIGNATURES = (".cvd", ".cld", ".cud", ".hdb", ".hsb", ".mdb", ".msb", ".ndb", ".ldb", ".fp", ".yar", ".pdb")
"""The endings of file names with signatures."""
_EICAR = ("X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-", "ANTIVIRUS-TEST-FILE!$H+H*")


class ClamAv(Component):
    """The virus scanner."""

    name = "clamav"
    title = "ClamAV (virus scanner)"
    offers = (LINK,)
    programs = (Program("clamav-milter"),)
    units = (
        UnitWords(
            "clamav-daemon",
            "mail is deferred: it cannot be scanned for viruses",
            "clamd",
            work=(Work.MAIL,),
            checks=("clamav.", "answers.mailwiz-clamav-milter"),
        ),
        UnitWords("clamav-daemon.socket", "mail is deferred: it cannot be scanned for viruses", ""),
        UnitWords(
            "mailwiz-clamav-milter",
            "mail is deferred: it cannot be scanned for viruses",
            "virus",
            work=(Work.MAIL,),
            checks=("clamav.",),
        ),
        UnitWords("clamav-freshclam", "virus signatures are not updated", "freshclam"),
    )
    telling_packages = ("clamav-daemon",)

    def wanted(self, context: Context) -> bool:
        """Servers that filter mail, if the plan has a virus scanner."""
        return context.plan.services.antivirus and context.topology.filters.here

    def mail_parts(self, context: Context) -> MailParts:
        """A milter of its own with any spam filter: a message that was not scanned is deferred.

        Rspamd's module for ClamAV lets a message pass if it does not scan a part, or if Lua fails.
        """
        if not context.plan.services.antivirus:
            return MailParts()
        found = reached(context, MILTER, LINK)
        return MailParts(tuple(asked(m, Stage.VIRUSES, Stream.INCOMING, Stream.SUBMITTED) for m in found))

    def meta(self, context: Context) -> dict[str, str]:
        """The virus scanner of this server: ``clamav``, ``clamav-small`` (few signatures), or empty."""
        if not self.wanted(context):
            return {"virus_scanner": ""}
        return {"virus_scanner": "clamav-small" if small(context.plan) else "clamav"}

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """Signatures first, then clamd, then the milter."""
        own = f"{layout.CONF_DIR}/local.d"
        files = (
            File(
                CLAMD,
                render(
                    "clamav",
                    "clamd.conf",
                    socket=layout.CLAMD_SOCKET,
                    threads=str(max(2, context.facts.cpus)),
                    message=str(limits.checked_size_mb(context.plan)),
                    unpacked=str(8 * context.plan.limits.message_size_mb),
                ),
                append=f"{own}/clamd.conf",
            ),
            File(
                FRESHCLAM,
                render("clamav", "freshclam.conf", source=source(context.plan)),
                append=f"{own}/freshclam.conf",
            ),
            *(
                File(f"/etc/systemd/system/{unit}.d/mailwiz.conf", render("clamav", "unit.conf", unit=unit))
                for unit in (DAEMON, SOCKET)
            ),
            File(FETCH, render("clamav", "fetch-signatures"), mode=0o755),
            File(
                MILTER_CONFIG,
                render("clamav", "clamav-milter.conf", socket=MILTER.socket, clamd=layout.CLAMD_SOCKET),
                append=f"{own}/clamav-milter.conf",
            ),
            File(SERVICE, render("clamav", "mailwiz-clamav-milter.service", config=MILTER_CONFIG)),
        )
        items: tuple[Item, ...] = (
            *files,
            Command(
                id="clamav.signatures",
                argv=(FETCH, origin(context.plan)),
                unless=(FETCH, "--have"),
                inputs=(FRESHCLAM,),
                timeout=600.0,
            ),
            Unit(SOCKET),
            Unit(DAEMON, restart_on=(CLAMD,)),
            Unit("clamav-freshclam.service", restart_on=(FRESHCLAM,)),
            Ready("ClamAV (virus scanner)", DAEMON, Ask.CLAMD, f"unix:{layout.CLAMD_SOCKET}", limit=280.0),
            Unit("clamav-milter.service", running=False, enabled=False, masked=True),
            Unit(MILTER.unit, restart_on=(MILTER_CONFIG, SERVICE)),
        )
        step = Step("clamav", "Configure ClamAV (virus scanner)", self.name, items)
        return Contribution(
            packages=Packages(
                names=("clamav-daemon", "clamav-freshclam", "clamav-milter", "clamdscan"),
                debconf=(
                    "clamav-daemon clamav-daemon/debconf boolean false",
                    "clamav-freshclam clamav-freshclam/autoupdate_freshclam select manual",
                    "clamav-milter clamav-milter/debconf boolean false",
                ),
            ),
            steps=(step,),
            ports=(Port(MILTER.port, "clamav-milter", Scope.LOCAL, ask=Ask.MILTER),),
            probes=self._probes(),
        )

    @staticmethod
    def _probes() -> tuple[Probe, ...]:
        first, second = (part.replace("%", "%%").replace("\\", "\\\\") for part in _EICAR)
        return (
            unit_active("clamav-daemon.service", "ClamAV (virus scanner) runs"),
            unit_active("clamav-freshclam.service", "freshclam updates the virus signatures"),
            Probe(
                id="clamav.finds",
                proves="ClamAV finds the test virus (EICAR)",
                argv=("sh", "-c", f"printf '{first}''{second}' | clamdscan --no-summary -"),
                expect=r"FOUND",
                exit_code=1,
                advice="journalctl -u clamav-daemon -u clamav-freshclam -n 50",
            ),
            unit_active(MILTER.unit, "the milter of ClamAV runs"),
            listens("clamav.milter", "the milter of ClamAV listens on this server alone", MILTER.port, MILTER.unit),
        )


def source(plan: Plan) -> str:
    """The source of signatures for freshclam: the public mirror, a private copy of it, or the operator's file."""
    mirror = plan.services.clamav_mirror
    public = "DatabaseMirror database.clamav.net"
    if not mirror:
        return f"{public}\nDNSDatabaseInfo current.cvd.clamav.net"
    if small(plan):
        # freshclam requires a mirror even if every database of it is excluded
        left_out = (f"ExcludeDatabase {name}" for name in OFFICIAL)
        return "\n".join((public, f"DatabaseCustomURL {mirror}", *left_out))
    return f"PrivateMirror {mirror.rstrip('/')}\nScriptedUpdates no"


def origin(plan: Plan) -> str:
    """The name of the source in a message."""
    return plan.services.clamav_mirror or "database.clamav.net"


def small(plan: Plan) -> bool:
    """Whether only a file of the operator is loaded, with few signatures compared with the public ones."""
    return urlsplit(plan.services.clamav_mirror).path.endswith(SIGNATURES)

"""OpenDKIM: signs on servers without Rspamd, with the same key and selector.

The key stays where *prepare* created it, with its owner: systemd gives the service a copy of its own
(``LoadCredential=``, systemd.exec(5)), so another spam filter changes neither the key nor its DNS record.
"""

from __future__ import annotations

from mailwiz_tui.plan.model import Antispam
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Ask, Directory, File, Packages, Port, Probe, Program, Scope, Step, Unit
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.mail_parts import MailParts
from mailwiz_tui.stack.opendkim import milter
from mailwiz_tui.stack.opendkim.milter import MILTER
from mailwiz_tui.stack.probes import listens, unit_active
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.signing.component import SENDERS_FILE
from mailwiz_tui.stack.signing.signing_domains import KEY_NAME
from mailwiz_tui.stack.unit_words import UnitWords, Work

CONFIG = "/etc/opendkim.conf"
FOLDER = "/etc/mailwiz/opendkim"
KEYS = f"{FOLDER}/keys"
SETUP = f"{FOLDER}/setup.lua"
OWN = f"{layout.CONF_DIR}/local.d/opendkim.conf"
DROP_IN = f"/etc/systemd/system/{MILTER.unit}.d/mailwiz.conf"
CREDENTIAL = "dkim.key"


class OpenDkim(Component):
    """The DKIM signer, if the spam filter does not sign."""

    name = "opendkim"
    title = "OpenDKIM (DKIM)"
    programs = (Program("opendkim", "opendkim"),)
    units = (
        UnitWords(
            "opendkim", "mail is deferred: it cannot be signed (DKIM)", work=(Work.MAIL,), checks=("opendkim.",)
        ),
    )
    telling_packages = ("opendkim",)

    def wanted(self, context: Context) -> bool:
        """Servers on which OpenDKIM runs (``milter.runs``)."""
        return milter.runs(context)

    def mail_parts(self, context: Context) -> MailParts:
        """The milter."""
        return milter.mail_parts(context)

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """The configuration, a table of keys, the key from systemd, a rule for forwarded messages."""
        plan = context.plan
        selector = plan.dkim_selector(context.server_id)
        key = layout.dkim_private_key(selector)
        signs = context.topology.signs
        signing = render("opendkim", "signing.conf", keys=KEYS, domains=SENDERS_FILE, setup=SETUP).rstrip("\n")
        place = f"/run/credentials/{MILTER.unit}/{CREDENTIAL}"
        files = [
            File(
                CONFIG,
                render(
                    "opendkim",
                    "opendkim.conf",
                    mode=("s" if signs else "") + ("v" if plan.services.antispam is not Antispam.NONE else ""),
                    signing=signing if signs else "# DKIM is off in the plan.",
                    hostname=context.hostname,
                    hosts=", ".join(("127.0.0.1", "::1", *_peers(context))),
                    socket=MILTER.socket,
                    resolver=layout.RESOLVER,
                ),
                append=OWN,
            ),
            File(
                DROP_IN,
                render(
                    "opendkim",
                    "opendkim.service.conf",
                    config=CONFIG,
                    credential=f"LoadCredential={CREDENTIAL}:{key}" if signs else "# no key",
                ),
            ),
        ]
        if signs:
            # % is the domain of the sender, which the table of domains has matched
            line = f"{KEY_NAME} %:{selector}:{place}"
            files.append(File(KEYS, render("opendkim", "keys", keys=line)))
            files.append(File(SETUP, render("opendkim", "setup.lua", own=OWN)))
        step = Step(
            id="opendkim",
            title="Configure OpenDKIM (DKIM)",
            component=self.name,
            items=(
                Directory(FOLDER),
                *files,
                Unit(MILTER.unit, restart_on=tuple(file.path for file in files)),
            ),
            validators=(("opendkim", "-n", "-x", CONFIG),),
        )
        return Contribution(
            packages=Packages(names=("opendkim",)),
            steps=(step,),
            ports=(Port(MILTER.port, "opendkim-milter", Scope.LOCAL, ask=Ask.MILTER),),
            probes=self._probes(key if signs else ""),
            findings=() if plan.services.antispam is Antispam.RSPAMD else (_NO_ARC,),
        )

    @staticmethod
    def _probes(key: str) -> tuple[Probe, ...]:
        found = (
            unit_active(MILTER.unit, "OpenDKIM (DKIM) runs"),
            listens(
                "opendkim.milter",
                "OpenDKIM listens on this server alone",
                MILTER.port,
                MILTER.unit,
            ),
        )
        if not key:
            return found
        return (
            *found,
            Probe(
                id="opendkim.key",
                proves="the DKIM private key exists, and other users cannot read it",
                argv=("stat", "-c", "%a", key),
                expect=r"^[64][40]0$",
                advice="run apply again; without the key, mail is sent unsigned",
            ),
        )


def _peers(context: Context) -> tuple[str, ...]:
    """The plan's other servers: their own mail is signed here too."""
    return tuple(context.internal_ip(peer.id) for peer in context.topology.peers)


_NO_ARC = (
    "Without Rspamd, forwarded mail has no ARC seal (RFC 8617): for receivers that trust seals, SPF and maybe DKIM "
    "of forwarded mail fail."
)

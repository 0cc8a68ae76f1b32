"""Dovecot on a front: verifies logins and proxies them to the server of the mailbox."""

from __future__ import annotations

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Directory, File, Packages, Probe, Step, Unit
from mailwiz_tui.stack.certificate import certificate_consumer
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.dovecot.clients import JAIL, PROGRAMS, SHOWN, client_ports, peers_read
from mailwiz_tui.stack.dovecot.logins import OWN_SCRIPT, PACKAGE, own_script_file
from mailwiz_tui.stack.dovecot.release import config_files
from mailwiz_tui.stack.private_link import after_network
from mailwiz_tui.stack.probes import clean_check, unit_active


class Front(Component):
    """Proxy of IMAP and ManageSieve to the stores, and SASL for Postfix."""

    name = "front"
    title = "Dovecot (IMAP proxy)"
    programs = PROGRAMS

    def wanted(self, context: Context) -> bool:
        """Servers that serve clients and have no mailboxes; a store that serves clients does both in one."""
        return context.topology.serves_clients and not context.topology.mailboxes.here

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """The proxy, its jail (by the client's own address) and its ports."""
        files = config_files(context)
        drop_in = after_network(context, "dovecot.service")
        step = Step(
            id="front",
            title="Configure Dovecot (IMAP proxy)",
            component=self.name,
            items=(
                Directory("/etc/dovecot/mailwiz.d"),
                Directory(f"{layout.POSTFIX_SPOOL}/private", "postfix", "root", 0o700),
                own_script_file(),
                *(File(path, text) for path, text in files.items()),
                drop_in,
                Unit("dovecot.service", restart_on=(OWN_SCRIPT, *files, drop_in.path, *peers_read(context))),
                certificate_consumer("dovecot.service", *SHOWN),
            ),
            validators=(("sh", "-c", "doveconf -n > /dev/null"),),
        )
        return Contribution(
            packages=Packages(
                names=(PACKAGE, "dovecot-core", "dovecot-imapd", "dovecot-managesieved", "dovecot-sieve")
            ),
            steps=(step,),
            kept=("/etc/dovecot/mailwiz.d",),
            ports=client_ports(context),
            probes=(
                unit_active("dovecot.service", "Dovecot (IMAP proxy) runs"),
                clean_check(
                    "dovecot.config",
                    "Dovecot accepts its configuration",
                    ("doveconf", "-n"),
                    refuse=r"(?m)^doveconf: (?:Fatal|Error|Warning)",
                ),
                Probe(
                    id="dovecot.accounts",
                    proves="Dovecot reads its copy of the accounts",
                    argv=("doveadm", "user", "*"),
                    expect=r"@",
                    advice="journalctl -u dovecot -u mailwiz-accounts -n 50",
                ),
            ),
            jails=(JAIL,),
        )

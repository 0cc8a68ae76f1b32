"""Dovecot: mailboxes and logins."""

from __future__ import annotations

from mailwiz_tui.plan.model import StorageType
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import (
    Ask,
    Command,
    Directory,
    File,
    Item,
    Packages,
    Port,
    PortTls,
    Probe,
    Scope,
    Step,
    Unit,
    User,
)
from mailwiz_tui.stack.bucket import mail_kind
from mailwiz_tui.stack.capacity import Capacity
from mailwiz_tui.stack.certificate import certificate_consumer
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.dovecot.clients import JAIL, PROGRAMS, SHOWN, client_ports, peers_read
from mailwiz_tui.stack.dovecot.logins import OWN_SCRIPT, PACKAGE, own_script_file
from mailwiz_tui.stack.dovecot.offers import OFFERS
from mailwiz_tui.stack.dovecot.on_volume import mail_on_volume
from mailwiz_tui.stack.dovecot.release import SIEVE_DIR, config_files, version
from mailwiz_tui.stack.dovecot.storage import INDEXES, mail_store
from mailwiz_tui.stack.private_link import after_network
from mailwiz_tui.stack.probes import clean_check, unit_active
from mailwiz_tui.stack.programs import folder, module
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.unit_words import UnitWords, Work

CONTAINERS = ("lxc", "systemd-nspawn", "docker", "podman", "openvz")
_INOTIFY = "/proc/sys/fs/inotify/max_user_instances"
SYSCTL = "/etc/sysctl.d/60-mailwiz-dovecot.conf"
FOREIGN_MARKS = (("X-Spam", "Yes"), ("X-Spam-Flag", "YES"))
"""The header fields of other spam filters, for a server without its own."""
SCRIPTS = ("junk", "learn-spam", "learn-ham")


class Dovecot(Component):
    """IMAP, LMTP, ManageSieve, quota and SASL."""

    name = "dovecot"
    title = "Dovecot (IMAP, LMTP)"
    on_volume = True
    offers = OFFERS
    programs = PROGRAMS
    units = (
        UnitWords(
            "dovecot",
            "nobody can read mail, and new mail waits in the queue",
            work=(Work.MAIL, Work.LOGINS),
            checks=("dovecot.", "sasl-gate.", "answers.mailwiz-sasl-gate", "tls.", "listeners.wanted", "reach."),
        ),
    )
    telling_packages = ("dovecot-imapd",)

    def wanted(self, context: Context) -> bool:
        """Servers with mailboxes."""
        return context.topology.mailboxes.here

    def meta(self, context: Context) -> dict[str, str]:
        """The format of mailboxes in the plan; existing mail in another format must be moved first."""
        return {"mail_format": mail_kind(context)}

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """One configuration file in place of Debian's; the operator's folder is read last."""
        storage = context.plan.storage.path
        files = config_files(context)
        mail = context.mail
        among = (after_network(context, "dovecot.service"),) if context.topology.mailboxes.on_stores else ()
        on_nfs = context.plan.storage.type is StorageType.NFS
        step = Step(
            id="dovecot",
            title="Configure Dovecot (IMAP, LMTP)",
            component=self.name,
            items=(
                User(layout.VMAIL_USER, uid=layout.VMAIL_UID, home=storage),
                *mail_on_volume(context),
                Directory(storage, layout.VMAIL_USER, layout.VMAIL_USER, 0o750),
                *((Directory(INDEXES, layout.VMAIL_USER, layout.VMAIL_USER, 0o700),) if on_nfs else ()),
                Directory("/etc/dovecot/mailwiz.d"),
                File(SYSCTL, render("dovecot", "sysctl.conf", instances=str(_instances(context)))),
                Directory(SIEVE_DIR),
                Directory(f"{layout.POSTFIX_SPOOL}/private", "postfix", "root", 0o700),
                *(File(f"{SIEVE_DIR}/{name}.sieve", text) for name, text in self._scripts(context).items()),
                *self._learner(context),
                File(layout.MAIL_STORE, mail_store(context)),
                *_escaped_folders(context),
                own_script_file(),
                *(File(path, text) for path, text in files.items()),
                *(
                    Command(
                        id=f"dovecot-{version(context)}.sieve.{name}",
                        argv=("sievec", f"{SIEVE_DIR}/{name}.sieve"),
                        unless=("test", "-s", f"{SIEVE_DIR}/{name}.svbin"),
                        inputs=(f"{SIEVE_DIR}/{name}.sieve",),
                        anywhere=True,
                    )
                    for name in SCRIPTS
                ),
                # in a container the limit is the host's
                Command(
                    id="dovecot.sysctl",
                    argv=("sh", "-c", f"sysctl -q -p {SYSCTL} || true"),
                    inputs=(SYSCTL,),
                    anywhere=True,
                ),
                *among,
                Unit(
                    "dovecot.service",
                    restart_on=(
                        OWN_SCRIPT,
                        *files,
                        *peers_read(context),
                        *(file.path for file in among),
                        *mail.mailbox_files,
                    ),
                    after=mail.account_units,
                ),
                *((certificate_consumer("dovecot.service", *SHOWN),) if context.topology.serves_clients else ()),
            ),
            validators=(("sh", "-c", "doveconf -n > /dev/null"),),
        )
        return Contribution(
            packages=Packages(
                names=(
                    PACKAGE,
                    "dovecot-core",
                    "dovecot-imapd",
                    "dovecot-lmtpd",
                    "dovecot-managesieved",
                    "dovecot-mysql",
                    "dovecot-sieve",
                    *filter(None, (context.mail.learner.package,)),
                )
            ),
            steps=(step,),
            kept=("/etc/dovecot/mailwiz.d",),
            ports=(*client_ports(context), *_peer_ports(context)),
            probes=self._probes(context),
            jails=(JAIL,) if context.topology.serves_clients else (),
        )

    @staticmethod
    def _learner(context: Context) -> tuple[File, ...]:
        """The learner that Dovecot calls when users move messages into or out of Junk."""
        learner = context.mail.learner
        return (File(learner.program, learner.script, mode=0o755),) if learner.script else ()

    @staticmethod
    def _scripts(context: Context) -> dict[str, str]:
        """The Sieve scripts by name; a message is spam if the spam filter's header says so."""
        tests = [f'header :is "{name}" "{value}"' for name, value in context.mail.junk_headers or FOREIGN_MARKS]
        spam = tests[0] if len(tests) == 1 else f"anyof ({', '.join(tests)})"
        return {
            name: render("dovecot", f"{name}.sieve", **({"spam": spam} if name == "junk" else {}))
            for name in SCRIPTS
        }

    @staticmethod
    def _probes(context: Context) -> tuple[Probe, ...]:
        return (
            *_waiting(context),
            unit_active("dovecot.service", "Dovecot (IMAP, LMTP) runs"),
            clean_check(
                "dovecot.config",
                "Dovecot accepts its configuration",
                ("doveconf", "-n"),
                refuse=r"(?m)^doveconf: (?:Fatal|Error|Warning)",
            ),
            Probe(
                id="dovecot.accounts",
                proves="Dovecot reads the accounts from the database",
                argv=("doveadm", "user", "*"),
                expect=r"@",
                advice="journalctl -u dovecot -n 50; accounts: mariadb postfix -e 'SELECT username FROM mailbox'",
            ),
        )


def _escaped_folders(context: Context) -> tuple[Item, ...]:
    """Renames folders that were created before Dovecot escaped names (not in sdbox)."""
    if context.plan.storage.type is StorageType.S3:
        return ()
    program = module("dovecot", "escape_folders")
    return (
        folder("dovecot"),
        program,
        Command(
            id="dovecot.escaped-folders",
            argv=("/usr/bin/python3", program.path, context.plan.storage.path),
            inputs=(program.path,),
            timeout=1800,
        ),
    )


def _waiting(context: Context) -> tuple[Probe, ...]:
    """Whether the kernel allows enough inotify instances; in a container its host decides."""
    if context.facts.virtualization in CONTAINERS:
        return ()
    clients = Capacity.of(context.facts).imap_connections
    return (
        Probe(
            id="dovecot.inotify",
            proves=f"{clients} IMAP clients can wait for new mail (inotify)",
            argv=("sh", "-c", f'[ "$(cat {_INOTIFY})" -ge {clients} ] && echo enough'),
            expect="enough",
            advice=f"sysctl -p {SYSCTL}",
        ),
    )


def _instances(context: Context) -> int:
    return Capacity.of(context.facts).inotify_instances


def _peer_ports(context: Context) -> tuple[Port, ...]:
    """The services that a store offers the plan's other servers."""
    if not context.topology.mailboxes.on_stores:
        return ()
    # LMTP greets like SMTP (RFC 2033)
    delivery = Port(layout.LMTP_PORT, "lmtp", Scope.PEERS, PortTls.STARTTLS, ask=Ask.SMTP)
    if context.topology.serves_clients:
        return (delivery,)
    return (
        delivery,
        Port(layout.IMAP_PORT, "imap", Scope.PEERS, PortTls.STARTTLS, ask=Ask.IMAP),
        Port(layout.SIEVE_PORT, "managesieve", Scope.PEERS, PortTls.STARTTLS),
    )

"""The file server for mailboxes: NFS 4.1, mounted by systemd, and Dovecot only with it.

While the mount is missing Dovecot does not run: LMTP does not answer, Postfix keeps mail in its queue on the local
disk and delivers it later. No file can be written to the mount point, which belongs to root and is immutable.
"""

from __future__ import annotations

from mailwiz_tui.plan.model import Storage, StorageType
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Command, Directory, File, Packages, Probe, Step, Unit
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.mail_parts import MailParts
from mailwiz_tui.stack.mounts import mount_unit
from mailwiz_tui.stack.probes import unit_active
from mailwiz_tui.stack.programs import folder, launcher, module
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.unit_words import UnitWords

UNITS = "/etc/systemd/system"
RETRY = "mailwiz-nfs.service"
TIMER = "mailwiz-nfs.timer"
DROPIN = f"{UNITS}/dovecot.service.d/mailwiz-nfs.conf"
CHECK = f"{layout.LIB_DIR}/check-nfs"
POINT = f"{layout.LIB_DIR}/nfs-mount-point"
REMOUNT = f"{layout.LIB_DIR}/nfs-remount"
PORT = 2049
OPTIONS = "vers=4.1,proto=tcp,hard,timeo=150,retrans=3,noatime,nodev,nosuid,noexec"
"""``hard``: no write is lost because the file server was slow. ``timeo`` is in tenths of a second (nfs(5)).

4.1, because the additions of 4.2 are of no use for mail and one of them does harm: with READ_PLUS (RFC 7862 section
15.10), which Debian 13's kernel uses, some file servers return zeros instead of the content.
"""

_MOUNTED_OR_CLOSED = 'findmnt -n -t nfs4 -M "$0" > /dev/null || [ "$(stat -c %a:%U "$0" 2> /dev/null)" = 0:root ]'


class Nfs(Component):
    """Mounts the export; Dovecot runs only with it."""

    name = "nfs"
    title = "NFS (mailboxes)"
    units = (
        UnitWords("*.mount", "the mailboxes on the file server cannot be reached"),
        UnitWords("mailwiz-nfs.timer", "the export is not mounted again after it was lost"),
    )
    telling_packages = ("nfs-common",)

    def wanted(self, context: Context) -> bool:
        """Servers with mailboxes, if these are on a file server."""
        return context.plan.storage.type is StorageType.NFS and context.topology.mailboxes.here

    def mail_parts(self, context: Context) -> MailParts:
        """Dovecot is bound to the mount."""
        return MailParts(mailbox_files=(DROPIN,)) if self.wanted(context) else MailParts()

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """A test of the export as the user of the mailboxes, then the mount."""
        storage = context.plan.storage
        unit = mount_unit(storage.path)
        source = storage.nfs_source
        text = render(self.name, "mailboxes.mount", source=source, path=storage.path, options=OPTIONS)
        check = module(self.name, "check_nfs")
        step = Step(
            id="nfs",
            title="Mount NFS (mailboxes)",
            component=self.name,
            items=(
                # NFS 4 needs neither the portmapper nor the lock daemon of NFS 3, which listen on all addresses
                Unit("rpcbind.socket", running=False, enabled=False, masked=True),
                Unit("rpcbind.service", running=False, enabled=False, masked=True),
                folder(self.name),
                check,
                launcher(self.name, "check_nfs", "check-nfs"),
                File(POINT, render(self.name, "nfs-mount-point"), mode=0o755),
                File(REMOUNT, render(self.name, "nfs-remount", path=storage.path, unit=unit), mode=0o755),
                File(f"{UNITS}/{unit}", text),
                File(f"{UNITS}/{RETRY}", render(self.name, RETRY, remount=REMOUNT)),
                File(f"{UNITS}/{TIMER}", render(self.name, TIMER)),
                Directory(f"{UNITS}/dovecot.service.d"),
                File(DROPIN, render(self.name, "dovecot.conf", unit=unit)),
                Command(
                    id="nfs.check",
                    argv=(CHECK, source, OPTIONS, str(layout.VMAIL_UID)),
                    inputs=(check.path, f"{UNITS}/{unit}"),
                    timeout=120,
                ),
                Command(
                    id="nfs.mount-point",
                    argv=(POINT, storage.path),
                    unless=("sh", "-c", _MOUNTED_OR_CLOSED, storage.path),
                ),
                Unit(unit, restart_on=(f"{UNITS}/{unit}",)),
                Unit(TIMER, restart_on=(f"{UNITS}/{TIMER}",)),
            ),
            validators=(("systemd-analyze", "verify", "--man=no", f"{UNITS}/{unit}", f"{UNITS}/{RETRY}"),),
        )
        return Contribution(
            packages=Packages(names=("e2fsprogs", "nfs-common")),
            steps=(step,),
            probes=self._probes(storage, unit),
            preflight=(_answers(storage, "nfs.reachable"),),
        )

    @staticmethod
    def _probes(storage: Storage, unit: str) -> tuple[Probe, ...]:
        path = storage.path
        return (
            unit_active(unit, "the file server (mailboxes) is mounted"),
            Probe(
                id="nfs.mounted",
                proves="the mailboxes are on the planned export, mounted hard (nfs(5)) with NFS 4.1",
                argv=("findmnt", "-n", "-o", "FSTYPE,SOURCE,OPTIONS", "-M", path),
                expect=rf"^nfs4\s+{_literal(storage.nfs_source)}\s+(?=\S*nosuid)(?=\S*vers=4\.1)\S*\bhard\b",
                advice=f"systemctl restart {unit}; journalctl -u {unit} -n 20",
            ),
            _answers(storage, "nfs.server"),
            Probe(
                id="nfs.free",
                proves="at least 1 GB and a tenth of the file server's disk are free",
                argv=(
                    "sh",
                    "-c",
                    f"timeout 10 df --output=avail,pcent -B1M {path} | tail -1",
                ),
                expect=r"^\s*[0-9]{4,}\s+(?:[0-9]|[1-8][0-9])%",
                advice=f"free space on {storage.nfs_server} or enlarge the export; else mail is deferred",
            ),
            Probe(
                id="nfs.mount-point",
                proves="nothing can be written to the mount point while the mount is missing",
                argv=("unshare", "-m", "sh", "-c", f"umount -l {path} && stat -c '%a %U' {path}"),
                expect=r"(?m)^0 root$",
                advice=f"unmount {path} and run {POINT} {path}",
            ),
            Probe(
                id="nfs.timer",
                proves="a missing mount is retried every 30 s",
                argv=("systemctl", "is-active", "--", TIMER),
                expect=r"(?m)^active$",
                advice=f"systemctl enable --now {TIMER}",
            ),
        )


def _answers(storage: Storage, check_id: str) -> Probe:
    server = storage.nfs_server
    script = f"exec 3<>/dev/tcp/{server}/{PORT}"
    return Probe(
        id=check_id,
        proves=f"the file server {server} answers on port {PORT}",
        argv=("timeout", "8", "bash", "-c", script),
        advice=f"check that {server} runs, that its name resolves, and that no firewall blocks TCP {PORT}",
    )


def _literal(text: str) -> str:
    return "".join(f"[{char}]" if char in ".+" else f"\\{char}" if char in "[]" else char for char in text)

"""The bucket for old mail: Debian's rclone mounts it, Dovecot's alternative storage is on the mount.

rclone rather than s3fs, because its cache accepts writes without the bucket and uploads them later, survives a
restart, and answers with an error instead of an empty directory while the bucket cannot be reached.
"""

from __future__ import annotations

from mailwiz_tui.plan.model import StorageType
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Directory, File, Packages, Probe, SecretSpec, Step, Unit
from mailwiz_tui.stack.bucket import bucket
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.probes import unit_active
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.unit_words import UnitWords

FOLDER = f"{layout.CONF_DIR}/objectstore"
CONFIG = f"{FOLDER}/rclone.conf"
STATE = "/var/lib/mailwiz-objectstore"
CACHE = f"{STATE}/cache"
UNITS = "/etc/systemd/system"
SERVICE = "mailwiz-objectstore.service"
MOVE = "mailwiz-altmove.service"
TIMER = "mailwiz-altmove.timer"
_OFF = (Unit(TIMER, running=False, enabled=False), Unit(SERVICE, running=False, enabled=False))


class ObjectStore(Component):
    """Mounts the bucket before Dovecot starts, and moves old mail there every night."""

    name = "objectstore"
    title = "rclone (object storage)"
    units = (
        UnitWords("mailwiz-objectstore", "old mail cannot be read"),
        UnitWords("mailwiz-altmove.timer", "old mail is not moved to the object store"),
    )
    telling_packages = ("rclone",)

    def wanted(self, context: Context) -> bool:
        """Servers with mailboxes."""
        return context.topology.mailboxes.here

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """With S3 storage the mount and its timer; else both are off, and the bucket stays unchanged."""
        storage = context.plan.storage
        if storage.type is not StorageType.S3:
            return Contribution(steps=(Step("objectstore", "Keep object storage off", self.name, _OFF),))
        service = render(
            self.name,
            SERVICE,
            mount=layout.OBJECT_STORE_MOUNT,
            cache=CACHE,
            uid=str(layout.VMAIL_UID),
            config=CONFIG,
            bucket=bucket(context),
        )
        move = render(
            self.name,
            MOVE,
            days=str(storage.s3_after_days),
            config=CONFIG,
            bucket=storage.s3_bucket,
            lock=layout.OLD_MAIL_LOCK,
        )
        step = Step(
            id="objectstore",
            title="Mount object storage (rclone)",
            component=self.name,
            items=(
                Directory(FOLDER, mode=0o700),
                Directory(STATE),
                Directory(CACHE, mode=0o700),
                File(CONFIG, self._config(context), mode=0o600),
                File(f"{UNITS}/{SERVICE}", service),
                File(f"{UNITS}/{MOVE}", move),
                File(f"{UNITS}/{TIMER}", render(self.name, TIMER)),
                Unit(SERVICE, restart_on=(CONFIG, f"{UNITS}/{SERVICE}")),
                Unit(TIMER, restart_on=(f"{UNITS}/{TIMER}",)),
            ),
        )
        secret = SecretSpec("s3-key", given=f"secret half of the access key {storage.s3_access_key} (old mail)")
        return Contribution(
            packages=Packages(names=("fuse3", "rclone")),
            secrets=(secret,),
            steps=(step,),
            probes=self._probes(context),
        )

    @staticmethod
    def _config(context: Context) -> str:
        storage = context.plan.storage
        return render(
            "objectstore",
            "rclone.conf",
            endpoint=storage.s3_endpoint,
            region=storage.s3_region,
            access_key=storage.s3_access_key,
        )

    @staticmethod
    def _probes(context: Context) -> tuple[Probe, ...]:
        ask = ("rclone", "lsf", f"store:{context.plan.storage.s3_bucket}", "--config", CONFIG, "--max-depth", "1")
        quick = ("--contimeout", "5s", "--timeout", "10s", "--retries", "1", "--low-level-retries", "1")
        advice = "new mail is not affected; check that the endpoint answers and that the access key is right"
        return (
            unit_active(SERVICE, "the object store (old mail) is mounted"),
            Probe(
                id="objectstore.mounted",
                proves="old mail is on the object store's mount, not on the local disk",
                argv=("findmnt", "-n", "-o", "FSTYPE", layout.OBJECT_STORE_MOUNT),
                expect=r"(?m)^fuse\.rclone$",
                advice=f"systemctl restart {SERVICE}",
            ),
            Probe(
                id="objectstore.bucket",
                proves="the bucket answers, so old mail can be read",
                argv=(*ask, *quick),
                advice=advice,
            ),
            Probe(
                id="objectstore.move",
                proves="the last move of old mail into the bucket succeeded",
                argv=("systemctl", "show", "-p", "Result", "--value", MOVE),
                expect=r"(?m)^success$",
                advice=f"journalctl -u {MOVE} -n 50; again: systemctl start {MOVE}",
            ),
            Probe(
                id="objectstore.timer",
                proves="old mail is moved every night",
                argv=("systemctl", "is-active", "--", TIMER),
                expect=r"(?m)^active$",
                advice=f"systemctl enable --now {TIMER}",
            ),
        )

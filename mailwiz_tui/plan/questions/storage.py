"""Step 6: where mailboxes are kept."""

from __future__ import annotations

from mailwiz_tui.plan.spec import Choice, FieldKind, FieldSpec, ShownWhen, StepSpec

_NFS = (ShownWhen("storage.type", ("nfs",)),)
_S3 = (ShownWhen("storage.type", ("s3",)),)
_BACKUP = (ShownWhen("backup.target", ()),)

STEP = StepSpec(
    id="storage",
    number=6,
    title="Storage",
    summary="Where mailboxes and their backup are kept.",
    help=(
        "Maildir keeps each mail in a file of its own on the server's disk: simple, fast, easy to back up.\n\n"
        "NFS keeps them on a file server, so that several nodes can share them. Object storage takes old mail "
        "only: "
        "new mail stays on the local disk, so an unreachable bucket delays nothing.\n\n"
        "A backup is made every night, encrypted, to a directory or a bucket."
    ),
    fields=(
        FieldSpec(
            path="storage.type",
            label="Kind",
            help="The local disk is right for most.",
            kind=FieldKind.CHOICE,
            choices=(
                Choice(
                    "maildir",
                    "Local disk",
                    "A file for each mail on the server's own disk.",
                    "Nothing else has to work for mail to be delivered and read. Plan 5 GB for each person, and "
                    "make the backup below.",
                ),
                Choice(
                    "nfs",
                    "NFS",
                    "On a file server; several nodes can share it.",
                    "While the file server is away nobody reads mail and new mail waits in the queue. It should be "
                    "near, redundant, and export to the mail servers alone: NFS itself asks for no password.",
                ),
                Choice(
                    "s3",
                    "Object storage",
                    "Old mail moves to an S3 bucket, new mail stays local.",
                    "Cheap room for archives. Mail older than some weeks moves there every night; while the bucket "
                    "is away only such old mail cannot be opened.",
                ),
            ),
            example="maildir",
            why=(
                "It can be changed later only by moving the mail: an installation with another kind is refused "
                "while mail lies in the former place."
            ),
        ),
        FieldSpec(
            path="storage.path",
            label="Directory",
            help="A directory of its own, on a disk with room to grow.",
            example="/var/vmail",
            why="Everything below it belongs to the user vmail; the installation makes it.",
        ),
        FieldSpec(
            path="storage.nfs_server",
            label="NFS server",
            help="Name or address of the file server; it is asked for NFS 4.1 on port 2049.",
            example="nfs.internal.example.com",
            why="While it is away mail waits in the queue on the local disk; nothing is lost or bounced.",
            shown_when=_NFS,
        ),
        FieldSpec(
            path="storage.nfs_export",
            label="Exported path",
            help="What the file server exports to the mail servers.",
            example="/srv/vmail",
            why=(
                "It has to belong to uid and gid 5000 (chown 5000:5000, chmod 750), or root must be allowed to "
                "make it so. Users must not be squashed. The installation tries it out before mail is put there."
            ),
            shown_when=_NFS,
        ),
        FieldSpec(
            path="storage.s3_endpoint",
            label="Endpoint",
            help="Where the object store answers; its keys are asked for at the installation.",
            example="https://s3.eu-central-1.amazonaws.com",
            shown_when=_S3,
        ),
        FieldSpec(
            path="storage.s3_bucket",
            label="Bucket",
            help="3 to 63 lower-case letters, digits and hyphens.",
            example="example-mail",
            shown_when=_S3,
        ),
        FieldSpec(
            path="storage.s3_region",
            label="Region",
            help="As your provider names it; may be empty.",
            example="eu-central-1",
            shown_when=_S3,
        ),
        FieldSpec(
            path="storage.s3_access_key",
            label="Access key",
            help="Its id, which is no secret; the secret half is asked for when needed.",
            example="AKIAIOSFODNN7EXAMPLE",
            shown_when=_S3,
        ),
        FieldSpec(
            path="storage.s3_after_days",
            label="Moved after",
            help="Days that mail stays on the local disk before it moves to the bucket.",
            kind=FieldKind.INT,
            example="30",
            shown_when=_S3,
        ),
        FieldSpec(
            path="backup.target",
            label="Backup to",
            help="A directory, or s3:https://endpoint/bucket; empty makes no backup.",
            example="/srv/backup",
            why=(
                "Every night accounts, mail and your own settings are copied, encrypted, by restic. The "
                "recovery key is shown once after the installation: without it no copy can be read, so keep it "
                "elsewhere. A directory on the server's own disk does not survive the disk. Each of several stores "
                "makes its own copy, in a folder of its name below this place, and has a key of its own."
            ),
        ),
        FieldSpec(
            path="backup.s3_access_key",
            label="Backup access key",
            help="For a backup in an object store: the id of the access key.",
            example="AKIAIOSFODNN7EXAMPLE",
            shown_when=_BACKUP,
        ),
        FieldSpec(
            path="backup.s3_region",
            label="Backup region",
            help="For a backup in an object store: as your provider names it; may be empty.",
            example="eu-central-1",
            shown_when=_BACKUP,
        ),
        FieldSpec(
            path="backup.keep_daily",
            label="Daily copies",
            help="How many daily copies are kept.",
            kind=FieldKind.INT,
            example="7",
            shown_when=_BACKUP,
        ),
        FieldSpec(
            path="backup.keep_weekly",
            label="Weekly copies",
            help="How many weekly copies are kept.",
            kind=FieldKind.INT,
            example="5",
            shown_when=_BACKUP,
        ),
        FieldSpec(
            path="backup.keep_monthly",
            label="Monthly copies",
            help="How many monthly copies are kept.",
            kind=FieldKind.INT,
            example="12",
            shown_when=_BACKUP,
        ),
    ),
    owns=("storage", "backup"),
    depends_on=("architecture", "servers"),
)

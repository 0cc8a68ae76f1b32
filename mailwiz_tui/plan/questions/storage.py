"""Step 6: the storage of mailboxes, and backups."""

from __future__ import annotations

from mailwiz_tui.plan.spec import Choice, FieldKind, FieldSpec, ShownWhen, StepSpec

_NFS = (ShownWhen("storage.type", ("nfs",)),)
_S3 = (ShownWhen("storage.type", ("s3",)),)
_BACKUP = (ShownWhen("backup.target", ()),)

STEP = StepSpec(
    id="storage",
    number=6,
    title="Storage",
    summary="Where mailboxes and their backups are stored.",
    help=(
        "Maildir stores each message in its own file on the server's disk: simple, fast, easy to back "
        "up.\n\nNFS stores the files on a file server, so that several nodes can share them. Object "
        "storage holds old messages only: new messages stay on the local disk, so an unreachable "
        "bucket delays no delivery.\n\nAn encrypted backup is made every night, to a directory or a "
        "bucket."
    ),
    fields=(
        FieldSpec(
            path="storage.type",
            label="Kind",
            help="The local disk is the right choice for most.",
            kind=FieldKind.CHOICE,
            choices=(
                Choice(
                    "maildir",
                    "Local disk",
                    "One file for each message on the server's own disk.",
                    "Delivery and reading depend on no other server. Plan 5 GB for each person, and "
                    "configure the backup below.",
                ),
                Choice(
                    "nfs",
                    "NFS",
                    "On a file server; several nodes can share it.",
                    "While the file server is unreachable, nobody can read mail and new messages wait "
                    "in the queue. It should be near and redundant, and export to the mail servers "
                    "only: NFS asks for no password.",
                ),
                Choice(
                    "s3",
                    "Object storage",
                    "Old messages move to an S3 bucket, new ones stay local.",
                    "Cheap storage for archives. Messages older than some weeks move there every "
                    "night; while the bucket is unreachable, only these messages cannot be opened.",
                ),
            ),
            example="maildir",
            why=(
                "To change it later you must move the mail: an installation with another kind is "
                "refused while the former place contains mail."
            ),
        ),
        FieldSpec(
            path="storage.path",
            label="Directory",
            help="A directory used for nothing else, on a disk with enough space.",
            example="/var/vmail",
            why="Everything below it belongs to the user vmail; the installation creates it.",
        ),
        FieldSpec(
            path="storage.nfs_server",
            label="NFS server",
            help="Name or address of the file server; it must offer NFS 4.1 on port 2049.",
            example="nfs.internal.example.com",
            why=("While it is unreachable, mail waits in the queue on the local disk; no mail is lost or bounced."),
            shown_when=_NFS,
        ),
        FieldSpec(
            path="storage.nfs_export",
            label="Exported path",
            help="The path that the file server exports to the mail servers.",
            example="/srv/vmail",
            why=(
                "It must belong to uid and gid 5000 (chown 5000:5000, chmod 750), or root must be "
                "allowed to change its owner. Users must not be squashed. The installation tests this "
                "before mail is stored there."
            ),
            shown_when=_NFS,
        ),
        FieldSpec(
            path="storage.s3_endpoint",
            label="Endpoint",
            help="URL of the object store; its secret key is asked at the installation.",
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
            help="The id of the access key, not the secret; the secret is asked when needed.",
            example="AKIAIOSFODNN7EXAMPLE",
            shown_when=_S3,
        ),
        FieldSpec(
            path="storage.s3_after_days",
            label="Moved after",
            help="Days that messages stay on the local disk before they move to the bucket.",
            kind=FieldKind.INT,
            example="30",
            shown_when=_S3,
        ),
        FieldSpec(
            path="backup.target",
            label="Backup to",
            help="A directory, or s3:https://endpoint/bucket; empty means no backup.",
            example="/srv/backup",
            why=(
                "Every night restic copies accounts, mail and your own settings, encrypted. The "
                "recovery key is shown once after the installation: without it no backup can be read, "
                "so store it elsewhere. A backup on the server's own disk is lost with that disk. If "
                "there are several storage servers, each makes its own backup, in a folder of its "
                "name below this place, with its own key. Old mail in the bucket is in the backup "
                "too: the first one downloads all of it (10 min to 1 h for each 100,000 messages), later ones "
                "only list the bucket; the backup takes as much space as the bucket. A restore uploads "
                "what the bucket lacks."
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

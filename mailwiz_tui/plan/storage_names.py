"""Names of storage: directories on servers, files beside the plan, buckets.

Every function returns the normalised value or raises ``ValueError`` with a sentence for the operator.
"""

from __future__ import annotations

import re

from mailwiz_tui.plan.dnsnames import is_ip, refuse_invisible, shortened
from mailwiz_tui.plan.hosts import http_url

_PATH = re.compile(r"[A-Za-z0-9._/@+-]+")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ACCESS_KEY = re.compile(r"[A-Za-z0-9._/+=-]{1,128}")
_PREFIX = re.compile(r"[A-Za-z0-9._/-]*")
_REGION = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")

SYSTEM_TREES = (
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/lost+found", "/proc", "/root", "/run", "/sbin",
    "/sys", "/tmp", "/usr", "/var/backups", "/var/cache", "/var/crash", "/var/lib/apt", "/var/lib/clamav",  # noqa: S108
    "/var/lib/dovecot", "/var/lib/spamassassin",
    "/var/lib/dpkg", "/var/lib/mailwiz", "/var/lib/mysql", "/var/lib/postfix", "/var/lib/redis", "/var/lib/rspamd",
    "/var/lib/systemd", "/var/lock", "/var/log", "/var/run", "/var/spool/cron", "/var/spool/postfix", "/var/tmp",  # noqa: S108
    "/var/www",
)  # fmt: skip
SHARED_DIRECTORIES = (
    "/", "/home", "/media", "/mnt", "/opt", "/srv", "/var", "/var/lib", "/var/local", "/var/mail", "/var/opt",
    "/var/spool", "/var/spool/mail",
)  # fmt: skip


def absolute_path(text: str) -> str:
    """A directory for mailboxes: absolute, plain characters, not one of the system."""
    path = exported_path(text)
    if path in SHARED_DIRECTORIES:
        hint = "/var/vmail" if path == "/" else f"{path}/vmail"
        raise ValueError(f"{path} belongs to the system; choose a directory of its own, like {hint}")
    for tree in SYSTEM_TREES:
        if path == tree or path.startswith(tree + "/"):
            raise ValueError(f"{path} is in {tree}, which the system uses; choose a directory like /var/vmail")
    return path


def exported_path(text: str) -> str:
    """An absolute path on another server (an NFS export); ``/`` is possible there."""
    refuse_invisible(text, "path")
    shown = shortened(text)
    if not text:
        raise ValueError("a path is needed, like /var/vmail")
    if not text.startswith("/"):
        raise ValueError(f"“{shown}” is not an absolute path; it must begin with /")
    if not _PATH.fullmatch(text):
        strange = "".join(sorted(set(re.sub(r"[A-Za-z0-9._/@+-]", "", text))))
        raise ValueError(f"“{shown}” contains {strange}, which has a special meaning in configuration files")
    parts = [part for part in text.split("/") if part]
    if ".." in parts or "." in parts:
        raise ValueError(f"“{shown}” contains . or .. as a directory; write the path out")
    path = "/" + "/".join(parts)
    if len(path) > 1000 or any(len(part) > 255 for part in parts):
        raise ValueError(f"“{shown}” is too long for a path")
    return path


def local_file(text: str) -> str:
    """The path of a file on the operator's machine, absolute or beside the plan."""
    if text != text.strip():
        raise ValueError("the path has a space, a tab or a line break at its beginning or end")
    if not text.isprintable():
        raise ValueError("the path contains an invisible character")
    if text.endswith("/") or text in (".", ".."):
        raise ValueError(f"“{shortened(text)}” is a directory; the path of a file is needed")
    if text.startswith("-----BEGIN"):
        raise ValueError("this is the content of a file; write its path, because a plan has no secrets")
    return text


def bucket_name(text: str) -> str:
    """An S3 bucket: 3 to 63 lower-case letters, digits, hyphens and dots (Amazon S3's naming rules)."""
    refuse_invisible(text, "bucket name")
    shown = shortened(text)
    if not 3 <= len(text) <= 63:
        raise ValueError(f"“{shown}” has {len(text)} characters; a bucket name has 3 to 63")
    if text != text.lower():
        raise ValueError(f"“{shown}” has capital letters, which a bucket name cannot have")
    if not _BUCKET.fullmatch(text):
        raise ValueError(
            f"“{shown}” is not a bucket name: letters, digits, hyphens and dots, no hyphen at either end"
        )
    if ".." in text or ".-" in text or "-." in text:
        raise ValueError(f"“{shown}” has a dot beside another dot or a hyphen, which a bucket name cannot have")
    if is_ip(text):
        raise ValueError(f"“{shown}” looks like an IP address, which a bucket name cannot")
    if text.startswith(("xn--", "sthree-", "amzn-s3-demo-")) or text.endswith(
        ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
    ):
        raise ValueError(f"“{shown}” begins or ends with a reserved part of S3")
    return text


def region_name(text: str) -> str:
    """An S3 region, like ``eu-central-1`` or ``garage``."""
    refuse_invisible(text, "region")
    if not _REGION.fullmatch(text):
        raise ValueError(
            f"“{shortened(text)}” is not a region: lower-case letters, digits and hyphens, like eu-central-1"
        )
    return text


def access_key(text: str) -> str:
    """The id of an object store's access key; the secret key is asked for later."""
    refuse_invisible(text, "access key")
    if not _ACCESS_KEY.fullmatch(text):
        raise ValueError(
            f"“{shortened(text)}” is not an access key's id: up to 128 letters, digits and . _ / + = -"
        )
    return text


def backup_target(text: str) -> str:
    """A directory on the server, or ``s3:https://endpoint/bucket/prefix`` in the form of restic(1)."""
    if text.startswith("/var/backups/"):
        return exported_path(text)
    if not text.startswith("s3:"):
        return absolute_path(text)
    shown = shortened(text)
    url = http_url(text.removeprefix("s3:"))
    scheme, _, rest = url.partition("://")
    host, _, path = rest.partition("/")
    bucket, _, prefix = path.partition("/")
    if not bucket:
        raise ValueError(f"“{shown}” has no bucket; write s3:https://endpoint/bucket")
    if not _PREFIX.fullmatch(prefix) or ".." in prefix:
        raise ValueError(f"“{shown}” has a prefix with other characters than letters, digits and . _ / -")
    return f"s3:{scheme}://{host}/{bucket_name(bucket)}" + (f"/{prefix.strip('/')}" if prefix.strip("/") else "")

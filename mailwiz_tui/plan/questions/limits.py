"""The limits at the end of step 5; the defaults are right for most."""

from __future__ import annotations

from mailwiz_tui.plan.spec import FieldKind, FieldSpec

LIMITS = (
    FieldSpec(
        path="limits.message_size_mb",
        label="Message size",
        help="Maximum message size in MB, including the encoded attachments.",
        kind=FieldKind.INT,
        unit="MB",
        example="50",
        why=(
            "Postfix rejects larger messages (552). The virus scanner, the spam filter and the "
            "webmail are configured for messages of this size. Base64 encoding makes attachments a "
            "third larger: a message of 50 MB carries a file of 37 MB. Many providers accept 25 to 50 "
            "MB and reject larger messages."
        ),
        further=True,
    ),
    FieldSpec(
        path="limits.mailbox_quota_gb",
        label="Mailbox quota",
        help="GB for each mailbox that has no quota of its own; 0 means no limit.",
        kind=FieldKind.INT,
        unit="GB",
        example="0",
        why=(
            "Mail for a full mailbox is rejected during the SMTP session, so this server sends no "
            "bounce. A mailbox can have its own quota (u on the start screen, or mailbox set "
            "--quota); this value applies to all others."
        ),
        further=True,
    ),
    FieldSpec(
        path="limits.sent_per_hour",
        label="Sent per hour",
        help="Recipients that each login can send to at once, and again each hour.",
        kind=FieldKind.INT,
        unit="recipients",
        example="100",
        why=(
            "Attackers use a stolen password to send spam, and other providers then reject all mail "
            "from the server. Messages above the limit are deferred (451), and mail programs retry; "
            "the limit for a day is ten times as high. Newsletters need a higher limit, or a "
            "newsletter service."
        ),
        further=True,
    ),
    FieldSpec(
        path="limits.imap_append_mb",
        label="Largest upload",
        help="Maximum MB of a message saved over IMAP (APPEND); 0 means no limit.",
        kind=FieldKind.INT,
        unit="MB",
        example="0",
        why=(
            "Messages that users copy from another server can be larger than the messages accepted "
            "today; mail programs upload them with the IMAP command APPEND. A limit below the message "
            "size is not allowed: mail programs could not save sent messages."
        ),
        further=True,
    ),
)

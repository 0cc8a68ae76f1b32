"""The limits, asked at the end of step 5: the defaults are right for most."""

from __future__ import annotations

from mailwiz_tui.plan.spec import FieldKind, FieldSpec

LIMITS = (
    FieldSpec(
        path="limits.message_size_mb",
        label="Message size",
        help="Largest message in MB, with its attachments as they travel.",
        kind=FieldKind.INT,
        example="50",
        why=(
            "Postfix refuses larger messages (552); virus scanner, spam filter and webmail are set to look at all "
            "that it accepts. Attachments grow by a third on their way (base64): 50 MB carry a file of 37 MB. Many "
            "providers accept 25 to 50 MB, so larger messages seldom arrive elsewhere."
        ),
        further=True,
    ),
    FieldSpec(
        path="limits.mailbox_quota_gb",
        label="Mailbox quota",
        help="GB for each mailbox without a quota of its own; 0 for no limit.",
        kind=FieldKind.INT,
        example="0",
        why=(
            "A full mailbox is refused while the sender is still connected, so nobody gets a bounce. Mailboxes can "
            "have a quota of their own (u on the start screen, or mailbox set --quota); this one holds for all "
            "others."
        ),
        further=True,
    ),
    FieldSpec(
        path="limits.sent_per_hour",
        label="Sent per hour",
        help="Recipients for each login at once, and again each hour.",
        kind=FieldKind.INT,
        example="100",
        why=(
            "A stolen password is used to send spam, and then the whole world refuses the server. Above the limit "
            "messages are deferred (451), and mail programs try again; a day allows ten times as many. Newsletters "
            "need more, or a service for them."
        ),
        further=True,
    ),
    FieldSpec(
        path="limits.imap_append_mb",
        label="Largest upload",
        help="MB that a user may put into a folder in one message; 0 for no limit.",
        kind=FieldKind.INT,
        example="0",
        why=(
            "Archives that users bring along from another server hold messages that are larger than those that "
            "arrive today; the IMAP command APPEND takes them. With a limit below the message size mail programs "
            "could not save what they sent, so it is refused."
        ),
        further=True,
    ),
)

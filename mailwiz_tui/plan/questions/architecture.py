"""Step 1: how many servers share the work."""

from __future__ import annotations

from mailwiz_tui.plan.spec import Choice, FieldKind, FieldSpec, StepSpec

STEP = StepSpec(
    id="architecture",
    number=1,
    title="Architecture",
    summary="How many servers share the work.",
    help=(
        "One server is enough for most organisations: it holds some thousand mailboxes. While it is "
        "down, senders keep their messages in the queue and retry for days (RFC 5321 section "
        "4.5.4.1), so a short outage loses no mail.\n\nWith several servers, the mailboxes are not on "
        "the servers that accept connections from the internet, and each server can be enlarged "
        "separately. A cluster keeps working when one node fails; it needs the most administration."
    ),
    fields=(
        FieldSpec(
            path="architecture",
            label="Architecture",
            help="One server is enough for some thousand mailboxes; more can be planned later.",
            kind=FieldKind.CHOICE,
            choices=(
                Choice(
                    "single",
                    "One server",
                    "Everything on one Debian server. Simple, cheap, done in ten minutes.",
                    "A machine with 2 GB of memory (4 GB with ClamAV) and one public address is "
                    "enough for some hundred people. Configure the nightly backup in step 6: without "
                    "it a failed disk loses all mail.",
                ),
                Choice(
                    "distributed",
                    "Several servers with roles",
                    ("Inbound, outbound, storage and filter on separate servers, joined by private links."),
                    "The servers that accept mail from the internet hold no mailboxes, and the server "
                    "that stores the mailboxes is not reachable from the internet. Each server can be "
                    "enlarged, restarted or replaced separately. All traffic between them is "
                    "encrypted and uses the private links.",
                ),
                Choice(
                    "ha-cluster",
                    "Cluster",
                    "Two servers with the same mail and a third vote; mail service survives the loss of one.",
                    "Each message is on two disks before it is accepted. When the active server fails, the "
                    "other one takes mailboxes and address over within seconds; three votes decide which. "
                    "Both must be in one network, a few milliseconds apart. It is no backup: what a user "
                    "deletes is deleted on both. Mail in the queue of a failed server waits for it.",
                ),
            ),
            example="single",
            why=("This determines the roles in step 2, and which servers need an address on a private link."),
        ),
    ),
    owns=("architecture", "version"),
)

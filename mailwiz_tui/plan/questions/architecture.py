"""Step 1: how many servers share the work."""

from __future__ import annotations

from mailwiz_tui.plan.spec import Choice, FieldKind, FieldSpec, StepSpec

STEP = StepSpec(
    id="architecture",
    number=1,
    title="Architecture",
    summary="How many servers share the work.",
    help=(
        "One server is right for most: it holds some thousand mailboxes, and mail that arrives while it is down "
        "waits "
        "at the senders for days (RFC 5321 section 4.5.4.1), so a short outage loses nothing.\n\n"
        "Several servers with roles keep the mailboxes away from the servers that face the internet, and let each "
        "grow by itself. A cluster goes on working when a node is lost; it costs the most attention."
    ),
    fields=(
        FieldSpec(
            path="architecture",
            label="Architecture",
            help="One server does for some thousand mailboxes; more can be planned later.",
            kind=FieldKind.CHOICE,
            choices=(
                Choice(
                    "single",
                    "One server",
                    "Everything on one Debian server. Simple, cheap, done in ten minutes.",
                    "A machine with 2 GB of memory (4 GB with ClamAV) and one public address is enough for some "
                    "hundred people. Make the nightly backup of step 6: it is what saves you when the disk dies.",
                ),
                Choice(
                    "distributed",
                    "Several servers with roles",
                    "Inbound, outbound, storage and filter on servers of their own, joined by private links.",
                    "The server that strangers talk to then holds no mailbox, and the one that holds the mailboxes "
                    "is not reachable from the internet. Each part can be made larger, restarted or replaced by "
                    "itself. Between them everything is encrypted, over links that the installation makes.",
                ),
                Choice(
                    "ha-cluster",
                    "Cluster",
                    "Two or more equal nodes behind one address; the loss of one is survived.",
                    "Users connect to one virtual address, which another node takes over within seconds. The nodes "
                    "must share a network. Three keep a majority when one is lost; two cannot tell a dead peer "
                    "from a cut cable.",
                ),
            ),
            example="single",
            why="It decides which roles step 2 asks for, and which servers need an address on a private link.",
        ),
    ),
    owns=("architecture", "version"),
)

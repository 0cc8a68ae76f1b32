"""Step 2: the servers, their roles, and the network between them."""

from __future__ import annotations

from mailwiz_tui.plan.spec import Choice, FieldKind, FieldSpec, ShownWhen, StepSpec

_CLUSTER = (ShownWhen("architecture", ("ha-cluster",)),)

STEP = StepSpec(
    id="roles",
    number=2,
    title="Server roles",
    summary="The servers of the plan, and the roles of each.",
    help=(
        "You choose servers from the inventory, a file that says how to reach each server over SSH. "
        "mailwiz-tui connects to inspect them (system, memory, addresses, running services) and "
        "changes nothing before step 8.\n\nmx-inbound receives mail from other hosts on port 25. "
        "mx-outbound accepts mail from your users (ports 465 and 587) and sends it to other hosts. "
        "mail-storage stores the mailboxes and serves them over IMAP. antispam filters mail. "
        "all-in-one has all of these roles.\n\nIn a cluster two servers hold mail: they are all-in-one and "
        "replace each other. Each further server votes; 1 and 4 let it receive and filter mail too, or not. "
        "3 changes whether a server holds mail.\n\nSeveral servers communicate over private links "
        "(WireGuard, or an existing network), so each needs an internal address."
    ),
    fields=(
        FieldSpec(
            path="servers",
            label="Servers",
            help="Space selects a server, Enter connects to it; its roles are set beside it.",
            kind=FieldKind.SERVERS,
            example="mx1: all-in-one",
            why=(
                "A mail server needs a fixed public address with a matching reverse name (PTR), and port 25 open "
                "in "
                "both directions; many providers open it on request only."
            ),
        ),
        FieldSpec(
            path="network.private",
            label="Private link",
            help="Network between the servers: WireGuard, or one that exists already.",
            kind=FieldKind.CHOICE,
            choices=(
                Choice(
                    "wireguard", "WireGuard", ("encrypted links between all servers, set up by the installation")
                ),
                Choice("existing", "existing network", ("each server already has its internal address in it")),
            ),
            why=(
                "The servers exchange accounts, mail and the spam filter's results over internal "
                "addresses only, and always inside TLS. WireGuard needs UDP port 51820 open between "
                "the servers' public addresses; each server generates its own private key, which "
                "never leaves it. Choose an existing network if the provider gives your servers a "
                "private one (VLAN, VPC); it is used as it is and never configured."
            ),
            shown_when=(ShownWhen("architecture", ("distributed", "ha-cluster")),),
        ),
        FieldSpec(
            path="cluster.virtual_ip",
            label="Virtual address",
            help="A free IPv4 address in the servers' network; it moves with the mailboxes.",
            example="203.0.113.10",
            why=(
                "Users connect to this address only. When the server that has it fails, the other one takes it "
                "over within seconds. It must be unused and in the same network as both servers; providers of "
                "single rented servers often cannot offer one."
            ),
            shown_when=_CLUSTER,
        ),
        FieldSpec(
            path="cluster.virtual_ipv6",
            label="IPv6",
            help="A free IPv6 address in the servers' network, if users have IPv6.",
            example="2001:db8::10",
            why="It moves in the same way as the IPv4 address.",
            shown_when=_CLUSTER,
        ),
        FieldSpec(
            path="cluster.witness",
            label="Witness",
            help="The server that votes and holds no mail; a small one is enough.",
            example="mx3",
            why=(
                "Two servers cannot tell a failed peer from a broken link: only with a third vote it is certain "
                "which of them may go on. The witness may receive and filter mail too (mx-inbound, antispam), or "
                "do nothing else. It should not share power and network with either of the others."
            ),
            shown_when=_CLUSTER,
        ),
        FieldSpec(
            path="cluster.device",
            label="Disk for mail",
            help="An empty disk or LVM volume on both servers. Leave empty for a file.",
            example="/dev/vdb",
            why=(
                "Mail and accounts are on a volume that DRBD replicates: each write is on both disks before it is "
                "acknowledged. A file on the servers' own file system needs no further disk, but is slower and "
                "shares its space. Check (F5) reads which disks are empty; the installation refuses one that has a "
                "file system."
            ),
            shown_when=_CLUSTER,
        ),
        FieldSpec(
            path="cluster.size_gb",
            label="Size of the file",
            help="The space for mail in GB, if no disk is given; it is reserved at once.",
            kind=FieldKind.INT,
            unit="GB",
            example="20",
            why="Both servers need this much free space. It cannot be changed by a later installation.",
            shown_when=_CLUSTER,
        ),
        FieldSpec(
            path="network.relay_host",
            label="Smart host",
            help="Relay for outgoing mail if port 25 is blocked. Leave empty to send directly.",
            example="[smtp.provider.example]:587",
            why=(
                "If a provider blocks port 25, mail can be sent through the provider's relay. "
                "Brackets mean: connect to this host, do not look up its MX records. The SPF record "
                "must then list the relay."
            ),
        ),
        FieldSpec(
            path="network.relay_user",
            label="Smart host login",
            help="User name, if the smart host requires one; the password is asked later.",
            example="user@provider.example",
            why=(
                "The plan contains the name only. The password is asked at the installation, copied "
                "to the server that sends mail, and stored only there, readable by root. It crosses "
                "the network only inside verified TLS."
            ),
            shown_when=(ShownWhen("network.relay_host", ()),),
        ),
        FieldSpec(
            path="network.resolvers",
            label="Resolvers",
            help="DNS servers to forward to. Leave empty to resolve directly.",
            kind=FieldKind.LIST,
            example="192.0.2.53, 2001:db8::53",
            why=(
                "Each server runs its own validating resolver: DNS block lists refuse queries from "
                "the public resolvers of large providers, and DANE (RFC 7672), which authenticates "
                "the receiving server, needs DNSSEC answers validated on the server itself. Enter DNS "
                "servers here only if a firewall blocks DNS to all others."
            ),
        ),
    ),
    owns=("servers", "cluster", "network"),
    depends_on=("architecture",),
)

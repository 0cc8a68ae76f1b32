"""Step 2: which servers, what each does, and the network between and around them."""

from __future__ import annotations

from mailwiz_tui.plan.spec import Choice, FieldKind, FieldSpec, ShownWhen, StepSpec

STEP = StepSpec(
    id="roles",
    number=2,
    title="Server roles",
    summary="Which servers take part, and what each of them does.",
    help=(
        "Servers are picked from the inventory, a file that says how to reach each over SSH. mailwiz-tui connects "
        "to "
        "look at them (system, memory, addresses, what already runs) and changes nothing before step 8.\n\n"
        "mx-inbound receives mail from other hosts on port 25. mx-outbound accepts mail from your users (ports "
        "465 and "
        "587) and sends it out. mail-storage keeps the mailboxes and serves them over IMAP. antispam filters. "
        "all-in-one does all of it.\n\n"
        "Several servers talk over private links (WireGuard, or a network you have), so each needs an internal "
        "address there."
    ),
    fields=(
        FieldSpec(
            path="servers",
            label="Servers",
            help="Space picks a server, Enter connects to it; roles are set beside it.",
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
            help="How the servers talk to each other: links made now, or a network you have.",
            kind=FieldKind.CHOICE,
            choices=(
                Choice("wireguard", "WireGuard", "encrypted links between all servers, made by the installation"),
                Choice("existing", "existing network", "each server has its internal address there already"),
            ),
            why=(
                "Accounts, mail and the filter's verdicts travel between the servers on internal addresses only, "
                "inside TLS either way. WireGuard needs UDP port 51820 between the servers' public addresses; its "
                "keys are made on each server and never leave it. Choose an existing network where the provider "
                "gives your servers a private one (VLAN, VPC); it is used as it is and never configured."
            ),
            shown_when=(ShownWhen("architecture", ("distributed", "ha-cluster")),),
        ),
        FieldSpec(
            path="cluster.virtual_ip",
            label="Virtual address",
            help="A free address in the nodes' network; it moves to whichever node serves.",
            example="203.0.113.10",
            why=(
                "Clients know only this address. When the node that has it is lost, another takes it over (VRRP, "
                "RFC 9568). It must be free and in the same network as the nodes; a provider that rents servers "
                "out one by one often cannot give such an address."
            ),
            shown_when=(ShownWhen("architecture", ("ha-cluster",)),),
        ),
        FieldSpec(
            path="network.relay_host",
            label="Smart host",
            help="Only where port 25 outwards is blocked: who sends your mail on. Else empty.",
            example="[smtp.provider.example]:587",
            why=(
                "Where a provider blocks port 25, mail can leave through its relay. Brackets mean: this host "
                "itself, "
                "not its MX records. The relay must then be in the SPF record."
            ),
        ),
        FieldSpec(
            path="network.relay_user",
            label="Its login",
            help="The user name if it asks for one; the password is asked for later.",
            example="user@provider.example",
            why=(
                "The plan holds the name only. The password is asked for when you install, goes to the server that "
                "sends, and is kept there alone, readable by root. It crosses the network only inside verified TLS."
            ),
            shown_when=(ShownWhen("network.relay_host", ()),),
        ),
        FieldSpec(
            path="network.resolvers",
            label="Resolvers",
            help="Only where the network forbids DNS recursion: whom to ask. Else empty.",
            kind=FieldKind.LIST,
            example="192.0.2.53, 2001:db8::53",
            why=(
                "Each server runs its own validating resolver: block lists refuse answers to the public resolvers "
                "of large providers, and DANE (RFC 7672), the proof that a mail reaches the right server, needs "
                "DNSSEC answers that were validated on the server itself. Name resolvers here only where a "
                "firewall lets no DNS out but theirs."
            ),
        ),
    ),
    owns=("servers", "cluster", "network"),
    depends_on=("architecture",),
)

"""The servers of the tests' plans and every golden text about them; snapshots.py tells how these are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.stack.accounts.clients import PANEL, PANEL_TABLES, WEBMAIL
from mailwiz_tui.stack.blueprint import Blueprint
from mailwiz_tui.stack.compile import COMPONENTS, compile_server

from . import cases
from .snapshots import part

NAMES = [component.name for component in COMPONENTS]
SITUATIONS = {
    "plain": cases.facts(),
    "bookworm": cases.bookworm(),
    "stripping-resolver": cases.behind_a_stripping_resolver(),
}
LINKED = ("in1", "filter", "store1")
NETWORK = ("peers", "wireguard", "internal_tls", "links", "nftables")
DIVIDED = ("in1", "out1", "store1", "store2")
DIVIDED_ROLES = (
    "account-store",
    "accounts",
    "dovecot",
    "front",
    "nexthops",
    "postfix",
    "satellite",
    "srs",
    "mta_sts",
    "next-hops-answer",
)
CLUSTERED = ("corosync", "drbd", "pacemaker", "moving_store", "store_resources")
MOVING = ("mariadb", "account-store", "accounts", "links", "sasl-gate", "nexthops", "peers")
NFS = {"type": "nfs", "nfs_server": "nfs.example.com", "nfs_export": "/srv/vmail", "path": "/srv/our-mail"}
WEB = {"webmail": "roundcube", "admin_panel": "postfixadmin"}
WEB_CERTIFICATE = "-----BEGIN CERTIFICATE-----\nout1's {}\n-----END CERTIFICATE-----"
WEB_DIVIDED = {
    "out1": ("roundcube", "postfixadmin", "nginx", "accounts-now"),
    "store1": ("webmail-store", "panel-store", "mariadb"),
}
FRONTS = ("out1", "out2")
SHARING = ("certbot", "nginx", "links", "peers")
WEB_FRONTS = {
    "out1": ("roundcube", "postfixadmin", "accounts"),
    "store1": ("webmail-store", "panel-store", "mariadb", "account-store"),
}
FILTERS: dict[str, dict[str, Any]] = {
    "rspamd-clamav": {"antispam": "rspamd", "antivirus": True},
    "spamassassin-clamav": {"antispam": "spamassassin", "antivirus": True},
    "none": {"antispam": "none"},
}
FILTERING = ("clamav", "spamassassin", "opendkim", "rate_limiter", "rspamd", "postfix")
SCANNED = ("rspamd", "none", "spamassassin")
SCANNING = ("clamav", "links", "spamassassin", "opendkim", "rate_limiter")


@dataclass(frozen=True)
class Golden:
    """A golden text: its name below ``golden/``, the text now, and the one from which its difference is told."""

    name: str
    text: str
    other: str = ""


@cache
def one_server(situation: str = "plain") -> Blueprint:
    """The server of the plan that has one."""
    return compile_server(cases.plan(), "mx1", SITUATIONS[situation])


@cache
def one_of_several(server_id: str) -> Blueprint:
    """A server of the plan that has six."""
    return compile_server(cases.distributed(), server_id, cases.distributed_facts())


def in_release(codename: str, **changes: Any) -> Blueprint:
    """The one server of a changed plan, on one of Debian's releases."""
    return compile_server(cases.plan(**changes), "mx1", cases.facts(codename=codename))


@cache
def with_web(codename: str) -> Blueprint:
    """The one server with both web applications."""
    return in_release(codename, services=WEB)


@cache
def with_certificate(codename: str) -> Blueprint:
    """The one server with a certificate of Let's Encrypt."""
    tls = {"provider": "letsencrypt", "acme_email": "postmaster@example.com"}
    return in_release(codename, security={"tls": tls, "dkim": {"selector": "2026a"}})


@cache
def on_a_file_server(codename: str) -> Blueprint:
    """The one server with its mailboxes on a file server."""
    return in_release(codename, storage=NFS)


@cache
def with_filters(choice: str = "") -> Blueprint:
    """The one server with a choice of filter and scanner."""
    return in_release("trixie", services=FILTERS.get(choice, {}))


@cache
def with_ssh_hardening() -> Blueprint:
    """The one server whose sshd is hardened."""
    return in_release("trixie", security={"ssh_hardening": True, "tls": {"provider": "selfsigned"}})


@cache
def with_scanner(server_id: str, antispam: str) -> Blueprint:
    """A server of several that have a scanner."""
    services = {"antispam": antispam, "antivirus": True}
    return compile_server(cases.distributed(services=services), server_id, cases.distributed_facts())


def web_facts() -> FactsFile:
    """The facts of several servers, the one with mx-outbound having its applications' certificates."""
    raw = cases.distributed_facts().model_dump(mode="json")
    raw["servers"]["out1"]["clients"] = {
        client.name: {"pem": WEB_CERTIFICATE.format(client.name)} for client in (WEBMAIL, PANEL, PANEL_TABLES)
    }
    return FactsFile.model_validate(raw)


@cache
def web_of_several(server_id: str) -> Blueprint:
    """A server of several that have web applications."""
    return compile_server(cases.distributed(services=WEB), server_id, web_facts())


def two_web_fronts(**changes: Any) -> Plan:
    """Several servers with web applications; ``in2`` serves clients too."""
    return cases.distributed(servers=cases.with_second_front(), services=WEB, **changes)


@cache
def web_of_fronts(server_id: str) -> Blueprint:
    """A server of several, two of which have the web applications."""
    return compile_server(two_web_fronts(), server_id, web_facts())


@cache
def front_and_store(situation: str) -> Blueprint:
    """A store that is the front too: Dovecot has one certificate for the world and one for the plan's servers."""
    roles = {"both": ["mx-inbound", "mx-outbound", "antispam", "mail-storage"], "store": ["mail-storage"]}
    servers = [
        {"id": name, "roles": held, "internal_ip": f"10.80.0.{number}"}
        for number, (name, held) in enumerate(roles.items(), 1)
    ]
    plan = cases.plan(architecture="distributed", servers=servers)
    return compile_server(
        plan, "both", FactsFile(servers=dict.fromkeys(roles, SITUATIONS[situation].servers["mx1"]))
    )


@cache
def of_two_fronts(server_id: str) -> Blueprint:
    """A server of a plan in which two serve clients, with certificates of Let's Encrypt for the mail hostname."""
    return compile_server(cases.two_fronts(), server_id, cases.two_fronts_facts())


@cache
def in_a_cluster(server_id: str, codename: str = "trixie") -> Blueprint:
    """A server of a plan whose store moves."""
    return compile_server(cases.cluster(services=WEB), server_id, cases.cluster_facts(codename=codename))


FURTHER: dict[str, Callable[[], Blueprint]] = {
    "web/trixie": partial(with_web, "trixie"),
    "filters/rspamd-clamav": partial(with_filters, "rspamd-clamav"),
    "filters/spamassassin-clamav": partial(with_filters, "spamassassin-clamav"),
    "nfs/trixie": partial(on_a_file_server, "trixie"),
    "ssh": with_ssh_hardening,
    "distributed/in1": partial(one_of_several, "in1"),
    "distributed/out1": partial(one_of_several, "out1"),
    "distributed/store1": partial(one_of_several, "store1"),
    "distributed-web/out1": partial(web_of_several, "out1"),
    "distributed-web/store1": partial(web_of_several, "store1"),
    "cluster/n1": partial(in_a_cluster, "n1"),
    "cluster/n3": partial(in_a_cluster, "n3"),
}
"""Servers with components that the plain one lacks; the first that has a component has its golden text whole.

A new component that the plain server lacks needs a server here.
"""


def home(component: str) -> str:
    """The first situation with a server that has the component; empty if there is none."""
    if part(one_server(), component):
        return "plain"
    return next((name for name, made in FURTHER.items() if part(made(), component)), "")


def checks(blueprint: Blueprint) -> str:
    """Ports, probes, findings and facts for checks."""
    lines = [f"port {p.number}/{p.protocol} {p.service} {p.scope} {p.tls}" for p in blueprint.ports]
    lines += [f"probe {p.id}: {p.proves}" for p in blueprint.probes]
    lines += [f"finding {text}" for text in blueprint.findings]
    lines += [f"meta {key} = {value}" for key, value in blueprint.meta.items()]
    return "\n".join(lines) + "\n"


def filtered(server_id: str, antispam: str) -> str:
    """What filters and scanner put on one of several servers, and which of them Postfix asks."""
    blueprint = with_scanner(server_id, antispam)
    settings = blueprint.files().get("/etc/postfix/main.cf")
    asked = [line for line in settings.content.splitlines() if "milter" in line] if settings else []
    return "\n".join(part(blueprint, name) for name in SCANNING) + "".join(f"{line}\n" for line in asked)


@cache
def goldens() -> dict[str, Golden]:
    """Every golden text by its name."""
    found = [
        *_one_server(),
        *_releases(),
        *_filters(),
        *_of_several(LINKED, NETWORK),
        *_of_several(DIVIDED, DIVIDED_ROLES),
        *_web_of_several(),
        *_of_two_fronts(),
        *_in_a_cluster(),
        *(Golden(f"{name}/checks", checks(made()), checks(one_server())) for name, made in FURTHER.items()),
    ]
    at_home = [Golden(f"{name}/{c}", part(FURTHER[name](), c)) for c in NAMES if (name := home(c)) in FURTHER]
    return {golden.name: golden for golden in (*at_home, *found)}


def _one_server() -> Iterator[Golden]:
    for situation in SITUATIONS:
        made, plain = one_server(situation), situation == "plain"
        for name in NAMES:
            yield Golden(f"{situation}/{name}", part(made, name), "" if plain else part(one_server(), name))
        yield Golden(f"{situation}/checks", checks(made), "" if plain else checks(one_server()))


def _releases() -> Iterator[Golden]:
    """What differs on Debian's releases: the newest is told from the plain server, the older from the newest."""
    for place, made, names in (
        ("letsencrypt", with_certificate, ("tls", "nginx", "certbot")),
        ("web", with_web, ("roundcube", "postfixadmin", "php", "nginx", "fail2ban")),
        ("nfs", on_a_file_server, ("nfs",)),
    ):
        for name in names:
            newest, older = (
                part(made(codename), name).replace("\r\n", "<CR>\n") for codename in ("trixie", "bookworm")
            )
            yield Golden(f"{place}/trixie/{name}", newest, part(one_server(), name))
            yield Golden(f"{place}/bookworm/{name}", older, newest)
    for codename, situation in (("trixie", "plain"), ("bookworm", "bookworm")):
        other = part(one_server(situation), "dovecot")
        yield Golden(f"nfs/{codename}/dovecot", part(on_a_file_server(codename), "dovecot"), other)
        yield Golden(f"front-store/{codename}/dovecot", part(front_and_store(situation), "dovecot"), other)


def _filters() -> Iterator[Golden]:
    for name in FILTERING:
        other = part(one_server(), name)
        for choice in FILTERS:
            text = part(with_filters(choice), name)
            yield Golden(f"filters/{choice}/{name}", text, other)
            other = text or other
    for server_id in ("in1", "out1", "filter", "store1"):
        other = ""
        for antispam in SCANNED:
            text = filtered(server_id, antispam)
            yield Golden(f"scanner/{antispam}/{server_id}", text, other)
            other = text


def _of_several(servers: Sequence[str], names: Sequence[str]) -> Iterator[Golden]:
    """Servers of one plan: each is told from the last one before it that has the component, or the plain server."""
    for name in names:
        other = part(one_server(), name)
        for server_id in servers:
            text = part(one_of_several(server_id), name)
            yield Golden(f"distributed/{server_id}/{name}", text, other)
            other = text or other


def _of_two_fronts() -> Iterator[Golden]:
    """Servers that share names are told from the only server of a name, or from a server with links."""
    for name in SHARING:
        other = part(with_certificate("trixie"), name) or part(one_of_several("in1"), name)
        for server_id in FRONTS:
            text = part(of_two_fronts(server_id), name)
            yield Golden(f"two-fronts/{server_id}/{name}", text, other)
            other = text
    found = checks(of_two_fronts("out1"))
    yield Golden("two-fronts/out1/checks", found, checks(one_of_several("out1")))


def _in_a_cluster() -> Iterator[Golden]:
    """What the store that moves changes on the server that is its first place, on the other, and on the witness."""
    for name in (*CLUSTERED, *MOVING):
        text = part(in_a_cluster("n1"), name)
        yield Golden(f"cluster/n1/{name}", text, part(one_server(), name))
        yield Golden(f"cluster/n2/{name}", part(in_a_cluster("n2"), name), text)
        yield Golden(f"cluster/n3/{name}", part(in_a_cluster("n3"), name), text)
        yield Golden(f"cluster/bookworm/{name}", part(in_a_cluster("n1", "bookworm"), name), text)


def _web_of_several() -> Iterator[Golden]:
    for server_id, names in WEB_DIVIDED.items():
        for name in names:
            text, other = part(web_of_several(server_id), name), part(with_web("trixie"), name)
            yield Golden(f"distributed-web/{server_id}/{name}", text, other)
    for server_id, names in WEB_FRONTS.items():
        for name in names:
            text, other = part(web_of_fronts(server_id), name), part(web_of_several(server_id), name)
            yield Golden(f"distributed-fronts/{server_id}/{name}", text, other)

"""What each component puts on a server, as golden files; snapshots.py tells how they are kept."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.stack.blueprint import Blueprint
from mailwiz_tui.stack.compile import COMPONENTS, compile_server

from . import cases
from .snapshots import compare, part

SITUATIONS = {
    "plain": cases.facts(),
    "bookworm": cases.bookworm(),
    "stripping-resolver": cases.behind_a_stripping_resolver(),
}
LINKED = ("in1", "filter", "store1")
DIVIDED = ("in1", "out1", "store1", "store2")
NFS = {"type": "nfs", "nfs_server": "nfs.example.com", "nfs_export": "/srv/vmail", "path": "/srv/our-mail"}


@cache
def one_server(situation: str = "plain") -> Blueprint:
    """The server of the plan that has one."""
    return compile_server(cases.plan(), "mx1", SITUATIONS[situation])


@cache
def one_of_several(server_id: str) -> Blueprint:
    """A server of the plan that has six."""
    return compile_server(cases.distributed(), server_id, cases.distributed_facts())


def in_release(codename: str, component: str, **changes: Any) -> str:
    """What a component puts on the one server of a changed plan, on one of Debian's releases."""
    return part(compile_server(cases.plan(**changes), "mx1", cases.facts(codename=codename)), component)


def nearest_before(server_id: str, servers: tuple[str, ...], component: str) -> str:
    """What the last server before this one that has the component has of it, or else the plain server."""
    before = servers[: servers.index(server_id)]
    found = [text for name in before if (text := part(one_of_several(name), component))]
    return found[-1] if found else part(one_server(), component)


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("component", [c.name for c in COMPONENTS])
def test_component_is_as_in_its_golden_file(component: str, situation: str) -> None:
    other = "" if situation == "plain" else part(one_server(), component)
    compare(f"{situation}/{component}", part(one_server(situation), component), other)


@pytest.mark.parametrize("server_id", LINKED)
@pytest.mark.parametrize("component", ["peers", "wireguard", "internal_tls", "links", "nftables"])
def test_network_between_servers_is_as_in_its_golden_file(component: str, server_id: str) -> None:
    text = part(one_of_several(server_id), component)
    compare(f"distributed/{server_id}/{component}", text, nearest_before(server_id, LINKED, component))


@pytest.mark.parametrize("server_id", DIVIDED)
@pytest.mark.parametrize(
    "component",
    [
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
    ],
)
def test_divided_roles_are_as_in_their_golden_files(component: str, server_id: str) -> None:
    text = part(one_of_several(server_id), component)
    compare(f"distributed/{server_id}/{component}", text, nearest_before(server_id, DIVIDED, component))


@pytest.mark.parametrize(("release", "situation"), [("trixie", "plain"), ("bookworm", "bookworm")])
def test_a_store_that_is_the_front_too_is_as_in_its_golden_file(release: str, situation: str) -> None:
    """Dovecot shows one certificate to the world and another to the plan's servers."""
    roles = {"both": ["mx-inbound", "mx-outbound", "antispam", "mail-storage"], "store": ["mail-storage"]}
    servers = [
        {"id": name, "roles": held, "internal_ip": f"10.80.0.{number}"}
        for number, (name, held) in enumerate(roles.items(), 1)
    ]
    plan = cases.plan(architecture="distributed", servers=servers)
    known = FactsFile(servers=dict.fromkeys(roles, SITUATIONS[situation].servers["mx1"]))
    text = part(compile_server(plan, "both", known), "dovecot")
    compare(f"front-store/{release}/dovecot", text, part(one_server(situation), "dovecot"))


def checks(blueprint: Blueprint) -> str:
    lines = [f"port {p.number}/{p.protocol} {p.service} {p.scope} {p.tls}" for p in blueprint.ports]
    lines += [f"probe {p.id}: {p.proves}" for p in blueprint.probes]
    lines += [f"finding {text}" for text in blueprint.findings]
    lines += [f"meta {key} = {value}" for key, value in blueprint.meta.items()]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("situation", SITUATIONS)
def test_ports_probes_and_findings_are_as_in_their_golden_file(situation: str) -> None:
    other = "" if situation == "plain" else checks(one_server())
    compare(f"{situation}/checks", checks(one_server(situation)), other)


@pytest.mark.parametrize("codename", ["trixie", "bookworm"])
@pytest.mark.parametrize("component", ["tls", "nginx", "certbot"])
def test_public_certificate_is_as_in_its_golden_file(component: str, codename: str) -> None:
    tls = {"provider": "letsencrypt", "acme_email": "postmaster@example.com"}
    security = {"tls": tls, "dkim": {"selector": "2026a"}}
    newest, text = (
        in_release(name, component, security=security).replace("\r\n", "<CR>\n") for name in ("trixie", codename)
    )
    other = part(one_server(), component) if codename == "trixie" else newest
    compare(f"letsencrypt/{codename}/{component}", text, other)


@pytest.mark.parametrize("codename", ["trixie", "bookworm"])
@pytest.mark.parametrize("component", ["roundcube", "postfixadmin", "php", "nginx", "fail2ban"])
def test_web_applications_are_as_in_their_golden_file(component: str, codename: str) -> None:
    services = {"webmail": "roundcube", "admin_panel": "postfixadmin"}
    newest, text = (in_release(name, component, services=services) for name in ("trixie", codename))
    compare(f"web/{codename}/{component}", text, part(one_server(), component) if codename == "trixie" else newest)


@pytest.mark.parametrize(("codename", "situation"), [("trixie", "plain"), ("bookworm", "bookworm")])
def test_dovecot_on_a_file_server_is_as_in_its_golden_file(codename: str, situation: str) -> None:
    text = in_release(codename, "dovecot", storage=NFS)
    compare(f"nfs/{codename}/dovecot", text, part(one_server(situation), "dovecot"))


def test_the_mount_of_a_file_server_is_as_in_its_golden_file() -> None:
    newest, older = (in_release(name, "nfs", storage=NFS) for name in ("trixie", "bookworm"))
    compare("nfs/trixie/nfs", newest)
    compare("nfs/bookworm/nfs", older, newest)

"""What each component puts on a server, as golden files: UPDATE_GOLDEN=1 writes them again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.stack.blueprint import Blueprint, File, Step
from mailwiz_tui.stack.compile import COMPONENTS, compile_server

from . import cases

GOLDEN = Path(__file__).parent / "golden"
SITUATIONS = {
    "plain": cases.facts(),
    "bookworm": cases.bookworm(),
    "stripping-resolver": cases.behind_a_stripping_resolver(),
}


def shown(step: Step) -> str:
    lines = [f"=== step {step.id}: {step.title}" + (" (lockout)" if step.lockout else "")]
    for item in step.items:
        if isinstance(item, File):
            after = f" + {item.append}" if item.append else ""
            lines.append(f"--- file {item.path} {item.owner}:{item.group} {item.mode:04o}{after}")
            lines.append(item.content.rstrip("\n"))
        else:
            lines.append(f"--- {item.kind} {item}")
    lines += [f"--- validator {' '.join(argv)}" for argv in step.validators]
    return "\n".join(lines) + "\n"


def part(blueprint: Blueprint, component: str) -> str:
    """The steps, ports, probes and findings of a blueprint that belong to a component."""
    return "\n".join(shown(step) for step in blueprint.steps if step.component == component)


def compare(text: str, path: Path) -> None:
    """A component that is not wanted has no golden file."""
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        if text:
            path.write_text(text, encoding="utf-8")
    assert text == (path.read_text(encoding="utf-8") if path.exists() else "")


@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("component", [c.name for c in COMPONENTS])
def test_component_is_as_in_its_golden_file(component: str, situation: str) -> None:
    known: FactsFile = SITUATIONS[situation]
    text = part(compile_server(cases.plan(), "mx1", known), component)
    compare(text, GOLDEN / situation / f"{component}.txt")


@pytest.mark.parametrize("server_id", ["in1", "filter", "store1"])
@pytest.mark.parametrize("component", ["peers", "wireguard", "internal_tls", "links", "nftables"])
def test_network_between_servers_is_as_in_its_golden_file(component: str, server_id: str) -> None:
    text = part(compile_server(cases.distributed(), server_id, cases.distributed_facts()), component)
    compare(text, GOLDEN / "distributed" / server_id / f"{component}.txt")


@pytest.mark.parametrize("server_id", ["in1", "out1", "store1", "store2"])
@pytest.mark.parametrize(
    "component",
    ["account-store", "accounts", "dovecot", "front", "nexthops", "postfix", "satellite", "srs", "mta_sts"],
)
def test_divided_roles_are_as_in_their_golden_files(component: str, server_id: str) -> None:
    text = part(compile_server(cases.distributed(), server_id, cases.distributed_facts()), component)
    compare(text, GOLDEN / "distributed" / server_id / f"{component}.txt")


@pytest.mark.parametrize("release", ["trixie", "bookworm"])
def test_a_store_that_is_the_front_too_is_as_in_its_golden_file(release: str) -> None:
    """Dovecot shows one certificate to the world and another to the plan's servers."""
    roles = {"both": ["mx-inbound", "mx-outbound", "antispam", "mail-storage"], "store": ["mail-storage"]}
    servers = [
        {"id": name, "roles": held, "internal_ip": f"10.80.0.{number}"}
        for number, (name, held) in enumerate(roles.items(), 1)
    ]
    known = (cases.bookworm() if release == "bookworm" else cases.facts()).servers["mx1"]
    plan = cases.plan(architecture="distributed", servers=servers)
    blueprint = compile_server(plan, "both", FactsFile(servers=dict.fromkeys(roles, known)))
    compare(part(blueprint, "dovecot"), GOLDEN / "front-store" / release / "dovecot.txt")


@pytest.mark.parametrize("situation", SITUATIONS)
def test_ports_probes_and_findings_are_as_in_their_golden_file(situation: str) -> None:
    blueprint = compile_server(cases.plan(), "mx1", SITUATIONS[situation])
    lines = [f"port {p.number}/{p.protocol} {p.service} {p.scope} {p.tls}" for p in blueprint.ports]
    lines += [f"probe {p.id}: {p.proves}" for p in blueprint.probes]
    lines += [f"finding {text}" for text in blueprint.findings]
    lines += [f"meta {key} = {value}" for key, value in blueprint.meta.items()]
    text = "\n".join(lines) + "\n"
    path = GOLDEN / situation / "checks.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("codename", ["trixie", "bookworm"])
@pytest.mark.parametrize("component", ["tls", "nginx", "certbot"])
def test_public_certificate_is_as_in_its_golden_file(component: str, codename: str) -> None:
    known = cases.facts(codename=codename)
    tls = {"provider": "letsencrypt", "acme_email": "postmaster@example.com"}
    plan = cases.plan(security={"tls": tls, "dkim": {"selector": "2026a"}})
    text = part(compile_server(plan, "mx1", known), component).replace("\r\n", "<CR>\n")
    path = GOLDEN / "letsencrypt" / codename / f"{component}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("codename", ["trixie", "bookworm"])
@pytest.mark.parametrize("component", ["roundcube", "postfixadmin", "php", "nginx", "fail2ban"])
def test_web_applications_are_as_in_their_golden_file(component: str, codename: str) -> None:
    services = {"webmail": "roundcube", "admin_panel": "postfixadmin"}
    plan = cases.plan(services=services)
    text = part(compile_server(plan, "mx1", cases.facts(codename=codename)), component)
    compare(text, GOLDEN / "web" / codename / f"{component}.txt")


@pytest.mark.parametrize("codename", ["trixie", "bookworm"])
@pytest.mark.parametrize("component", ["nfs", "dovecot"])
def test_mailboxes_on_a_file_server_are_as_in_their_golden_file(component: str, codename: str) -> None:
    storage = {"type": "nfs", "nfs_server": "nfs.example.com", "nfs_export": "/srv/vmail", "path": "/srv/our-mail"}
    text = part(compile_server(cases.plan(storage=storage), "mx1", cases.facts(codename=codename)), component)
    compare(text, GOLDEN / "nfs" / codename / f"{component}.txt")

"""What a person reads about units: each component says it of its own, and of every one that it starts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.stack.compile import COMPONENTS, compile_server
from mailwiz_tui.verify.alerts import alerts
from mailwiz_tui.verify.sample import Sample
from mailwiz_tui.verify.unit_words import unit_words
from tests.unit.check_ids import known_ids

DOMAIN = {"primary_domain": "example.com", "hostname": "mail.example.com"}
SERVICES = (
    {"antispam": "rspamd", "antivirus": True, "webmail": "roundcube", "admin_panel": "postfixadmin"},
    {"antispam": "spamassassin"},
    {"antispam": "none"},
)
STORAGE: tuple[dict[str, str], ...] = (
    {},
    {"type": "nfs", "nfs_server": "nas", "nfs_export": "/mail"},
    {"type": "s3", "s3_endpoint": "https://s3.example.net", "s3_bucket": "mail", "s3_access_key": "AK"},
)
ROLES = {"in1": "mx-inbound", "out1": "mx-outbound", "filter": "antispam", "store1": "mail-storage"}
SINGLE = ("single", [{"id": "mx1", "roles": ["all-in-one"]}])
SEVERAL = (
    "distributed",
    [
        {"id": name, "roles": [role], "internal_ip": f"10.80.0.{n}"}
        for n, (name, role) in enumerate(ROLES.items(), 1)
    ],
)


CLUSTER = [
    {"id": "n1", "roles": ["all-in-one"], "internal_ip": "10.80.0.1"},
    {"id": "n2", "roles": ["all-in-one"], "internal_ip": "10.80.0.2"},
    {"id": "n3", "roles": [], "internal_ip": "10.80.0.3"},
]


def plans() -> Iterator[Plan]:
    moving = {"virtual_ip": "192.0.2.99"}
    yield Plan.model_validate(
        {"domain": DOMAIN, "architecture": "ha-cluster", "servers": CLUSTER, "cluster": moving}
    )
    for services in SERVICES:
        for architecture, servers in (SINGLE, SEVERAL):
            for storage in STORAGE[: 3 if architecture == "single" else 2]:
                raw = {"architecture": architecture, "servers": servers, "services": services, "storage": storage}
                backup = {"target": "/backup"} if storage.get("type") != "s3" else {}
                yield Plan.model_validate({"domain": DOMAIN, "backup": backup, **raw})


@pytest.mark.parametrize("codename", ["trixie", "bookworm"])
def test_what_it_means_is_known_of_every_unit_that_shall_run(codename: str) -> None:
    silent = set()
    for plan in plans():
        facts = {"facts": {"codename": codename}}
        known = FactsFile.model_validate({"servers": {server.id: facts for server in plan.servers}})
        for server in plan.servers:
            units = compile_server(plan, server.id, known).units()
            labels = {unit.name.removesuffix(".service") for unit in units if unit.running and not unit.masked}
            silent |= {label for label in labels if not unit_words(label).down}
    assert silent == set()


def test_checks_that_fail_with_a_unit_are_checks_that_there_are() -> None:
    known = set(known_ids())
    for plan in plans():
        for server in plan.servers:
            blueprint = compile_server(plan, server.id, FactsFile())
            known |= {probe.id for probe in blueprint.probes}
            known |= {f"answers.{unit.name.removesuffix('.service')}" for unit in blueprint.units()}
    claimed = {begins for component in COMPONENTS for words in component.units for begins in words.checks}
    assert {begins for begins in claimed if not any(check.startswith(begins) for check in known)} == set()


def test_packages_that_tell_what_is_installed_are_packages_of_their_component() -> None:
    installed: set[str] = set()
    for plan in plans():
        for server in plan.servers:
            installed |= set(compile_server(plan, server.id, FactsFile()).packages())
    named = [name for component in COMPONENTS for name in component.telling_packages]
    assert sorted(set(named)) == sorted(named)
    assert set(named) <= installed


def test_postfix_of_debian_12_is_explained_like_that_of_13() -> None:
    sample = Sample.model_validate({"units": [{"name": "postfix@-.service", "active": "failed"}]})
    assert alerts(sample)[0].what == "postfix@- does not run: no mail is received or sent"


def test_a_unit_has_its_own_name_unless_a_component_knows_a_shorter_one() -> None:
    assert unit_words("clamav-daemon").named("clamav-daemon") == "clamd"
    assert unit_words("php8.4-fpm").named("php8.4-fpm") == "php8.4-fpm"
    assert unit_words("mailwiz-peers").named("mailwiz-peers") == ""
    assert unit_words("somebody-elses").named("somebody-elses") == "somebody-elses"
    assert unit_words("somebody-elses").down == ""

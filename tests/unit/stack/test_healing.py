"""Every daemon of a server starts again by itself after a crash."""

from __future__ import annotations

import pytest

from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.stack.blueprint import File, Step, Unit
from mailwiz_tui.stack.compile import COMPONENTS, compile_server
from mailwiz_tui.stack.healing.drop_in import drop_in_path, with_restarts

from . import cases

S3 = {"type": "s3", "s3_endpoint": "https://s3.example.net", "s3_bucket": "mail", "s3_access_key": "AKEXAMPLE"}
NFS = {"type": "nfs", "nfs_server": "nfs.example.com", "nfs_export": "/srv/vmail", "path": "/srv/mail"}
SECURITY = {
    "ssh_hardening": True,
    "tls": {"provider": "letsencrypt", "acme_email": "a@example.com"},
    "dkim": {"selector": "2026a"},
}
PLANS = {
    "plain": cases.plan(),
    "web": cases.plan(
        services={"webmail": "roundcube", "admin_panel": "postfixadmin"},
        security=SECURITY,
        backup={"target": "/srv/backup"},
    ),
    "spamassassin": cases.plan(services={"antispam": "spamassassin", "antivirus": True}, storage=S3),
    "none": cases.plan(services={"antispam": "none"}, storage=NFS),
}
SITES = {
    **{f"{name}-trixie": (plan, "mx1", cases.facts()) for name, plan in PLANS.items()},
    **{f"{name}-bookworm": (plan, "mx1", cases.bookworm()) for name, plan in PLANS.items()},
    **{
        f"{name}-{release}": (
            cases.distributed(services={"webmail": "roundcube", "admin_panel": "postfixadmin"}),
            name,
            cases.distributed_facts(codename=release),
        )
        for name in ("in1", "out1", "filter", "store1", "store2")
        for release in ("trixie", "bookworm")
    },
    **{
        f"cluster-{release}": (cases.cluster(), "n1", cases.cluster_facts(codename=release))
        for release in ("trixie", "bookworm")
    },
}
"""Between them they have every component, in both releases."""


def drop_in(step: Step, unit: str) -> str:
    return next(i.content for i in step.items if isinstance(i, File) and i.path == drop_in_path(unit))


def text(unit: Unit, *files: File) -> str:
    (made,) = with_restarts((Step("x", "X", "x", (*files, unit)),))
    return drop_in(made, unit.name)


@pytest.mark.parametrize("release", ["trixie", "bookworm"])
def test_every_component_is_looked_at(release: str) -> None:
    seen = {
        step.component
        for name, site in SITES.items()
        if name.endswith(release)
        for step in compile_server(*site).steps
    }
    assert seen >= {component.name for component in COMPONENTS}


@pytest.mark.parametrize("site", SITES)
def test_every_daemon_of_every_kind_of_server_restarts_after_a_crash(site: str) -> None:
    blueprint = compile_server(*SITES[site])
    files = blueprint.files()
    daemons = [u for u in blueprint.units() if u.running and not u.masked and u.name.endswith(".service")]
    assert len(daemons) > 3
    for unit in daemons:
        own = files.get(f"/etc/systemd/system/{unit.name}")
        if unit.oneshot or (own and "Type=oneshot" in own.content):
            assert drop_in_path(unit.name) not in files
            continue
        said = files[drop_in_path(unit.name)].content + (own.content if own else "")
        assert "\nRestart=" in said, unit.name
        assert "StartLimitIntervalSec=" in said, unit.name


def test_a_daemon_of_a_new_component_gets_it_without_a_word() -> None:
    said = text(Unit("new.service"))
    assert "\nRestart=on-failure\n" in said
    assert "\nOOMPolicy=continue\n" in said


def test_the_drop_in_is_there_before_the_unit_starts() -> None:
    (made,) = with_restarts((Step("x", "X", "x", (Unit("new.service"),)),))
    assert [item.kind for item in made.items] == ["file", "unit"]


def test_what_a_unit_file_of_ours_says_itself_stays() -> None:
    own = File("/etc/systemd/system/ours.service", "[Service]\nRestart=always\nRestartSec=2s\n")
    said = text(Unit("ours.service"), own)
    assert "Restart=" not in said.replace("mailwiz-restart", "")
    assert "RestartSec=" not in said
    assert "StartLimitBurst=" in said


@pytest.mark.parametrize(
    "unit",
    [
        Unit("x.timer"),
        Unit("x.socket"),
        Unit("off.service", running=False, enabled=False),
        Unit("shell.service", oneshot=True),
    ],
)
def test_what_is_no_daemon_is_left_alone(unit: Unit) -> None:
    (made,) = with_restarts((Step("x", "X", "x", (unit,)),))
    assert made.items == (unit,)


@pytest.mark.parametrize("known", [cases.facts(), cases.bookworm()])
def test_logins_and_lookups_start_after_the_database(known: FactsFile) -> None:
    blueprint = compile_server(cases.plan(), "mx1", known)
    files = blueprint.files()
    for unit in blueprint.units():
        if unit.name.startswith(("dovecot", "postfix.", "postfix@")) and not unit.oneshot:
            said = files[drop_in_path(unit.name)].content
            assert "After=mariadb.service" in said
            assert "Wants=mariadb.service" in said
            assert "Requires=" not in said


@pytest.mark.parametrize(("known", "unit"), [(cases.facts(), "postfix"), (cases.bookworm(), "postfix@-")])
def test_systemd_knows_the_main_process_of_postfix(known: FactsFile, unit: str) -> None:
    files = compile_server(cases.plan(), "mx1", known).files()
    assert "PIDFile=/var/spool/postfix/pid/master.pid" in files[drop_in_path(f"{unit}.service")].content

"""Steps whose data moves between servers: what a server does with and without the volume."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mailwiz_tui.agent.core import volume
from mailwiz_tui.agent.core.context import Context
from mailwiz_tui.agent.core.host import Host
from mailwiz_tui.agent.protocol.blueprint import AgentBlueprint, Ask, Command, File, Item, Ready, Step, Unit

VOLUME = "/srv/volume"
UNIT = Unit("daemon.service", restart_on=("/etc/daemon.conf",))
ITEMS: tuple[Item, ...] = (
    File("/etc/daemon.conf", "setting\n"),
    Command("daemon.data", ("touch", "/data")),
    Command("daemon.anywhere", ("true",), anywhere=True),
    UNIT,
    Ready("the daemon", "daemon.service", Ask.COMMAND, argv=("false",)),
)
STEP = Step("daemon", "Configure the daemon", "daemon", ITEMS, volume=VOLUME)
ELSEWHERE = Step("gate", "Configure the gate", "gate", (Ready("it", "x", Ask.COMMAND, volume=VOLUME),))


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A server that answers ``mountpoint`` by a file, with a systemd that knows no unit."""
    programs = tmp_path / "usr/bin"
    programs.mkdir(parents=True)
    (programs / "mountpoint").write_text('#!/bin/sh\ntest -e "$MAILWIZ_ROOT$2/mounted"\n')
    (programs / "systemctl").write_text("#!/bin/sh\necho UnitFileState=enabled\necho ActiveState=inactive\n")
    for program in programs.iterdir():
        program.chmod(0o755)
    return Host(str(tmp_path))


def mount(host: Host) -> None:
    os.makedirs(host.path(VOLUME))
    Path(host.path(f"{VOLUME}/mounted")).touch()


def context(host: Host) -> Context:
    host.make_state_dirs()
    return Context.of(host, AgentBlueprint("n1", (STEP,)))


def kinds(ctx: Context, step: Step = STEP) -> list[str]:
    return [getattr(item, "id", type(item).__name__) for item in volume.items_here(ctx, step)]


def test_without_the_volume_only_files_and_what_needs_none_of_its_data_is_for_this_server(host: Host) -> None:
    ctx = context(host)
    assert kinds(ctx) == ["File", "daemon.anywhere", "Unit"]
    assert kinds(ctx, ELSEWHERE) == []
    (unit,) = (item for item in volume.items_here(ctx, STEP) if isinstance(item, Unit))
    assert (unit.running, unit.enabled) == (False, False)


def test_the_server_with_the_volume_does_it_all_and_starts_nothing_at_boot(host: Host) -> None:
    mount(host)
    ctx = context(host)
    assert kinds(ctx) == ["File", "daemon.data", "daemon.anywhere", "Unit", "Ready"]
    assert kinds(ctx, ELSEWHERE) == ["Ready"]
    (unit,) = (item for item in volume.items_here(ctx, STEP) if isinstance(item, Unit))
    assert (unit.running, unit.enabled) == (True, False)


def test_what_a_stopped_unit_will_read_is_remembered_so_that_no_later_run_restarts_it(host: Host) -> None:
    ctx = context(host)
    Path(host.path("/etc")).mkdir()
    Path(host.path("/etc/daemon.conf")).write_text("setting\n")
    volume.remember(ctx, STEP)
    assert ctx.state.unit("daemon.service") == {"/etc/daemon.conf": ctx.content_digest("/etc/daemon.conf")}


def test_a_step_without_a_volume_asks_nothing(host: Host) -> None:
    step = Step("plain", "Configure it", "plain", ITEMS)
    assert volume.items_here(context(host), step) == ITEMS

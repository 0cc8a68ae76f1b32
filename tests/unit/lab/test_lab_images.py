"""Images are built whole or not at all, reused, and removed only when nothing stands on them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailwiz_tui.lab import base, kernel, machine
from mailwiz_tui.lab.machine import LabError, silent


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CACHE", "STATE", "RUN"):
        monkeypatch.setattr(machine, name, tmp_path / name.lower())


def fill(root: Path) -> None:
    (root / "etc").mkdir()


def test_image_is_built_once() -> None:
    image = base._cached("base-x-1", fill, silent)
    assert image == machine.CACHE / "base-x-1"
    assert base._cached("base-x-1", lambda _root: pytest.fail("built twice"), silent) == image


def test_failed_build_leaves_nothing() -> None:
    def fail(root: Path) -> None:
        fill(root)
        raise LabError("no network")

    with pytest.raises(LabError, match="no network"):
        base._cached("base-x-1", fail, silent)
    assert list(machine.CACHE.iterdir()) == []


def test_leftovers_of_a_killed_build_are_removed() -> None:
    (machine.CACHE / "building-base-x-1/usr").mkdir(parents=True)
    base._cached("base-x-1", fill, silent)
    assert [path.name for path in machine.CACHE.iterdir()] == ["base-x-1"]


def test_former_image_goes_unless_a_host_stands_on_it() -> None:
    used = base._cached("base-x-1", fill, silent)
    machine.write(machine.STATE / "lab/mx1/images", f"{used}\n")
    base._cached("base-x-2", fill, silent)
    base._cached("base-y-1", fill, silent)
    base._cached("base-x-3", fill, silent)
    assert sorted(path.name for path in machine.CACHE.iterdir()) == ["base-x-1", "base-x-3", "base-y-1"]


def test_unknown_suite_is_refused() -> None:
    with pytest.raises(LabError, match="trixie, bookworm"):
        base.base_image("sid", silent)


def test_purge_removes_all_but_only_without_labs() -> None:
    base._cached("base-x-1", fill, silent)
    machine.write(machine.STATE / "mine/state.json", "{}")
    with pytest.raises(LabError, match="in use by mine"):
        base.purge()
    (machine.STATE / "mine/state.json").unlink()
    base.purge()
    assert not machine.CACHE.exists()


def test_kernel_switches_come_back(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("0\n")
    second.write_text("5000\n")
    for _again in range(2):
        kernel.turn(first, "1")
        kernel.turn(second, "4096", lambda present: int(present) >= 4096)
    assert (first.read_text(), second.read_text()) == ("1", "5000\n")
    kernel.restore()
    assert (first.read_text(), second.read_text()) == ("0", "5000\n")


def test_kernel_switches_of_a_former_boot_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    switch = tmp_path / "switch"
    switch.write_text("0")
    kernel.turn(switch, "1")
    monkeypatch.setattr(machine, "boot_id", lambda: "another")
    kernel.restore()
    assert switch.read_text() == "1"


def test_idle_locks_go_and_held_ones_stay() -> None:
    with machine.locked(machine.RUN / "held.lock"):
        with machine.locked(machine.RUN / "idle.lock"):
            pass
        machine.forget_idle_locks()
        assert [path.name for path in machine.RUN.iterdir()] == ["held.lock"]

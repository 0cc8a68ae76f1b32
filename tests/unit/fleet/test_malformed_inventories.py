"""Every malformed inventory is refused with the line that its first line expects, and nothing else escapes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mailwiz_tui.fleet.inventory import InventoryError, load_inventory

FOLDER = Path(__file__).parent / "malformed"
FILES = sorted(FOLDER.iterdir())


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_the_fault_is_named(file: Path) -> None:
    if file.suffix == ".ssh_config" and "Bad" in file.read_text() and not shutil.which("ssh"):
        pytest.skip("what ssh -G says needs an ssh client")
    path, _, words = file.read_text().splitlines()[0].removeprefix("# expect: ").partition(": ")
    with pytest.raises(InventoryError) as caught:
        load_inventory(file)
    lines = [finding.line for finding in caught.value.findings]
    assert any(line.split(": ")[0].endswith(path) and words in line for line in lines), lines
    assert all(line.isprintable() for line in lines)


def test_there_are_enough_of_them() -> None:
    assert len(FILES) >= 15


def test_all_faults_come_at_once(tmp_path: Path) -> None:
    file = tmp_path / "inventory.toml"
    file.write_text('[[servers]]\nid = "a b"\nport = 0\n\n[[servers]]\nid = "b"\nhost = "x y"\nuserr = "root"\n')
    with pytest.raises(InventoryError) as caught:
        load_inventory(file)
    assert [f.path.removeprefix("inventory.servers.") for f in caught.value.findings] == [
        "0.port",
        "0.id",
        "0.host",
        "1.userr",
        "1.host",
    ]

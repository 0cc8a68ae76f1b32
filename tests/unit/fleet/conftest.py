"""No configuration of this machine takes part in the tests."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder with an ``.ssh`` in it."""
    folder = tmp_path_factory.mktemp("home")
    (folder / ".ssh").mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder

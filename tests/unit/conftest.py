"""What tests write survives no power cut, so they do not wait for the disk: each time that is a real wait."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


def skip_fsync(patch: pytest.MonkeyPatch) -> None:
    """Let ``os.fsync`` return at once in this process."""
    patch.setattr(os, "fsync", lambda file: None)


@pytest.fixture(scope="session", autouse=True)
def _no_fsync() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        skip_fsync(patch)
        yield

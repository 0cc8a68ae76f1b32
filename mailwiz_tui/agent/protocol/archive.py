"""The agent as one zip archive: sent over the channel to serve, kept beside a blueprint to run."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator

PACKAGE = "mailwiz_agent"
_MAIN = f"from {PACKAGE}.__main__ import main\nmain()\n"
_EPOCH = (2020, 1, 1, 0, 0, 0)


def build(folder: str) -> bytes:
    """The archive of all modules in ``folder``; the same modules always give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, "__main__.py", _MAIN.encode())
        for path in sorted(_modules(folder)):
            with open(os.path.join(folder, path), "rb") as handle:
                _add(archive, f"{PACKAGE}/{path}", handle.read())
    return buffer.getvalue()


def _modules(folder: str) -> Iterator[str]:
    """The paths of all modules below a folder, relative to it."""
    for parent, _, names in os.walk(folder):
        below = os.path.relpath(parent, folder)
        yield from (os.path.normpath(os.path.join(below, name)) for name in names if name.endswith(".py"))


def own() -> bytes:
    """The archive that this very agent came in, or one of the folder it was imported from."""
    loader = globals().get("__loader__")
    path = getattr(loader, "archive", None)
    if isinstance(path, str):
        with open(path, "rb") as handle:
            return handle.read()
    return build(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, _EPOCH)
    info.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(info, data)

"""Files of the copy of the accounts, each replaced atomically and only if it changed. Runs on servers."""

from __future__ import annotations

import grp
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path


def write(path: str, text: str, mode: int = 0o640, group: str = "") -> bool:
    """Replaces the file if it differs; returns whether it did."""
    data = text.encode()
    try:
        if Path(path).read_bytes() == data:
            return False
    except FileNotFoundError:
        pass
    replace(path, data, mode, group)
    return True


def replace(path: str, data: bytes, mode: int, group: str) -> None:
    """Replaces the file atomically (rename(2)), synced to the disk."""
    new = f"{path}.new"
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(handle, "wb") as file:
        file.write(data)
        file.flush()
        if group:
            os.fchown(file.fileno(), 0, grp.getgrnam(group).gr_gid)
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
    os.replace(new, path)


def write_map(place: str, name: str, entries: Mapping[str, str]) -> None:
    """A table for Postfix (postmap(1)); it replaces the one in use when it is complete."""
    text = "".join(f"{key} {value}\n" for key, value in sorted(entries.items()))
    path = os.path.join(place, name)
    built = os.path.join(place, f"next-{name}")
    if os.path.exists(f"{path}.db") and _same(path, text):
        return
    replace(built, text.encode(), 0o640, "postfix")
    subprocess.run(["postmap", "-c", _postmap_settings(place), f"hash:{built}"], check=True, timeout=120)
    os.replace(f"{built}.db", f"{path}.db")
    os.replace(built, path)


def _same(path: str, text: str) -> bool:
    try:
        return Path(path).read_text(encoding="utf-8") == text
    except FileNotFoundError:
        return False


def _postmap_settings(place: str) -> str:
    """A folder with a main.cf for postmap(1), which needs one even before Postfix is configured."""
    folder = os.path.join(place, "postmap")
    os.makedirs(folder, exist_ok=True)
    write(os.path.join(folder, "main.cf"), "compatibility_level = 3.6\n", 0o644)
    return folder

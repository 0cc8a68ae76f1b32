"""Files, directories and absent files of a blueprint: how they differ, and making them so."""

from __future__ import annotations

import contextlib
import difflib
import os
import stat

from ..core import files
from ..core.context import Context
from ..core.fault import AgentFault
from ..protocol.blueprint import Absent, Directory, File
from ..protocol.runs import Change

MAX_DIFF = 400


def directory_status(ctx: Context, item: Directory) -> Change | None:
    """What a directory lacks."""
    path, mode = item.path, item.mode
    found = files.look(ctx.host, path)
    if found is None:
        return Change("directory", path, "create", note=f"mode {mode:04o}, {item.owner}:{item.group}")
    if found.content is not None or found.link:
        return Change("directory", path, "refuse", note="it exists, but is not a directory")
    if found.mode != mode or not files.same_owner(ctx.host, found, item.owner, item.group):
        return Change("directory", path, "own", note=f"mode {mode:04o}, {item.owner}:{item.group}")
    return None


def directory_apply(ctx: Context, item: Directory, change: Change) -> None:
    """Creates a directory and sets its owner and mode."""
    path = item.path
    if change.action == "refuse":
        raise AgentFault(f"{path} is not a directory", path, "move it away and run apply again")
    real = ctx.host.path(path)
    uid, gid = files.ids(ctx.host, item.owner, item.group, path)
    _make_parents(os.path.dirname(real))
    with contextlib.suppress(FileExistsError):
        os.mkdir(real, 0o700)
    handle = os.open(real, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        if uid != -1:
            os.fchown(handle, uid, gid)
        os.fchmod(handle, item.mode)
    finally:
        os.close(handle)


def _make_parents(real: str) -> None:
    """Creates missing parents, passable for all whatever the umask; those that are there stay as they are."""
    if os.path.isdir(real):
        return
    _make_parents(os.path.dirname(real))
    os.mkdir(real)
    os.chmod(real, 0o755)  # noqa: S103


def file_status(ctx: Context, item: File) -> Change | None:
    """How a file differs in content, mode or owner; secrets are masked in what is shown."""
    path, mode = item.path, item.mode
    found = files.look(ctx.host, path)
    text = ctx.text_of(item)
    recorded = ctx.state.file(path)
    if found is None:
        note = "removed by hand since the last run" if recorded else ""
        return Change("file", path, "create", _diff(ctx, item, "", path), note)
    if text is None or found.content != text.encode():
        if found.link:
            note = f"is a symbolic link to {found.link}, kept in the backup"
        elif recorded and recorded != found.sha256:
            note = "changed by hand since the last run, kept in the backup"
        elif not recorded:
            note = "was not written by mailwiz-tui, kept in the backup"
        else:
            note = ""
        old = (found.content or b"").decode("utf-8", "replace")
        return Change("file", path, "write", _diff(ctx, item, old, path), note)
    if found.mode != mode or not files.same_owner(ctx.host, found, item.owner, item.group):
        return Change("file", path, "own", note=f"mode {mode:04o}, {item.owner}:{item.group}")
    return None


def file_apply(ctx: Context, item: File, change: Change) -> None:
    """Writes a file, after keeping what was there."""
    path = item.path
    text = ctx.text_of(item)
    if text is None:
        raise AgentFault(f"{path} needs a secret that does not exist", path)
    found = files.look(ctx.host, path)
    if found is not None and change.action == "write":
        if found.content is None and not found.link:
            raise AgentFault(f"{path} is not a regular file", path, "move it away and run apply again")
        files.back_up(ctx.host, ctx.run_id, path, found)
        if change.note:
            ctx.log(f"{path} {change.note}")
    uid, gid = files.ids(ctx.host, item.owner, item.group, path)
    _make_parents(os.path.dirname(ctx.host.path(path)))
    files.write(ctx.host, path, text.encode(), item.mode, uid, gid)


def file_record(ctx: Context, item: File) -> None:
    """Remembers a file as written by us; called when its step's validators have passed."""
    found = files.look(ctx.host, item.path)
    if found is not None:
        ctx.state.record("files", item.path, found.sha256)


def absent_status(ctx: Context, item: Absent) -> Change | None:
    """Whether a file that must not exist does."""
    found = files.look(ctx.host, item.path)
    if found is None:
        return None
    return Change("absent", item.path, "remove", note="kept in the backup")


def absent_apply(ctx: Context, item: Absent) -> None:
    """Removes a file, after keeping it."""
    path = item.path
    found = files.look(ctx.host, path)
    if found is None:
        return
    if found.content is None and not found.link and stat.S_ISDIR(os.lstat(ctx.host.path(path)).st_mode):
        raise AgentFault(f"{path} is a directory, not a file", path, "move it away and run apply again")
    files.back_up(ctx.host, ctx.run_id, path, found)
    files.remove(ctx.host, path)


def _diff(ctx: Context, item: File, old: str, path: str) -> tuple[str, ...]:
    new = item.content + ctx.appended(item)
    private = bool(ctx.secrets.names_in(new)) or not item.mode & 0o004
    before = ctx.secrets.masked_foreign(old) if private else ctx.secrets.masked(old)
    after = ctx.secrets.masked_foreign(new) if private else ctx.secrets.masked(new)
    if before == after and old != new:
        return ("(only hidden values differ)",)
    lines = list(
        difflib.unified_diff(
            before.splitlines(), after.splitlines(), path if old else "/dev/null", path, lineterm="", n=2
        )
    )
    if len(lines) > MAX_DIFF:
        lines[MAX_DIFF:] = [f"… {len(lines) - MAX_DIFF} more lines"]
    return tuple(lines)

"""Reading and writing the small files beside a plan: bounded, atomic, private, with errors for the operator."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

MAX_BYTES = 1_000_000


class FileError(Exception):
    """A file that cannot be read or written; ``message`` says why, ``advice`` what to do."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


def read_text(path: Path) -> str:
    """The text of a UTF-8 file (a byte order mark is dropped); raises FileError."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise FileError("there is no such file", f"`mailwiz-tui {path}` opens the wizard and creates it") from None
    except IsADirectoryError:
        raise FileError("is a directory, not a file", "name the file inside it") from None
    except PermissionError:
        raise FileError("cannot be read by this user", "check its owner and mode with ls -l") from None
    except (OSError, ValueError) as error:
        raise FileError(f"cannot be read: {_reason(error)}") from None
    if len(content) > MAX_BYTES:
        raise FileError(f"is larger than {MAX_BYTES // 1000} kB", "is it the right file?")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise FileError(f"line {line}: is not UTF-8 text", "save the file with the encoding UTF-8") from None


def write_private(path: Path, content: bytes) -> None:
    """``replace_file`` for the files beside a plan, readable by their owner only. Raises FileError."""
    try:
        replace_file(path, content)
    except FileNotFoundError:
        folder = Path(os.path.realpath(path)).parent
        raise FileError("cannot be written: its folder does not exist", f"make it: mkdir -p {folder}") from None
    except (OSError, ValueError) as error:
        raise FileError(f"cannot be written: {_reason(error)}", "the former file is untouched") from None


def replace_file(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Replace a file in one step, of that mode from its first byte on, safe on disk when this returns.

    Missing folders are made (0700). A symbolic link stays and its target is replaced. Raises OSError; the former
    file is then still there.
    """
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name[:100]}.", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_directory(target.parent)


def write_new(path: Path, text: str) -> None:
    """Write a file of mode 0600 that must not exist yet, with its folder (0700). Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: Exception) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)

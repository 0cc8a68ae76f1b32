"""The settings of a host from the OpenSSH client on this machine: ``ssh -G`` (ssh(1), ssh_config(5))."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

MOST_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class SshAnswer:
    """The settings for one host by keyword (in lower case), each with its values in order.

    ``fault`` is ssh's error about the configuration; ``timed_out`` means a slow ``Match exec`` in it.
    Bytes that are not UTF-8 are surrogates.
    """

    settings: dict[str, list[str]]
    fault: str = ""
    timed_out: bool = False

    @property
    def good(self) -> bool:
        """Whether ssh accepts the configuration."""
        return not self.fault and not self.timed_out


def user_config() -> Path:
    """The operator's own configuration."""
    return Path("~/.ssh/config").expanduser()


def at_ssh_home() -> bool:
    """Whether ``$HOME`` is the home folder that ssh uses: it reads only the password database."""
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir) == Path("~").expanduser()
    except (KeyError, RuntimeError):
        return False


def installed() -> bool:
    """Whether there is an ssh client."""
    return shutil.which("ssh") is not None


def ask(host: str, config_file: Path | None = None) -> SshAnswer:
    """The settings of ``ssh HOST``; blocks while ssh runs, at most ``MOST_SECONDS``.

    ``config_file`` replaces the user's and the system's file (``ssh -F``); the user's own is read like ssh does.
    """
    try:
        done = subprocess.run(
            ["ssh", "-G", *_options(config_file), "--", host],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=MOST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return SshAnswer({}, timed_out=True)
    except OSError as error:
        return SshAnswer({}, f"ssh cannot be run: {error.strerror}")
    if done.returncode != 0:
        return SshAnswer({}, done.stderr.decode("utf-8", "replace").strip() or f"ssh -G {host} failed")
    return SshAnswer(parse(done.stdout.decode("utf-8", "surrogateescape")))


def parse(text: str) -> dict[str, list[str]]:
    """The output of ``ssh -G``: a keyword and its value on each line, some keywords several times."""
    settings: dict[str, list[str]] = {}
    for line in text.splitlines():
        keyword, _, value = line.strip().partition(" ")
        settings.setdefault(keyword.lower(), []).append(value.strip())
    return settings


def _options(config_file: Path | None) -> list[str]:
    """The user's file is given only if ssh would not read it; ``none`` if it does not exist."""
    own = user_config()
    if config_file is None or config_file.absolute() == own.absolute():
        return [] if at_ssh_home() else ["-F", str(own) if own.exists() else "none"]
    return ["-F", str(config_file.absolute())]

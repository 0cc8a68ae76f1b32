"""What OpenSSH's own configuration says about a host, asked of ``ssh -G`` (ssh(1), ssh_config(5)).

asyncssh's own reader is never used (``config=None``): it ignores directives it does not know, fails on valid
ones, and takes ``UserKnownHostsFile none`` as "check nothing". Here ``none`` means "no file": nothing is trusted.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
from dataclasses import dataclass
from pathlib import Path

from mailwiz_tui.deploy.ssh.errors import SshError, SshErrorKind, printable
from mailwiz_tui.fleet import ssh_client
from mailwiz_tui.fleet.ssh_client import at_ssh_home

_DEFAULT_IDENTITIES = ("id_ed25519", "id_ecdsa", "id_rsa")
_SYSTEM_KNOWN_HOSTS = (Path("/etc/ssh/ssh_known_hosts"), Path("/etc/ssh/ssh_known_hosts2"))


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """The settings that matter here. Empty means: nothing said, use OpenSSH's default.

    ``identity_agent`` is the path of the agent's socket, empty where there is none. ``user_known_hosts`` may
    name files that do not exist; new keys are appended to the first. ``proxy_command`` has its ``%`` tokens
    still in it.
    """

    hostname: str
    user: str = ""
    port: int = 22
    identity_files: tuple[Path, ...] = ()
    identities_only: bool = False
    identity_agent: str = ""
    proxy_jump: str = ""
    proxy_command: str = ""
    host_key_alias: str = ""
    user_known_hosts: tuple[Path, ...] = ()
    global_known_hosts: tuple[Path, ...] = _SYSTEM_KNOWN_HOSTS


def ssh_folder() -> Path:
    """The operator's ``~/.ssh``."""
    return Path("~/.ssh").expanduser()


def default_config(host: str) -> ClientConfig:
    """OpenSSH's defaults, for machines without an ssh client."""
    folder = ssh_folder()
    return ClientConfig(
        hostname=host,
        identity_files=tuple(folder / name for name in _DEFAULT_IDENTITIES),
        identity_agent=os.environ.get("SSH_AUTH_SOCK", ""),
        user_known_hosts=(folder / "known_hosts", folder / "known_hosts2"),
    )


async def client_config(host: str, *, config_file: Path | None = None) -> ClientConfig:
    """What ``ssh HOST`` would use; ``config_file`` replaces the user's and the system's file (``ssh -F``).

    Raises SshError if ssh finds the configuration itself faulty: a guess could connect to the wrong host.
    """
    if host.startswith("-"):
        raise SshError("a host name cannot begin with a dash", printable(host), kind=SshErrorKind.CONFIG)
    if not ssh_client.installed():
        return default_config(host)
    answer = await asyncio.to_thread(ssh_client.ask, host, config_file)
    if answer.timed_out:
        raise SshError(
            "ssh -G took longer than 10 s",
            printable(host),
            "look for a slow Match exec in ~/.ssh/config",
            kind=SshErrorKind.CONFIG,
        )
    if answer.fault:
        raise SshError(
            f"the OpenSSH configuration is faulty: {printable(answer.fault)}",
            printable(host),
            f"try: ssh -G {printable(host)}",
            kind=SshErrorKind.CONFIG,
        )
    return config_of(host, answer.settings)


def config_of(host: str, values: dict[str, list[str]]) -> ClientConfig:
    """The settings that matter of what ``ssh -G`` says."""

    def one(keyword: str) -> str:
        value = values.get(keyword, [""])[0]
        return "" if value.lower() == "none" else value

    base = default_config(host)
    port = one("port")
    return ClientConfig(
        hostname=one("hostname") or host,
        user=one("user"),
        port=int(port) if port.isascii() and port.isdigit() and 0 < len(port) < 6 and 0 < int(port) < 65536 else 22,
        identity_files=tuple(_file(v) for v in values.get("identityfile", []) if v and v.lower() != "none"),
        identities_only=one("identitiesonly") == "yes",
        identity_agent=_agent(values.get("identityagent", [""])[0]),
        proxy_jump=one("proxyjump"),
        proxy_command=one("proxycommand"),
        host_key_alias=one("hostkeyalias"),
        user_known_hosts=_files(values.get("userknownhostsfile"), base.user_known_hosts),
        global_known_hosts=_files(values.get("globalknownhostsfile"), base.global_known_hosts),
    )


def _file(value: str) -> Path:
    """A path of ssh's answer; its own home folder becomes ``$HOME``, should they differ."""
    path = Path(os.path.expanduser(value.strip('"')))
    if not at_ssh_home():
        with contextlib.suppress(KeyError, ValueError):
            return ssh_folder() / path.relative_to(Path(pwd.getpwuid(os.getuid()).pw_dir) / ".ssh")
    return path


def _files(values: list[str] | None, default: tuple[Path, ...]) -> tuple[Path, ...]:
    """The files of a known-hosts option; ``none`` and ``/dev/null`` are no file, so nothing is trusted."""
    if values is None:
        return default
    names = values[0].split()
    return tuple(_file(name) for name in names if name.lower() != "none" and name != os.devnull)


def _agent(value: str) -> str:
    """The agent's socket from IdentityAgent: ``none``, ``SSH_AUTH_SOCK``, ``$VARIABLE`` or a path."""
    if value.lower() == "none":
        return ""
    if value in ("", "SSH_AUTH_SOCK"):
        return os.environ.get("SSH_AUTH_SOCK", "")
    if value.startswith("$"):
        return os.environ.get(value[1:].strip("{}"), "")
    return str(_file(value))

"""The hosts of an OpenSSH client configuration (ssh_config(5)), as servers.

The hosts are those in ``Host`` lines without wildcards, in this file and those it includes. Their settings come
from ``ssh -G`` if there is an ssh client; otherwise from a small reader of the six keywords that an inventory
needs (without Match blocks).
"""

from __future__ import annotations

import getpass
import glob
import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from mailwiz_tui.fleet import ssh_client
from mailwiz_tui.fleet.entry import Faults, server_from
from mailwiz_tui.fleet.server import Inventory, Server
from mailwiz_tui.plan import dnsnames
from mailwiz_tui.plan.explain import printable, quoted
from mailwiz_tui.plan.files import FileError, read_text
from mailwiz_tui.plan.findings import Finding, Severity

_KEYWORD = re.compile(r"\s*([A-Za-z][A-Za-z0-9]*)\s*(?:=\s*|\s+)(.*?)\s*$")
_WORD = re.compile(r'"([^"]*)"|(\S+)')
_USED = frozenset({"hostname", "user", "port", "identityfile", "proxyjump", "userknownhostsfile"})
_DEFAULT_IDENTITIES = re.compile(r"/\.ssh/id_(?:rsa|ecdsa|ecdsa_sk|ed25519|ed25519_sk|xmss|dsa|mldsa\w*)$")
MOST_INCLUDES = 16


@dataclass(frozen=True, slots=True)
class Line:
    """One directive with its place; the keyword in lower case."""

    file: Path
    number: int
    keyword: str
    words: tuple[str, ...]

    @property
    def place(self) -> str:
        """``file:line`` for findings."""
        return f"{self.file.name}:{self.number}"


def read_openssh(text: str, path: Path) -> Inventory:
    """The inventory of an OpenSSH configuration. Raises InventoryError with every fault of the file."""
    faults, warnings = Faults(), list[Finding]()
    lines = list(directives(text, path, faults))
    hosts: dict[str, Line] = {}
    for line in lines:
        if line.keyword == "host":
            for pattern in line.words:
                if not any(c in pattern for c in "*?!"):
                    hosts.setdefault(pattern, line)
    usable = {name: line for name, line in hosts.items() if _usable(name, line, warnings)}
    answers = _ask_ssh(list(usable), path, faults) if ssh_client.installed() else None
    servers: list[Server] = []
    for name, line in usable.items():
        found = answers.get(name) if answers is not None else _look_up(name, lines)
        if found is not None:
            server = _server(name, found, path, line, faults)
            if server is not None:
                servers.append(server)
    faults.check()
    return Inventory(source=path, servers=tuple(servers), warnings=tuple(warnings))


def has_hosts(path: Path) -> bool:
    """Whether the configuration has a host without wildcards; False if it cannot be read."""
    try:
        lines = list(directives(read_text(path), path, Faults()))
    except FileError:
        return False
    return any(
        line.keyword == "host" and any(not any(c in word for c in "*?!") for word in line.words) for line in lines
    )


def directives(text: str, path: Path, faults: Faults, depth: int = 0) -> Iterator[Line]:
    """Every directive of the text in order, those of included files in their place."""
    for number, raw in enumerate(text.split("\n"), 1):
        stripped = raw.strip()
        if not stripped or stripped.startswith("#"):
            continue
        match = _KEYWORD.match(raw)
        if match is None:
            faults.add(f"{path.name}:{number}", f"{quoted(stripped)} is not an OpenSSH directive")
            continue
        keyword = match.group(1).lower()
        value = match.group(2)
        if value.count('"') % 2:
            faults.add(f"{path.name}:{number}", "a quote is not closed")
            continue
        words = tuple(_words(value))
        if keyword in ("host", "include", *_USED) and not words:
            faults.add(f"{path.name}:{number}", f"{match.group(1)} has no value")
            continue
        yield Line(path, number, keyword, words)
        if keyword == "include":
            yield from _included(words, path, faults, number, depth)


def _words(value: str) -> Iterator[str]:
    for match in _WORD.finditer(value):
        word = match.group(1) if match.group(1) is not None else match.group(2)
        if match.group(1) is None and word.startswith("#"):
            return
        yield word


def _included(words: tuple[str, ...], path: Path, faults: Faults, number: int, depth: int) -> Iterator[Line]:
    """The directives of included files: globs, relative to ~/.ssh as OpenSSH has it for a user's file."""
    if depth >= MOST_INCLUDES:
        faults.add(f"{path.name}:{number}", f"more than {MOST_INCLUDES} files include one another")
        return
    for word in words:
        pattern = Path(os.path.expanduser(word))
        if not pattern.is_absolute():
            pattern = Path("~/.ssh").expanduser() / pattern
        for name in sorted(glob.glob(str(pattern))):
            included = Path(name)
            if included.is_file():
                try:
                    yield from directives(read_text(included), included, faults, depth + 1)
                except FileError as fault:
                    faults.add(f"{path.name}:{number}", f"{included}: {fault.message}", fault.advice)


def _usable(name: str, line: Line, warnings: list[Finding]) -> bool:
    try:
        dnsnames.server_id(name)
    except ValueError as error:
        warnings.append(Finding(line.place, f"skipped: {printable(str(error))}", Severity.WARNING))
        return False
    return True


def _ask_ssh(names: list[str], path: Path, faults: Faults) -> dict[str, dict[str, list[str]]]:
    """The settings of each host from ``ssh -G``; faults of the file are reported once."""
    answers: dict[str, dict[str, list[str]]] = {}
    told: set[str] = set()
    with ThreadPoolExecutor(8) as pool:
        for name, answer in zip(names, pool.map(lambda name: ssh_client.ask(name, path), names), strict=True):
            if answer.good:
                answers[name] = _needed(answer.settings)
                continue
            said = f"ssh -G {name} took longer than 10 s" if answer.timed_out else answer.fault
            for message in said.splitlines():
                if message not in told and "terminating" not in message:
                    told.add(message)
                    place, message = _place_of(message, path)
                    faults.add(place, message, f"try: ssh -G {name}")
    return answers


def _place_of(message: str, path: Path) -> tuple[str, str]:
    match = re.match(r"(\S+):? line (\d+): (.*)", message)
    if match is None:
        return path.name, message
    return f"{Path(match.group(1).rstrip(':')).name}:{match.group(2)}", match.group(3)


def _needed(settings: dict[str, list[str]]) -> dict[str, list[str]]:
    """The settings for an inventory, without OpenSSH's defaults."""
    values = {
        keyword: [value.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for value in found]
        for keyword, found in settings.items()
        if keyword in _USED
    }
    values["identityfile"] = [v for v in values.get("identityfile", []) if not _DEFAULT_IDENTITIES.search(v)]
    if "known_hosts2" in values.get("userknownhostsfile", [""])[0]:
        values.pop("userknownhostsfile")
    return values


def _look_up(name: str, lines: list[Line]) -> dict[str, list[str]]:
    """The settings of a host in the Host blocks: the first value of each keyword counts, identity files add up."""
    values: dict[str, list[str]] = {}
    applies = True
    for line in lines:
        if line.keyword == "host":
            applies = _matches(name, line.words)
        elif line.keyword == "match":
            applies = [w.lower() for w in line.words] == ["all"]
        elif applies and line.keyword in _USED and (line.keyword not in values or line.keyword == "identityfile"):
            values.setdefault(line.keyword, []).append(" ".join(line.words))
    if "hostname" in values:
        values["hostname"] = [values["hostname"][0].replace("%h", name).replace("%%", "%")]
    values.setdefault("user", [_local_user()])
    return values


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    found = False
    for pattern in patterns:
        if fnmatchcase(name.lower(), pattern.removeprefix("!").lower().replace("[", "[[]")):
            if pattern.startswith("!"):
                return False
            found = True
    return found


def _local_user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "root"


def _server(name: str, found: dict[str, list[str]], path: Path, line: Line, faults: Faults) -> Server | None:
    def one(keyword: str) -> str:
        value = found.get(keyword, [""])[0]
        return "" if value.lower() == "none" else value

    port = one("port") or "22"
    own = path.absolute() == ssh_client.user_config().absolute()
    known = "" if own else next((word for word in one("userknownhostsfile").split() if word != os.devnull), "")
    values: dict[str, object] = {
        "id": name,
        "host": one("hostname") or name,
        "user": one("user"),
        "port": int(port) if port.isascii() and port.isdigit() and len(port) < 10 else port,
        "identity_file": next((f for f in found.get("identityfile", []) if _exists(f)), ""),
        "known_hosts": known,
        "proxy_jump": found.get("proxyjump", [""])[0],
        "openssh_alias": name if own else "",
    }
    return server_from(values, lambda key: f"{line.place} {name} {key}", Path("~/.ssh").expanduser(), faults)


def _exists(name: str) -> bool:
    try:
        return Path(name.strip('"')).expanduser().exists()
    except (OSError, RuntimeError, ValueError):
        return False

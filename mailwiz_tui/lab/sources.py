"""The package sources of this machine, which the lab's hosts use too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .machine import LabError, run

SUITES = ("trixie", "bookworm")


@dataclass(frozen=True)
class Archive:
    """The package archive and its security updates, as base URLs without a slash at the end.

    ``security`` is empty if the machine's apt has none; hosts then have none either.
    """

    main: str
    security: str = ""

    def sources_list(self, suite: str, *, plain: bool = False) -> str:
        """Write a sources.list; ``plain`` uses http for all, for hosts behind the caching proxy."""
        main, security = (_http(self.main), _http(self.security)) if plain else (self.main, self.security)
        lines = [f"deb {main} {suite} main", f"deb {main} {suite}-updates main"]
        if security:
            lines.append(f"deb {security} {suite}-security main")
        return "\n".join(lines) + "\n"

    @property
    def urls(self) -> tuple[str, ...]:
        return tuple(url for url in (self.main, self.security) if url)


def _http(url: str) -> str:
    return re.sub(r"^https:", "http:", url)


def read_archive(apt: Path = Path("/etc/apt")) -> Archive:
    """Find the mirror of this machine's apt. Raises LabError if it has none that serves files."""
    main = security = ""
    for url, suites, components in entries(apt):
        if not url.startswith(("http://", "https://")) or "main" not in components:
            continue
        names = {suite.partition("-")[0].partition("/")[0] for suite in suites}
        if not names & {*SUITES, "stable", "oldstable", "testing", "sid"}:
            continue
        if any("security" in suite for suite in suites):
            security = security or url
        else:
            main = main or url
    if not main:
        raise LabError(
            f"{apt} has no Debian archive for the lab's hosts; "
            "add a mirror of Debian to /etc/apt/sources.list.d and try again"
        )
    return Archive(main, security)


def entries(apt: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield (URL, suites, components) of every ``deb`` entry, of both file formats apt knows."""
    folder = apt / "sources.list.d"
    for path in (apt / "sources.list", *sorted(folder.glob("*.list"))):
        if path.is_file():
            yield from parse_one_line(path.read_text(errors="replace"))
    for path in sorted(folder.glob("*.sources")):
        yield from parse_deb822(path.read_text(errors="replace"))


def parse_one_line(text: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Read the one-line format: ``deb [options] URL suite component …`` (sources.list(5))."""
    for line in text.splitlines():
        match = re.match(r"\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s*([^#]*)", line)
        if match:
            yield match[1].rstrip("/"), [match[2]], match[3].split()


def parse_deb822(text: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Read the stanza format: ``Types:``, ``URIs:``, ``Suites:``, ``Components:`` (sources.list(5))."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for stanza in re.split(r"\n\s*\n", "\n".join(lines)):
        fields: dict[str, list[str]] = {}
        key = ""
        for line in stanza.splitlines():
            if line[:1].isspace():
                fields.setdefault(key, []).extend(line.split())
            elif ":" in line:
                key, _, value = line.partition(":")
                key = key.strip().lower()
                fields[key] = value.split()
        if "deb" not in fields.get("types", []) or fields.get("enabled") == ["no"]:
            continue
        for url in fields.get("uris", []):
            yield url.rstrip("/"), fields.get("suites", []), fields.get("components", [])


def apt_proxy() -> str:
    """Return the HTTP proxy of this machine's apt, empty for none."""
    output = run("apt-config", "shell", "PROXY", "Acquire::http::Proxy", check=False).stdout
    match = re.match(r"PROXY='(https?://[^']+)'", output.strip())
    return match[1] if match else ""

"""Several hosts as one mail system: the plan that says so in a workspace of its own, and what lies on them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mailwiz_tui.lab.lab import Lab
from tests.lab.workspace import MAIL, Done, Workspace

PLAN = (
    """
version = 1
architecture = "{architecture}"
{servers}
"""
    + MAIL
)


@dataclass(frozen=True)
class Member:
    """A host of the lab and what it does; ``number`` is the last part of its internal address."""

    host: str
    roles: tuple[str, ...]
    number: int

    @property
    def internal_ip(self) -> str:
        return f"10.80.0.{self.number}"


@dataclass(frozen=True)
class Fleet(Workspace):
    """A folder with a plan of several servers; ``host`` is the one that clients talk to.

    An ``inventory.toml`` in the folder is used instead of the lab's own.
    """

    def command(self, command: str, *options: str) -> list[str]:
        words = super().command(command, *options)
        own = self.folder / "inventory.toml"
        return [*words[:-1], str(own)] if own.exists() else words

    def run(self, host: str, command: str) -> str:
        """Run a line for the shell on a host; what it printed, with its errors if it failed."""
        done = self.lab.run(host, command, check=False)
        assert done.returncode == 0, f"{host}: {command}: {done.stdout}{done.stderr}"
        return str(done.stdout)

    def write_plan(self, members: Sequence[Member], architecture: str = "distributed") -> None:
        """Decide who does what."""
        servers = "".join(
            f'\n[[servers]]\nid = "{m.host}"\nroles = {json.dumps(list(m.roles))}\n'
            + (f'internal_ip = "{m.internal_ip}"\n' if architecture == "distributed" else "")
            for m in members
        )
        self.plan.write_text(PLAN.format(architecture=architecture, servers=servers, domain=self.domain))

    def apply(self, *options: str, timeout: float = 1500) -> Done:
        """Install and verify, against the lab's DNS."""
        return self.mailwiz("apply", "--yes", "--resolver", self.lab.dns.resolver, *options, timeout=timeout)

    def failed_checks(self) -> list[tuple[str, str, str]]:
        """Verify: what did not pass unasked, as (server, check, detail)."""
        return [(r["server_id"], r["id"], r["detail"]) for r in self.not_passed()]

    def mail_of(self, store: str, address: str) -> list[Path]:
        """The files of a mailbox's mail on a store."""
        local, _, domain = address.partition("@")
        home = self.lab.host(store).root / "var/vmail" / domain / local
        return [path for place in ("new", "cur") for path in home.rglob(f"{place}/*")]

    def marks(self, store: str, header: str) -> list[str]:
        """The values of a header in all mail that a store keeps; it may be running or not."""
        folder = self.lab.host(store).root / "var/vmail" / self.domain
        return marks_below(folder, header)


def marks_below(folder: Path, header: str) -> list[str]:
    """The values of a header in all mail below a folder, drafts of a delivery in ``tmp`` left out."""
    wanted = re.compile(rb"(?mi)^" + re.escape(header.encode()) + rb": (\S+)\r?$")
    found = []
    for place in ("new", "cur"):
        for path in folder.rglob(f"{place}/*"):
            try:
                match = wanted.search(path.read_bytes())
            except FileNotFoundError:
                continue
            if match:
                found.append(match[1].decode())
    return found


def make_fleet(
    lab: Lab, folder: Path, domain: str, members: Sequence[Member], architecture: str = "distributed"
) -> Fleet:
    """Write the plan of several servers."""
    front = next(m.host for m in members if {"mx-outbound", "all-in-one"} & set(m.roles))
    fleet = Fleet(lab, folder, front, domain)
    fleet.write_plan(members, architecture)
    return fleet


def by_role(members: Sequence[Member]) -> Mapping[str, list[str]]:
    """The hosts with each role."""
    found: dict[str, list[str]] = {}
    for member in members:
        for role in member.roles:
            found.setdefault(role, []).append(member.host)
    return found

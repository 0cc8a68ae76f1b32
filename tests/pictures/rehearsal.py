"""A folder with a plan for a bare host of a lab, as pictures need it: no path or name of this machine shows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

from mailwiz_tui.dns.records import plan_records
from mailwiz_tui.fleet.facts_store import facts_path_for, load_facts
from mailwiz_tui.fleet.inventory import load_inventory
from mailwiz_tui.lab.lab import Lab
from mailwiz_tui.lab.sources import read_archive
from mailwiz_tui.plan.toml import load_plan

PLAN = Path("plan.toml")
INVENTORY = Path("inventory.toml")
SHOWN = 6


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """A bare host, an empty zone, and an inventory that knows the lab's hosts."""

    lab: Lab
    host: str
    domain: str
    folder: Path

    def publish(self) -> None:
        """Publish every record of the plan, as an operator does after step 7."""
        plan = self.folder / PLAN
        known = load_facts(facts_path_for(plan))
        records = plan_records(load_plan(plan), known, load_inventory(self.folder / INVENTORY))
        self.lab.dns.publish([f"{r.name}. 5 IN {r.type} {r.rdata}" for r in records if not r.pending])


def mirror() -> str:
    """The name of this machine's package mirror, which is nobody's business in a picture."""
    return urlsplit(read_archive().main).hostname or ""


def _inventory(lab: Lab, host: str) -> str:
    """The lab's inventory with the host first, so that it is in sight in a list of many."""
    text = lab.paths.inventory.read_text(encoding="utf-8")
    text = text.replace('known_hosts = "known_hosts"', f'known_hosts = "{lab.paths.known_hosts}"')
    entries = ["[[servers]]" + entry for entry in text.split("[[servers]]")[1:]]
    entries.sort(key=lambda entry: f'id = "{host}"\n' not in entry)
    return f'resolver = "{lab.dns.resolver}"\n\n' + "".join(entries[:SHOWN])


@contextmanager
def rehearsal(lab_name: str, host: str, domain: str) -> Iterator[Rehearsal]:
    """Reset the host and the zone, and make the folder the present one; the lab is brought up where it is not."""
    lab = Lab(lab_name)
    if not any(known.id == host for known in lab.hosts()):
        lab.up(int(host.removeprefix("mx")))
    lab.reset(host)
    lab.clear_dns(domain)
    before = Path.cwd()
    with TemporaryDirectory(prefix="mailwiz-pictures-") as name:
        folder = Path(name)
        (folder / INVENTORY).write_text(_inventory(lab, host), encoding="utf-8")
        for variable, value in {"XDG_DATA_HOME": "data", "XDG_STATE_HOME": "state", "HOME": "home"}.items():
            (folder / value).mkdir()
            os.environ[variable] = str(folder / value)
        os.environ.pop("SSH_AUTH_SOCK", None)
        os.chdir(folder)
        try:
            yield Rehearsal(lab, host, domain, folder)
        finally:
            os.chdir(before)

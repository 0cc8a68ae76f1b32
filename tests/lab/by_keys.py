"""What the walks by keys share: opening the wizard, the zone, the installation, the first passwords."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path

import dns.zone

from mailwiz_tui.lab.lab import Lab
from tests.terminal.tmux import Tmux

ROOT = Path(__file__).resolve().parents[2]


def open_wizard(tmux: Tmux, tmp_path: Path, lab: Lab, inventory: Path | None = None) -> None:
    """Start the program with the lab's inventory, or another, and an empty data folder."""
    environ = {
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "PYTHONPATH": str(ROOT),
        "LANG": "C.UTF-8",
    }
    tmux.start([sys.executable, "-m", "mailwiz_tui", "--inventory", str(inventory or lab.paths.inventory)], environ)
    tmux.until("Begin")


def answer_the_steps(tmux: Tmux, host: str, domain: str) -> None:
    """Steps 1 to 6: the server and the domain are typed, Enter accepts everything else."""
    tmux.keys("Enter")
    tmux.until("1/8")
    tmux.keys("Enter")
    tmux.until("2/8")
    tmux.until("not checked")
    tmux.type(host)
    tmux.until("1 of ")
    chosen = f"(*) {host} " in tmux.until(f") {host} ")
    tmux.keys("Enter", *(() if chosen else ("Space",)))
    tmux.until(f"(*) {host} ")
    tmux.keys("F5")
    tmux.until("reachable", 60)
    tmux.keys("Enter", "Enter", "Enter")
    answer_from_the_domain_on(tmux, domain)


def answer_from_the_domain_on(tmux: Tmux, domain: str) -> None:
    """Steps 3 to 6, with a certificate that the servers sign themselves."""
    tmux.until("3/8")
    tmux.type(domain)
    tmux.until(f"Primary domain        {domain}")
    tmux.keys("Enter", "Enter")
    tmux.until("4/8")
    tmux.keys("Right", "Right")
    tmux.until("(•) Self-signed")
    for number in (5, 6, 7):
        tmux.keys("F8")
        tmux.until(f"{number}/8")


def publish_the_zone(tmux: Tmux, tmp_path: Path, lab: Lab, domain: str) -> None:
    """Step 7: keys are made on the server, the zone is saved and published as an operator would."""
    tmux.until("without a key")
    tmux.keys("F5")
    tmux.until_gone(("without a key", "Connecting to the servers"), 90)
    zone_file = tmp_path / "saved.zone"
    tmux.keys("F6")
    tmux.until("zone file")
    tmux.keys("C-u")
    tmux.type(str(zone_file))
    tmux.keys("Enter")
    tmux.until("Written to")
    text = zone_file.read_text(encoding="utf-8")
    zone = dns.zone.from_text(text, origin=domain, check_origin=False, relativize=False)
    lab.dns.publish(zone.to_text(relativize=False))
    assert "p=MII" in text, "the DKIM record holds the server's real key"


def go_and_install(tmux: Tmux) -> None:
    """From any step to the dashboard."""
    tmux.keys("F4")
    tmux.until("ready to install")
    tmux.keys("F8")
    tmux.until("Install on")
    tmux.keys("Right", "Enter")


def answer_dialog(tmux: Tmux, *keys: str) -> None:
    """Answer a dialog that came up by itself, after the half second in which it takes no keys."""
    time.sleep(1.5)
    tmux.keys(*keys)


def take_the_passwords(tmux: Tmux, folder: Path, domain: str) -> str:
    """See the first passwords, save them to a file, and say that they are kept; postmaster's password."""
    tmux.keys("Enter")
    shown = tmux.until(f"postmaster@{domain}")
    found = re.search(r"postmaster@\S+\s+│\s*│\s+(\S+)", shown)
    assert found is not None, shown
    password = found.group(1)
    tmux.keys("Enter")
    tmux.until("Save the passwords")
    tmux.keys("C-u")
    credentials = folder / "credentials.json"
    tmux.type(str(credentials))
    tmux.keys("Enter")
    tmux.until("Saved to")
    assert json.loads(credentials.read_text())["mailboxes"][f"postmaster@{domain}"] == password
    tmux.keys("Enter")
    tmux.until("Do you have the passwords?")
    tmux.keys("Right", "Enter")
    return password

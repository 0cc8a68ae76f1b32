"""A plan for a lab host in a folder of its own, and the real program run on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from mailwiz_tui.dns.records import plan_records
from mailwiz_tui.fleet.facts_store import facts_path_for, load_facts
from mailwiz_tui.lab.lab import Lab
from mailwiz_tui.plan.model import TlsProvider
from mailwiz_tui.plan.toml import load_plan

MAIL = """\
[domain]
primary_domain = "{domain}"
hostname = "mail.{domain}"

[security.tls]
provider = "selfsigned"

[security.dkim]
selector = "2026a"

[security.dmarc]
policy = "reject"
rua = "mailto:dmarc@{domain}"
"""
"""What every plan of the tests says beside its servers."""
PLAN = (
    """
version = 1
architecture = "single"

[[servers]]
id = "{host}"
roles = ["all-in-one"]

"""
    + MAIL
)


@dataclass(frozen=True)
class Done:
    """A run of the program that ended."""

    code: int
    out: str
    err: str
    seconds: float


@dataclass(frozen=True)
class Workspace:
    """A folder with a plan; ``mailwiz`` runs the program as an operator would."""

    lab: Lab
    folder: Path
    host: str
    domain: str

    @property
    def plan(self) -> Path:
        return self.folder / "plan.toml"

    @property
    def credentials(self) -> Path:
        return self.folder / "credentials.json"

    @property
    def hostname(self) -> str:
        return f"mail.{self.domain}"

    @property
    def address(self) -> str:
        return self.lab.host(self.host).ipv4

    def command(self, command: str, *options: str) -> list[str]:
        program = [sys.executable, "-m", "mailwiz_tui", *command.split(), str(self.plan)]
        return [*program, *options, "--inventory", str(self.lab.paths.inventory)]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "XDG_STATE_HOME": str(self.folder / "state"), "SSH_AUTH_SOCK": ""}

    def mailwiz(self, command: str, *options: str, timeout: float = 900, stdin: str = "") -> Done:
        begun = time.monotonic()
        done = subprocess.run(
            self.command(command, *options),
            capture_output=True,
            text=True,
            timeout=timeout,
            env=self.environment,
            input=stdin,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr, time.monotonic() - begun)

    def give(self, name: str, secret: str) -> Done:
        """Give a secret that only the operator knows, as ``secret PLAN NAME --stdin`` takes it."""
        return self.mailwiz("secret", name, "--stdin", stdin=f"{secret}\n")

    def publish(self) -> None:
        """Publish every record of the plan in the lab's DNS, as an operator does after step 7."""
        records = plan_records(load_plan(self.plan), load_facts(facts_path_for(self.plan)))
        assert not [r.name for r in records if r.pending]
        self.lab.dns.publish([f"{r.name}. 5 IN {r.type} {r.rdata}" for r in records])

    def not_passed(self, *options: str) -> list[dict[str, str]]:
        """Verify against the lab's DNS: what did not pass, but for the warning that the plan asks for.

        Mail programs warn of a self-signed certificate, which most plans of the tests have on purpose.
        """
        done = self.mailwiz("verify", "--json", "--resolver", self.lab.dns.resolver, *options)
        assert done.out.startswith("{"), done.out + done.err
        results = json.loads(done.out)["results"]
        assert len(results) > 60
        meant = load_plan(self.plan).security.tls.provider is TlsProvider.SELFSIGNED
        return [r for r in results if r["state"] != "passed" and not (meant and r["id"] == "tls.trust")]

    def password(self, mailbox: str) -> str:
        secret: str = json.loads(self.credentials.read_text())["mailboxes"][mailbox]
        return secret


def acme(workspace: Workspace) -> str:
    """The plan's lines for a certificate of the lab's ACME server, below ``provider = "letsencrypt"``."""
    return (
        f'acme_email = "postmaster@{workspace.domain}"\n'
        f'acme_directory = "{workspace.lab.outside.acme_directory}"\n'
        f'acme_ca_file = "{workspace.lab.paths.ca_file}"\n'
    )


def make_workspace(lab: Lab, folder: Path, host: str, domain: str) -> Workspace:
    """Write the plan of a single server."""
    workspace = Workspace(lab, folder, host, domain)
    workspace.plan.write_text(PLAN.format(host=host, domain=domain))
    return workspace

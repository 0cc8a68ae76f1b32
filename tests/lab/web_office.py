"""Webmail and the admin panel of an installation, and a browser in front of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.lab import clients
from tests.lab.browser import Browser
from tests.lab.clients import PASSWORD
from tests.lab.web_journeys import Panel, Webmail
from tests.lab.workspace import Workspace

_KNOWN_COMPLAINTS = ("_task=login - Failed to load resource: the server responded with a status of 401",)
"""What a browser always says of a login that was refused."""


@dataclass(frozen=True)
class WebOffice:
    """One or several servers with the mailboxes bob@ and carol@; ``workspace.address`` has the web pages."""

    workspace: Workspace
    browser: Browser

    @property
    def url(self) -> str:
        return f"https://{self.workspace.hostname}"

    @property
    def webmail(self) -> Webmail:
        return Webmail(self.browser, f"{self.url}/webmail/")

    @property
    def panel(self) -> Panel:
        return Panel(self.browser, f"{self.url}/admin/")

    @property
    def administrator(self) -> tuple[str, str]:
        """The panel's first administrator, and the password that was shown once."""
        ((address, password),) = json.loads(self.workspace.credentials.read_text())["admin_panel"].items()
        return address, password

    @property
    def bob(self) -> str:
        return self.address("bob")

    @property
    def carol(self) -> str:
        return self.address("carol")

    def address(self, name: str) -> str:
        return f"{name}@{self.workspace.domain}"

    def imap_opens(self, user: str, password: str) -> bool:
        return clients.imap_opens(self.workspace.address, user, password)

    def smtp_opens(self, user: str, password: str) -> bool:
        return clients.smtp_opens(self.workspace.address, user, password)

    @contextmanager
    def without_complaints(self) -> Iterator[None]:
        """The browser finds nothing wrong meanwhile: no refusal by the CSP, no broken script, no missing file."""
        self.browser.complaints()
        yield
        told = self.browser.complaints()
        assert [line for line in told if not any(known in line for known in _KNOWN_COMPLAINTS)] == []


def install_with_web(workspace: Workspace) -> None:
    """Install a plan that has both applications, and make the two mailboxes, by an operator's commands."""
    before = workspace.mailwiz("diff")
    assert before.code == 1, before.err
    workspace.publish()
    options = ("--resolver", workspace.lab.dns.resolver, "--credentials", str(workspace.credentials))
    done = workspace.mailwiz("apply", "--yes", *options, timeout=1500)
    assert done.code == 0, done.out + done.err
    assert f"Webmail: https://{workspace.hostname}/webmail/" in done.out
    for name in ("bob", "carol"):
        address = f"{name}@{workspace.domain}"
        added = workspace.mailwiz("mailbox add", address, "--password-stdin", stdin=f"{PASSWORD}\n")
        assert added.code == 0, added.err

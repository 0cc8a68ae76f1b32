"""A single server with two mailboxes, as its users, its administrator and the world see it."""

from __future__ import annotations

import imaplib
import time

from mailwiz_tui.lab.lab import Lab
from tests.lab.clients import PASSWORD, imap, mail, submit, submit_as_written
from tests.lab.workspace import Workspace


def arrived_outside(lab: Lab, recipient: str, seconds: float = 60) -> bytes:
    """What the world's mail server keeps of a message, with ``\\n`` at line ends."""
    wanted = f"\nX-Original-To: {recipient}\n".encode()
    deadline = time.monotonic() + seconds
    while True:
        for path in lab.outside.mailboxes.glob("[nc][eu][wr]/*"):
            data = path.read_bytes()
            if wanted in data.partition(b"\n\n")[0]:
                return data
        assert time.monotonic() < deadline, f"nothing arrived for {recipient}"
        time.sleep(0.3)


class Site:
    """An installed server with the mailboxes bob@ and carol@."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.lab = workspace.lab
        self.domain = workspace.domain
        self.bob = f"bob@{self.domain}"
        self.carol = f"carol@{self.domain}"

    def run(self, command: str) -> str:
        return self.lab.run(self.workspace.host, command).stdout

    @property
    def exchanger(self) -> str:
        """The address that takes mail from the world."""
        return self.workspace.address

    def at_queue(self, command: str) -> str:
        """Run a line for the shell where mail from the world waits until it can be delivered."""
        return self.run(command)

    def sql(self, statement: str) -> None:
        self.lab.run(self.workspace.host, "mariadb postfix", stdin=statement)

    def mailbox(self, address: str) -> None:
        local = address.partition("@")[0]
        hashed = self.run(f"doveadm pw -s ARGON2ID -p {PASSWORD}").strip()
        self.sql(
            "INSERT INTO mailbox (username, password, name, maildir, local_part, domain) VALUES "
            f"('{address}', '{hashed}', '', '{self.domain}/{local}/', '{local}', '{self.domain}');"
            f"INSERT INTO alias (address, goto, domain) VALUES ('{address}', '{address}', '{self.domain}');"
        )

    def imap(self, user: str, password: str = PASSWORD) -> imaplib.IMAP4_SSL:
        return imap(self.workspace.address, user, password)

    def submit(self, user: str, *recipients: str, sender: str = "", header: str = "", body: str = "") -> None:
        sender = sender or user
        message = mail(header or sender, recipients[0], body=body)
        submit(self.workspace.address, user, message, *recipients, sender=sender)

    def submit_as_written(self, data: bytes, recipient: str, *, user: str = "", sender: str = "") -> None:
        """Send bytes after login, with no line changed by the client but its ends."""
        submit_as_written(
            self.workspace.address, user or self.bob, data, recipient, sender=sender or user or self.bob
        )

    def arrived_outside(self, recipient: str) -> bytes:
        """What the world's mail server keeps of a message, with ``\\n`` at line ends."""
        return arrived_outside(self.lab, recipient)

    def from_outside(
        self, subject: str, recipient: str, sender: str = "alice@outside.test", body: str = ""
    ) -> None:
        self.lab.outside.send(mail(sender, recipient, subject, body), "alice@outside.test", recipient)

    def found(self, user: str, folder: str, subject: str, seconds: float = 40) -> bytes:
        """The UID of a message once it has arrived in a folder."""
        client = self.imap(user)
        deadline = time.monotonic() + seconds
        while True:
            if client.select(folder)[0] == "OK":
                numbers = client.uid("SEARCH", "SUBJECT", f'"{subject}"')[1][0].split()
                if numbers:
                    client.logout()
                    return bytes(numbers[-1])
            assert time.monotonic() < deadline, f"{subject} did not arrive in {folder} of {user}"
            time.sleep(0.3)


def installed(workspace: Workspace) -> Site:
    """Install a server and make the two mailboxes."""
    done = workspace.mailwiz("apply", "--yes", "--credentials", str(workspace.credentials))
    assert done.code == 0, done.out + done.err
    workspace.publish()
    site = Site(workspace)
    for address in (site.bob, site.carol):
        site.mailbox(address)
    return site

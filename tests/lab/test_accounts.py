"""A postmaster's day on a running server: mailboxes, passwords, aliases, catch-alls, quotas, with real mail."""

from __future__ import annotations

import email.message
import imaplib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mailwiz_tui.deploy.engine import Engine
from mailwiz_tui.deploy.prompts import RefusingPrompts
from mailwiz_tui.fleet.inventory import load_inventory
from mailwiz_tui.lab.lab import Lab, LabHost
from mailwiz_tui.manage.accounts import Accounts
from mailwiz_tui.plan.toml import load_plan
from tests.lab import clients
from tests.lab.processes import ProcessWatch
from tests.lab.workspace import Workspace, make_workspace

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(1500), pytest.mark.xdist_group("accounts")]

PASSWORD = "Canary-Kuckuck-4711"


@pytest.fixture(scope="module")
def server(lab: Lab, lent_host: str, lent_domain: str, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """An installed server, made once for all tests here."""
    workspace = make_workspace(lab, tmp_path_factory.mktemp("accounts"), lent_host, lent_domain)
    assert workspace.mailwiz("dns").code == 0
    workspace.mailwiz("diff")
    workspace.publish()
    done = workspace.mailwiz(
        "apply", "--yes", "--credentials", str(workspace.credentials), "--resolver", lab.dns.resolver
    )
    assert done.code == 0, done.out + done.err
    return workspace


@pytest.fixture(scope="module")
def watch() -> Iterator[ProcessWatch]:
    watch = ProcessWatch()
    with watch:
        yield watch


def book(server: Workspace) -> dict[str, Any]:
    done = server.mailwiz("mailbox list", "--json")
    assert done.code == 0, done.err
    found: dict[str, Any] = json.loads(done.out)
    return found


def add(server: Workspace, name: str, *options: str) -> str:
    """Make a mailbox with the canary's password."""
    address = f"{name}@{server.domain}"
    done = server.mailwiz("mailbox add", address, "--password-stdin", *options, stdin=f"{PASSWORD}\n")
    assert done.code == 0, done.err
    assert "password:" not in done.out
    return address


def imap(server: Workspace, address: str, password: str = PASSWORD) -> imaplib.IMAP4_SSL:
    return clients.imap(server.address, address, password)


def refused(server: Workspace, address: str, password: str) -> bool:
    try:
        imap(server, address, password).logout()
    except imaplib.IMAP4.error:
        return True
    return False


def send(server: Workspace, recipient: str, size: int = 10) -> str:
    """Send a mail from outside; its subject."""
    message = email.message.EmailMessage()
    subject = f"for {recipient} {time.time_ns()}"
    message["From"], message["To"], message["Subject"] = "anna@outside.test", recipient, subject
    message["Message-ID"], message["Date"] = f"<{time.time_ns()}@outside.test>", email.utils.formatdate()
    message.set_content("x" * 70 + "\n" if size < 100 else ("y" * 70 + "\n") * (size // 71))
    server.lab.outside.send(message, "anna@outside.test", recipient)
    return subject


def arrived(server: Workspace, address: str, subject: str, seconds: float = 60) -> bool:
    session = imap(server, address)
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            session.select("INBOX", readonly=True)
            if session.search(None, "SUBJECT", f'"{subject}"')[1][0]:
                return True
            server.lab.outside.run("postqueue -f")
            time.sleep(0.5)
        return False
    finally:
        session.logout()


def rcpt(server: Workspace, recipient: str) -> str:
    """What port 25 says of a recipient."""
    options = ("--server", server.address, "--from", "anna@outside.test", "--to", recipient, "--quit-after", "RCPT")
    said = server.lab.outside.swaks(*options, "--helo", "mail.outside.test").stdout
    lines = said.splitlines()
    at = next(i for i, line in enumerate(lines) if "RCPT TO" in line)
    return lines[at + 1].split("  ", 1)[-1].removeprefix("** ").strip().lstrip("<-* ")


def test_a_bare_host_says_that_nothing_is_installed(
    lab: Lab, fresh_host: Callable[[], LabHost], tmp_path: Path
) -> None:
    bare = make_workspace(lab, tmp_path, fresh_host().id, "example.test")
    done = bare.mailwiz("mailbox list")
    assert done.code == 1
    assert "no mail server is installed on this server yet" in done.err
    assert "apply" in done.err


def test_a_generated_password_is_shown_once_and_lets_in(server: Workspace) -> None:
    anna = f"anna@{server.domain}"
    done = server.mailwiz("mailbox add", anna, "--quota", "5G", "--name", "Anna Müller")
    assert done.code == 0, done.err
    password = done.out.split("password: ")[1].split()[0]
    imap(server, anna, password).logout()
    (box,) = (m for m in book(server)["mailboxes"] if m["address"] == anna)
    assert (box["name"], box["quota"], box["active"]) == ("Anna Müller", 5 * 1024**3, True)
    rows = server.lab.run(
        server.host, f"mariadb -BN postfix -e \"SELECT goto FROM alias WHERE address = '{anna}'\""
    ).stdout.strip()
    assert rows == anna, "PostfixAdmin shows a mailbox by its alias to itself"
    quota = server.lab.run(server.host, f"doveadm quota get -u {anna}").stdout
    assert str(5 * 1024**2) in quota


def test_what_cannot_be_done_is_said_in_a_line(server: Workspace) -> None:
    domain = server.domain
    for options, stdin, said in (
        (("mailbox add", f"postmaster@{domain}"), "", "exists already"),
        (("mailbox add", "anna@elsewhere.test"), "", f"mailbox domains are: {domain}"),
        (("mailbox add", f"abuse@{domain}"), "", "is an alias to"),
        (("mailbox add", f"carl@{domain}", "--quota", "many"), "", "like 5G"),
        (("mailbox add", f"carl@{domain}", "--password-stdin"), "short\n", "fewer than 12"),
        (("mailbox add", f"carl@{domain}", "--password-stdin"), "", "no password on standard input"),
        (("mailbox passwd", f"nobody@{domain}"), "", "there is no mailbox"),
        (("mailbox remove", f"postmaster@{domain}"), "", "must exist"),
        (("mailbox alias add", f"sales@{domain}", f"nobody@{domain}"), "", "does not exist here"),
        (("mailbox remove", f"anna@{domain}", "--delete-mail"), "", "add --yes"),
    ):
        done = server.mailwiz(*options, stdin=stdin)
        assert done.code in (1, 2), options
        assert said in done.err, (options, done.err)
        assert len(done.err.strip().splitlines()) == 1 + done.err.count("warning:"), done.err


def test_a_new_password_ends_the_old_one_and_its_sessions(server: Workspace, watch: ProcessWatch) -> None:
    bob = add(server, "bob")
    session = imap(server, bob)
    done = server.mailwiz("mailbox passwd", bob, "--password-stdin", stdin="Another-Canary-99\n")
    assert done.code == 0, done.err
    with pytest.raises((imaplib.IMAP4.abort, OSError)):
        all(session.noop() for _ in range(1000))
    assert refused(server, bob, PASSWORD)
    imap(server, bob, "Another-Canary-99").logout()
    assert server.mailwiz("mailbox passwd", bob, "--password-stdin", stdin=f"{PASSWORD}\n").code == 0
    assert watch.rounds > 5
    journal = server.lab.run(server.host, "journalctl --no-pager -o cat; cat /var/lib/mailwiz/accounts.json").stdout
    here = "".join(p.read_text(errors="replace") for p in server.folder.rglob("*") if p.is_file())
    for secret in (PASSWORD, "Another-Canary-99"):
        assert not watch.holding(secret)
        assert secret not in journal
        assert secret not in here


def test_aliases_catch_alls_and_plus_addresses_lead_where_they_should(server: Workspace) -> None:
    domain = server.domain
    carl, dora = add(server, "carl"), add(server, "dora")
    assert "No such" in rcpt(server, f"sales@{domain}") or rcpt(server, f"sales@{domain}").startswith("550")
    assert server.mailwiz("mailbox alias add", f"sales@{domain}", carl, dora).code == 0
    subject = send(server, f"sales@{domain}")
    assert arrived(server, carl, subject)
    assert arrived(server, dora, subject)
    assert arrived(server, carl, send(server, f"carl+shop@{domain}"))
    assert rcpt(server, f"whoever@{domain}").startswith("550")
    assert server.mailwiz("mailbox alias add", f"*@{domain}", dora).code == 0
    assert arrived(server, dora, send(server, f"whoever@{domain}"))
    subject = send(server, f"carl+news@{domain}")
    assert arrived(server, carl, subject)
    assert not arrived(server, dora, subject, 1)
    checks = json.loads(server.mailwiz("verify", "--json", "--resolver", server.lab.dns.resolver).out)["results"]
    assert [(c["id"], c["detail"]) for c in checks if c["state"] == "failed"] == []
    (unknown,) = (c for c in checks if c["id"] == "smtp.unknown-recipient")
    assert "catch-all" in unknown["detail"]
    found = {a["address"]: a for a in book(server)["aliases"]}
    assert found[f"@{domain}"]["catch_all"]
    assert found[f"sales@{domain}"]["goto"] == [carl, dora]
    assert server.mailwiz("mailbox alias remove", f"@{domain}").code == 0
    assert server.mailwiz("mailbox alias remove", f"sales@{domain}", dora).code == 0
    assert {a["address"]: a for a in book(server)["aliases"]}[f"sales@{domain}"]["goto"] == [carl]


def test_an_account_may_have_a_name_that_the_system_uses(server: Workspace) -> None:
    mail = add(server, "mail")
    assert arrived(server, mail, send(server, mail))


def test_a_full_mailbox_takes_no_more(server: Workspace) -> None:
    erna = add(server, "erna")
    assert server.mailwiz("mailbox set", erna, "--quota", "1M").code == 0
    assert arrived(server, erna, send(server, erna, 2_000_000))
    server.lab.run(server.host, f"doveadm quota recalc -u {erna}")
    assert rcpt(server, erna).startswith("552")
    assert server.mailwiz("mailbox set", erna, "--quota", "none").code == 0
    assert rcpt(server, erna).startswith("250")


def test_out_of_use_means_no_login_and_no_mail(server: Workspace) -> None:
    fred = add(server, "fred")
    assert arrived(server, fred, send(server, fred))
    assert server.mailwiz("mailbox set", fred, "--disable").code == 0
    assert refused(server, fred, PASSWORD)
    assert rcpt(server, fred).startswith("550")
    assert server.mailwiz("mailbox set", fred, "--enable").code == 0
    assert rcpt(server, fred).startswith("250")
    session = imap(server, fred)
    assert session.select("INBOX")[1] == [b"1"]
    session.logout()


def test_removing_keeps_the_mail_unless_told_otherwise(server: Workspace) -> None:
    gina = add(server, "gina")
    assert arrived(server, gina, send(server, gina))
    server.mailwiz("mailbox alias add", f"team@{server.domain}", gina, f"postmaster@{server.domain}")
    home = f"/var/vmail/{server.domain}/gina"
    done = server.mailwiz("mailbox remove", gina)
    assert done.code == 0, done.err
    assert home in done.out
    assert f"team@{server.domain}" in done.err
    assert (
        server.lab.run(server.host, f"find {home} -type f -path '*/Maildir/*' | grep -c ,S=").stdout.strip() == "1"
    )
    assert refused(server, gina, PASSWORD)
    assert rcpt(server, gina).startswith("550")
    again = server.mailwiz("mailbox add", gina, "--password-stdin", stdin=f"{PASSWORD}\n")
    assert home in again.err
    session = imap(server, gina)
    assert session.select("INBOX")[1] == [b"1"]
    session.logout()
    assert server.mailwiz("mailbox remove", gina, "--delete-mail", "--yes").code == 0
    assert server.lab.run(server.host, f"ls {home}", check=False).returncode != 0
    assert server.lab.run(server.host, f"ls -d /var/vmail/{server.domain}").returncode == 0


async def test_each_change_takes_less_than_a_second(server: Workspace) -> None:
    engine = Engine(load_plan(server.plan), load_inventory(server.lab.paths.inventory), prompts=RefusingPrompts())
    accounts, hugo = Accounts(engine), f"hugo@{server.domain}"
    best: dict[str, float] = {}

    async def timed(name: str, work: Any) -> None:
        begun = time.monotonic()
        await work
        best[name] = min(best.get(name, 60.0), round(time.monotonic() - begun, 3))

    try:
        await accounts.book()
        for _ in range(3):
            await timed("list", accounts.book())
            await timed("add", accounts.add(hugo, quota=1024**3))
            await timed("passwd", accounts.set_password(hugo))
            await timed("quota", accounts.change(hugo, quota=0))
            await timed("alias", accounts.add_alias(f"h@{server.domain}", [hugo]))
            await timed("remove", accounts.remove(hugo))
            await accounts.remove_alias(f"h@{server.domain}")
    finally:
        await engine.close()
    crowd = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert max(best.values()) < crowd, f"{best} with {crowd:.1f} programs for each processor"


def test_apply_leaves_accounts_alone(server: Workspace) -> None:
    before = book(server)
    done = server.mailwiz("apply", "--yes")
    assert "no changes" in done.out, done.out + done.err
    assert book(server) == before

"""The monitor on a really installed server, in a real terminal: a stopped service, and a mail by its message-id."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from mailwiz_tui.lab.lab import Lab
from tests.lab.workspace import Workspace, make_workspace
from tests.terminal.tmux import Tmux

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def installed(lab: Lab, lent_host: str, lent_domain: str, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """An installed server with its DNS published."""
    workspace = make_workspace(lab, tmp_path_factory.mktemp("monitor"), lent_host, lent_domain)
    done = workspace.mailwiz("apply", "--yes", "--credentials", str(workspace.credentials))
    assert f"{lent_host}: done" in done.out, done.out + done.err
    workspace.publish()
    return workspace


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    """A tmux of 100 columns and 40 rows."""
    if not Tmux.available():
        pytest.fail("tmux is needed for this test: apt-get install tmux")
    window = Tmux(tmp_path, 100, 40)
    yield window
    window.close()


def test_what_breaks_is_said_and_a_mail_is_followed_by_its_message_id(
    lab: Lab, installed: Workspace, tmux: Tmux, tmp_path: Path
) -> None:
    environ = {
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "PYTHONPATH": str(ROOT),
        "LANG": "C.UTF-8",
    }
    words = installed.command("monitor", "--resolver", lab.dns.resolver)
    assert words[0] == sys.executable
    tmux.start(words, environ)
    tmux.until("no problems on 1 server", 60)
    tmux.until("records as planned", 60)

    host = installed.host
    lab.run(host, "systemctl stop dovecot.socket dovecot.service 2>/dev/null || systemctl stop dovecot.service")
    try:
        shown = tmux.until("dovecot does not run", 60)
        assert "nobody can read mail" in shown
        assert "What to do: on the server: journalctl -u dovecot" in " ".join(shown.split())
    finally:
        lab.run(host, "systemctl start dovecot.service")
    tmux.until("no problems on 1 server", 60)

    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = (
        "me@outside.test",
        f"postmaster@{installed.domain}",
        "watched",
    )
    message["Message-ID"] = "<watched-5f0c7e@outside.test>"
    message.set_content("Is this seen?")
    before = tmux.screen()
    lab.outside.send(message, "me@outside.test", f"postmaster@{installed.domain}")
    tmux.keys("&")
    tmux.type("watched-5f0c7e")
    tmux.keys("Enter")
    tmux.until("lines with “watched-5f0c7e”", 30)
    shown = tmux.until("status=sent", 90)
    assert "client=" in shown, "lines that name the mail by its queue id alone belong to it"
    received = [line for text in (before, shown) for line in text.splitlines() if "Mail in" in line]
    assert received[0] != received[1], received
    tmux.keys("C-q")
    tmux.until("exit-status=0")


def test_without_a_terminal_it_prints_a_line(installed: Workspace) -> None:
    done = installed.mailwiz("monitor", "--once")
    assert done.code == 0, done.err
    assert f"{installed.host}: " in done.out
    assert "0 in the queue" in done.out
    done = installed.mailwiz("monitor", "--json", "--once")
    assert f'"server_id": "{installed.host}"' in done.out

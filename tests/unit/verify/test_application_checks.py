"""The checks of webmail and panel, against a site that behaves and ones that do not in just one way."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import SecretStr

from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.stack.render import source
from mailwiz_tui.verify import applications
from mailwiz_tui.verify.check import Failed, Warned
from mailwiz_tui.verify.mailbox import Mailbox
from mailwiz_tui.verify.web import Site
from tests.unit.certificates import issue
from tests.unit.verify import fakes
from tests.unit.verify.conftest import MakeTarget, Serve
from tests.unit.verify.test_web_checks import MIDDLE, WEB_PORTS, context

PASSWORD = "the-right-one"
BOX = Mailbox(f"anna@{fakes.DOMAIN}", SecretStr(PASSWORD))
COOKIE = "Set-Cookie: x_sessid=1; path=/; secure; HttpOnly; SameSite=Strict\r\nServer: nginx\r\n"
PAGE = '<form><input type="hidden" name="{token}" value="t0k"><input type="password"></form>'
MakeApp = Callable[..., Site]


def headers(component: str) -> str:
    """The headers that nginx really adds for an application."""
    found = re.findall(r'(?m)^add_header (\S+) (?:"([^"]*)"|(\S+)) always;', source(component, "headers.conf"))
    return "".join(f"{name}: {quoted or plain}\r\n" for name, quoted, plain in found)


class App:
    """Webmail and panel in a few lines; ``open_door`` takes any password, ``files`` are served all the same."""

    def __init__(self, head: str = COOKIE, *, open_door: bool = False, files: tuple[str, ...] = ()) -> None:
        self.head, self.open_door, self.files = head, open_door, files

    def __call__(self, connection: Any) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            request += connection.recv(4096)
        top, _, body = request.partition(b"\r\n\r\n")
        lines = top.decode().split("\r\n")
        length = next((int(line.split()[1]) for line in lines if line.lower().startswith("content-length")), 0)
        while len(body) < length:
            body += connection.recv(4096)
        method, path, _ = lines[0].split()
        status, extra, text = self.answer(method, path, {k: v[0] for k, v in parse_qs(body.decode()).items()}, top)
        component = "roundcube" if path.startswith("/webmail") else "postfixadmin"
        head = f"{self.head}{headers(component) if 'no-policy' not in self.head else ''}{extra}"
        connection.sendall(
            f"HTTP/1.1 {status} X\r\n{head}Content-Length: {len(text)}\r\nConnection: close\r\n\r\n{text}".encode()
        )

    def answer(self, method: str, path: str, form: dict[str, str], top: bytes) -> tuple[int, str, str]:
        webmail = path.startswith("/webmail/")
        if path.partition("?")[0] not in ("/webmail/", "/admin/login.php", "/admin/users/login.php", *self.files):
            return 404, "", ""
        if method == "GET":
            return 200, "", PAGE.format(token="_token" if webmail else "token")
        assert b"Cookie: x_sessid=1" in top
        given = form.get("_pass") or form.get("fPassword")
        assert form.get("_token", form.get("token")) == "t0k"
        if self.open_door or given == PASSWORD:
            return 302, f"Location: {'./?_task=mail' if webmail else 'main.php'}\r\n", ""
        return (401 if webmail else 200), "", PAGE.format(token="_token")


@pytest.fixture
def app(serve: Serve, target: MakeTarget, tmp_path: Path) -> MakeApp:
    def make(*args: Any, **options: Any) -> Site:
        tls = context(issue("mail", MIDDLE, names=(fakes.HOST,)), tmp_path)
        return Site(target({443: serve(App(*args, **options), tls)}, ports=WEB_PORTS), MIDDLE.pem)

    return make


LOGINS = (applications.webmail_login, applications.panel_login)
PAGES = ("/webmail/", "/admin/login.php")


@pytest.mark.parametrize("log_in", LOGINS)
def test_the_right_password_gets_in_and_a_wrong_one_does_not(app: MakeApp, log_in: applications.LogIn) -> None:
    assert applications.check_login(app(), log_in, BOX) == "let in"
    assert applications.check_wrong_password(app(), log_in, BOX).startswith("refused")


@pytest.mark.parametrize("log_in", LOGINS)
def test_an_open_door_and_a_locked_one_are_noticed(app: MakeApp, log_in: applications.LogIn) -> None:
    with pytest.raises(Failed, match="it was accepted"):
        applications.check_wrong_password(app(open_door=True), log_in, BOX)
    with pytest.raises(Failed, match="expected the login to succeed"):
        applications.check_login(app(), log_in, Mailbox(BOX.address, SecretStr("another")))


@pytest.mark.parametrize("path", PAGES)
def test_a_page_with_our_headers_passes(app: MakeApp, path: str) -> None:
    assert "no version" in applications.check_page(app(), path)


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("X-Powered-By: PHP/8.4.1\r\n", "no version"),
        ("Server: nginx/1.26.3\r\n", "no version"),
        ("X-Note: no-policy\r\n", "Strict-Transport-Security"),
        ("X-Note: no-policy\r\nStrict-Transport-Security: max-age=63072000\r\n", "x-content-type-options"),
        ("Set-Cookie: x_sessid=1; path=/\r\n", "Secure, HttpOnly and SameSite"),
    ],
)
@pytest.mark.parametrize("path", PAGES)
def test_a_page_that_tells_or_allows_too_much_fails(app: MakeApp, path: str, head: str, said: str) -> None:
    with pytest.raises(Failed, match=said):
        applications.check_page(app(head), path)


def test_what_must_not_be_fetched_is_noticed(app: MakeApp) -> None:
    assert "setup.php" in applications.check_closed(app(), "/admin/")
    with pytest.raises(Failed, match=r"/admin/setup\.php"):
        applications.check_closed(app(files=("/admin/setup.php",)), "/admin/")


def test_a_browser_warns_of_a_certificate_nobody_vouches_for(app: MakeApp) -> None:
    with pytest.raises(Warned, match="ERR_CERT_AUTHORITY_INVALID"):
        applications.check_browser(app().target)


def test_checks_follow_the_plan(target: MakeTarget) -> None:
    def ids(**services: str) -> set[str]:
        plan = Plan.model_validate(
            {
                "servers": [{"id": "mx1", "roles": ["all-in-one"]}],
                "domain": {"primary_domain": fakes.DOMAIN, "hostname": fakes.HOST},
                "security": {"tls": {"provider": "selfsigned"}},
                "services": services,
            }
        )
        return {c.id for c in applications.checks(target({}, ports=WEB_PORTS), plan, FactsFile(), "", BOX)}

    assert ids() == set()
    kinds = ("page", "closed", "login", "wrong-password")
    assert ids(webmail="roundcube") == {"web.browser", *(f"web.webmail.{kind}" for kind in kinds)}
    assert ids(admin_panel="postfixadmin") == {"web.browser", *(f"web.panel.{kind}" for kind in kinds)}

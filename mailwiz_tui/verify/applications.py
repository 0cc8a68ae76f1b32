"""Roundcube (webmail) and PostfixAdmin (admin panel) in a browser:

pages, logins, and files that must not be served.

Headers: RFC 6797 (HSTS), RFC 7034 (frames), Content Security Policy Level 3.
"""

from __future__ import annotations

import re
import secrets
import socket
import ssl
from collections.abc import Callable
from functools import partial

from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.plan.model import AdminPanel, Plan, Webmail
from mailwiz_tui.plan.published import PANEL_PATH, WEBMAIL_PATH, web_addresses
from mailwiz_tui.topology.derive import topology_of
from mailwiz_tui.verify.browser_session import BrowserSession, form_value
from mailwiz_tui.verify.check import Check, Failed, Warned
from mailwiz_tui.verify.mailbox import Mailbox
from mailwiz_tui.verify.target import Target
from mailwiz_tui.verify.web import HTTPS, Answer, Site, public, well_spoken

NEVER = {
    WEBMAIL_PATH: (
        "installer/",
        "config/config.inc.php",
        "CHANGELOG",
        "README.md",
        "plugins/password/password.php",
    ),
    PANEL_PATH: ("setup.php", "upgrade.php", "backup.php", "xmlrpc.php", "common.php"),
}
"""Files of the applications that the web server must not serve."""
_APPLY = "Apply again; on the server: journalctl -t roundcube -t postfixadmin -n 50"
_LOGIN = "On the server: journalctl -t roundcube -t postfixadmin -u dovecot -n 50"

LogIn = Callable[[Site, str, str], Answer]


def checks(target: Target, plan: Plan, known: FactsFile, issuer: str, mailbox: Mailbox | None) -> list[Check]:
    """The checks of the applications that the plan wants; ``issuer`` and trust as in ``web.checks``."""
    if (
        not target.offers(HTTPS)
        or not web_addresses(plan)
        or not topology_of(plan, target.server_id).serves_clients
    ):
        return []
    site = Site(target, "" if public(plan, known) else issuer)
    found: list[Check] = []
    if not public(plan, known):
        proves = "A browser opens webmail and the admin panel without a certificate warning."
        found.append(Check("web.browser", proves, partial(check_browser, target)))
    if plan.services.webmail is Webmail.ROUNDCUBE:
        found += _application(site, "webmail", "Webmail", WEBMAIL_PATH, WEBMAIL_PATH, webmail_login, mailbox)
    if plan.services.admin_panel is AdminPanel.POSTFIXADMIN:
        page = f"{PANEL_PATH}login.php"
        found += _application(site, "panel", "The admin panel", PANEL_PATH, page, panel_login, mailbox)
    return found


def _application(
    site: Site, name: str, title: str, folder: str, page: str, log_in: LogIn, mailbox: Mailbox | None
) -> list[Check]:
    found = [
        Check(
            f"web.{name}.page",
            f"{title} shows its login form, cannot be framed, runs only its own scripts and tells no version.",
            partial(check_page, site, page),
            _APPLY,
        ),
        Check(
            f"web.{name}.closed",
            f"{title} serves its pages only: set-up, configuration and notes cannot be fetched.",
            partial(check_closed, site, folder),
            _APPLY,
        ),
    ]
    if mailbox:
        found += [
            Check(
                f"web.{name}.login",
                f"{title} accepts the login of a mailbox.",
                partial(check_login, site, log_in, mailbox),
                _LOGIN,
            ),
            Check(
                f"web.{name}.wrong-password",
                f"{title} rejects a wrong password.",
                partial(check_wrong_password, site, log_in, mailbox),
                _LOGIN,
            ),
        ]
    return found


def check_browser(target: Target) -> str:
    """Whether an authority that this machine trusts issued the certificate."""
    with socket.create_connection(target.at(HTTPS), timeout=target.seconds) as plain:
        try:
            with ssl.create_default_context().wrap_socket(plain, server_hostname=target.hostname):
                return "an authority that this machine trusts issued the certificate"
        except ssl.SSLCertVerificationError as error:
            raise Warned(
                f"a browser warns that the connection is not private (ERR_CERT_AUTHORITY_INVALID: "
                f"{error.verify_message}); a user who continues has encryption, but no proof of the server's "
                "identity",
                "Choose letsencrypt, or give your users' browsers the certificate or its authority.",
            ) from error


def check_page(site: Site, path: str) -> str:
    """200, a login form, and the security headers."""
    answer = BrowserSession(site).get(path)
    if answer.status != 200 or b'type="password"' not in answer.body:
        raise Failed(f"expected a login form at {path}, got {answer.status}")
    said = well_spoken(answer)
    policy = answer.headers.get("content-security-policy", "")
    wanted = {
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY|SAMEORIGIN",
        "referrer-policy": "no-referrer|same-origin",
        "content-security-policy": r"default-src 'none'.*form-action 'self'.*frame-ancestors '(?:none|self)'.*",
    }
    for header, value in wanted.items():
        if not re.fullmatch(value, answer.headers.get(header, "")):
            raise Failed(f"expected the header {header}, got “{answer.headers.get(header, 'none')}”")
    if re.search(r"script-src[^;]*(?:\*|https?:)", policy):
        raise Failed(f"expected scripts from this host only, got “{policy}”")
    for cookie in answer.cookies:
        if "_sess" in cookie and not all(word in cookie.lower() for word in ("secure", "httponly", "samesite")):
            raise Failed(f"expected a session's cookie to be Secure, HttpOnly and SameSite, got “{cookie[:80]}”")
    return f"{said}, a content security policy, no version"


def check_closed(site: Site, folder: str) -> str:
    """Every path of ``NEVER`` answers 404."""
    for path in NEVER[folder]:
        answer = BrowserSession(site).get(f"{folder}{path}")
        if answer.status not in (403, 404):
            raise Failed(f"expected {folder}{path} not to be served, got {answer.status}")
    return f"404 for {', '.join(NEVER[folder])}"


def check_login(site: Site, log_in: LogIn, mailbox: Mailbox) -> str:
    """The right password opens the application.

    Two servers may be checked at the same time, and the first login of a user adds it to Roundcube's database: of
    two at the same moment one is refused, and let in the next time.
    """
    answer = log_in(site, mailbox.address, mailbox.password.get_secret_value())
    if not _let_in(answer):
        answer = log_in(site, mailbox.address, mailbox.password.get_secret_value())
    if not _let_in(answer):
        raise Failed(
            f"expected the login to succeed, got {answer.status} {answer.headers.get('location', '')}".rstrip()
        )
    return "let in"


def check_wrong_password(site: Site, log_in: LogIn, mailbox: Mailbox) -> str:
    """A wrong password is rejected."""
    answer = log_in(site, mailbox.address, secrets.token_urlsafe(16))
    if _let_in(answer):
        raise Failed("expected a wrong password to be rejected, but it was accepted")
    if answer.status not in (200, 401, 403):
        raise Failed(f"expected the login form again, got {answer.status}")
    return f"refused with {answer.status}"


def webmail_login(site: Site, user: str, password: str) -> Answer:
    """Log in with Roundcube's form; log out again after a success."""
    browser = BrowserSession(site)
    token = form_value(browser.get(WEBMAIL_PATH), "_token")
    fields = {"_token": token, "_task": "login", "_action": "login", "_user": user, "_pass": password}
    answer = browser.post(f"{WEBMAIL_PATH}?_task=login", fields)
    if _let_in(answer):
        inside = browser.get(f"{WEBMAIL_PATH}?_task=mail").body.decode("utf-8", "replace")
        if found := re.search(r'"request_token":"(\w+)"', inside):
            browser.get(f"{WEBMAIL_PATH}?_task=logout&_token={found[1]}")
    return answer


def panel_login(site: Site, user: str, password: str) -> Answer:
    """Log in with PostfixAdmin's form for mailbox users."""
    browser, page = BrowserSession(site), f"{PANEL_PATH}users/login.php"
    token = form_value(browser.get(page), "token")
    return browser.post(page, {"token": token, "fUsername": user, "fPassword": password, "lang": "en"})


def _let_in(answer: Answer) -> bool:
    """Both applications answer a success with a redirect and a failure with the form."""
    place = answer.headers.get("location", "")
    return answer.status in (302, 303) and ("_task=mail" in place or "main.php" in place)

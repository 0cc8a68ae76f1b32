"""What must hold for webmail and the admin panel whatever their configuration looks like."""

from __future__ import annotations

import re

import pytest

from mailwiz_tui.plan.model import Plan
from mailwiz_tui.stack.blueprint import Blueprint, Packages, Scope, Step
from mailwiz_tui.stack.compile import compile_server
from mailwiz_tui.stack.component import Context, Contribution
from mailwiz_tui.stack.php.component import Php
from mailwiz_tui.stack.php.pool import Pool

from . import cases

BOTH = {"webmail": "roundcube", "admin_panel": "postfixadmin"}


def compiled(**services: str) -> Blueprint:
    plan: Plan = cases.plan(services=services)
    return compile_server(plan, "mx1", cases.facts())


def test_without_them_nothing_of_them_is_there() -> None:
    blueprint = compiled()
    assert not [name for name in blueprint.packages() if "php" in name or "roundcube" in name]
    assert not [port for port in blueprint.ports if port.number == 443]


@pytest.mark.parametrize(
    ("services", "absent"),
    [({"webmail": "roundcube"}, "postfixadmin"), ({"admin_panel": "postfixadmin"}, "roundcube")],
)
def test_each_comes_without_the_other(services: dict[str, str], absent: str) -> None:
    blueprint = compiled(**services)
    assert not [path for path in blueprint.files() if absent in path]
    assert {80, 443} <= {p.number for p in blueprint.ports if p.scope is Scope.PUBLIC}
    assert "php8.4-fpm.service" in [unit.name for unit in blueprint.units()]


def test_php_comes_with_any_component_that_has_a_pool() -> None:
    context = Context(cases.plan(), "mx1", cases.facts().servers["mx1"].facts)
    pool = Pool("notes", "Notes", "/notes/", ("/usr/share/notes",))
    notes = Contribution(steps=(Step("notes", "Configure notes", "notes", pool.items(context)),))
    assert Php().wanted(context)
    assert Php().contribute(context, ()) == Contribution()
    assert "php-fpm" in Php().contribute(context, (notes,)).packages.names


def test_no_question_of_a_package_is_left_to_be_asked() -> None:
    items = [item for _, item in compiled(**BOTH).items() if isinstance(item, Packages)]
    answers = " ".join(line for item in items for line in item.debconf)
    assert answers.count("dbconfig-install boolean false") == 2
    assert answers.count("reconfigure-webserver multiselect") == 2


def test_no_password_of_a_database_exists_and_the_only_secret_is_the_session_key() -> None:
    blueprint = compiled(**BOTH)
    assert [spec.name for spec in blueprint.secrets if "roundcube" in spec.name or "postfixadmin" in spec.name] == [
        "roundcube-des-key"
    ]
    for path in ("/etc/roundcube/config.inc.php", "/etc/postfixadmin/config.local.php"):
        file = blueprint.files()[path]
        assert (file.mode, file.owner) == (0o640, "root")
        assert "mysql://roundcube@unix(" in file.content or "['database_password'] = ''" in file.content


def test_nothing_but_chosen_pages_is_passed_to_php() -> None:
    site = compiled(**BOTH).files()["/etc/nginx/conf.d/mailwiz.conf"].content
    passed = re.findall(
        r"location (~ \S+|= \S+|\S+ \S+) \{\n\s+include /etc/nginx/snippets/mailwiz-fastcgi.conf", site
    )
    assert len(passed) == 2
    panel = re.compile(next(p for p in passed if "admin" in p).removeprefix("~ ").replace("(?<", "(?P<"))
    for page in ("setup", "upgrade", "backup", "common", "xmlrpc", "password-recover", "users/password-recover"):
        assert not panel.match(f"/admin/{page}.php"), page
    for page in ("login", "main", "edit", "users/login", "users/password"):
        assert panel.match(f"/admin/{page}.php"), page

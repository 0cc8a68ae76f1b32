"""Mail is signed for every mailbox domain of the accounts, for the plan's before they can be read, for no other."""

from __future__ import annotations

import json
import subprocess
import threading
from pathlib import Path

import pytest

from mailwiz_tui.plan.model import Plan
from mailwiz_tui.stack.accounts.account_reader import Accounts, AccountsUnavailableError, Usage
from mailwiz_tui.stack.blueprint import Blueprint, Command
from mailwiz_tui.stack.compile import compile_server
from mailwiz_tui.stack.signing import signing_domains
from mailwiz_tui.stack.signing.signing_domains import Tables, lacking, look

from . import cases

PLANNED = ["example.com", "example.org"]


class Rows:
    """Accounts with these domains; None: they cannot be read."""

    def __init__(self, *domains: str, aliases: tuple[str, ...] = (), down: bool = False) -> None:
        self.names, self.aliases, self.down = domains, aliases, down

    def domains(self) -> frozenset[str]:
        if self.down:
            raise AccountsUnavailableError("MariaDB is away")
        return frozenset(self.names)

    def alias_domains(self) -> dict[str, str]:
        return dict.fromkeys(self.aliases, "example.com")

    def known_domains(self, names: tuple[str, ...]) -> frozenset[str]:
        return frozenset()

    def target_domain(self, domain: str) -> str:
        return ""

    def is_mailbox(self, address: str) -> bool:
        return False

    def goto(self, address: str) -> str | None:
        return None

    def usage(self, mailbox: str) -> Usage | None:
        return None


@pytest.fixture
def tables(tmp_path: Path) -> Tables:
    return Tables(str(tmp_path), "2026a")


def said(tables: Tables, name: str) -> list[str]:
    return (Path(tables.folder) / name).read_text().splitlines()


def test_the_plans_domains_are_signed_for_before_the_accounts_are_read(tmp_path: Path) -> None:
    steps = {step.id: step for step in made(cases.plan()).steps}
    (seed,) = [item for item in steps["signing"].items if isinstance(item, Command)]

    def run(argv: tuple[str, ...]) -> int:
        script = argv[-1].replace("/var/lib/mailwiz-signing", str(tmp_path))
        return subprocess.run(["sh", "-c", script], check=False).returncode

    (tmp_path / "domains").write_text("shop.test\n")
    assert run(seed.unless) == 1
    assert run(seed.argv) == 0
    tables = Tables(str(tmp_path), "2026a")
    assert said(tables, "domains") == ["shop.test", "example.com", "example.org"]
    assert said(tables, "selectors") == ["example.com 2026a", "example.org 2026a"]
    assert said(tables, "senders") == ["*@example.com mailwiz", "*@example.org mailwiz"]
    assert run(seed.unless) == 0


def test_domains_come_and_go_with_the_accounts_and_the_plans_stay(tables: Tables) -> None:
    tables.write(PLANNED)
    accounts = Accounts(Rows("example.com", "Shop.test", aliases=("alias.test",)))
    assert lacking(tables, accounts, 0) == ("alias.test", "shop.test")
    assert look(tables, PLANNED, accounts) == "mail is signed for 4 domains: +alias.test +shop.test"
    assert said(tables, "domains") == ["alias.test", "example.com", "example.org", "shop.test"]
    assert lacking(tables, accounts, 0) == ()
    assert look(tables, PLANNED, accounts) == ""
    assert look(tables, PLANNED, Accounts(Rows())) == "mail is signed for 2 domains: -alias.test -shop.test"


def test_while_the_accounts_cannot_be_read_the_tables_stay(tables: Tables) -> None:
    look(tables, PLANNED, Accounts(Rows("shop.test")))
    with pytest.raises(AccountsUnavailableError):
        look(tables, PLANNED, Accounts(Rows(down=True)))
    assert said(tables, "domains") == ["example.com", "example.org", "shop.test"]


@pytest.mark.parametrize("name", ["*", "a b.test", "x;y.test", "", "a..test", "a\n*", "ü.test", "-x.test"])
def test_what_is_no_domain_never_gets_into_a_table(tables: Tables, name: str) -> None:
    look(tables, PLANNED, Accounts(Rows(name)))
    assert said(tables, "domains") == PLANNED


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "directory.json"
    copy.write_text(json.dumps({"domains": ["shop.test"], "alias_domains": {}, "aliases": {}, "mailboxes": {}}))
    settings = tmp_path / "signing.json"
    settings.write_text(
        json.dumps(
            {
                "accounts": {"copy": str(copy)},
                "planned": PLANNED,
                "selector": "2026a",
                "folder": str(tmp_path),
                "seconds": 0.2,
            }
        )
    )
    assert signing_domains.main([str(settings), "--check"]) == 1
    assert "not signed: shop.test" in capsys.readouterr().out


def test_the_check_gives_a_new_domain_the_time_that_the_service_takes(tables: Tables) -> None:
    accounts = Accounts(Rows("shop.test"))
    tables.write(PLANNED)
    late = threading.Timer(0.3, look, (tables, PLANNED, accounts))
    late.start()
    assert lacking(tables, accounts, 5.0) == ()
    late.join()


def made(plan: Plan, server_id: str = "mx1") -> Blueprint:
    known = cases.distributed_facts() if plan.linked else cases.facts()
    return compile_server(plan, server_id, known)


@pytest.mark.parametrize("antispam", ["rspamd", "spamassassin", "none"])
def test_whoever_signs_reads_the_tables(antispam: str) -> None:
    services = {"antispam": antispam}
    for plan, server_id in ((cases.plan(services=services), "mx1"), (cases.distributed(services=services), "out1")):
        blueprint = made(plan, server_id)
        files = {path: file.content for path, file in blueprint.files().items()}
        steps = [step.id for step in blueprint.steps]
        signer = "rspamd" if antispam == "rspamd" and not plan.linked else "opendkim"
        assert steps.index("signing") < steps.index(signer) < steps.index("signing-domains")
        if signer == "rspamd":
            for name in ("dkim_signing.conf", "arc.conf"):
                text = files[f"/etc/rspamd/local.d/{name}"]
                assert 'selector_map = "/var/lib/mailwiz-signing/selectors";' in text
                assert "try_fallback = false;" in text, "a foreign From is never signed"
        else:
            assert "SigningTable            refile:/var/lib/mailwiz-signing/senders" in files["/etc/opendkim.conf"]
            assert "mailwiz-signing-reload.path" in {unit.name for unit in blueprint.units()}
        assert json.loads(files["/etc/mailwiz/signing.json"])["planned"] == plan.mailbox_domains()


def test_where_nothing_is_signed_there_are_no_tables() -> None:
    off = cases.plan(security={"dkim": {"enabled": False}})
    for blueprint in (made(off), made(cases.distributed(), "in1"), made(cases.distributed(), "store1")):
        assert not [step.id for step in blueprint.steps if step.id.startswith("signing")]

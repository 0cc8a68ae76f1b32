"""One grammar of local parts: the plan's, the agent's, the panel's and what people type."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from mailwiz_tui.agent.accounts import addresses
from mailwiz_tui.agent.accounts.account_sql import literal
from mailwiz_tui.agent.core.fault import AgentFault
from mailwiz_tui.manage import account_words
from mailwiz_tui.plan import localparts
from mailwiz_tui.stack.compile import compile_server
from tests.unit.stack import cases

GOOD = ("anna", "o'hara", "a=b", "j&k", "hash#tag", "x_", "_x", "a.b-c", "~x", "a`b", "a|b", "1", "a^$b", "x" * 64)
BAD = (
    "a/b",
    "x!y",
    "plus+x",
    "a%b",
    "a*b",
    "*",
    "a?b",
    "a{b",
    "a}b",
    "-x",
    "#x",
    ".a",
    "a.",
    "a..b",
    "",
    "x" * 65,
    '"a"',
)
FOREIGN = ("a/b", "x!y", "plus+x", "a%b", "o'hara", '"a:b"', "{x}")


def takes(read: Callable[[str], str], address: str) -> bool:
    try:
        read(address)
    except (ValueError, AgentFault):
        return False
    return True


@pytest.mark.parametrize("local", [*GOOD, *BAD])
def test_a_new_address_is_judged_alike_everywhere(local: str) -> None:
    address = f"{local}@example.com"
    good = local in GOOD
    assert localparts.is_local_part(local) is good
    assert takes(addresses.address_of, address) is good
    assert takes(account_words.typed_new_address, address) is good
    assert takes(account_words.typed_new_alias, address) is (good or local in ("", "*"))
    panel = compile_server(cases.plan(services={"admin_panel": "postfixadmin"}), "mx1", cases.facts()).files()
    (pattern,) = re.findall(r"preg_match\('%(.*)%D'", panel["/etc/postfixadmin/config.local.php"].content)
    fits = re.fullmatch(pattern.replace("\\'", "'").removesuffix("$"), local)
    assert bool(fits and len(local) <= 64) is good


def test_the_agents_grammar_is_the_plans() -> None:
    assert addresses.PATTERN == localparts.PATTERN
    assert addresses.LONGEST == localparts.LONGEST


@pytest.mark.parametrize("local", [*GOOD, *FOREIGN])
def test_an_alias_may_lead_to_any_foreign_address(local: str) -> None:
    assert takes(addresses.target_address, f"{local}@foreign.example")
    assert takes(account_words.typed_target, f"{local}@foreign.example")


@pytest.mark.parametrize(
    "target", ["a b@foreign.example", '"a,b"@foreign.example', "a..b@foreign.example", "a@", "@a"]
)
def test_what_no_server_could_take_is_no_target(target: str) -> None:
    assert not takes(addresses.target_address, target)
    assert not takes(account_words.typed_target, target)


@pytest.mark.parametrize("local", [*GOOD, *FOREIGN, "-x", "#x", "a..b", "*"])
def test_whatever_the_database_holds_can_be_named(local: str) -> None:
    assert addresses.held_address(f"{local}@example.com") == f"{local}@example.com"
    assert account_words.typed_address(f"{local}@example.com") == f"{local}@example.com"


@pytest.mark.parametrize("text", ["o'hara@example.com", "a\\b", "'; DROP TABLE mailbox;--"])
def test_nothing_breaks_out_of_a_literal(text: str) -> None:
    found = re.fullmatch(r"_latin1 X'([0-9a-f]+)'", literal(text))
    assert found is not None
    assert bytes.fromhex(found[1]).decode() == text


@pytest.mark.parametrize("text", ["ü", "a\nb", "a\0b"])
def test_what_is_not_printable_is_kept_from_the_database(text: str) -> None:
    with pytest.raises(AgentFault):
        literal(text)

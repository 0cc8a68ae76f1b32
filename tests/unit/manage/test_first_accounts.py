"""Which accounts an installation begins with, and their passwords."""

from __future__ import annotations

from mailwiz_tui.manage.first_accounts import first_accounts, new_password
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.topology.servers import account_store

PLAN = Plan.model_validate(
    {
        "servers": [{"id": "mx1", "roles": ["all-in-one"]}],
        "domain": {
            "primary_domain": "example.com",
            "hostname": "mail.example.com",
            "additional_domains": [
                {"name": "example.org"},
                {"name": "example.net", "kind": "relay", "relay_host": "mail.inside.example.net"},
            ],
        },
    }
)


def test_every_mailbox_domain_answers_at_the_addresses_that_must_exist() -> None:
    accounts = first_accounts(PLAN)
    aliases = dict(accounts.aliases)
    assert accounts.domains == ("example.com", "example.org")
    assert accounts.mailboxes == ("postmaster@example.com",)
    for domain in accounts.domains:
        for name in ("abuse", "hostmaster", "security", "webmaster", "mailer-daemon", "dmarc"):
            assert aliases[f"{name}@{domain}"] == "postmaster@example.com"
    assert aliases["postmaster@example.org"] == "postmaster@example.com"
    assert "postmaster@example.com" not in aliases
    assert not any(address.endswith("example.net") for address in aliases)
    place = account_store(PLAN)
    assert place is not None
    assert place.id == "mx1"


def test_passwords_are_long_and_never_the_same() -> None:
    passwords = {new_password().get_secret_value() for _ in range(50)}
    assert len(passwords) == 50
    assert all(len(p) == 27 and not set(p) & set("0O1lI ") for p in passwords)

"""What components add to Postfix and Dovecot, and where a new one's ends up without their knowing it."""

from __future__ import annotations

import pytest

from mailwiz_tui.stack import compile as compiler
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Blueprint, File, Port, Scope
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.mail_parts import (
    NO_LEARNER,
    Inlet,
    Learner,
    MailParts,
    MainCf,
    Milter,
    PostfixParts,
    Section,
    Stage,
    Stream,
    asked,
    gathered,
)

from . import cases

LATE = Milter("late", "late.service", 4001)
EARLY = Milter("early", "early.service", 4002)
TABLE = "/etc/postfix/new-table"


class New(Component):
    """A component that Postfix and Dovecot have never heard of."""

    name = "new"
    title = "New"

    def wanted(self, context: Context) -> bool:
        """Nothing of its own is installed: what it adds is asked for all the same."""
        return False

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """Never called."""
        raise AssertionError

    def mail_parts(self, context: Context) -> MailParts:
        """One of everything."""
        return MailParts(
            milters=(asked(EARLY, Stage.NAMES, Stream.INCOMING),),
            junk_headers=(("X-New", "spam"),),
            account_units=("new-accounts.service",),
            mailbox_files=("/etc/new-mailboxes",),
            postfix=PostfixParts(
                main_cf=tuple(MainCf(section, f"# Why\nnew_{section.name.lower()} = 1\n") for section in Section),
                master_cf=("new unix n - y - 0 cleanup\n",),
                ports=(Port(4003, "new-mail", Scope.LOCAL),),
                tables=(File(TABLE, "text\n"),),
                inlets=(Inlet("new", 4004, "new-inlet", "Reports of something new"),),
                sender_checks=("check_sender_access static:new",),
                recipient_tables=("check_recipient_access static:new",),
                recipient_services=("check_policy_service inet:127.0.0.1:4005",),
                sender_owners=("static:new-owner",),
                bounce_recipients=("static:new-bounce",),
            ),
        )


@pytest.fixture
def blueprint(monkeypatch: pytest.MonkeyPatch) -> Blueprint:
    monkeypatch.setattr(compiler, "COMPONENTS", (*compiler.COMPONENTS, New()))
    return compiler.compile_server(cases.plan(), "mx1", cases.facts())


def test_milters_are_asked_by_stage_and_of_their_streams_alone() -> None:
    parts = gathered(
        (
            MailParts((asked(LATE, Stage.SIGNING, Stream.INCOMING, Stream.LOCAL),)),
            MailParts((asked(EARLY, Stage.LIMITS, Stream.INCOMING, Stream.SUBMITTED),)),
        )
    )
    assert parts.chain(Stream.INCOMING) == (EARLY, LATE)
    assert parts.addresses(Stream.SUBMITTED) == ("inet:127.0.0.1:4002",)
    assert parts.chain(Stream.LOCAL) == (LATE,)


def test_one_component_learns_and_the_others_do_not_hide_it() -> None:
    learner = Learner("/usr/local/lib/learn", "nobody")
    assert gathered((MailParts(), MailParts(learner=learner), MailParts())).learner is learner
    assert gathered(()).learner is NO_LEARNER


def test_a_new_component_adds_to_main_cf(blueprint: Blueprint) -> None:
    config = blueprint.files()["/etc/postfix/main.cf"].content
    assert "smtpd_milters = inet:127.0.0.1:4002" not in config, "components of a stage keep their order"
    assert " inet:127.0.0.1:4002 " in next(line for line in config.splitlines() if line.startswith("smtpd_milters"))
    for section in Section:
        assert f"\n# Why\nnew_{section.name.lower()} = 1\n\n" in config, "with its reason, a paragraph of its own"
    assert "\n    check_sender_access static:new\n    check_sender_access proxy:mysql:" in config
    incoming = config.partition("smtpd_recipient_restrictions")[2].partition("smtpd_data_restrictions")[0]
    assert incoming.index("check_recipient_access static:new") < incoming.index("inet:127.0.0.1:4005")
    submitted = config.partition("submission_recipient_restrictions")[2].partition("submission_relay")[0]
    assert "check_policy_service inet:127.0.0.1:4005\n    permit_sasl_authenticated" in submitted
    assert "static:new" not in submitted
    assert f"\nsmtpd_sender_login_maps = {layout.SENDER_OWNERS}, static:new-owner\n" in config
    assert f"\nbounce_recipients = {layout.BOUNCES}, static:new-bounce\n" in config


def test_a_new_component_adds_services_ports_and_tables(blueprint: Blueprint) -> None:
    services = blueprint.files()["/etc/postfix/master.cf"].content
    assert "\nnew unix n - y - 0 cleanup\n" in services
    assert "\n127.0.0.1:4004 inet n - y - - smtpd\n    -o syslog_name=postfix/new\n" in services
    assert "\n# Reports of something new.\n# " in services
    assert {4003, 4004} <= {port.number for port in blueprint.ports}
    assert blueprint.files()[TABLE].content == "text\n"
    postfix = next(unit for unit in blueprint.units() if unit.name == "postfix.service" and unit.reload_on)
    assert TABLE in postfix.reload_on
    assert "new-accounts.service" in postfix.after


def test_a_new_component_adds_to_dovecot(blueprint: Blueprint) -> None:
    script = blueprint.files()["/etc/dovecot/sieve/junk.sieve"].content
    assert 'header :is "X-New" "spam"' in script
    dovecot = next(unit for unit in blueprint.units() if unit.name == "dovecot.service")
    assert "/etc/new-mailboxes" in dovecot.restart_on
    assert dovecot.after[-1] == "new-accounts.service"

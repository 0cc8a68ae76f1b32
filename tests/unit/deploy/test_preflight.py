"""What is refused before anything is changed, and that a good server is not."""

from __future__ import annotations

from typing import Any

import pytest

from mailwiz_tui.deploy.preflight import advice, not_shown, refusals
from mailwiz_tui.fleet.facts import Disk, Facts, FactsFile, Listener, MailSoftware, MailStore
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.stack.blueprint import Blueprint, Port, Probe, Program, Scope
from mailwiz_tui.stack.compile import compile_server
from tests.unit.stack import cases

GOOD: dict[str, Any] = {
    "os_id": "debian",
    "codename": "trixie",
    "os_name": "Debian GNU/Linux 13 (trixie)",
    "architecture": "amd64",
    "memory_total": 2 << 30,
    "disks": (Disk(mount="/", total=20 << 30, free=15 << 30),),
    "privilege": "root",
    "systemd": "running",
    "listeners": (Listener(protocol="tcp", address="0.0.0.0", port=22, process="sshd"),),
}
POSTFIX = (Program("master", "postfix"),)
BLUEPRINT = Blueprint(
    "mx1", (), ports=(Port(25, "smtp", Scope.PUBLIC, holders=POSTFIX), Port(993, "imaps", Scope.PUBLIC))
)


def reasons(adopt: bool = False, **changes: Any) -> list[str]:
    return [r.reason for r in refusals(Facts(**{**GOOD, **changes}), BLUEPRINT, adopt=adopt)]


def test_a_good_server_passes() -> None:
    assert reasons() == []
    assert reasons(systemd="degraded") == []
    assert reasons(codename="bookworm", os_name="Debian GNU/Linux 12 (bookworm)") == []


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"os_id": "ubuntu", "os_name": "Ubuntu 24.04"}, "Ubuntu"),
        ({"codename": "forky", "os_name": "Debian GNU/Linux 14"}, "Debian GNU/Linux 14"),
        ({"architecture": "i686"}, "i686"),
        ({"memory_total": 400 << 20}, "400 MB"),
        ({"disks": (Disk(mount="/var", total=9, free=1 << 30),)}, "1.0 GB"),
        ({"clock_skew": -4000.0}, "67 minutes behind"),
        ({"privilege": "user"}, "not run as root"),
        ({"systemd": ""}, "systemd"),
        (
            {"listeners": (Listener(protocol="tcp", address="::", port=25, process="nc"),)},
            "port 25 (smtp) is in use by nc",
        ),
        ({"mail_software": (MailSoftware(name="postfix", version="3", owner="other"),)}, "postfix"),
    ],
)
def test_refusals(changes: dict[str, Any], word: str) -> None:
    (reason,) = reasons(**changes)
    assert word in reason


def test_memory_for_the_public_signatures_is_looked_at_before() -> None:
    def found(scanner: str) -> list[str]:
        blueprint = Blueprint("mx1", (), meta={"virus_scanner": scanner})
        return [r.reason for r in refusals(Facts(**{**GOOD, "memory_total": 1500 << 20}), blueprint)]

    assert found("") == found("clamav-small") == []
    (reason,) = found("clamav")
    assert "1500 MB of memory" in reason
    assert "1300 MB" in reason


def test_foreign_configuration_may_be_adopted_and_own_ports_are_no_obstacle() -> None:
    theirs = (MailSoftware(name="postfix", version="3.10", owner="other"),)
    assert reasons(adopt=True, mail_software=theirs) == []
    ours = (MailSoftware(name="postfix", version="3.10", owner="mailwiz"),)
    master = (Listener(protocol="tcp", address="0.0.0.0", port=25, process="master"),)
    assert reasons(mail_software=ours, listeners=master) == []
    assert reasons(listeners=master) == ["port 25 (smtp) is in use by master"]


OWN = {
    "recipient-checks": "mailwiz-recipient-checks",
    "bounces": "mailwiz-recipient-checks",
    "message-checks": "mailwiz-message-checks",
    "sender-owners": "mailwiz-message-checks",
    "spamd-milter": "mailwiz-spamd-milter",
    "rate-limiter": "mailwiz-rate-limiter",
    "clamav-milter": "clamav-milter",
    "dane-policy": "mailwiz-dane-policy",
}
"""What listens at ports of the stack, by the port's name; the kernel tells the first 15 letters of a name."""


@pytest.mark.parametrize("antispam", ["rspamd", "spamassassin", "none"])
def test_a_program_of_ours_is_no_obstacle_where_it_belongs_and_one_anywhere_else(antispam: str) -> None:
    plan = cases.plan(services={"antispam": antispam, "antivirus": True})
    blueprint = compile_server(plan, "mx1", cases.facts())
    named = [port for port in blueprint.ports if port.service in OWN]
    assert len(named) >= 6

    def found(number: int, process: str) -> list[str]:
        listener = Listener(protocol="tcp", address="127.0.0.1", port=number, process=process)
        return [refusal.reason for refusal in refusals(Facts(**{**GOOD, "listeners": (listener,)}), blueprint)]

    for port in named:
        assert found(port.number, OWN[port.service][:15]) == []
        assert found(25, OWN[port.service][:15]) == [f"port 25 (smtp) is in use by {OWN[port.service][:15]}"]
        assert found(port.number, "unbound") == [f"port {port.number} ({port.service}) is in use by unbound"]


@pytest.mark.parametrize(
    ("plan", "known"),
    [
        (cases.plan(), cases.facts()),
        (cases.plan(services={"antispam": "none", "webmail": "roundcube"}), cases.facts()),
        (cases.distributed(), cases.distributed_facts()),
    ],
)
def test_every_port_of_the_stack_has_programs_that_may_hold_it(plan: Plan, known: FactsFile) -> None:
    ports = [port for server in plan.servers for port in compile_server(plan, server.id, known).ports]
    assert [port.service for port in ports if not port.holders] == []


def test_what_an_installation_started_is_not_in_the_way_of_the_next() -> None:
    blueprint = compile_server(cases.plan(), "mx1", cases.facts())
    port = next(port.number for port in blueprint.ports if port.service == "srs-forward")
    for ours, expected in ((True, 0), (False, 1)):
        listener = Listener(protocol="tcp", address="127.0.0.1", port=port, process="postsrsd", ours=ours)
        assert len(refusals(Facts(**{**GOOD, "listeners": (listener,)}), blueprint)) == expected


@pytest.mark.parametrize(
    ("package", "process", "service"),
    [
        ("postsrsd", "postsrsd", "srs-forward"),
        ("postfix-mta-sts-resolver", "mta-sts-daemon", "mta-sts"),
    ],
)
def test_debians_own_packages_may_be_there_and_running(package: str, process: str, service: str) -> None:
    """As Debian installs them they are nobody's; what somebody configured is named, and adopted if asked for."""
    blueprint = compile_server(cases.plan(), "mx1", cases.facts())
    port = next(port.number for port in blueprint.ports if port.service.startswith(service))
    listener = Listener(protocol="tcp", address="127.0.0.1", port=port, process=process)

    def found(owner: str, *, adopt: bool = False) -> list[str]:
        software = MailSoftware(name=package, version="1", owner=owner)
        facts = Facts(**{**GOOD, "listeners": (listener,), "mail_software": (software,)})
        return [refusal.reason for refusal in refusals(facts, blueprint, adopt=adopt)]

    assert found("package") == []
    assert found("other") == [f"{package} is already configured on the server, not by mailwiz-tui"]
    assert found("other", adopt=True) == []


def test_a_foreign_web_server_is_named_first_with_what_to_do_and_adopting_is_not_offered_for_it() -> None:
    theirs = (MailSoftware(name="postfix", version="3.10", owner="other"),)
    apache = (Listener(protocol="tcp", address="*", port=80, process="apache2"),)
    blueprint = Blueprint("mx1", (), ports=(Port(80, "http", Scope.PUBLIC),))

    alone = refusals(Facts(**{**GOOD, "listeners": apache}), blueprint)
    assert [r.reason for r in alone] == ["port 80 (http) is in use by apache2"]
    assert "systemctl disable --now apache2" in advice(alone)
    assert "--adopt replaces mail software only" in advice(alone)

    both = refusals(Facts(**{**GOOD, "listeners": apache, "mail_software": theirs}), blueprint)
    assert [r.reason.split()[0] for r in both] == ["port", "postfix"]
    assert advice(both).index("systemctl disable --now apache2") < advice(both).index("allow the replacement")


def test_a_stub_resolver_on_its_own_loopback_address_is_no_obstacle() -> None:
    blueprint = Blueprint("mx1", (), ports=(Port(53, "dns", Scope.LOCAL, protocol="udp"),))

    def found(address: str) -> int:
        listener = Listener(protocol="udp", address=address, port=53, process="systemd-resolve")
        return len(refusals(Facts(**{**GOOD, "listeners": (listener,)}), blueprint))

    assert (found("127.0.0.53"), found("127.0.0.1"), found("0.0.0.0")) == (0, 1, 1)


def test_an_installed_server_is_not_refused_for_a_full_disk() -> None:
    full = (Disk(mount="/", total=9, free=0),)
    assert reasons(disks=full, installed_digest="abc") == []


@pytest.mark.parametrize(
    ("store", "words"),
    [
        (None, ()),
        (MailStore(format="maildir", path="/srv/mail", holds_mail=True), ()),
        (MailStore(format="maildir", path="/var/vmail", holds_mail=False), ()),
        (MailStore(format="maildir", path="/var/vmail", holds_mail=True), ("/var/vmail", "/srv/mail")),
        (MailStore(format="sdbox", path="/srv/mail", holds_mail=True), ("sdbox", "maildir")),
    ],
)
def test_mail_that_lies_elsewhere_than_planned_is_never_left_behind(
    store: MailStore | None, words: tuple[str, ...]
) -> None:
    blueprint = Blueprint("mx1", (), meta={"storage": "/srv/mail", "mail_format": "maildir"})
    found = refusals(Facts(**{**GOOD, "mail_store": store}), blueprint)
    assert len(found) == bool(words)
    assert all(word in found[0].reason for word in words)
    assert all(refusal.advice for refusal in found)


def test_what_cannot_be_shown_is_said_with_the_programs_own_last_words() -> None:
    probe = Probe("resolver.names", "the names resolve", ("true",))
    said = "192.0.2.1 does not resolve example.com (SERVFAIL)"
    assert not_shown(probe, f"warning: slow\n{said}\n") == f"this check failed: the names resolve: {said}"
    assert not_shown(probe, "") == "this check failed: the names resolve"

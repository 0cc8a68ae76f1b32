"""The checks of port 25, each against a right server and one that is wrong in just that way."""

from __future__ import annotations

import dataclasses
import inspect
import json
import subprocess
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from mailwiz_tui.agent.protocol.probes import ProbeAnswer, RunProbes
from mailwiz_tui.verify import dialog, mail_in, smtp, smtp_route
from mailwiz_tui.verify.check import Failed, NotRun, Warned
from mailwiz_tui.verify.mailbox import Mailbox
from mailwiz_tui.verify.smtp_route import SmtpRoute
from mailwiz_tui.verify.target import Target
from tests.unit.fake_link import FakeLink
from tests.unit.verify import fakes
from tests.unit.verify.conftest import MakeTarget, Serve

Make = Callable[..., tuple[Target, SmtpRoute]]
Action = Callable[..., Awaitable[str]]


@pytest.fixture
def make(serve: Serve, target: MakeTarget, cert: fakes.Certificate) -> Make:
    def start(**broken: Any) -> tuple[Target, SmtpRoute]:
        made = target({25: serve(fakes.Smtp(cert.context(), **broken))})
        return made, smtp_route.local(made)

    return start


RIGHT: list[Action] = [
    smtp.check_banner,
    smtp.check_no_auth,
    smtp.check_vrfy,
    smtp.check_relay,
    smtp.check_unknown_recipient,
    smtp.check_postmaster,
]


@pytest.mark.parametrize("action", RIGHT, ids=lambda a: a.__name__)
async def test_right_server_passes(make: Make, action: Action) -> None:
    assert await action(*make())


@pytest.mark.parametrize(
    "action", [smtp.check_forged, smtp.check_gtube, smtp.check_eicar], ids=lambda a: a.__name__
)
async def test_right_server_passes_with_a_mailbox(make: Make, action: Action) -> None:
    assert "refused with 55" in await action(*make(), fakes.PROBE)


BROKEN: list[tuple[Action, dict[str, Any], str]] = [
    (smtp.check_banner, {"name": "localhost"}, "expected the name mail.example.test in the greeting"),
    (smtp.check_no_auth, {"auth_before_tls": True}, "expected no AUTH before TLS"),
    (smtp.check_no_auth, {"auth_after_tls": True}, "expected no AUTH after TLS"),
    (smtp.check_no_auth, {"starttls": False}, "expected 220 to STARTTLS"),
    (smtp.check_vrfy, {"vrfy": "confirm"}, "expected the same reply"),
    (smtp.check_relay, {"relays": lambda r: True}, "expected the recipient"),
    (smtp.check_relay, {"relays": lambda r: r.startswith("relay-test@[")}, r"recipient relay-test@\[192.0.2.25\]"),
    (smtp.check_relay, {"relays": lambda r: "%" in r}, "recipient relay-test%debian.org@example.test"),
    (smtp.check_relay, {"relays": lambda r: '"' in r}, 'recipient "relay-test@debian.org"@example.test'),
    (smtp.check_relay, {"relays": lambda r: ":" in r}, "recipient @example.test:relay-test@debian.org"),
    (
        smtp.check_relay,
        {"relays": lambda r: "srs0=" in r.lower()},
        "recipient SRS0=AAAA=AA=debian.org=relay-test@example",
    ),
    (smtp.check_relay, {"relays": lambda r: "!" in r}, "recipient debian.org!relay-test@example.test"),
    (smtp.check_unknown_recipient, {"unknown_accepted": True}, "expected 550"),
    (smtp.check_postmaster, {"bare_postmaster": False}, "expected postmaster to be accepted, got postmaster: 550"),
]


@pytest.mark.parametrize(("action", "broken", "said"), BROKEN)
async def test_broken_server_fails(make: Make, action: Action, broken: dict[str, Any], said: str) -> None:
    with pytest.raises(Failed, match=said):
        await action(*make(**broken))


@pytest.mark.parametrize(
    ("action", "broken"),
    [
        (smtp.check_forged, {"forged_accepted": True}),
        (smtp.check_gtube, {"gtube_accepted": True}),
        (smtp.check_eicar, {"eicar_accepted": True}),
    ],
)
async def test_broken_server_fails_with_a_mailbox(make: Make, action: Action, broken: dict[str, Any]) -> None:
    with pytest.raises(Failed, match="to be rejected, got 250"):
        await action(*make(**broken), fakes.PROBE)


async def test_only_what_is_there_is_asked_for_test_spam_and_a_test_virus(make: Make) -> None:
    made, way = make()

    def asked(**filters: bool) -> set[str]:
        found = smtp.checks(dataclasses.replace(made, **dict[str, Any](filters)), way, fakes.PROBE)
        return {check.id for check in found} & {"smtp.gtube", "smtp.eicar"}

    assert asked() == {"smtp.gtube"}
    assert asked(virus_scanner=True) == {"smtp.gtube", "smtp.eicar"}
    assert asked(spam_filter=False) == set()


async def test_postmaster_of_every_domain(make: Make) -> None:
    made, way = make()
    wide = dataclasses.replace(made, further_domains=("example.org",))
    with pytest.raises(Failed, match=r"got postmaster@example\.org: 554"):
        await smtp.check_postmaster(wide, way)


async def test_certificate_of_another_is_no_delivery(serve: Serve, target: MakeTarget, folder: Any) -> None:
    other = fakes.certificate(folder)
    made = target({25: serve(fakes.Smtp(other.context()))})
    with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        await smtp.check_no_auth(made, smtp_route.local(made))


async def test_false_endings(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialog, "QUIET", 0.1)
    assert "4 false ends of data" in await smtp.check_smuggling(*make(), fakes.PROBE)
    with pytest.raises(Failed, match="not to end the message, got 250"):
        await smtp.check_smuggling(*make(lenient=True), fakes.PROBE)
    with pytest.raises(NotRun):
        await smtp.check_smuggling(*make(), "nobody@example.test")


class Delivery:
    """An SMTP and an IMAP server over one store."""

    def __init__(self, serve: Serve, target: MakeTarget, cert: fakes.Certificate, **broken: Any) -> None:
        store = fakes.Store()
        self.smtp = fakes.Smtp(cert.context(), store=store, **broken)
        ports = {25: serve(self.smtp), 993: serve(fakes.Imap(store), cert.context())}
        self.target = target(ports)
        self.route = smtp_route.local(self.target)


@pytest.fixture
def deliver(serve: Serve, target: MakeTarget, cert: fakes.Certificate) -> Callable[..., Delivery]:
    return lambda **broken: Delivery(serve, target, cert, **broken)


async def test_mail_is_delivered_and_read(deliver: Callable[..., Delivery], mailbox: Mailbox) -> None:
    bed = deliver()
    said = await mail_in.check_delivery(bed.target, bed.route, mailbox)
    assert "found in INBOX" in said
    bed = deliver(folder="Junk")
    assert "found in Junk" in await mail_in.check_delivery(bed.target, bed.route, mailbox)


async def test_greylisting_is_waited_for_and_told(deliver: Callable[..., Delivery], mailbox: Mailbox) -> None:
    bed = deliver(greylisted=2)
    said = await mail_in.check_delivery(bed.target, bed.route, mailbox, patience=5, pause=0.01)
    assert "try 3" in said
    bed = deliver(greylisted=99)
    with pytest.raises(Warned, match="still defers"):
        await mail_in.check_delivery(bed.target, bed.route, mailbox, patience=0.05, pause=0.01)


async def test_lost_and_refused_mail_fails(
    deliver: Callable[..., Delivery], mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_in, "ARRIVAL", 0.2)
    bed = deliver(loses_mail=True)
    with pytest.raises(Failed, match="neither in INBOX nor in Junk"):
        await mail_in.check_delivery(bed.target, bed.route, mailbox)
    stranger = Mailbox("nobody@example.test", mailbox.password)
    with pytest.raises(Failed, match="expected the mail to be accepted, got 550"):
        await mail_in.check_delivery(bed.target, bed.route, stranger)


def run(argv: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=False)


class ProbingLink(FakeLink):
    """A link whose probes run on this machine."""

    def __init__(self, *, broken: bool = False) -> None:
        super().__init__(RunProbes.by(self._run))
        self.broken = broken

    def _run(self, request: RunProbes) -> tuple[ProbeAnswer, ...]:
        if self.broken:
            return tuple(ProbeAnswer(probe.id, 1, "") for probe in request.probes)
        done = [(probe.id, run(list(probe.argv))) for probe in request.probes]
        return tuple(ProbeAnswer(i, d.returncode, (d.stdout + d.stderr).strip()) for i, d in done)


async def test_where_port_25_is_blocked_a_server_does_it(make: Make) -> None:
    made, _ = make()
    way = smtp_route.remote(made, ProbingLink(), "mx2", "port 25 cannot be reached from this machine, so from mx2")
    assert way.vantage == "mx2"
    assert await smtp.check_banner(made, way)
    assert await smtp.check_no_auth(made, way)


async def test_forging_from_a_server_of_the_plan_proves_nothing(make: Make) -> None:
    made, _ = make(forged_accepted=True)
    way = smtp_route.remote(made, ProbingLink(), "mx1", "port 25 cannot be reached from here")
    with pytest.raises(NotRun, match="it would prove nothing"):
        await smtp.check_forged(made, way, fakes.PROBE)


async def test_finding_a_way_to_port_25(make: Make, target: MakeTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = make()
    assert (await smtp_route.find(made, {})).vantage == "operator"

    def blocked(target: Target) -> None:
        raise TimeoutError

    monkeypatch.setattr(smtp_route, "_reach", blocked)
    way = await smtp_route.find(made, {"mx1": ProbingLink(), "mx2": ProbingLink(broken=True)})
    assert way.vantage == "mx1"
    assert "no answer in time" in way.why
    with pytest.raises(Failed, match="nor from any server"):
        await smtp_route.find(target({25: 1}), {"mx1": ProbingLink()})


def test_dialogue_source_stands_alone() -> None:
    source = inspect.getsource(dialog)
    spec = {"host": "127.0.0.1", "port": 1, "pem": "", "seconds": 1, "steps": []}
    done = subprocess.run(
        ["python3", "-I", "-c", source, json.dumps(spec)], capture_output=True, text=True, check=True
    )
    assert "refused" in json.loads(done.stdout)["error"]

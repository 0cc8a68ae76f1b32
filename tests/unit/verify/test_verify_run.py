"""The whole verification against fakes: order, independence, and that nothing secret is told."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Collection, Sequence
from typing import Any, TypeVar

import pytest
from cryptography import x509
from pydantic import SecretStr

from mailwiz_tui.agent.protocol.accounts import AccountDomains, AskAccountDomains
from mailwiz_tui.agent.protocol.facts import AskFacts
from mailwiz_tui.agent.protocol.first_accounts import CloseProbeMailbox, OpenProbeMailbox
from mailwiz_tui.agent.protocol.probes import EndTurn, ProbeAnswer, RunProbes, TakeTurn, Turn
from mailwiz_tui.agent.protocol.request import Request
from mailwiz_tui.agent.protocol.runs import AskRunStatus, RunStatus
from mailwiz_tui.dns.record import Record
from mailwiz_tui.fleet.account_domains import learn
from mailwiz_tui.fleet.facts import DkimPublicKey, Facts, FactsFile, Listener, ServerRecord, TlsPublic
from mailwiz_tui.fleet.server import Inventory, Server
from mailwiz_tui.plan.model import Domain, Plan, PlanServer, Role
from mailwiz_tui.stack.blueprint import Blueprint, PortTls, Probe, Scope
from mailwiz_tui.topology.servers import account_store_id
from mailwiz_tui.verify import dialog, dns_checks, probe_mailboxes, run, targets, tls, turns
from mailwiz_tui.verify.mailbox import Mailbox
from mailwiz_tui.verify.result import CheckResult, CheckState
from mailwiz_tui.verify.target import Target
from tests.doubles import EngineDouble
from tests.unit.fake_link import FakeLink
from tests.unit.verify import fakes
from tests.unit.verify.conftest import PORTS, Serve
from tests.unit.verify.test_login_checks import Signer

A = TypeVar("A")


class Link(FakeLink):
    """An agent's answers, enough for a verification; ``closed`` tells that the mailbox was shut again."""

    def __init__(self, facts: Facts, pem: str, *, broken: type[Request[object]] | None = None) -> None:
        super().__init__(
            TakeTurn.by(self._take_turn),
            EndTurn.by(self._end_turn),
            AskFacts.by(lambda _: AskFacts.answer(json.loads(facts.model_dump_json(exclude={"clock_skew"})))),
            AskAccountDomains.by(lambda _: AccountDomains(self.domains)),
            OpenProbeMailbox.by(lambda _: None),
            CloseProbeMailbox.by(self._close),
            AskRunStatus.by(lambda _: RunStatus("none")),
            RunProbes.by(self._probes),
        )
        self.facts, self.pem, self.broken, self.closed = facts, pem, broken, False
        self.domains: tuple[str, ...] | None = (fakes.DOMAIN,)
        self.taken = False

    async def ask(self, request: Request[A]) -> A:
        if self.broken and isinstance(request, self.broken):
            self.asked.append(request)
            raise RuntimeError("MariaDB (accounts) does not answer")
        return await super().ask(request)

    def _take_turn(self, _: TakeTurn) -> Turn:
        busy, self.taken = self.taken, True
        return Turn(busy)

    def _end_turn(self, _: EndTurn) -> None:
        self.taken = False

    def _close(self, _: CloseProbeMailbox) -> None:
        self.closed = True

    def _probes(self, request: RunProbes) -> tuple[ProbeAnswer, ...]:
        return tuple(ProbeAnswer(probe.id, 0, self._output(list(probe.argv))) for probe in request.probes)

    def _output(self, argv: list[str]) -> str:
        if argv[0] == "openssl":
            return self.pem
        if argv[0] == "ss":
            return "\n".join(f"LISTEN 0 1 0.0.0.0:{port.number} 0.0.0.0:*" for port in PORTS)
        return "active"


class Engine(EngineDouble):
    """One server, reached over the link ``made`` unless it is ``refused``."""

    def __init__(self, plan: Plan, inventory: Inventory, known: FactsFile, made: Link) -> None:
        super().__init__(plan, inventory, known)
        self.made = made
        self.refused = False

    def blueprints(self) -> dict[str, Blueprint]:
        probe = Probe("unit.postfix", "postfix runs", ("systemctl", "is-active", "postfix"), expect="^active$")
        return {"mx1": Blueprint("mx1", (), ports=PORTS, probes=(probe,))}

    async def prepare(self) -> FactsFile:
        return self.known

    def learn_account_domains(self, domains: Collection[str] | None) -> bool:
        return learn(self.known, account_store_id(self.plan), domains)

    async def link(self, server_id: str) -> Link:
        if self.refused:
            raise ConnectionRefusedError
        return self.made


@pytest.fixture
def engine(serve: Serve, cert: fakes.Certificate, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """A whole mail server of fakes behind the real ports' numbers."""
    store, signer = fakes.Store(), Signer("mail")
    options: dict[str, Any] = {"store": store, "submission": True, "sign": signer}
    redirect = {
        25: serve(fakes.Smtp(cert.context(), store=store)),
        587: serve(fakes.Smtp(cert.context(), **options)),
        465: serve(fakes.Smtp(cert.context(), implicit=True, **options), cert.context()),
        143: serve(fakes.Imap(store, clear=True, tls=cert.context())),
        993: serve(fakes.Imap(store), cert.context()),
        4190: serve(fakes.sieve(cert.context())),
    }
    real = targets.target_for

    async def target_for(*args: Any) -> Target:
        return dataclasses.replace(await real(*args), redirect=redirect, seconds=5)

    async def no_dns(*args: Any) -> list[CheckResult]:
        return []

    monkeypatch.setattr(run, "target_for", target_for)
    monkeypatch.setattr(dialog, "QUIET", 0.1)
    monkeypatch.setattr(dns_checks, "run", no_dns)
    secret = Mailbox(fakes.PROBE, SecretStr(fakes.PASSWORD))
    monkeypatch.setattr(probe_mailboxes, "probe_mailbox", lambda domain: secret)
    facts = Facts(
        public_ipv4="127.0.0.1",
        listeners=tuple(
            Listener(protocol="tcp", address="0.0.0.0" if p.scope is Scope.PUBLIC else "127.0.0.1", port=p.number)
            for p in PORTS
        ),
    )
    (text,) = signer.keys.values()
    key = DkimPublicKey(selector="mail", public_key=text.partition("p=")[2])
    spki = tls.spki(x509.load_pem_x509_certificate(cert.pem.encode()))
    record = ServerRecord(facts=facts, dkim=(key,), tls=TlsPublic(pem=cert.pem, spki_sha256=spki))
    plan = Plan(
        servers=[PlanServer(id="mx1", roles=[Role.ALL_IN_ONE])],
        domain=Domain(primary_domain=fakes.DOMAIN, hostname=fakes.HOST),
    )
    inventory = Inventory(servers=(Server(id="mx1", host="127.0.0.1"),))
    return Engine(plan, inventory, FactsFile(servers={"mx1": record}), Link(facts, cert.pem))


async def test_a_right_server_passes_every_check(engine: Engine) -> None:
    told: list[CheckResult] = []
    results = await run.verify(engine, on_result=told.append)
    assert told == results
    bad = [r for r in results if r.state is not CheckState.PASSED]
    assert [r.id for r in bad] == ["tls.trust"], "its certificate is self-signed"
    assert {r.id for r in results} >= {
        "unit.postfix", "listeners.wanted", "listeners.unexpected", "tls.25.versions", "tls.993.certificate",
        "auth.imap.login", "auth.imap.no-clear-login", "smtp.open-relay", "smtp.gtube", "smtp.smuggling",
        "smtp.forged-sender",
        "mail-in.delivery", "mail-out.587", "mail-out.465", "submission.forged-sender",
        "submission.forged-author", "mailbox.probe",
    }  # fmt: skip
    assert len({r.id for r in results}) == len(results)
    assert engine.made.closed
    assert fakes.PASSWORD not in repr(results)


async def test_results_as_json_are_stable(engine: Engine) -> None:
    results = await run.verify(engine, on_result=lambda _: None)
    data = json.loads(run.results_as_json(results))
    assert data["version"] == 1
    assert data["passed"] is True
    assert set(data["results"][0]) == {
        "id", "server_id", "state", "proves", "detail", "advice", "vantage", "seconds",
    }  # fmt: skip
    failed = dataclasses.replace(results[0], state=CheckState.FAILED)
    assert json.loads(run.results_as_json([*results, failed]))["passed"] is False
    assert json.loads(run.results_as_json([]))["passed"] is False


async def test_domains_that_only_the_accounts_or_only_the_plan_have_are_named(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def names(records: Sequence[Record], *rest: Any) -> list[CheckResult]:
        asked.extend(f"{record.name} {record.type}" for record in records)
        return []

    monkeypatch.setattr(dns_checks, "run", names)
    engine.made.domains = (fakes.DOMAIN, "shop.test")
    results = {r.id: r for r in await run.verify(engine, on_result=lambda _: None)}
    found = results["accounts.domains"]
    assert found.state is CheckState.WARNING
    assert found.detail.startswith("shop.test is in the accounts (admin panel) but not in the plan: its mail is")
    assert "mailwiz-tui dns PLAN" in found.advice
    assert {"shop.test MX", "shop.test TXT", "mail._domainkey.shop.test TXT", "_dmarc.shop.test TXT"} <= set(asked)
    engine.made.domains = ()
    results = {r.id: r for r in await run.verify(engine, on_result=lambda _: None)}
    assert results["accounts.domains"].state is CheckState.FAILED
    assert f"{fakes.DOMAIN} is in the plan but missing" in results["accounts.domains"].detail
    engine.made.domains = None
    results = {r.id: r for r in await run.verify(engine, on_result=lambda _: None)}
    assert results["accounts.domains"].state is CheckState.NOT_RUN


async def test_without_a_mailbox_the_other_checks_go_on(engine: Engine) -> None:
    engine.made.broken = OpenProbeMailbox
    results = {r.id: r for r in await run.verify(engine, on_result=lambda _: None)}
    assert results["mailbox.probe"].state is CheckState.FAILED
    assert "MariaDB (accounts) does not answer" in results["mailbox.probe"].detail
    assert results["smtp.open-relay"].state is CheckState.PASSED
    assert "mail-in.delivery" not in results


async def test_a_server_that_is_not_reached_fails(engine: Engine) -> None:
    engine.refused = True
    (result,) = await run.verify(engine, on_result=lambda _: None)
    assert (result.id, result.state) == ("server.ssh", CheckState.FAILED)


async def test_a_second_verification_waits_and_says_so(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LOOK_SECONDS", 0.01)
    results: list[CheckResult] = []
    told = asyncio.Event()

    def tell(result: CheckResult) -> None:
        results.append(result)
        told.set()

    engine.made.taken = True
    second = asyncio.create_task(run.verify(engine, on_result=tell))
    await told.wait()
    (waiting,) = results
    assert (waiting.id, waiting.state) == ("server.verifications", CheckState.NOT_RUN)
    assert waiting.detail == "another verification is running on mx1; this one waits until it has ended"
    assert {type(asked) for asked in engine.made.asked} == {TakeTurn}, "nothing is asked of the server meanwhile"
    engine.made.taken = False
    assert "mail-in.delivery" in {r.id for r in await second}
    assert not engine.made.taken, "the next may begin"


async def test_a_verification_that_never_ends_keeps_others_off_in_words(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "PATIENCE_SECONDS", 0.0)
    engine.made.taken = True
    _, refused = await run.verify(engine, on_result=lambda _: None)
    assert (refused.id, refused.state) == ("server.verifications", CheckState.FAILED)
    assert engine.made.taken, "the turn of the other is left alone"


async def test_a_mailbox_that_stays_open_is_told(engine: Engine) -> None:
    engine.made.broken = CloseProbeMailbox
    results = {r.id: r for r in await run.verify(engine, on_result=lambda _: None)}
    assert results["mailbox.closed"].state is CheckState.FAILED


def test_ports_without_tls_are_not_asked_for_it() -> None:
    assert all(port.tls is not PortTls.NONE for port in Target("a", "b", "c", "d", "", PORTS).tls_ports())

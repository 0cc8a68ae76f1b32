"""What is judged from the server's own answers: probes, listeners, the exemption from bans, the first wait."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import Any

import pytest

from mailwiz_tui.agent.protocol.probes import ProbeAnswer, RunProbes
from mailwiz_tui.fleet.facts import Facts, Listener
from mailwiz_tui.stack.blueprint import Blueprint, Port, Probe, Scope, Step, Unit
from mailwiz_tui.verify import ban_guard, listeners, reach, server_checks, settle
from mailwiz_tui.verify.check import Failed, NotRun
from mailwiz_tui.verify.result import CheckState
from tests.unit.fake_link import FakeLink
from tests.unit.verify import fakes
from tests.unit.verify.conftest import PORTS, MakeTarget, Serve

PROBE = Probe("unit.postfix", "postfix runs", ("systemctl", "is-active", "postfix"), expect=r"(?m)^active$",
              refuse="reloading", advice="start it")  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "state", "said"),
    [
        (ProbeAnswer("p", 0, "active"), CheckState.PASSED, ""),
        (ProbeAnswer("p", 3, "inactive"), CheckState.FAILED, "got 3: inactive"),
        (ProbeAnswer("p", 0, "inactive"), CheckState.FAILED, "expected (?m)^active$"),
        (ProbeAnswer("p", 0, "active\nreloading"), CheckState.FAILED, "got: reloading"),
        (ProbeAnswer("p", None, ""), CheckState.FAILED, "to end in time, but it did not"),
        (None, CheckState.NOT_RUN, "no answer"),
    ],
)
def test_probes(answer: ProbeAnswer | None, state: CheckState, said: str) -> None:
    result = server_checks.judge(PROBE, "mx1", answer)
    assert (result.state, result.proves) == (state, "Postfix runs.")
    assert said in result.detail
    assert bool(result.advice) is (state is not CheckState.PASSED)


def blueprint(*items: Unit, ports: tuple[Port, ...] = PORTS) -> Blueprint:
    return Blueprint("mx1", (Step("s", "S", "c", items),), ports=ports, probes=(PROBE,))


def test_units_without_a_probe_get_one() -> None:
    made = blueprint(Unit("postfix.service"), Unit("clamav.service"), Unit("exim4.service", running=False))
    assert [p.id for p in server_checks.wanted(made)] == ["unit.postfix", "unit.clamav"]


def heard(*listening: tuple[str, str, int], ipv6: str = "") -> Facts:
    return Facts(
        listeners=tuple(Listener(protocol=p, address=a, port=n, process="x") for p, a, n in listening),
        ssh_ports=(22,),
        public_ipv6=ipv6,
    )


RIGHT = (
    *(("tcp", "0.0.0.0", port.number) for port in PORTS if port.scope is Scope.PUBLIC),
    ("tcp", "127.0.0.1", 6379),
    ("tcp", "0.0.0.0", 22),
    ("tcp", "127.0.0.53", 53),
    ("udp", "0.0.0.0", 68),
    ("udp", "0.0.0.0", 40000),
)


def test_right_listeners_pass() -> None:
    facts = heard(*RIGHT)
    assert listeners.check_wanted(PORTS, facts) == "7 ports have a listener"
    assert listeners.check_unexpected(PORTS, facts)
    both = heard(*RIGHT, *(("tcp", "::", n) for _, _, n in RIGHT), ipv6="2001:db8::1")
    assert listeners.check_wanted(PORTS, both)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (heard(*(x for x in RIGHT if x[2] != 993)), r"tcp 993 \(imaps\): got nothing"),
        (
            heard(*(("tcp", "127.0.0.1", 25) if x[2] == 25 else x for x in RIGHT)),
            r"tcp 25 \(smtp\): got 127\.0\.0\.1",
        ),
        (heard(*(x for x in RIGHT if x[2] != 6379)), r"tcp 6379 \(redis\): got nothing"),
        (heard(*RIGHT, ipv6="2001:db8::1"), "got no IPv6"),
    ],
)
def test_missing_listeners_fail(facts: Facts, said: str) -> None:
    with pytest.raises(Failed, match=said):
        listeners.check_wanted(PORTS, facts)


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (("tcp", "0.0.0.0", 3306), r"tcp 3306 on 0\.0\.0\.0 \(x\)"),
        (("tcp", "::", 11334), "tcp 11334 on ::"),
        (("tcp", "198.51.100.11", 6379), "meant for the loopback only"),
        (("tcp", "::ffff:198.51.100.11", 8080), "8080"),
        (("udp", "0.0.0.0", 53), "udp 53"),
    ],
)
def test_unexpected_listeners_fail(extra: tuple[str, str, int], said: str) -> None:
    with pytest.raises(Failed, match=said):
        listeners.check_unexpected(PORTS, heard(*RIGHT, extra))


class Scripted(FakeLink):
    """A link whose answer to each program is a function of its arguments; it keeps what was asked."""

    def __init__(self, answer: Callable[[list[str]], tuple[int, str]]) -> None:
        super().__init__(RunProbes.by(self._run))
        self.answer = answer
        self.ran: list[list[str]] = []

    def _run(self, request: RunProbes) -> tuple[ProbeAnswer, ...]:
        self.ran += [list(probe.argv) for probe in request.probes]
        return tuple(ProbeAnswer(probe.id, *self.answer(list(probe.argv))) for probe in request.probes)


def test_second_address(
    serve: Serve, target: MakeTarget, cert: fakes.Certificate, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = serve(fakes.Smtp(cert.context()))
    right = target(dict.fromkeys((25, 587, 465, 143, 993, 4190), served), others=("127.0.0.1",))
    (check,) = reach.checks(right)
    assert check.id == "reach.ipv4"
    assert reach.check_reached(right, "127.0.0.1") == "6 ports answer"
    half = target({**right.redirect, 993: 1})
    with pytest.raises(Failed, match=r"closed: 993 \(the connection was refused"):
        reach.check_reached(half, "127.0.0.1")

    def nowhere(*args: Any, **options: Any) -> socket.socket:
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    monkeypatch.setattr(socket, "create_connection", nowhere)
    with pytest.raises(NotRun, match="no route"):
        reach.check_reached(right, "2001:db8::1")


async def test_own_addresses_are_exempt_while_it_lasts(
    serve: Serve, target: MakeTarget, cert: fakes.Certificate
) -> None:
    made = target({25: serve(fakes.Smtp(cert.context()))}, others=("127.0.0.1",))
    peers = iter(("[::ffff:198.51.100.50]:51111", "[2001:db8::50]:51112"))

    def answer(argv: list[str]) -> tuple[int, str]:
        if argv[0] == "ss":
            return 0, f"0 0 [::ffff:198.51.100.11]:25 {next(peers)}"
        if argv[1] == "status":
            return 0, "Status\n|- Number of jail: 2\n`- Jail list:\tdovecot, postfix"
        if argv[1] == "get":
            return 0, "ignored:\n|- 127.0.0.0/8\n`- " + ("198.51.100.50" if argv[2] == "postfix" else "::1")
        return 0, ""

    link = Scripted(answer)
    async with ban_guard.exempt(made, link) as addresses:
        assert addresses == ("198.51.100.50", "2001:db8::50")
        assert all(["fail2ban-client", "set", "dovecot", "addignoreip", a] in link.ran for a in addresses)
        lifted = ["198.51.100.50", "2001:db8::50", "2001:db8::/64"]
        assert link.ran[-1] == ["fail2ban-client", "unban", *lifted], "what an earlier verification did"
    changes = [argv for argv in link.ran if argv[:2] == ["fail2ban-client", "set"]]
    assert changes == [
        ["fail2ban-client", "set", "dovecot", "addignoreip", "198.51.100.50"],
        ["fail2ban-client", "set", "dovecot", "addignoreip", "2001:db8::50"],
        ["fail2ban-client", "set", "postfix", "addignoreip", "2001:db8::50"],
        ["fail2ban-client", "set", "dovecot", "delignoreip", "198.51.100.50"],
        ["fail2ban-client", "set", "dovecot", "delignoreip", "2001:db8::50"],
        ["fail2ban-client", "set", "postfix", "delignoreip", "2001:db8::50"],
    ]


async def test_a_ban_that_closes_every_port_is_lifted(target: MakeTarget) -> None:
    def answer(argv: list[str]) -> tuple[int, str]:
        return 0, "`- Jail list:\tpostfix" if argv[1:] == ["status"] else ""

    link = Scripted(answer)
    async with ban_guard.exempt(target({25: 1}), link) as addresses:
        assert addresses == ("127.0.0.1",)
        assert ["fail2ban-client", "set", "postfix", "addignoreip", "127.0.0.1"] in link.ran
        assert link.ran[-1] == ["fail2ban-client", "unban", "127.0.0.1"]


async def test_without_fail2ban_nothing_is_exempt(
    serve: Serve, target: MakeTarget, cert: fakes.Certificate
) -> None:
    link = Scripted(lambda argv: (127, "command not found"))
    async with ban_guard.exempt(target({25: serve(fakes.Smtp(cert.context()))}), link) as addresses:
        assert addresses == ()
    async with ban_guard.exempt(target({25: 1}), link) as addresses:
        assert addresses == ()


async def test_waiting_for_a_port_that_comes() -> None:
    made = blueprint(Unit("rspamd.service"), ports=(Port(11332, "milter", Scope.LOCAL),))
    outputs = ["", "LISTEN 0 4096 127.0.0.1:11332 0.0.0.0:*"]
    link = Scripted(lambda argv: (0, outputs.pop(0) if argv[0] == "ss" else "active"))
    assert await settle.settle(made, link, pause=0)
    assert outputs == []


async def test_not_waiting_for_a_unit_that_is_down() -> None:
    made = blueprint(Unit("rspamd.service"), ports=(Port(11332, "milter", Scope.LOCAL),))
    link = Scripted(lambda argv: (1, "" if argv[0] == "ss" else "failed"))
    assert not await settle.settle(made, link, pause=60)
    assert len(link.ran) == 2

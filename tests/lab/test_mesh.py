"""The private link between servers of mixed releases: up, open to those who need it, healing, and quiet."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mailwiz_tui.deploy import engine as engine_module
from mailwiz_tui.deploy.engine import Engine
from mailwiz_tui.deploy.events import ServerPhase
from mailwiz_tui.deploy.network import PairReport
from mailwiz_tui.deploy.outcome import ServerOutcome
from mailwiz_tui.deploy.prompts import RefusingPrompts
from mailwiz_tui.fleet.inventory import load_inventory
from mailwiz_tui.lab.lab import Lab
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.stack import compile as compiler
from mailwiz_tui.stack.component import Component
from mailwiz_tui.stack.flows import LINK_PORTS, flows_of
from mailwiz_tui.verify import mesh as verify_mesh
from mailwiz_tui.verify import server_checks
from mailwiz_tui.verify.check import perform
from mailwiz_tui.verify.result import CheckState
from mailwiz_tui.verify.targets import target_for
from tests.lab.conftest import FreshHost

pytestmark = [
    pytest.mark.lab,
    pytest.mark.long,
    pytest.mark.timeout(900),
    pytest.mark.asyncio(loop_scope="function"),
]

PARTS = ("base", "peers", "wireguard", "internal_tls", "links", "nftables", "leftovers")
ROLES = (["mail-storage"], ["mx-inbound", "mx-outbound"], ["antispam"], ["antispam", "mx-inbound"])
LISTEN = """
import socket, sys, threading
def serve(address, port):
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, port)); s.listen(50)
    while True:
        c, _ = s.accept()
        threading.Thread(target=echo, args=(c,), daemon=True).start()
def echo(c):
    c.settimeout(0.3)
    try: asked = c.recv(100)
    except TimeoutError: asked = b""
    if asked.startswith(b"GET "):
        c.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n"); c.close(); return
    c.settimeout(None)
    c.sendall(b"hello from %s\\n" % socket.gethostname().encode())
    while (data := c.recv(100)): c.sendall(data)
for place in sys.argv[1:]:
    address, port = place.rsplit(",", 1)
    threading.Thread(target=serve, args=(address, int(port))).start()
"""
KNOCK = """
import json, socket, sys
from concurrent.futures import ThreadPoolExecutor
def knock(place):
    address, port = place.rsplit(",", 1)
    try:
        with socket.create_connection((address, int(port)), timeout=3) as s:
            s.settimeout(3)
            return s.recv(100).decode() or "closed"
    except OSError as error:
        return f"no: {error}"
with ThreadPoolExecutor(32) as pool:
    print(json.dumps(dict(zip(sys.argv[1:], pool.map(knock, sys.argv[1:])))))
"""
STREAM = """
import os, socket, sys, time
s = socket.create_connection((sys.argv[1], 24), timeout=20)
s.recv(100)
worst, count = 0.0, 0
while not os.path.exists("/run/stop-stream"):
    begun = time.monotonic()
    s.sendall(b"x"); assert s.recv(1) == b"x"
    worst, count = max(worst, time.monotonic() - begun), count + 1
    time.sleep(0.02)
print(worst, count)
"""


@dataclass
class Mesh:
    """Hosts on loan, and the plan they are in."""

    lab: Lab
    folder: Path
    hosts: list[str]
    domain: str
    private: str = "wireguard"

    def plan(self, number: int) -> Plan:
        made = self.private == "wireguard"
        servers = [
            {"id": host, "roles": roles, "internal_ip": f"10.80.0.{index}" if made else self.lab.host(host).ipv4}
            for index, (host, roles) in enumerate(zip(self.hosts[:number], ROLES, strict=False), 1)
        ]
        return Plan.model_validate(
            {
                "architecture": "distributed",
                "servers": servers,
                "domain": {"primary_domain": self.domain, "hostname": f"mail.{self.domain}"},
                "security": {"tls": {"provider": "selfsigned"}},
                "network": {"private": self.private},
            }
        )

    @asynccontextmanager
    async def engine(
        self, number: int = 3, facts: str = "plan.facts.json", **options: Any
    ) -> AsyncIterator[Engine]:
        engine = Engine(
            self.plan(number),
            load_inventory(self.lab.paths.inventory),
            prompts=RefusingPrompts(),
            facts_path=self.folder / facts,
            **options,
        )
        try:
            yield engine
        finally:
            await engine.close()

    async def apply(self, number: int = 3) -> dict[str, ServerOutcome]:
        async with self.engine(number) as engine:
            return await engine.apply()

    async def survey(self) -> list[PairReport]:
        async with self.engine() as engine:
            return await engine.survey()

    def run(self, host: str, command: str) -> str:
        done = self.lab.run(host, command)
        assert done.returncode == 0, f"{host}: {command}: {done.stdout}{done.stderr}"
        return str(done.stdout)

    def python(self, host: str, program: str, *arguments: str) -> str:
        words = " ".join(f"'{word}'" for word in arguments)
        return self.run(host, f"cat > /run/try.py <<'END'\n{program}\nEND\npython3 /run/try.py {words}")

    def listen(self, number: int = 3) -> None:
        """Something answers on every port that a flow names, and on the filter's own loopback ports."""
        for server in self.plan(number).servers:
            ports = {flow.port for flow in flows_of(self.plan(number)) if not flow.public}
            links = LINK_PORTS
            places = [f"{server.internal_ip},{port}" for port in ports - links]
            if "antispam" in server.roles:
                places += [f"127.0.0.1,{port}" for port in links]
            else:
                places += [f"{server.internal_ip},{port}" for port in links]
            self.run(server.id, f"cat > /run/listen.py <<'END'\n{LISTEN}\nEND")
            self.run(
                server.id,
                "systemctl stop try-listen 2>/dev/null; systemd-run -q --unit try-listen --collect "
                f"python3 /run/listen.py {' '.join(places)}",
            )

    def knock(self, source: str, places: list[str]) -> dict[str, str]:
        found: dict[str, str] = json.loads(self.python(source, KNOCK, *places))
        return found


@pytest.fixture(scope="module")
def mesh(
    lab: Lab, lend_hosts: FreshHost, lent_domain: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mesh]:
    """Three hosts and a fourth for later; only what links servers is installed, so that it stays quick."""
    hosts = [lend_hosts(suite).id for suite in ("trixie", "bookworm", "trixie", "bookworm")]
    chosen: tuple[Component, ...] = tuple(c for c in compiler.COMPONENTS if c.name in PARTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiler, "COMPONENTS", chosen)
        patch.setattr(engine_module, "unsupported", lambda plan: [])
        mesh = Mesh(lab, tmp_path_factory.mktemp("mesh"), hosts, lent_domain)
        reports = asyncio.run(mesh.survey())
        assert len(reports) == 3
        for report in reports:
            assert (report.open, report.mtu, report.lives, report.finding) == (True, 1500, False, None), report.line
        outcomes = asyncio.run(mesh.apply())
        assert {o.state for o in outcomes.values()} == {ServerPhase.DONE}, [o.line for o in outcomes.values()]
        yield mesh


async def test_a_second_apply_changes_nothing(mesh: Mesh) -> None:
    assert {o.state for o in (await mesh.apply()).values()} == {ServerPhase.UNCHANGED}


async def test_every_server_proves_its_links(mesh: Mesh) -> None:
    async with mesh.engine() as engine:
        for server_id, blueprint in engine.blueprints().items():
            results = await server_checks.run(blueprint, await engine.link(server_id))
            by_id = {result.id: result for result in results}
            peers = [other for other in mesh.hosts[:3] if other != server_id]
            assert {f"mesh.handshake.{peer}" for peer in peers} <= by_id.keys()
            assert [f"{r.id}: {r.detail}" for r in results if r.state is not CheckState.PASSED] == []
    assert [report.lives for report in await mesh.survey()] == [True] * 3
    for host in mesh.hosts[:3]:
        for other in mesh.hosts[:3]:
            assert re.search(r"^10\.80\.0\.\d ", mesh.run(host, f"getent hosts {other}.mailwiz.internal"))


async def test_each_port_opens_to_its_flows_and_to_nobody_else(mesh: Mesh) -> None:
    mesh.listen()
    plan = mesh.plan(3)
    inside = [flow for flow in flows_of(plan) if not flow.public]
    ports = sorted({flow.port for flow in inside} - LINK_PORTS)
    for source in plan.servers:
        wanted = {(f.target_id, f.port) for f in inside if f.source_id == source.id}
        targets = {f"{t.internal_ip},{p}": (t.id, p) for t in plan.servers if t is not source for p in ports}
        answers = mesh.knock(source.id, list(targets))
        opened = {place for name, place in targets.items() if answers[name].startswith("hello")}
        assert opened == {place for place in wanted if place[1] in ports}, source.id


async def test_the_filter_is_reached_through_loopback_and_mutual_tls_only(mesh: Mesh) -> None:
    store, front, spam = mesh.hosts[:3]
    answers = mesh.knock(front, ["127.0.0.1,11332", "10.80.0.3,11332", "10.80.0.3,11334"])
    assert answers["127.0.0.1,11332"] == f"hello from {mesh.run(spam, 'hostname').strip()}\n"
    assert not answers["10.80.0.3,11332"].startswith("hello"), "it speaks without TLS"
    assert answers["10.80.0.3,11334"].startswith("no:"), "only stores teach"
    assert mesh.knock(store, ["127.0.0.10,11334"])["127.0.0.10,11334"].startswith("hello")
    tls = "openssl s_client -brief -connect 10.80.0.3:11332 -CAfile /etc/mailwiz/internal/peers.pem"
    mine = "-cert /etc/mailwiz/internal/cert.pem -key /etc/mailwiz/internal/key.pem"
    name = f"-verify_return_error -verify_hostname {spam}.mailwiz.internal -ign_eof"
    assert "hello" in mesh.run(front, f"(sleep 2) | timeout 5 {tls} {mine} {name} 2>&1 || true")
    assert "hello" not in mesh.run(front, f"(sleep 2) | timeout 5 {tls} {name} 2>&1 || true")
    mesh.run(spam, "systemctl stop try-listen")
    await asyncio.sleep(6)
    assert not mesh.knock(front, ["127.0.0.1,11332"])["127.0.0.1,11332"].startswith("hello")
    mesh.listen()


async def test_a_server_comes_and_goes_without_disturbing_the_others(mesh: Mesh) -> None:
    mesh.listen()
    store, front, _, fourth = mesh.hosts
    mesh.run(front, f"cat > /run/stream.py <<'END'\n{STREAM}\nEND")
    output = "-p StandardOutput=file:/run/stream.out -p StandardError=inherit"
    mesh.run(front, f"systemd-run -q --unit try-stream --collect {output} python3 /run/stream.py 10.80.0.1")
    await asyncio.sleep(2)
    outcomes = await mesh.apply(4)
    assert {o.state for o in outcomes.values()} == {ServerPhase.DONE}, [o.line for o in outcomes.values()]
    assert mesh.knock(fourth, ["10.80.0.1,24"])["10.80.0.1,24"].startswith("hello")
    assert {o.state for o in (await mesh.apply(4)).values()} == {ServerPhase.UNCHANGED}
    assert len(mesh.run(store, "wg show mwz0 peers").split()) == 3
    outcomes = await mesh.apply(3)
    assert {o.state for o in outcomes.values()} == {ServerPhase.DONE}, [o.line for o in outcomes.values()]
    assert len(mesh.run(store, "wg show mwz0 peers").split()) == 2
    assert "10.80.0.4" not in mesh.run(store, "ip route; cat /etc/hosts; nft list table inet mailwiz")
    assert mesh.knock(fourth, ["10.80.0.1,24"])["10.80.0.1,24"].startswith("no:")
    mesh.run(front, "touch /run/stop-stream")
    told = "for i in $(seq 100); do [ -s /run/stream.out ] && break; sleep 0.1; done; cat /run/stream.out"
    worst, count = mesh.run(front, told).split()
    print(f"the stream's worst answer took {float(worst):.3f} s of {count}")
    assert float(worst) < 1.5


async def test_from_outside_no_internal_port_answers(mesh: Mesh) -> None:
    mesh.listen()
    ports = sorted({flow.port for flow in flows_of(mesh.plan(3)) if not flow.public})
    stranger = mesh.hosts[3]
    for host in mesh.hosts[:3]:
        where = mesh.lab.host(host)
        places = [f"{address},{port}" for address in (where.ipv4, where.ipv6) for port in ports]
        answers = mesh.knock(stranger, [*places, *(f"10.80.0.{n},24" for n in (1, 2, 3))])
        assert [place for place, answer in answers.items() if not answer.startswith("no:")] == []
        with suppress(OSError), socket.create_connection((where.ipv4, 24), timeout=1):
            pytest.fail("an internal port answers on a public address")


async def test_verification_proves_each_flow_and_that_nothing_answers_outside(mesh: Mesh) -> None:
    mesh.listen()
    await asyncio.sleep(5)
    plan = mesh.plan(3)
    async with mesh.engine() as engine:
        links = {host: await engine.link(host) for host in mesh.hosts[:3]}
        for server_id, blueprint in engine.blueprints().items():
            results = await verify_mesh.flows(plan, server_id, links[server_id])
            wanted = [f for f in flows_of(plan) if f.source_id == server_id and not f.public]
            assert {r.id for r in results} == {f"mesh.flow.{f.service}.{f.target_id}" for f in wanted}
            assert [f"{r.id}: {r.detail}" for r in results if r.state is not CheckState.PASSED] == []
            target = await target_for(engine, blueprint, links[server_id])
            other = next(link for host, link in links.items() if host != server_id)
            (check,) = verify_mesh.outside(target, blueprint, plan, other)
            result = await perform(check, server_id)
            assert (result.state, result.detail[-16:]) == (CheckState.PASSED, "public addresses")
        spam = mesh.hosts[2]
        mesh.run(spam, "systemctl stop try-listen")
        await asyncio.sleep(6)
        failed = [
            r for r in await verify_mesh.flows(plan, mesh.hosts[1], links[mesh.hosts[1]]) if r.detail[:1] == "t"
        ]
        assert [r.id for r in failed] == [f"mesh.flow.milter.{spam}"]
        assert "the connection was closed at once" in failed[0].detail
        everywhere = "systemd-run -q --unit try-open --collect python3 /run/listen.py ::,3306"
        mesh.run(spam, f"nft delete table inet mailwiz; {everywhere}")
        await asyncio.sleep(1)
        blueprint = engine.blueprints()[spam]
        target = await target_for(engine, blueprint, links[spam])
        (check,) = verify_mesh.outside(target, blueprint, plan, links[mesh.hosts[0]])
        result = await perform(check, spam)
        mesh.run(spam, "systemctl stop try-open; systemctl restart mailwiz-firewall")
        assert result.state is CheckState.FAILED
        assert f"3306 on {target.address}" in result.detail
    mesh.listen()


async def test_a_server_that_does_not_answer_stops_only_those_that_never_heard_of_it(mesh: Mesh) -> None:
    store, front, spam = mesh.hosts[:3]
    mesh.run(front, "systemctl stop ssh.socket ssh.service 2>/dev/null; true")
    try:
        outcomes = await mesh.apply()
        assert outcomes[front].state in (ServerPhase.FAILED, ServerPhase.LOST)
        assert {outcomes[host].state for host in (store, spam)} == {ServerPhase.UNCHANGED}
        async with mesh.engine(facts="nobody.facts.json") as engine:
            outcomes = await engine.apply()
        assert outcomes[store].state is ServerPhase.FAILED
        assert f"needs the public keys of {front}" in outcomes[store].reason
    finally:
        mesh.run(front, "systemctl start ssh.service")


async def test_a_server_installed_anew_is_taken_back(mesh: Mesh) -> None:
    store, front, spam = mesh.hosts[:3]
    before = mesh.run(front, "wg show mwz0 public-key")
    mesh.lab.reset(front)
    mesh.run(front, "(apt-get -qq update && apt-get -qq install -y nftables) >/dev/null 2>&1; nft add table inet t")
    mesh.run(front, "nft 'add chain inet t i { type filter hook input priority 0; }'")
    mesh.run(front, "nft add rule inet t i udp dport 51820 drop")
    outcomes = await mesh.apply()
    assert outcomes[front].state is ServerPhase.FAILED
    assert "UDP port 51820" in outcomes[front].reason
    assert {outcomes[host].state for host in (store, spam)} == {ServerPhase.DONE}
    mesh.run(front, "nft delete table inet t")
    outcomes = await mesh.apply()
    assert outcomes[front].state is ServerPhase.DONE, outcomes[front].line
    assert mesh.run(front, "wg show mwz0 public-key") != before
    mesh.listen()
    await asyncio.sleep(3)
    assert mesh.knock(front, ["10.80.0.1,24"])["10.80.0.1,24"].startswith("hello")
    assert mesh.knock(front, ["127.0.0.1,11332"])["127.0.0.1,11332"].startswith("hello")
    assert {o.state for o in (await mesh.apply()).values()} == {ServerPhase.UNCHANGED}


async def test_an_existing_network_takes_the_place_of_the_link_and_gives_it_back(mesh: Mesh) -> None:
    store, front, spam, stranger = mesh.hosts
    mesh.private = "existing"
    try:
        outcomes = await mesh.apply()
        assert {o.state for o in outcomes.values()} == {ServerPhase.DONE}, [o.line for o in outcomes.values()]
        for host in mesh.hosts[:3]:
            left = "systemctl is-enabled mailwiz-mesh; systemctl is-active mailwiz-mesh; ip link show mwz0"
            assert "enabled" not in mesh.run(host, f"({left}) 2>&1; true").split()
            assert mesh.run(host, f"getent hosts {store}.mailwiz.internal").split()[0] == mesh.lab.host(store).ipv4
        mesh.run(store, "test -s /etc/mailwiz/mesh/private.key && ! test -e /etc/mailwiz/mesh/mesh.conf")
        mesh.listen()
        place = f"{mesh.lab.host(store).ipv4},24"
        assert mesh.knock(front, [place])[place].startswith("hello")
        assert mesh.knock(stranger, [place])[place].startswith("no:")
        assert mesh.knock(spam, [place])[place].startswith("no:"), "the filter delivers no mail"
        await asyncio.sleep(4)
        assert mesh.knock(front, ["127.0.0.1,11332"])["127.0.0.1,11332"].startswith("hello")
        assert {o.state for o in (await mesh.apply()).values()} == {ServerPhase.UNCHANGED}
    finally:
        mesh.private = "wireguard"
    outcomes = await mesh.apply()
    assert {o.state for o in outcomes.values()} == {ServerPhase.DONE}, [o.line for o in outcomes.values()]
    mesh.listen()
    await asyncio.sleep(4)
    assert mesh.knock(front, ["10.80.0.1,24"])["10.80.0.1,24"].startswith("hello")


async def test_the_daemon_in_user_space_comes_back_by_itself(mesh: Mesh) -> None:
    store, front = mesh.hosts[:2]
    mesh.listen()
    mesh.run(store, "systemctl kill -s KILL mailwiz-mesh")
    await asyncio.sleep(6)
    assert mesh.knock(front, ["10.80.0.1,24"])["10.80.0.1,24"].startswith("hello")

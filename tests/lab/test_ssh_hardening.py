"""The step that hardens sshd, on bare hosts: an operator who cannot get in any more gets the old sshd back."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mailwiz_tui.deploy.engine import Engine
from mailwiz_tui.deploy.events import ServerPhase
from mailwiz_tui.deploy.prompts import RefusingPrompts
from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.fleet.inventory import load_inventory
from mailwiz_tui.lab.lab import Lab, LabHost
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.plan.toml import load_plan
from mailwiz_tui.stack.blueprint import Blueprint
from mailwiz_tui.stack.compile import compile_server
from mailwiz_tui.stack.ssh.component import DROPIN
from tests.lab.conftest import FreshHost
from tests.lab.hardened_ssh import audit
from tests.lab.workspace import PLAN

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

GATE = 15.0
STATE = f"sha256sum {DROPIN} 2>&1; sshd -T | sha256sum; systemctl is-active ssh; systemctl is-enabled ssh; true"
SHORT_KEY = """
cd /etc/ssh && rm -f ssh_host_rsa_key ssh_host_rsa_key.pub
ssh-keygen -q -t rsa -b 2048 -N '' -f /etc/ssh/ssh_host_rsa_key && systemctl reload ssh
"""


@dataclasses.dataclass(frozen=True)
class Operator:
    """Somebody who knows the host by one key alone."""

    lab: Lab
    host: LabHost
    folder: Path
    key: str

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[Engine]:
        """An engine that installs the step of sshd and nothing else."""
        words = (self.host.root / f"etc/ssh/ssh_host_{self.key}_key.pub").read_text().split()
        (self.folder / "known_hosts").write_text(f"{self.host.ipv4} {words[0]} {words[1]}\n")
        (self.folder / "inventory.toml").write_text(self.lab.paths.inventory.read_text())
        text = PLAN.format(host=self.host.id, domain="example.test").replace(
            "[security.tls]", "[security]\nssh_hardening = true\n\n[security.tls]"
        )
        (self.folder / "plan.toml").write_text(text)
        engine = Engine(
            load_plan(self.folder / "plan.toml"),
            load_inventory(self.folder / "inventory.toml"),
            prompts=RefusingPrompts(),
            compile_blueprint=hardening_alone,
            gate_seconds=GATE,
        )
        try:
            yield engine
        finally:
            await engine.close()

    def state(self) -> str:
        return str(self.lab.run(self.host.id, STATE).stdout)


def hardening_alone(plan: Plan, server_id: str, known: FactsFile) -> Blueprint:
    blueprint = compile_server(plan, server_id, known)
    steps = tuple(step for step in blueprint.steps if step.id == "ssh")
    return dataclasses.replace(blueprint, steps=steps, secrets=(), ports=(), probes=(), preflight=())


async def happens(condition: Callable[[], bool], seconds: float = 240) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for happens on the host
            await asyncio.sleep(0.5)


@pytest.mark.parametrize("suite", ["trixie", pytest.param("bookworm", marks=pytest.mark.long)])
async def test_sshd_comes_back_where_nobody_gets_in_any_more_and_is_hardened_where_somebody_does(
    lab: Lab, fresh_host: FreshHost, tmp_path: Path, suite: str
) -> None:
    """The operator knows the host by a short RSA key alone, which a hardened sshd does not offer."""
    host = fresh_host(suite)
    lab.run(host.id, SHORT_KEY)
    operator = Operator(lab, host, tmp_path, "rsa")
    before = operator.state()
    assert "No such file" in before
    for _ in range(2):
        async with operator.engine() as engine:
            outcome = (await engine.apply())[host.id]
        assert (outcome.state, outcome.failed_step) == (ServerPhase.FAILED, "ssh"), outcome
        assert "no new SSH connection confirmed" in outcome.reason
        assert "known_hosts has the server's ed25519 key" in outcome.advice
        assert operator.state() == before
        assert "mailwiz-undo" not in lab.run(host.id, "systemctl list-units --all --no-legend --plain").stdout

    async with operator.engine() as engine:
        task = asyncio.create_task(engine.apply())
        await happens(lambda: operator.state() != before)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    lab.run(host.id, "systemctl kill -s KILL 'mailwiz-run-*'")
    await happens(lambda: operator.state() == before)

    async with dataclasses.replace(operator, key="ed25519").engine() as engine:
        assert (await engine.apply())[host.id].state is ServerPhase.DONE
        assert operator.state() != before
        assert await asyncio.to_thread(audit, host.ipv4) == ([], [])
        assert (await engine.apply())[host.id].state is ServerPhase.UNCHANGED

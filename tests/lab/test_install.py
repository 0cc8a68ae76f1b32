"""Installing on real Debian hosts: what happens to the controller must not matter to the server."""

from __future__ import annotations

import asyncio
import functools
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from mailwiz_tui.agent.protocol.codec import Secret
from mailwiz_tui.agent.protocol.first_accounts import CloseProbeMailbox, OpenProbeMailbox
from mailwiz_tui.deploy.engine import Engine
from mailwiz_tui.deploy.events import Event, LogLine, ServerChanged, ServerPhase
from mailwiz_tui.deploy.history import History
from mailwiz_tui.deploy.prompts import RefusingPrompts
from mailwiz_tui.fleet.inventory import load_inventory
from mailwiz_tui.lab.lab import Lab, LabHost
from mailwiz_tui.manage.first_secrets import FirstSecrets
from mailwiz_tui.plan.toml import load_plan
from mailwiz_tui.stack.blueprint import Blueprint, Command, File, Packages, SecretSpec, Step, Unit

pytestmark = [pytest.mark.lab, pytest.mark.timeout(600)]

APPLY = """
import asyncio, sys
from pathlib import Path
from mailwiz_tui.fleet.inventory import load_inventory
from mailwiz_tui.deploy.engine import Engine
from mailwiz_tui.deploy.prompts import RefusingPrompts
from mailwiz_tui.plan.toml import load_plan

async def main():
    engine = Engine(load_plan(Path(sys.argv[1])), load_inventory(Path(sys.argv[2])), prompts=RefusingPrompts())
    await engine.apply()

asyncio.run(main())
"""


def plan_file(folder: Path, host: LabHost, domain: str) -> Path:
    path = folder / "plan.toml"
    path.write_text(
        f'version = 1\narchitecture = "single"\n[[servers]]\nid = "{host.id}"\nroles = ["all-in-one"]\n'
        f'[domain]\nprimary_domain = "{domain}"\nhostname = "mail.{domain}"\n'
        '[security.tls]\nprovider = "selfsigned"\n'
    )
    return path


def _printed(events: list[Event], text: str) -> bool:
    """Whether a line of a log came."""
    return any(isinstance(event, LogLine) and event.text == text for event in events)


@asynccontextmanager
async def engine_for(
    lab: Lab, plan: Path, blueprint: Blueprint | None = None, **options: Any
) -> AsyncIterator[tuple[Engine, list[Event]]]:
    if blueprint is not None:
        options["compile_blueprint"] = lambda plan, server_id, known: blueprint
    engine = Engine(
        load_plan(plan),
        load_inventory(lab.paths.inventory),
        prompts=RefusingPrompts(),
        facts_path=plan.with_suffix(".facts.json"),
        history=History(plan.with_suffix(".durations.json")),
        **options,
    )
    events: list[Event] = []
    engine.subscribe(events.append)
    try:
        yield engine, events
    finally:
        await engine.close()


async def until(predicate: Callable[[], bool], seconds: float = 120.0) -> None:
    async with asyncio.timeout(seconds):
        while not predicate():  # noqa: ASYNC110 - what is waited for happens on the host
            await asyncio.sleep(0.05)


def journals(host: LabHost) -> str:
    return "".join(p.read_text() for p in host.root.glob("var/lib/mailwiz/runs/*/journal.jsonl"))


def phases(events: list[Event]) -> list[ServerPhase]:
    return [e.phase for e in events if isinstance(e, ServerChanged)]


async def test_a_controller_killed_amid_the_packages_is_followed_up_and_nothing_is_done_twice(
    lab: Lab, fresh_host: Callable[..., LabHost], fresh_domain: Callable[[], str], tmp_path: Path
) -> None:
    host = fresh_host()
    plan = plan_file(tmp_path, host, fresh_domain())
    command = [sys.executable, "-c", APPLY, str(plan), str(lab.paths.inventory)]
    first = subprocess.Popen(command)  # noqa: ASYNC220 - it is to be killed, not awaited
    try:
        await until(lambda: "Unpacking" in journals(host))
    finally:
        first.kill()
        first.wait()
    async with engine_for(lab, plan) as (engine, events):
        outcome = (await engine.apply())[host.id]
        assert (outcome.state, outcome.reason) == (ServerPhase.DONE, "")
        assert ServerPhase.ATTACHED in phases(events)
        assert len(list(host.root.glob("var/lib/mailwiz/runs/*"))) == 1
        assert lab.run(host.id, "dpkg --audit").stdout == ""
        assert not (host.root / "usr/sbin/policy-rc.d").exists()
        with processes_seen() as seen:
            handed = FirstSecrets(engine)
            (password,) = (await handed.accounts()).values()
            (newer,) = (await handed.accounts()).values()
            link = await engine.link(host.id)
            probe = f"mailwiz-probe@{engine.plan.domain.primary_domain}"
            await link.ask(OpenProbeMailbox(probe, Secret("canary-in-the-mine-9")))
            await link.ask(CloseProbeMailbox(probe))
        assert b"doveadm" in bytes(seen), "the sampler sees the host's processes"
        for secret in (password.get_secret_value(), newer.get_secret_value(), "canary-in-the-mine-9"):
            assert secret.encode() not in bytes(seen)
        assert password != newer, "what was not acknowledged is replaced, so that it is never lost"
        await handed.acknowledge()
        assert await handed.accounts() == {}
    starts = lab.run(host.id, "systemctl show -p ActiveEnterTimestamp postfix dovecot rspamd mariadb").stdout
    async with engine_for(lab, plan) as (engine, events):
        outcome = (await engine.apply())[host.id]
        assert outcome.state is ServerPhase.UNCHANGED
        assert outcome.line == f"{host.id}: no changes"
        assert (await engine.diff())[host.id].empty
    assert len(list(host.root.glob("var/lib/mailwiz/runs/*"))) == 1
    assert (
        lab.run(host.id, "systemctl show -p ActiveEnterTimestamp postfix dovecot rspamd mariadb").stdout == starts
    )


@contextmanager
def processes_seen() -> Iterator[bytearray]:
    """Argument lists and environments of all processes, the hosts' too, sampled all the time."""
    seen, stop, known = bytearray(), threading.Event(), set()

    def sample() -> None:
        while not stop.is_set():
            for path in [*Path("/proc").glob("[0-9]*/cmdline"), *Path("/proc").glob("[0-9]*/environ")]:
                with suppress(OSError):
                    text = path.read_bytes()
                    if text not in known:
                        known.add(text)
                        seen.extend(text)

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join()


def small(text: str = "1", *, slow: bool = False) -> Blueprint:
    talk = "for i in $(seq 1 300); do echo line-$i; sleep 0.02; done" if slow else "true"
    return Blueprint(
        "mx",
        (
            Step("packages", "Packages", "test", (Packages(("nftables", "cron")),)),
            Step(
                "service",
                "A service",
                "test",
                (
                    File("/etc/rehearsal.conf", f"value = {text}\npassword = {{{{secret:canary}}}}\n", mode=0o640),
                    Command("talk", ("sh", "-c", talk), inputs=("/etc/rehearsal.conf",)),
                    Unit("cron.service", restart_on=("/etc/rehearsal.conf",)),
                ),
                validators=(("grep", "-q", "value", "/etc/rehearsal.conf"),),
            ),
        ),
        secrets=(SecretSpec("canary", 32),),
    )


async def test_a_bare_host_gets_python_and_its_secret_stays_there(
    lab: Lab, fresh_host: Callable[..., LabHost], tmp_path: Path
) -> None:
    host = fresh_host()
    assert "python3" not in lab.run(host.id, "ls /usr/bin").stdout.split()
    plan = plan_file(tmp_path, host, "example.test")
    async with engine_for(lab, plan, small()) as (engine, events):
        outcome = (await engine.apply())[host.id]
        assert (outcome.state, outcome.reason) == (ServerPhase.DONE, "")
        assert any("installing python3" in e.detail for e in events if isinstance(e, ServerChanged))
        (host.root / "etc/rehearsal.conf").write_text("by hand\n")
        diff = (await engine.diff())[host.id]
        changed = [(change.kind, change.name) for change in diff.changes if "by hand" in change.note]
        assert changed == [("file", "/etc/rehearsal.conf")]
        secret = (host.root / "var/lib/mailwiz/secrets/canary").read_text().strip()
        shown = repr(events) + "\n".join(diff.lines()) + (tmp_path / "plan.facts.json").read_text()
        assert len(secret) == 32
        assert secret not in shown
        assert secret not in journals(host)
        logged = lab.run(host.id, "journalctl --no-pager").stdout
        assert secret not in logged
        assert (await engine.apply())[host.id].changed
        assert (host.root / "etc/rehearsal.conf").read_text() == f"value = 1\npassword = {secret}\n"
    for path in host.root.glob("var/lib/mailwiz/**/*"):
        assert path.stat().st_mode & 0o077 == 0 or not path.is_file(), path
    # Serve mode leaves nothing behind; a run's unit only tidies up after its last word.
    await until(lambda: "mailwiz" not in lab.run(host.id, "ps -eo args; ls /tmp /dev/shm").stdout, 20)


async def test_a_cut_line_is_taken_up_at_the_same_byte(
    lab: Lab, fresh_host: Callable[..., LabHost], tmp_path: Path
) -> None:
    host = fresh_host()
    plan = plan_file(tmp_path, host, "example.test")
    async with engine_for(lab, plan, small(slow=True)) as (engine, events):
        task = asyncio.create_task(engine.apply())
        for number in (50, 150, 250):
            await until(functools.partial(_printed, events, f"line-{number}"))
            lab.run(host.id, "pkill -f '^sshd: root|^sshd-session: root'", check=False)
        outcome = (await task)[host.id]
        assert (outcome.state, outcome.reason) == (ServerPhase.DONE, "")
        lines = [e.text for e in events if isinstance(e, LogLine) and e.text.startswith("line-")]
        assert lines == [f"line-{n}" for n in range(1, 301)]
        assert phases(events).count(ServerPhase.RECONNECTING) >= 3


async def test_a_firewall_that_locks_out_is_undone_and_the_old_one_is_back(
    lab: Lab, fresh_host: Callable[..., LabHost], tmp_path: Path
) -> None:
    host = fresh_host()
    plan = plan_file(tmp_path, host, "example.test")

    def firewall(port: int) -> Blueprint:
        rules = (
            "table inet rehearsal\ndelete table inet rehearsal\ntable inet rehearsal {\n chain input {\n"
            f"  type filter hook input priority 0; policy accept;\n  tcp dport {port} drop\n }}\n}}\n"
        )
        path = "/etc/rehearsal.nft"
        items = (File(path, rules), Command("nft", ("nft", "-f", path), inputs=(path,)))
        step = Step("firewall", "Firewall", "test", items, (("nft", "-c", "-f", path),), lockout=True)
        return Blueprint("mx", (*small().steps, step), secrets=small().secrets)

    async with engine_for(lab, plan, firewall(9999), gate_seconds=10.0) as (engine, _):
        assert (await engine.apply())[host.id].state is ServerPhase.DONE
    before = lab.run(host.id, "nft list ruleset").stdout
    assert "dport 9999 drop" in before
    async with engine_for(lab, plan, firewall(22), gate_seconds=10.0) as (engine, _):
        outcome = (await engine.apply())[host.id]
        assert outcome.state is ServerPhase.FAILED
        assert outcome.failed_step == "firewall"
        assert "undone" in outcome.reason
    assert lab.run(host.id, "nft list ruleset").stdout == before
    assert "dport 9999" in (host.root / "etc/rehearsal.nft").read_text()
    assert "mailwiz-undo" not in lab.run(host.id, "systemctl list-units --all --no-legend --plain").stdout

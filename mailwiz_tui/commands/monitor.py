"""``monitor PLAN``: opens the monitor; without a terminal, or if asked, prints how each server is doing."""

from __future__ import annotations

import argparse
import asyncio
import importlib
import os
import sys
import time
from collections.abc import Sequence

from mailwiz_tui.commands.progress import ProgressPrinter
from mailwiz_tui.commands.terminal import complain, say
from mailwiz_tui.commands.workspace import Workspace, open_workspace
from mailwiz_tui.dns.lookup import ResolverError
from mailwiz_tui.plan.errors import OperatorError
from mailwiz_tui.verify.alerts import Alert, Severity
from mailwiz_tui.verify.health import DRIFT_INTERVAL, Health
from mailwiz_tui.verify.health_report import report
from mailwiz_tui.verify.watch import DnsDrift, Watcher

_WORDS = {Severity.NOTE: "NOTE", Severity.WARNING: "WARN", Severity.FAILURE: "FAIL"}


class MonitorLines:
    """Prints each server's health, as lines or as JSON; the DNS is compared every ten minutes."""

    def __init__(self, watcher: Watcher, servers: Sequence[str], *, as_json: bool) -> None:
        self._watcher = watcher
        self._servers = servers
        self._json = as_json
        self._dns: DnsDrift | None = None
        self._dns_due = 0.0
        self._accounts_asked = asyncio.Event()

    async def show(self) -> None:
        """Ask everything once; what a server says is printed as soon as it and the DNS have answered.

        The DNS is compared once the server with the accounts has answered, because their domains have records too.
        """
        self._accounts_asked.clear()
        dns = asyncio.create_task(self._compare_dns())
        await asyncio.gather(dns, *(self._show(server_id, dns) for server_id in self._servers))
        if self._dns is not None and not self._json:
            self._print_lines(time.time(), "DNS", self._dns.line, self._dns.alerts)

    async def _show(self, server_id: str, dns: asyncio.Task[None]) -> None:
        try:
            await self._watcher.check(server_id)
            health = await self._watcher.look(server_id)
        except OperatorError as error:
            complain(f"{server_id}: {error.what}", error.advice)
            return
        finally:
            if server_id == self._watcher.account_store:
                self._accounts_asked.set()
        await dns
        self._print(health)

    async def _compare_dns(self) -> None:
        await self._accounts_asked.wait()
        if time.monotonic() < self._dns_due and not self._watcher.records_changed.is_set():
            return
        try:
            self._dns = await self._watcher.drift()
            self._dns_due = time.monotonic() + DRIFT_INTERVAL
        except ResolverError as error:
            self._dns = None
            complain(f"the DNS cannot be compared with the plan: {error.what}", error.advice)

    def _print(self, health: Health) -> None:
        if self._json:
            say(report(health, self._dns).json)
        else:
            self._print_lines(health.at, health.server_id, health.line, health.alerts)

    def _print_lines(self, at: float, where: str, line: str, alerts: Sequence[Alert]) -> None:
        begin = f"{time.strftime('%H:%M:%S', time.localtime(at))} {where}: "
        say(begin + line)
        for alert in alerts:
            advice = f" ({alert.advice})" if alert.advice else ""
            say(f"{begin}{_WORDS[alert.severity]} {alert.sentence}{advice}")


async def _monitor(workspace: Workspace, options: argparse.Namespace) -> int:
    engine = workspace.engine(options)
    try:
        if not options.json:
            engine.subscribe(ProgressPrinter())
        await engine.attach()
        servers = [server.id for server in workspace.plan.servers]
        watcher = Watcher(engine, resolver=options.resolver or None)
        lines = MonitorLines(watcher, servers, as_json=options.json)
        while True:
            await lines.show()
            if options.once:
                return 0
            await asyncio.sleep(max(1.0, options.interval))
    finally:
        await engine.close()


def run(options: argparse.Namespace) -> int:
    """Show the screen, or print a line per server each interval, and what failed.

    Ctrl+C ends the lines; what runs on servers goes on.
    """
    workspace = open_workspace(options)
    if _on_a_screen(options):
        run_app = importlib.import_module("mailwiz_tui.ui.app.run").run_app
        code: int = run_app(options.plan, options.inventory, begin="monitor", resolver=options.resolver)
        return code
    try:
        return asyncio.run(_monitor(workspace, options))
    except KeyboardInterrupt:
        return 0


def _on_a_screen(options: argparse.Namespace) -> bool:
    asked_for_lines = options.once or options.plain or options.json
    terminal = sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "") not in {"", "dumb"}
    return terminal and not asked_for_lines

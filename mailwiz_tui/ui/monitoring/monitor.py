"""The monitor screen: state of each server, problems with advice, messages per minute, and the mail log."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.events import Key

from mailwiz_tui.deploy.operator import RunInProgress, this_operator
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.plan.words import counted
from mailwiz_tui.ui.app.actions import bindings_for
from mailwiz_tui.ui.dialogs.lines_dialog import LinesDialog
from mailwiz_tui.ui.logs.log_actions import LogScreen
from mailwiz_tui.ui.logs.log_buffer import LineFilter
from mailwiz_tui.ui.monitoring.mail_trail import MailFilter
from mailwiz_tui.ui.monitoring.monitoring import Monitoring, ServerWatch
from mailwiz_tui.ui.session.session import Session
from mailwiz_tui.ui.terminal.symbols import age_text
from mailwiz_tui.ui.widgets.log_view import LogView
from mailwiz_tui.ui.widgets.no_markup import NoMarkup
from mailwiz_tui.ui.widgets.server_detail import ServerDetail
from mailwiz_tui.ui.widgets.title_bar import TitleBar
from mailwiz_tui.ui.widgets.watch_table import WatchTable
from mailwiz_tui.verify.alerts import Severity
from mailwiz_tui.verify.cluster_alerts import since_words

DRAW_INTERVAL = 0.25


class MonitorScreen(LogScreen):
    """Shows ``session.ongoing.monitoring``; draws at most four times a second, and only what changed."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("monitor", "log"), *LogScreen.BINDINGS]
    scopes: tuple[str, ...] = ("log", "monitor")
    heading = "Monitor"
    help_text = (
        "Every 5 s each server is checked: services, listening ports, mail queue, disk, memory, certificate, "
        "addresses banned by fail2ban. Every minute its daemons check their configuration. The DNS is compared "
        "with the plan every 10 min. The worst problem is shown at the top with what to do; a lists all.\n\n"
        "In a cluster, each server also reports which server has the mailboxes, since when, and whether both disks "
        "have all mail. Services that run only with the mailboxes are stopped on the other server.\n\n"
        "Below is the mail log. & with a message-id, a queue id or an address shows all log lines of those "
        "messages, also those without the text. The monitor changes nothing on any server.\n\n"
        "“Mail in”: messages delivered to a mailbox. “Mail out”: messages accepted by another server. “Rejected”: "
        "messages rejected permanently (5xx), here or by another server."
    )

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._drawn = (-1, -1.0, "")
        self._shown = ""
        self._operator = this_operator()

    @property
    def monitoring(self) -> Monitoring:
        """The monitoring that this screen shows."""
        assert self.session.ongoing.monitoring is not None
        return self.session.ongoing.monitoring

    @property
    def chosen(self) -> ServerWatch:
        """The chosen server."""
        return self.monitoring.servers[self.query_one(WatchTable).selected]

    def log_file_name(self) -> str:
        return f"{self.chosen.server_id}-mail.log"

    def page(self) -> ComposeResult:
        with Vertical(id="monitor"):
            yield NoMarkup("", id="verdict")
            yield WatchTable(self.monitoring, plain=self.wizard.plain, id="watched")
            yield ServerDetail(plain=self.wizard.plain, id="detail")
            yield LogView(self._filter)

    def on_mount(self) -> None:
        self.monitoring.start()
        self.set_interval(DRAW_INTERVAL, self.tick)
        self.call_after_refresh(self._start)

    def _start(self) -> None:
        self.query_one(WatchTable).focus()
        self.tick()

    def on_resize(self) -> None:
        self._drawn = (-1, -1.0, "")
        self.call_after_refresh(self.tick)

    def _filter(self, text: str) -> LineFilter:
        return MailFilter(text, self.chosen.trail)

    def tick(self) -> None:
        """Draw what changed since the last call; nothing while another screen is shown."""
        if not self.is_current or self.session.ongoing.monitoring is None:
            return
        watch, monitoring = self.chosen, self.monitoring
        if watch.server_id != self._shown:
            self._show_server(watch)
        second = float(int(monitoring.clock() - (watch.looked or 0.0)))
        now = (monitoring.revision, second, watch.server_id)
        if now != self._drawn:
            self._drawn = now
            self.query_one(WatchTable).refresh()
            self.query_one(ServerDetail).show(watch, monitoring)
            self._draw_verdict()
            asked = f"checked {age_text(second)}" if watch.looked is not None else "checking…"
            self.query_one(TitleBar).show(note=f"{self.session.path.name}  {asked}")
        self.active_log.empty_words = "no mail in the last hour" if watch.sample else "checking…"
        self.active_log.tick()

    def _show_server(self, watch: ServerWatch) -> None:
        self._shown = watch.server_id
        panel = self.active_log.panel
        if panel.filter is not None:
            panel.filter = self._filter(panel.filter.text)
        self.active_log.show(f"mail log of {watch.server_id}", watch.log)

    @property
    def _in_progress(self) -> list[ServerWatch]:
        """The servers with an installation in progress."""
        return [w for w in self.monitoring.servers.values() if w.health and w.health.installing]

    def _whose(self, watch: ServerWatch) -> str:
        run = watch.sample.run if watch.sample else None
        if run and self._operator.owns(RunInProgress(run.active, run.by, run.controller)):
            return "your own installation"
        return f"an installation by {run.by if run and run.by else 'an unknown operator'}"

    def _draw_verdict(self) -> None:
        plain = self.wizard.plain
        found = self.monitoring.everything()
        area = self.query_one("#verdict", NoMarkup)
        running = self._in_progress
        lines = []
        for watch in running:
            lines.append(f"{'>' if plain else '▸'} {watch.server_id}: {self._whose(watch)} is running; i shows it")
        if found:
            where, worst = found[0]
            sign = "!" if worst.severity < Severity.FAILURE else ("x" if plain else "✗")
            more = f" (and {len(found) - 1} more: a lists all)" if len(found) > 1 else ""
            lines.append(f"{sign} {where}: {worst.sentence}{more}")
            if worst.advice:
                lines.append(f"  What to do: {worst.advice}")
        elif any(w.sample is None for w in self.monitoring.servers.values()):
            lines.append(f"{'~' if plain else '◌'} checking the servers…")
        elif not running:
            count = len(self.monitoring.servers)
            lines.append(f"{'*' if plain else '✓'} no problems on {counted(count, 'server')}{self._active()}")
        area.show("\n".join(lines))
        worst_severity = found[0][1].severity if found else None
        area.set_class(worst_severity is Severity.FAILURE, "bad")
        area.set_class(worst_severity is Severity.WARNING, "warn")
        area.set_class(not found and not running, "good")

    def _active(self) -> str:
        """Which server of a cluster has the mailboxes, and since when; empty in other plans."""
        seen = [w.sample.cluster for w in self.monitoring.servers.values() if w.sample and w.sample.cluster]
        active = next((cluster for cluster in seen if cluster.store == cluster.node), None)
        return f"; active: {active.node}{since_words(active)}" if active else ""

    def on_watch_table_chosen(self, event: WatchTable.Chosen) -> None:
        self.tick()

    def on_key(self, event: Key) -> None:
        """The digits 1 to 9 choose a server."""
        if event.character and event.character in "123456789" and not self.active_log.asking:
            number = int(event.character) - 1
            if number < len(self.monitoring.servers):
                self.query_one(WatchTable).choose(number)
                event.stop()

    def why_not(self, action_id: str) -> str:
        if action_id.startswith("log."):
            return self.why_not_log(action_id)
        if action_id in ("monitor.next_server", "monitor.previous_server", "monitor.server"):
            return "" if len(self.monitoring.servers) > 1 else "there is only one server"
        if action_id == "monitor.all":
            return "" if self.monitoring.everything() else "there are no problems"
        if action_id == "monitor.installation":
            return (
                "" if self._in_progress or self.session.ongoing.installation else "no installation is in progress"
            )
        return ""

    def action_next_server(self) -> None:
        if not self.refused("monitor.next_server"):
            self.query_one(WatchTable).action_move(1)

    def action_previous_server(self) -> None:
        if not self.refused("monitor.previous_server"):
            self.query_one(WatchTable).action_move(-1)

    def action_choose_server(self) -> None:
        """From the palette: focus the table, where a digit chooses."""
        if not self.refused("monitor.server"):
            self.query_one(WatchTable).focus()
            self.tell("Press the number of a server")

    def action_look_now(self) -> None:
        self.monitoring.look_now()

    def action_all_alerts(self) -> None:
        if self.refused("monitor.all"):
            return
        lines = []
        for where, alert in self.monitoring.everything():
            sign = "!" if alert.severity < Severity.FAILURE else ("x" if self.wizard.plain else "✗")
            lines.append(f"{sign} {where}: {alert.sentence}")
            lines += [f"    What to do: {alert.advice}", ""] if alert.advice else [""]
        self.app.push_screen(LinesDialog("All problems", lines))

    def action_installation(self) -> None:
        if self.refused("monitor.installation"):
            return
        plan = self.session.plan()
        if self.session.ongoing.busy or plan is None or not self._in_progress:
            self.wizard.show_dashboard()
            return

        async def attach(plan: Plan) -> None:
            await self.session.drop_installation()
            self.session.ongoing.watch_installation(plan, self.wizard.prompts, self.wizard.stage_changed)
            self.wizard.show_dashboard()

        self.run_worker(attach(plan), group="attach", exit_on_error=True)

    def action_leave(self) -> None:
        self.wizard.show_start()

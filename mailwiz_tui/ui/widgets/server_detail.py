"""The details of one running server: services, ports, queue, certificate, DNS, bans, and messages per minute."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.widgets import Static

from mailwiz_tui.plan.words import counted, span_text
from mailwiz_tui.ui.monitoring.monitoring import Monitoring, ServerWatch
from mailwiz_tui.ui.terminal.symbols import Tone
from mailwiz_tui.ui.widgets.step_strip import tone_style
from mailwiz_tui.verify.cluster_alerts import place_words, volume_words
from mailwiz_tui.verify.unit_words import unit_words

LABEL = 10
BARS = "▁▂▃▄▅▆▇█"
PLAIN_BARS = "_.:-=+*#"


def sparkline(values: Sequence[int], *, plain: bool) -> str:
    """A row of small bars: 0 is the lowest bar, and every larger value a higher one."""
    bars = PLAIN_BARS if plain else BARS
    most = max(values, default=0)
    if most <= 0:
        return bars[0] * len(values)
    top = len(bars) - 1
    return "".join(bars[0] if value <= 0 else bars[max(1, round(value / most * top))] for value in values)


class ServerDetail(Static):
    """``show()`` draws a server if it changed."""

    def __init__(self, *, plain: bool, id: str | None = None) -> None:  # noqa: A002
        super().__init__("", markup=False, id=id)
        self.plain = plain
        self._drawn = ""

    def show(self, watch: ServerWatch, monitoring: Monitoring) -> None:
        """Draw the present state of a server."""
        text = Text(no_wrap=True, overflow="ellipsis")
        if watch.sample is None:
            text.append("" if watch.error else f"checking {watch.server_id}…")
        else:
            self._services(text, watch)
            self._ports(text, watch)
            self._links(text, watch)
            self._cluster(text, watch)
            self._queue(text, watch)
            self._dns(text, watch, monitoring)
            self._mail(text, watch)
        lines = text.split("\n")
        for line in lines[1:]:
            line.truncate(max(20, self.size.width), overflow="ellipsis")
        text = Text("\n").join(lines)
        key = text.markup
        if key != self._drawn:
            self._drawn = key
            self.update(text)

    def _label(self, text: Text, label: str) -> None:
        text.append(("\n" if text.plain else "") + f"{label:<{LABEL}}", style="bold")

    def _state(self, text: Text, what: str, *, good: bool) -> None:
        symbol = ("*" if self.plain else "✓") if good else ("x" if self.plain else "✗")
        tone = tone_style(self.app.theme_variables, Tone.GOOD if good else Tone.BAD)
        text.append(symbol, style=tone)
        text.append(f" {what} " if good else f" {what} down  ", style="" if good else tone)

    def _services(self, text: Text, watch: ServerWatch) -> None:
        self._label(text, "Services")
        units = watch.sample.units if watch.sample else None
        if units is None:
            text.append("unknown: the server did not report it")
        for unit in units or ():
            if not unit.runs:
                self._state(text, unit.label, good=False)
        running = [name for unit in units or () if unit.runs and (name := unit_words(unit.label).named(unit.label))]
        if running:
            self._state(text, " ".join(running), good=True)

    def _ports(self, text: Text, watch: ServerWatch) -> None:
        self._label(text, "Ports")
        health = watch.health
        if health is None or health.sample.listeners is None:
            text.append("unknown: the server did not report it")
            return
        missing = health.sample.missing_ports(health.ports)
        for number in missing:
            self._state(text, str(number), good=False)
        heard = list(dict.fromkeys(number for _, number in health.ports if number not in missing))
        if heard:
            self._state(text, " ".join(map(str, heard)), good=True)

    def _links(self, text: Text, watch: ServerWatch) -> None:
        """The private links; no row if the server has none."""
        peers = watch.sample.mesh if watch.sample else ()
        if peers is not None and not peers:
            return
        self._label(text, "Links")
        if peers is None:
            text.append("unknown: the server did not report it")
            return
        for peer in peers:
            if not peer.lives:
                self._state(text, peer.name, good=False)
        if living := [peer.name for peer in peers if peer.lives]:
            self._state(text, " ".join(living), good=True)

    def _cluster(self, text: Text, watch: ServerWatch) -> None:
        """Where the mailboxes are, and their volume; no row if they stay on their server."""
        if not watch.health or not watch.health.clustered:
            return
        self._label(text, "Cluster")
        cluster = watch.health.sample.cluster
        if cluster is None:
            text.append("unknown: the server did not report it")
            return
        good = cluster.quorate and bool(cluster.store)
        words = place_words(cluster) if cluster.quorate else "no majority of the servers is connected"
        symbol = ("*" if self.plain else "✓") if good else ("x" if self.plain else "✗")
        text.append(
            f"{symbol} {words}", style=tone_style(self.app.theme_variables, Tone.GOOD if good else Tone.BAD)
        )
        if cluster.volume:
            tone = "" if cluster.volume.complete else tone_style(self.app.theme_variables, Tone.WARN)
            text.append(f" · {volume_words(cluster.volume)}", style=tone)

    def _queue(self, text: Text, watch: ServerWatch) -> None:
        self._label(text, "Queue")
        sample = watch.sample
        queue = sample.queue if sample else None
        if sample is None or queue is None:
            text.append("unknown: it could not be read")
        elif not queue.count:
            text.append("empty")
        else:
            text.append(f"{counted(queue.count, 'message')}, the oldest {span_text(sample.queue_age)}")
            text.append(f", {queue.held} held" if queue.held else "")
            text.append(f", {queue.deferred} deferred" if queue.deferred else "")
            text.append(f": {queue.reason}" if queue.reason else "")
        if sample and sample.bans:
            jails = ", ".join(f"{jail} {count}" for jail, count in sample.bans.items() if count)
            text.append(f" · banned: {jails}" if jails else "")

    def _dns(self, text: Text, watch: ServerWatch, monitoring: Monitoring) -> None:
        self._label(text, "DNS")
        dns = monitoring.dns
        if monitoring.dns_error:
            text.append(f"could not be compared: {monitoring.dns_error}")
        elif dns is None:
            text.append("comparing…")
        else:
            wrong = len(dns.wrong) + len(dns.missing)
            if wrong:
                tone = tone_style(self.app.theme_variables, Tone.WARN)
                text.append(f"! {wrong} not as planned", style=tone)
                names = (*dns.wrong, *dns.missing)
                text.append(f": {', '.join(names[:2])}" + (f" and {wrong - 2} more" if wrong > 2 else ""))
            else:
                self._state(text, f"{counted(dns.fine, 'record')} as planned", good=True)
            text.append(f" · {dns.unknown} without an answer" if dns.unknown else "")
        days = watch.sample.certificate_days if watch.sample else None
        if days is not None and not (dns and (dns.wrong or dns.missing)):
            text.append(f"· certificate: {counted(round(days), 'day')} left")

    def _mail(self, text: Text, watch: ServerWatch) -> None:
        minutes = max(10, min(60, self.size.width - LABEL - 40))
        for kind, label in (("in", "Mail in"), ("out", "Mail out"), ("rejected", "Rejected")):
            values = watch.per_minute(kind, minutes)
            self._label(text, label)
            text.append(sparkline(values, plain=self.plain))
            text.append(f"  {values[-1]} this minute, {sum(values)} in {minutes} min")
            if kind == "rejected" and (later := sum(watch.per_minute("deferred", minutes))):
                text.append(f", {later} deferred")

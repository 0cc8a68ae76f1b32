"""Redis for Rspamd: an instance of its own on a Unix socket; any other Redis on the host stays unchanged."""

from __future__ import annotations

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Ask, File, Item, Packages, Probe, Ready, Step, Unit
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.probes import unit_active
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.rspamd import milter
from mailwiz_tui.stack.unit_words import UnitWords

CONFIG = "/etc/redis/redis-rspamd.conf"
UNIT = "redis-server@rspamd.service"


class Redis(Component):
    """The instance ``redis-server@rspamd``."""

    name = "redis"
    title = "Redis (spam statistics)"
    units = (
        UnitWords(
            "redis-server@rspamd",
            "Rspamd finds less spam without its statistics",
            "redis",
            checks=("redis.", "rspamd.", "answers.rspamd"),
        ),
    )

    def wanted(self, context: Context) -> bool:
        """Servers with Rspamd."""
        return milter.runs(context)

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """Configure the instance; the package's own one on port 6379 is stopped unless it is in use."""
        small = 0 < context.facts.memory_total < 3 * 1024**3
        config = render("redis", "redis-rspamd.conf", socket=layout.REDIS_SOCKET, memory="256" if small else "512")
        items: list[Item] = [
            File(CONFIG, config, owner="redis", group="redis", mode=0o640),
            Unit(UNIT, restart_on=(CONFIG,), restart="always"),
            Ready("Redis (Rspamd's statistics)", UNIT, Ask.REDIS, f"unix:{layout.REDIS_SOCKET}"),
        ]
        if not any(listener.port == 6379 for listener in context.facts.listeners):
            items.append(Unit("redis-server.service", running=False, enabled=False))
        step = Step(id="redis", title="Configure Redis (spam statistics)", component=self.name, items=tuple(items))
        return Contribution(
            packages=Packages(names=("redis-server",)),
            steps=(step,),
            probes=(
                unit_active(UNIT, "Redis (Rspamd's statistics) runs"),
                Probe(
                    id="redis.ping",
                    proves="Redis (Rspamd's statistics) answers",
                    argv=("redis-cli", "-s", layout.REDIS_SOCKET, "ping"),
                    expect="PONG",
                    advice=f"journalctl -u {UNIT} -n 50",
                ),
            ),
        )

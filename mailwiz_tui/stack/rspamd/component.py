"""Rspamd: a milter of Postfix that filters spam and signs outgoing mail."""

from __future__ import annotations

from dataclasses import replace

from mailwiz_tui.plan.model import Plan
from mailwiz_tui.stack import layout, limits
from mailwiz_tui.stack.blueprint import (
    Ask,
    Command,
    File,
    Item,
    Packages,
    Port,
    Probe,
    Program,
    Ready,
    Scope,
    SecretSpec,
    Step,
    Unit,
    User,
)
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.mail_parts import LOOPBACK, MailParts, PostfixParts
from mailwiz_tui.stack.probes import clean_check, unit_active
from mailwiz_tui.stack.redis.component import UNIT as REDIS
from mailwiz_tui.stack.render import quoted, render
from mailwiz_tui.stack.resolution import resolution
from mailwiz_tui.stack.rspamd import milter, reports
from mailwiz_tui.stack.signing.component import SELECTORS_FILE
from mailwiz_tui.stack.unit_words import UnitWords, Work
from mailwiz_tui.topology.model import Signer

LOCAL = "/etc/rspamd/local.d"
OVERRIDE = "/etc/rspamd/override.d/options.inc"
LUA = "/etc/rspamd/lua.local.d/mailwiz.lua"
CONTROLLER = f"{LOCAL}/worker-controller.inc"
LOADER = f"{LOCAL}/rspamd.lua"
"""Reads ``lua.local.d`` for Rspamd 3.4 of Debian 12; newer ones do it themselves and would load rules twice."""

DROP_IN = "/etc/systemd/system/rspamd.service.d/mailwiz.conf"
_AT_START = (DROP_IN, CONTROLLER, f"{LOCAL}/worker-normal.inc", f"{LOCAL}/worker-proxy.inc")
"""Files that need a restart; a reload, which breaks no session of Postfix, is enough for the others."""


_MIXED = ("# Workers that a killed main process leaves behind would block its restart.", "KillMode=mixed")


class Rspamd(Component):
    """The spam filter and DKIM signer, as a milter on the loopback."""

    name = "rspamd"
    title = "Rspamd (spam filter, DKIM)"
    offers = (milter.LINK, milter.TEACHING)
    programs = (Program("rspamd", "rspamd"),)
    units = (
        UnitWords(
            "rspamd", "mail is deferred: it cannot be checked for spam", work=(Work.MAIL,), checks=("rspamd.",)
        ),
        UnitWords("mailwiz-dmarc-reports.timer", "no DMARC reports are sent"),
    )
    telling_packages = ("rspamd",)

    def wanted(self, context: Context) -> bool:
        """Servers that filter, if the plan has Rspamd."""
        return milter.runs(context)

    def mail_parts(self, context: Context) -> MailParts:
        """The milter, the header field that marks spam, the learner, and the submission of DMARC reports."""
        return replace(milter.mail_parts(context), postfix=PostfixParts(inlets=reports.inlets(context)))

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """Configure in ``local.d``, which leaves ``override.d`` to the operator."""
        files = {f"{LOCAL}/{name}": text for name, text in self._local(context).items()}
        if context.codename == "bookworm":
            files[LOADER] = render("rspamd", "rspamd.lua")
        files[OVERRIDE] = render("rspamd", "local_addrs.inc")
        files[LUA] = render("rspamd", "mailwiz.lua")
        controller = render("rspamd", "worker-controller.inc", socket=layout.RSPAMD_CONTROLLER, link=_link(context))
        selector = context.plan.dkim_selector(context.server_id)
        key = layout.dkim_private_key(selector)
        readable = (
            f"chown _rspamd:_rspamd {layout.DKIM_DIR} {key} && chmod 750 {layout.DKIM_DIR} && chmod 640 {key}"
        )
        items: list[Item] = [
            User("_rspamd", groups=("redis",), create=False),
            *(File(path, text) for path, text in sorted(files.items())),
            File(DROP_IN, render("rspamd", "rspamd.service.conf")),
            File(CONTROLLER, controller, group="_rspamd", mode=0o640),
        ]
        if _signs(context):
            items.append(
                Command(
                    id="rspamd.dkim-key",
                    argv=("sh", "-c", readable),
                    unless=("sh", "-c", f'[ "$(stat -c %U:%G:%a {key})" = _rspamd:_rspamd:640 ]'),
                )
            )
        items += [
            Unit(
                "rspamd.service",
                restart_on=tuple(path for path in sorted((*files, CONTROLLER, DROP_IN)) if path in _AT_START),
                reload_on=tuple(path for path in sorted((*files, CONTROLLER)) if path not in _AT_START),
                after=(REDIS, "unbound.service"),
                restart="always",
                service_settings=_MIXED,
            ),
            # at its first start it compiles its patterns, which takes minutes on a slow processor
            Ready(
                "Rspamd (spam filter)",
                "rspamd.service",
                Ask.MILTER,
                f"127.0.0.1:{layout.RSPAMD_MILTER_PORT}",
                limit=600.0,
            ),
            Ready("Rspamd's controller", "rspamd.service", Ask.HTTP, f"unix:{layout.RSPAMD_CONTROLLER}"),
        ]
        items += reports.units(context)
        step = Step(
            id="rspamd",
            title="Configure Rspamd (spam, DKIM)",
            component=self.name,
            items=tuple(items),
            validators=(("rspamadm", "configtest"),),
        )
        return Contribution(
            packages=Packages(names=("rspamd",)),
            secrets=(SecretSpec("rspamd-controller"),),
            steps=(step,),
            kept=("/etc/rspamd/override.d", "/etc/rspamd/lua.local.d"),
            ports=(Port(layout.RSPAMD_MILTER_PORT, "rspamd-milter", Scope.LOCAL, ask=Ask.MILTER),),
            probes=(*self._probes(context, key), *reports.probes(context)),
        )

    @staticmethod
    def _local(context: Context) -> dict[str, str]:
        """The files of ``local.d`` by name."""
        plan = context.plan
        decision = resolution(context)
        enabled = "true" if _signs(context) else "false"
        selector = plan.dkim_selector(context.server_id)
        signing = "\n".join(
            f"    {quoted(domain)} {{\n"
            f"        selector = {quoted(selector)};\n"
            f"        path = {quoted(layout.dkim_private_key(selector))};\n"
            f"    }}"
            for domain in plan.mailbox_domains()
        )
        others = (
            render(
                "rspamd", "other-domains.conf", selectors=SELECTORS_FILE, key=layout.dkim_private_key(selector)
            ).rstrip("\n")
            if _signs(context)
            else "# This server has no key."
        )
        plain = (
            "actions.conf", "classifier-bayes.conf", "force_actions.conf", "history_redis.conf",
            "logging.inc", "milter_headers.conf", "neural.conf", "worker-normal.inc",
        )  # fmt: skip
        workers = min(max(context.facts.cpus, 2), 4)
        return {
            **{name: render("rspamd", name) for name in plain},
            "ratelimit.conf": _rate_limits(plan),
            "options.inc": render(
                "rspamd",
                "options.inc",
                resolver=layout.RESOLVER,
                message=str(limits.checked_size_mb(plan)),
                dnssec="true" if decision.validates else "false",
            ),
            "worker-proxy.inc": render(
                "rspamd", "worker-proxy.inc", port=str(layout.RSPAMD_MILTER_PORT), count=str(workers)
            ),
            "dmarc.conf": render("rspamd", "dmarc.conf", reporting=reports.settings(context).rstrip("\n")),
            "redis.conf": render("rspamd", "redis.conf", socket=layout.REDIS_SOCKET),
            "dkim_signing.conf": render(
                "rspamd", "dkim_signing.conf", enabled=enabled, domains=signing, others=others
            ),
            "arc.conf": render("rspamd", "arc.conf", enabled=enabled, domains=signing, others=others),
        }

    @staticmethod
    def _probes(context: Context, key: str) -> tuple[Probe, ...]:
        probes = [
            unit_active("rspamd.service", "Rspamd (spam filter) runs"),
            clean_check(
                "rspamd.config",
                "Rspamd accepts its configuration",
                ("rspamadm", "configtest"),
                refuse=r"(?i)syntax bad",
            ),
            Probe(
                id="rspamd.milter",
                proves="Rspamd's milter listens on this server alone",
                argv=("ss", "-Hltn", "sport", "=", f":{layout.RSPAMD_MILTER_PORT}"),
                expect=rf"127\.0\.0\.1:{layout.RSPAMD_MILTER_PORT}\b",
                refuse=rf"(?:0\.0\.0\.0|\*|\[::\]):{layout.RSPAMD_MILTER_PORT}\b",
                advice="journalctl -u rspamd -n 50",
            ),
            Probe(
                id="rspamd.memory",
                proves="Rspamd's controller answers and reaches Redis",
                argv=("rspamc", "-h", layout.RSPAMD_CONTROLLER, "stat"),
                expect=r"Messages scanned",
                advice="journalctl -u rspamd -u redis-server@rspamd -n 50",
            ),
        ]
        if _signs(context):
            probes.append(
                Probe(
                    id="rspamd.dkim-key",
                    proves="the DKIM private key exists, and only the signer can read it",
                    argv=("stat", "-c", "%U:%a", key),
                    expect=r"^_rspamd:640$",
                    advice="run apply again; without the key, mail is sent unsigned",
                )
            )
        return tuple(probes)


def _rate_limits(plan: Plan) -> str:
    """Rspamd's ratelimit module: the plan's rate limits."""
    hourly, daily = limits.sending(plan)
    return render(
        "rspamd",
        "ratelimit.conf",
        hourly=str(hourly.amount),
        daily=str(daily.amount),
        daily_burst=str(daily.burst),
    )


def _signs(context: Context) -> bool:
    """Whether it signs too; otherwise the servers that send mail sign it."""
    return context.topology.signer is Signer.FILTER


def _link(context: Context) -> str:
    """A port for teaching by the stores, through the tunnels between the servers."""
    return (
        f'bind_socket = "{LOOPBACK}:{layout.RSPAMD_CONTROLLER_PORT}";\n' if context.topology.filters.shared else ""
    )

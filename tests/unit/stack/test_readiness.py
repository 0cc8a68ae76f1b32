"""Every step that starts a service ends when the service answers."""

from __future__ import annotations

import re

import pytest

from mailwiz_tui.stack.blueprint import Ask, File, Port, Ready, Scope, Step, Unit
from mailwiz_tui.stack.compile import compile_server
from mailwiz_tui.stack.component import Context, Contribution
from mailwiz_tui.stack.readiness import with_readiness

from . import cases

SITES = {
    "trixie": (cases.plan(), "mx1", cases.facts()),
    "bookworm": (cases.plan(), "mx1", cases.bookworm()),
    **{
        f"{name}, {kind}": (
            cases.distributed(services={"antispam": kind, "antivirus": True}),
            name,
            cases.distributed_facts(),
        )
        for name in ("in1", "out1", "filter", "store1")
        for kind in ("rspamd", "spamassassin", "none")
    },
}
SILENT = {"clamav-freshclam.service", "mailwiz-mesh.service", "mailwiz-signing.service"}
"""Nothing asks them: they write files, or have a proof of their own (the mesh: a handshake with each server)."""


@pytest.mark.parametrize("site", SITES)
def test_each_daemon_is_asked_after_it_was_started(site: str) -> None:
    for step in compile_server(*SITES[site]).steps:
        items = list(step.items)
        daemons = [
            (number, item.name)
            for number, item in enumerate(items)
            if isinstance(item, Unit) and item.running and item.name.endswith(".service") and not item.oneshot
        ]
        for number, name in daemons:
            texts = [i.content for i in items if isinstance(i, File) and i.path.endswith(name)]
            if name in SILENT or any("Type=oneshot" in text for text in texts):
                continue
            asked = [i.unit for i in items[number:] if isinstance(i, Ready)]
            assert asked, (step.id, name)


@pytest.mark.parametrize("site", SITES)
def test_each_port_is_asked(site: str) -> None:
    blueprint = compile_server(*SITES[site])
    asked = {ready.at.rpartition(":")[2] for ready in blueprint.ready()}
    assert {str(port.number) for port in blueprint.ports if port.protocol == "tcp"} <= asked


@pytest.mark.parametrize("site", SITES)
def test_a_port_of_postfix_is_asked_when_postfix_was_started(site: str) -> None:
    """Whoever contributes a service to master.cf: nobody listens there before Postfix has read it."""
    blueprint = compile_server(*SITES[site])
    (master,) = [file.content for path, file in blueprint.files().items() if path == "/etc/postfix/master.cf"] or [
        ""
    ]
    listening = {"25": "smtp", **dict(re.findall(r"(?m)^(?:\S+:)?(\d+) +(inet) ", master))}
    for step in blueprint.steps:
        ports = [i.at.rpartition(":")[2] for i in step.items if isinstance(i, Ready)]
        assert step.component in ("postfix", "satellite") or not set(ports) & set(listening), step.id


def test_a_new_daemon_with_a_port_gets_it_without_a_word() -> None:
    made = Contribution(
        steps=(Step("x", "X", "x", (Unit("new.service"),)),),
        ports=(Port(4711, "new", Scope.LOCAL, ask=Ask.MILTER),),
    )
    context = Context(cases.plan(), "mx1", cases.facts().servers["mx1"].facts)
    (ready,) = [i for i in with_readiness(made, context).steps[0].items if isinstance(i, Ready)]
    assert (ready.unit, ready.ask, ready.at) == ("new.service", Ask.MILTER, "127.0.0.1:4711")

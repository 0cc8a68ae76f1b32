"""The SASL gate: Postfix's logins go through it to Dovecot."""

from __future__ import annotations

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Ask, File, Probe, Ready, Step, Unit
from mailwiz_tui.stack.capacity import Capacity
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.probes import unit_active
from mailwiz_tui.stack.programs import folder, launcher, module
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.unit_words import UnitWords, Work

NAME = "mailwiz-sasl-gate"
SOCKET_UNIT, SERVICE_UNIT = f"{NAME}.socket", f"{NAME}.service"
UNITS = "/etc/systemd/system"
SOCKET = f"{layout.POSTFIX_SPOOL}/{layout.SASL_GATE_SOCKET}"


class SaslGate(Component):
    """One small program between Postfix and Dovecot's authentication."""

    name = "sasl-gate"
    title = "SASL gate (logins)"
    units = (
        UnitWords(
            "mailwiz-sasl-gate", "users cannot log in to send mail", work=(Work.SUBMISSION,), checks=("sasl-gate.",)
        ),
        UnitWords("mailwiz-sasl-gate.socket", "users cannot log in to send mail"),
    )

    def wanted(self, context: Context) -> bool:
        """Where users send mail."""
        return context.topology.serves_clients

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """The socket stays open while the program restarts, so logins wait then."""
        program, started = module("sasl_gate", "gate"), launcher("sasl_gate", "gate", NAME)
        capacity = Capacity.of(context.facts)
        service = File(
            f"{UNITS}/{SERVICE_UNIT}",
            render(
                "sasl_gate",
                SERVICE_UNIT,
                program=started.path,
                target=f"{layout.POSTFIX_SPOOL}/{layout.SASL_SOCKET}",
                clients=str(capacity.sasl_clients),
                descriptors=str(2 * capacity.sasl_clients + 100),
            ),
        )
        opened = File(f"{UNITS}/{SOCKET_UNIT}", render("sasl_gate", SOCKET_UNIT, socket=SOCKET))
        ask = (started.path, "--check", SOCKET)
        step = Step(
            id="sasl-gate",
            title="Configure the SASL gate (logins)",
            component=self.name,
            items=(
                folder("sasl_gate"),
                program,
                started,
                opened,
                service,
                Unit(SOCKET_UNIT, restart_on=(opened.path,)),
                Unit(SERVICE_UNIT, restart_on=(program.path, started.path, service.path, opened.path)),
                Ready("the SASL gate", SERVICE_UNIT, Ask.COMMAND, argv=ask),
            ),
        )
        return Contribution(
            steps=(step,),
            probes=(
                unit_active(SERVICE_UNIT, "logins at submission go through the SASL gate"),
                Probe(
                    id="sasl-gate.answers",
                    proves="Dovecot's authentication answers Postfix through the SASL gate",
                    argv=ask,
                    expect="ready for logins",
                    advice=f"journalctl -u {SERVICE_UNIT} -u dovecot -n 50",
                ),
            ),
        )

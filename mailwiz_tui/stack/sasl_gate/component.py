"""The SASL gate: Postfix's logins go through it to Dovecot."""

from __future__ import annotations

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Probe, Step
from mailwiz_tui.stack.capacity import Capacity
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.gates.gate import GateProgram
from mailwiz_tui.stack.probes import unit_active
from mailwiz_tui.stack.unit_words import UnitWords, Work

GATE = GateProgram("sasl_gate", "mailwiz-sasl-gate", "the SASL gate")
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
        """Servers with submission."""
        return context.topology.serves_clients

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """The socket stays open while the program restarts; logins wait meanwhile."""
        clients = Capacity.of(context.facts).sasl_clients
        ask = (GATE.started.path, "--check", SOCKET)
        volume = layout.VOLUME if context.topology.mailboxes.moves else ""
        step = Step(
            id="sasl-gate",
            title="Configure the SASL gate (logins)",
            component=self.name,
            items=GATE.items(
                so_far,
                SOCKET,
                ask,
                volume,
                target=f"{layout.POSTFIX_SPOOL}/{layout.SASL_SOCKET}",
                clients=str(clients),
                descriptors=str(2 * clients + 100),
            ),
        )
        return Contribution(
            steps=(step,),
            probes=(
                unit_active(GATE.service_unit, "logins at submission go through the SASL gate"),
                Probe(
                    id="sasl-gate.answers",
                    proves="Dovecot's authentication answers Postfix through the SASL gate",
                    argv=ask,
                    expect="ready for logins",
                    advice=f"journalctl -u {GATE.service_unit} -u dovecot -n 50",
                    volume=volume,
                ),
            ),
        )

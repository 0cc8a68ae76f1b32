"""The database gate: Postfix and Dovecot reach MariaDB through it, and wait while MariaDB restarts."""

from __future__ import annotations

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Probe, Step
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.gates.gate import GateProgram
from mailwiz_tui.stack.mail_parts import MailParts
from mailwiz_tui.stack.mariadb.component import MariaDb
from mailwiz_tui.stack.probes import unit_active
from mailwiz_tui.stack.unit_words import UnitWords, Work

GATE = GateProgram("database_gate", "mailwiz-database-gate", "the database gate")


class DatabaseGate(Component):
    """One small program between Postfix, Dovecot and MariaDB."""

    name = "database-gate"
    title = "database gate"
    units = (
        UnitWords(
            "mailwiz-database-gate",
            "accounts cannot be looked up: no login, no delivery",
            work=(Work.MAIL, Work.LOGINS),
            checks=("database-gate.", "postfix.accounts", "dovecot.accounts"),
        ),
        UnitWords("mailwiz-database-gate.socket", "accounts cannot be looked up: no login, no delivery"),
    )

    def wanted(self, context: Context) -> bool:
        """Servers with MariaDB."""
        return MariaDb().wanted(context)

    def mail_parts(self, context: Context) -> MailParts:
        """Postfix and Dovecot make their lookups through it, so they start after it."""
        wanted = self.wanted(context) and not context.topology.mailboxes.moves
        return MailParts(account_units=(GATE.service_unit,)) if wanted else MailParts()

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """The socket stays open while the program restarts, so no connection is refused then."""
        # a query, because the gate greets while MariaDB is down too
        ask = ("mariadb", f"--socket={layout.DATABASE_GATE_SOCKET}", "-BNe", "SELECT CURRENT_USER()")
        volume = layout.VOLUME if context.topology.mailboxes.moves else ""
        step = Step(
            id="database-gate",
            title="Configure the database gate",
            component=self.name,
            items=GATE.items(so_far, layout.DATABASE_GATE_SOCKET, ask, volume, target=layout.MYSQL_SOCKET),
        )
        return Contribution(
            steps=(step,),
            probes=(
                unit_active(GATE.service_unit, "lookups wait while MariaDB restarts"),
                Probe(
                    id="database-gate.answers",
                    proves="MariaDB answers through the gate that Postfix and Dovecot use",
                    argv=ask,
                    expect=r"(?m)^root@localhost$",
                    advice=f"journalctl -u {GATE.service_unit} -u mariadb -n 50",
                    volume=volume,
                ),
            ),
        )

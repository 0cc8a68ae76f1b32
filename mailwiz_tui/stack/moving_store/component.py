"""The mark of the server that has the store, which Pacemaker moves with it."""

from __future__ import annotations

from mailwiz_tui.plan.model import Role
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Command, File, Port, Scope, Step, Unit
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.programs import folder, launcher, module
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.traffic import Exchange
from mailwiz_tui.stack.unit_words import UnitWords
from mailwiz_tui.topology.servers import clustered

UNIT = "mailwiz-store-here.service"
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
PROGRAM = f"{layout.LIB_DIR}/store-here"


class MovingStore(Component):
    """A small service that says where the store is, before the first program of another server asks."""

    name = "moving_store"
    title = "place of the store"
    on_volume = True
    units = (UnitWords("mailwiz-store-here", "no server knows that the store is here: mail waits"),)
    offers = (
        Exchange(
            "store-here",
            layout.MOVING_STORE_PORT,
            (Role.MAIL_STORAGE,),
            (Role.MX_INBOUND, Role.MX_OUTBOUND, Role.MAIL_STORAGE),
            "asks where the store is",
            wanted=clustered,
        ),
    )

    def wanted(self, context: Context) -> bool:
        """The servers among which the store moves."""
        return context.topology.mailboxes.moves and context.topology.mailboxes.here

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """Its unit, started on the server that has the volume."""
        unit = render(
            "moving_store", UNIT, program=PROGRAM, address=context.internal_ip(), port=str(layout.MOVING_STORE_PORT)
        )
        step = Step(
            id="moving_store",
            title="Mark the place of the store",
            component=self.name,
            items=(
                folder("moving_store"),
                module("moving_store", "store_here"),
                launcher("moving_store", "store_here", "store-here"),
                File(UNIT_FILE, unit),
                Command("moving_store.unit", ("systemctl", "daemon-reload"), inputs=(UNIT_FILE,), anywhere=True),
                Unit(UNIT, restart_on=(UNIT_FILE, f"{layout.LIB_DIR}/moving_store/store_here.py")),
            ),
        )
        return Contribution(steps=(step,), ports=(Port(layout.MOVING_STORE_PORT, "store-here", Scope.PEERS),))

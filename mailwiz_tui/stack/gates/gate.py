"""A gate as part of a component: its program, and its two units."""

from __future__ import annotations

from dataclasses import dataclass

from mailwiz_tui.stack.blueprint import Ask, File, Item, Ready, Unit
from mailwiz_tui.stack.component import Contribution
from mailwiz_tui.stack.programs import folder, launcher, module
from mailwiz_tui.stack.render import render

UNITS = "/etc/systemd/system"


@dataclass(frozen=True, slots=True)
class GateProgram:
    """The module ``gate`` and the templates ``NAME.socket`` and ``NAME.service`` in a component's ``folder``.

    ``called`` is its name for the operator while the run waits for it.
    """

    folder: str
    name: str
    called: str

    @property
    def service_unit(self) -> str:
        """The unit that the program runs in."""
        return f"{self.name}.service"

    @property
    def socket_unit(self) -> str:
        """The unit that keeps the socket open."""
        return f"{self.name}.socket"

    @property
    def started(self) -> File:
        """The executable."""
        return launcher(self.folder, "gate", self.name)

    def items(
        self, so_far: tuple[Contribution, ...], socket: str, ask: tuple[str, ...], volume: str, /, **values: str
    ) -> tuple[Item, ...]:
        """The items for the server; ``ask`` exits with 0 when the gate answers, ``values`` fill its service.

        ``volume`` is the mount point of a volume that moves, if the gate's service is where it is.

        The common files come with the first gate of a server.
        """
        shared, program, started = module("gates", "listener"), module(self.folder, "gate"), self.started
        opened = File(f"{UNITS}/{self.socket_unit}", render(self.folder, self.socket_unit, socket=socket))
        text = render(self.folder, self.service_unit, program=started.path, **values)
        service = File(f"{UNITS}/{self.service_unit}", text)
        read = (shared, program, started, service, opened)
        there = any(shared in step.items for contribution in so_far for step in contribution.steps)
        return (
            *(() if there else (folder("gates"), shared)),
            folder(self.folder),
            program,
            started,
            opened,
            service,
            Unit(self.socket_unit, restart_on=(opened.path,)),
            Unit(self.service_unit, restart_on=tuple(file.path for file in read)),
            Ready(self.called, self.service_unit, Ask.COMMAND, argv=ask, volume=volume),
        )

"""Removal of files and units of an earlier plan; the agent finds them in its own records."""

from __future__ import annotations

from dataclasses import dataclass

from mailwiz_tui.stack import blueprint, layout
from mailwiz_tui.stack.blueprint import Command, Item, Step
from mailwiz_tui.stack.component import Component, Context, Contribution


@dataclass(frozen=True, slots=True)
class FormerUser:
    """A user that a version before made for a unit of another name, what that kept, and folders it may leave."""

    name: str
    state: str
    folders: tuple[str, ...]


FORMER_USERS = (
    FormerUser(
        "mailwiz-guard",
        "/var/lib/mailwiz-guard",
        (f"{layout.CONF_DIR}/guard", "/etc/systemd/system/mailwiz-guard.service.d"),
    ),
)
"""What the agent does not remember as its own; ``rate_limiter/take_over.py`` has copied what counts."""


class Leftovers(Component):
    """After everything that replaces them."""

    name = "leftovers"
    title = "removal of earlier choices"

    def wanted(self, context: Context) -> bool:
        """Every server."""
        return True

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """The agent's part first: no unit runs as a user that is to go."""
        items: tuple[Item, ...] = (blueprint.Leftovers(), *map(_without, FORMER_USERS))
        return Contribution(steps=(Step("leftovers", "Remove what left the plan", self.name, items),))


def _without(former: FormerUser) -> Command:
    """Removes a user with what its unit kept; folders in which something of the operator's is stay."""
    remove = (
        f"if getent passwd {former.name}; then userdel {former.name}; fi && rm -rf {former.state} && "
        f"for f in {' '.join(former.folders)}; do [ ! -e $f ] || rmdir --ignore-fail-on-non-empty $f; done"
    )
    gone = f"! getent passwd {former.name} >/dev/null && [ ! -e {former.state} ]"
    return Command(f"leftovers.{former.name}", ("sh", "-c", remove), unless=("sh", "-c", gone))

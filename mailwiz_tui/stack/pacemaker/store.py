"""The daemons and addresses of the store, which Pacemaker starts where the volume is."""

from __future__ import annotations

from dataclasses import dataclass

from mailwiz_tui.stack.blueprint import Ask, Command, File, Probe, Ready, Step, Unit
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.moving_store.component import UNIT as STORE_HERE
from mailwiz_tui.stack.pacemaker.component import FOLDER, LOAD, UNIT, voters_only
from mailwiz_tui.stack.render import render
from mailwiz_tui.topology.servers import client_addresses

_READY = "crm_attribute --node $(crm_node -n) --name mailwiz-ready"


@dataclass(frozen=True, slots=True)
class _Moving:
    """A resource: its id in Pacemaker, and a unit of systemd or an address."""

    id: str
    name: str = ""
    ip: str = ""


class StoreResources(Component):
    """What moves with the volume; from then on this server may take it over."""

    name = "store_resources"
    title = "take-over of the store"

    def wanted(self, context: Context) -> bool:
        """The servers among which the store moves."""
        return context.topology.mailboxes.moves and context.topology.mailboxes.here

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """Last but for the waits: the daemons of all steps on the volume, and then what says that they are here."""
        units = (
            item.name
            for contribution in so_far
            for step in contribution.steps
            if step.volume
            for item in step.items
            if isinstance(item, Unit) and item.running
        )
        store = render(
            "pacemaker",
            "store.xml",
            units=[
                _Moving(_id(name), name=_type(name))
                for name in sorted(dict.fromkeys(units), key=lambda name: name == STORE_HERE)
            ],
            addresses=[
                _Moving(f"address{number}", ip=address)
                for number, address in enumerate(client_addresses(context.plan), 1)
            ],
        )
        rules = render("pacemaker", "store-rules.xml", voters=list(voters_only(context)))
        step = Step(
            id="store_resources",
            title="Let Pacemaker move the store",
            component=self.name,
            items=(
                File(f"{FOLDER}/store.xml", store),
                File(f"{FOLDER}/store-rules.xml", rules),
                Command(
                    "store_resources.load",
                    (LOAD, "store"),
                    inputs=(f"{FOLDER}/store.xml", f"{FOLDER}/store-rules.xml"),
                ),
                Command(
                    "store_resources.ready",
                    ("sh", "-c", f"{_READY} --update yes"),
                    unless=("sh", "-c", f'[ "$({_READY} --query --quiet)" = yes ]'),
                ),
                Ready(
                    "the store",
                    UNIT,
                    Ask.COMMAND,
                    argv=("sh", "-c", "crm_resource --resource store --locate --quiet | grep -q ."),
                    limit=300,
                ),
            ),
            validators=(("xmllint", "--noout", f"{FOLDER}/store.xml", f"{FOLDER}/store-rules.xml"),),
        )
        return Contribution(
            steps=(step,),
            probes=(
                Probe(
                    id="cluster.store",
                    proves="the store runs on one of its servers",
                    argv=("crm_resource", "--resource", "store", "--locate"),
                    expect=r"is running on: \S+",
                    advice="crm_mon -1 shows why not; after mending it: crm_resource --refresh",
                ),
                Probe(
                    id="cluster.ready",
                    proves="this server may take the store over",
                    argv=("sh", "-c", f"{_READY} --query --quiet"),
                    expect=r"^yes",
                    advice="mailwiz-tui node return PLAN",
                ),
            ),
        )


def _id(unit: str) -> str:
    return "store-" + "".join(c if c.isalnum() else "-" for c in unit.removesuffix(".service"))


def _type(unit: str) -> str:
    """Pacemaker appends .service to a name without a suffix that it knows."""
    return unit.removesuffix(".service")
